"""TypedAttributeBBox: which colour, material, ... the object in a box has."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.language import contains_word, join_list
from provision_dagster.generators.programs.attribute_options import answer_attributes, false_attributes, true_attribute
from provision_dagster.generators.programs.common import boxed_objects, first_reason
from provision_dagster.generators.registry import Draft, Generator, Mentions, Rules, register


def candidates(graphs: Graphs) -> pl.DataFrame:
    """One per object and category of its attributes, except "other"."""
    held = answer_attributes(graphs, by=["img", "obj", "category"]).filter(pl.col("category") != "other")
    nouns = graphs.lexicon.categories().select("category", "noun", "askable")
    values = pl.col("attributes")
    leak = contains_word(pl.col("label"), values.list.first())
    for place in (1, 2):
        leak |= contains_word(pl.col("label"), values.list.get(place, null_on_oob=True)).fill_null(False)
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
                answer_in_label=leak,
            ),
        )
    )


def finish(graphs: Graphs, kept: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with the object's values of the category; options are of the same category."""
    rows = kept.with_columns(answer=join_list("attributes"), objs=pl.concat_list("obj"))
    rows = rows.join(true_attribute(graphs, rows), on="row", how="left")
    return Draft(rows, false_attributes(graphs, rows, same_category=True))


register(
    Generator(
        name="TypedAttributeBBox",
        family="qa_attribute",
        version="1",
        key=("obj", "category"),
        slots=("label", "box", "noun", "be", "do"),
        mentions=Mentions(objects=("label",), attributes=("attributes",)),
        candidates=candidates,
        finish=finish,
    )
)
