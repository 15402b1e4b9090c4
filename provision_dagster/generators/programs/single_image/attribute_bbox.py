"""AttributeBBox: which attributes the object in a box has."""

from functools import partial

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.attribute_options import answer_attributes, finish_attributes, leaks
from provision_dagster.generators.programs.common import boxed_objects, first_reason
from provision_dagster.generators.registry import Generator, Mentions, register


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per object that has an attribute."""
    held = answer_attributes(graphs, by=["img", "obj"])
    return held.join(boxed_objects(graphs), on=["img", "obj"]).select(
        "img",
        "obj",
        "label",
        "attributes",
        "box",
        "be",
        "do",
        first_reason(
            unknown_attribute=~pl.col("known_words"),
            unusable_label=~pl.col("usable"),
            contradicting_attributes=pl.col("contradicting"),
            box_prints_flat=pl.col("flat"),
            same_printed_box=pl.col("twin"),
            answer_in_label=leaks(label="label", attributes="attributes"),
        ),
    )


register(
    Generator(
        name="AttributeBBox",
        family="qa_attribute",
        version="1",
        key=("obj",),
        slots=("label", "box", "be", "do"),
        mentions=Mentions(objects=("label",), attributes=("attributes",)),
        candidates=candidates,
        finish=partial(finish_attributes, same_category=False),
    )
)
