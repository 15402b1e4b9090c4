"""TypedAttributeBBox: which colour, material, ... the object in a box has."""

from functools import partial

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.attribute_options import answer_attributes, finish_attributes, leaks
from provision_dagster.generators.programs.common import boxed_objects, first_reason
from provision_dagster.generators.registry import Generator, Mentions, register


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per object and category of its attributes, except "other"."""
    held = answer_attributes(graphs, by=["img", "obj", "category"]).filter(pl.col("category") != "other")
    nouns = graphs.lexicon.categories().select("category", "noun", "askable")
    return (
        held.join(boxed_objects(graphs), on=["img", "obj"])
        .join(nouns, on="category", how="left")
        .select(
            "img",
            "obj",
            "category",
            "label",
            "attributes",
            "box",
            "be",
            "do",
            noun=pl.col("noun").fill_null(pl.col("category")),
            drop=first_reason(
                unknown_attribute=~pl.col("known_words"),
                unusable_label=~pl.col("usable"),
                category_not_askable=~pl.col("askable").fill_null(False),
                contradicting_attributes=pl.col("contradicting"),
                box_prints_flat=pl.col("flat"),
                same_printed_box=pl.col("twin"),
                answer_in_label=leaks(label="label", attributes="attributes"),
            ),
        )
    )


register(
    Generator(
        name="TypedAttributeBBox",
        family="qa_attribute",
        version="1",
        key=("obj", "category"),
        slots=("label", "box", "noun", "be", "do"),
        mentions=Mentions(objects=("label",), attributes=("attributes",)),
        candidates=candidates,
        finish=partial(finish_attributes, same_category=True),
    )
)
