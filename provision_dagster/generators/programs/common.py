"""Pieces that several generators share."""

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.language import agree, box_text

UNCLEAR_LABEL = {
    "group_box": pl.col("group_present"),
    "related_label_present": pl.col("ambiguous"),
    "part_of_annotated_whole": pl.col("whole_present"),
    "box_marked_twice": pl.col("doubled"),
}
"""What makes a count of a label unprovable (T5), by reason; reads the flags of `Graphs.labels`."""


def first_reason(**rules: pl.Expr) -> pl.Expr:
    """Name the first rule whose expression is true, else null: the column `drop` of candidates."""
    reasons = [pl.when(broken).then(pl.lit(reason)) for reason, broken in rules.items()]
    return pl.coalesce(*reasons, pl.lit(None, dtype=pl.String)).alias("drop")


def boxed_objects(graphs: Graphs) -> pl.DataFrame:
    """Objects with their printed box and agreement slots, and `twin`: another object prints the same box (T1)."""
    printed = graphs.objects.with_columns(box=box_text())
    verbs = graphs.labels.select("img", "label", "plural_verb", "usable")
    empty = (
        pl.col("box").str.split(", ").list.get(0).str.strip_chars("[") == pl.col("box").str.split(", ").list.get(2)
    ) | (pl.col("box").str.split(", ").list.get(1) == pl.col("box").str.split(", ").list.get(3).str.strip_chars("]"))
    return (
        printed.with_columns(twin=pl.len().over("img", "box") > 1, flat=empty)
        .join(verbs, on=["img", "label"])
        .with_columns(
            be=agree("plural_verb", singular="is", plural_form="are"),
            do=agree("plural_verb", singular="does", plural_form="do"),
        )
        .select("img", "obj", "label", "box", "twin", "flat", "be", "do", "usable")
    )


def word_counts(graphs: Graphs, *, kind: str) -> pl.DataFrame:
    """Words of one kind with their frequency in the image set: columns `option` and `weight`."""
    words = graphs.vocabulary.filter(kind=kind)
    return words.group_by(option="value").agg(weight=pl.col("count").sum()).sort("option")
