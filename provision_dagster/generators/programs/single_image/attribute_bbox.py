"""AttributeBBox: which attributes the object in a box has."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.language import contains_word, join_list
from provision_dagster.generators.programs.attribute_options import answer_attributes, false_attributes, true_attribute
from provision_dagster.generators.programs.common import boxed_objects, first_reason
from provision_dagster.generators.registry import Draft, Generator, Mentions, Rules, register


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per object that has an attribute."""
    held = answer_attributes(graphs, by=["img", "obj"])
    leak = contains_word(pl.col("label"), pl.col("attributes").list.first())
    for place in (1, 2, 3):
        leak |= contains_word(pl.col("label"), pl.col("attributes").list.get(place, null_on_oob=True)).fill_null(False)
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
            answer_in_label=leak,
        ),
    )


def finish(graphs: Graphs, kept: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with all attributes; offer one of them beside values that contradict it."""
    rows = kept.with_columns(answer=join_list("attributes"), objs=pl.concat_list("obj"))
    rows = rows.join(true_attribute(graphs, rows), on="row", how="left")
    return Draft(rows, false_attributes(graphs, rows))


register(
    Generator(
        name="AttributeBBox",
        family="qa_attribute",
        version="1",
        key=("obj",),
        slots=("label", "box", "be", "do"),
        mentions=Mentions(objects=("label",), attributes=("attributes",)),
        candidates=candidates,
        finish=finish,
    )
)
