"""How often labels, attributes and predicates occur: the profile of an image set."""

import polars as pl

from provision_dagster.scene_graphs.schema import VOCABULARY


def count_vocabulary(annotations: pl.DataFrame) -> pl.DataFrame:
    """
    Count labels, attributes by label, predicates by the labels at both ends, and how many a label has in an image.

    Parameters
    ----------
    annotations
        Columns `image_set`, `objects` and `relations` of ANNOTATIONS or SCENE_GRAPHS.

    Returns
    -------
    polars.DataFrame
        Schema VOCABULARY, sorted by image set, kind, value and context.
    """
    rows = annotations.select("image_set", "objects", "relations").with_row_index("row")
    objects = _exploded(rows, "objects")
    labels = objects.select("row", pl.int_range(pl.len(), dtype=pl.UInt32).over("row").alias("place"), "label")
    counts = [
        _count(objects, kind="label", value=pl.col("label"), context=pl.lit("")),
        _count(
            objects.filter(pl.col("attributes").list.len() > 0).explode("attributes"),
            kind="attribute",
            value=pl.col("attributes"),
            context=pl.col("label"),
        ),
        _count(
            _relations(rows, labels),
            kind="predicate",
            value=pl.col("predicate"),
            context=pl.format("{}\t{}", "label", "label_object"),
        ),
        _count(
            objects.group_by("image_set", "row", "label").len("n"),
            kind="count",
            value=pl.col("n").cast(pl.String),
            context=pl.lit(""),
        ),
    ]
    return pl.concat(counts).sort("image_set", "kind", "value", "context")


def _exploded(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    some = rows.filter(pl.col(column).list.len() > 0)
    return some.select("row", "image_set", column).explode(column).unnest(column)


def _relations(rows: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    relations = _exploded(rows, "relations")
    with_subject = relations.join(labels, left_on=["row", "subject"], right_on=["row", "place"])
    return with_subject.join(labels, left_on=["row", "object"], right_on=["row", "place"], suffix="_object")


def _count(rows: pl.DataFrame, *, kind: str, value: pl.Expr, context: pl.Expr) -> pl.DataFrame:
    named = rows.select("image_set", pl.lit(kind).alias("kind"), value.alias("value"), context.alias("context"))
    counted = named.group_by("image_set", "kind", "value", "context").agg(pl.len().alias("count"))
    return counted.select(pl.col(name).cast(dtype) for name, dtype in VOCABULARY.items())
