"""Which boxes show one thing: by where they are, and by what they are called."""

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.normalize import normalized

SAME_IOU = 0.5
"""Overlap from which two boxes with names for one thing are taken for that thing (COCO's looser threshold)."""

WITHIN_GROUP = 0.5
"""Share of a box within a group's box ("several books") from which it is taken for one of the group."""

SIDES = ("x1", "y1", "x2", "y2")


def laid_out(found: pl.DataFrame, column: str) -> pl.DataFrame:
    """Lay out lists of label, box and score: one row each, with `place` in its list and all other columns."""
    some = found.filter(pl.col(column).list.len() > 0)
    flat = some.with_columns(place=pl.int_ranges(pl.col(column).list.len())).explode(column, "place")
    return flat.unnest(column).unnest("box").with_columns(normalized(pl.col("label")))


def overlap() -> pl.Expr:
    """Area that two boxes of a row share, in pixels: those of `x1` .. `y2` and of `x1_other` .. `y2_other`."""
    sides = (
        pl.min_horizontal(f"{axis}2", f"{axis}2_other") - pl.max_horizontal(f"{axis}1", f"{axis}1_other")
        for axis in ("x", "y")
    )
    width, height = (pl.max_horizontal(0.0, side) for side in sides)
    return width * height


def area(suffix: str = "") -> pl.Expr:
    """Area of a box of a row, in pixels."""
    x1, y1, x2, y2 = (pl.col(side + suffix) for side in SIDES)
    return (x2 - x1) * (y2 - y1)


def iou() -> pl.Expr:
    """Intersection over union of two boxes of a row."""
    return overlap() / (area() + area("_other") - overlap())


def known(found: pl.DataFrame, marked: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """Find what is marked already: the same box, or one within a group, under a name for the same thing.

    Parameters
    ----------
    found
        `row`, `place`, `label` and the sides of boxes.
    marked
        `row` and `objects`.

    Returns
    -------
    polars.DataFrame
        `row` and `place` of `found`.
    """
    objects = marked.select("row", "objects").filter(pl.col("objects").list.len() > 0).explode("objects")
    objects = objects.unnest("objects").unnest("box").select("row", "label", "is_group", *SIDES)
    pairs = found.select("row", "place", "label", *SIDES).join(objects, on="row", suffix="_other")
    names = alike(pl.concat([found["label"], objects["label"]]).unique().sort(), lexicon=lexicon)
    same = pairs.join(names, left_on=["label", "label_other"], right_on=["label", "other"], how="semi")
    of_group = pl.col("is_group").fill_null(value=False) & (overlap() / area() >= WITHIN_GROUP)
    return same.filter((iou() >= SAME_IOU) | of_group).select("row", "place").unique()


def alike(labels: pl.Series, *, lexicon: Lexicon) -> pl.DataFrame:
    """Ordered pairs [label, other] that may name one thing: equal, synonyms, or one the kind of the other."""
    equal = pl.DataFrame({"label": labels, "other": labels})
    implied = lexicon.implied_labels(labels).select("label", other="implied")
    turned = implied.select(label="other", other="label")
    return pl.concat([equal, lexicon.synonym_labels(labels).select("label", "other"), implied, turned]).unique()
