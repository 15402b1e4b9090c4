"""Which questions point at a region, where it is, and what they say is there."""

from typing import get_args

import polars as pl

from provision_dagster.filters.region_text_config import RegionGenerator, RegionTextConfig
from provision_dagster.generators.schema import RAW_QA
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.schema import BOX

REGIONS: dict[str, pl.DataType] = {"id": pl.String(), "image_id": pl.String(), "box": BOX, "expression": pl.String()}
"""A question, its picture, the region in pixels of the upright picture, and what is said to be there."""

READ = ("id", "generator", "image_ids", "answer", "metadata", "evidence")
"""Columns of RAW_QA that say it."""

REGION_FAMILIES = ("qa_attribute", "qa_relation", "qa_segmentation")
"""Raw QA tables that hold questions about regions."""

_ATTRIBUTES = ("AttributeBBox", "TypedAttributeBBox")
_RELATIONS = ("RelationBBox",)

GENERATORS: tuple[str, ...] = get_args(RegionGenerator)
assert set(GENERATORS) == {*_ATTRIBUTES, *_RELATIONS, "SameObjectSeg", "DiffObjectSeg"}
assert set(READ) <= set(RAW_QA)


def regions_of(qa: pl.DataFrame, *, config: RegionTextConfig) -> pl.DataFrame:
    """List the questions that are scored, with their regions and expressions.

    What the answer claims is part of the expression, so that a wrong answer is as wrong of the region as a wrong box:
    "red car" for an attribute of the car in a box, "man riding horse" for the relation of two boxes, of which the
    region covers both, and "car" for a point on an object, whose box is the region.

    Parameters
    ----------
    qa
        Columns `READ` of RAW_QA.
    config
        `generators` and `min_side_px`: a question with a smaller box is not scored.

    Returns
    -------
    pl.DataFrame
        Schema REGIONS, sorted by id.
    """
    asked = qa.filter(pl.col("generator").is_in(config.generators) & (pl.col("image_ids").list.len() == 1))
    flat = asked.select(
        "id",
        "generator",
        "answer",
        pl.col("metadata").struct.field("objects", "attributes"),
        image_id=pl.col("image_ids").list.first(),
        boxes=pl.col("evidence").struct.field("boxes"),
    )
    needed = pl.when(pl.col("generator").is_in(_RELATIONS)).then(2).otherwise(1)
    whole = flat.filter((pl.col("boxes").list.len() >= needed) & (pl.col("objects").list.len() >= needed))
    pointed = whole.with_columns(boxes=pl.col("boxes").list.head(needed))
    large = pointed.filter(_shortest_side() >= config.min_side_px)
    found = large.select("id", "image_id", box=_covering(), expression=_expression(large))
    return found.drop_nulls().sort("id")


def _side(name: str) -> pl.Expr:
    return pl.element().struct.field(name)


def _shortest_side() -> pl.Expr:
    """Shorter side of the smallest box; null, and so left out, where a side is no number."""
    sides = [pl.col("boxes").list.eval(_side(end) - _side(start)).list for start, end in (("x1", "x2"), ("y1", "y2"))]
    shortest = pl.min_horizontal(side.min() for side in sides)
    return pl.when(pl.sum_horizontal(side.sum() for side in sides).is_finite()).then(shortest)


def _covering() -> pl.Expr:
    """Smallest box around all boxes."""
    low = [pl.col("boxes").list.eval(_side(name)).list.min().alias(name) for name in ("x1", "y1")]
    high = [pl.col("boxes").list.eval(_side(name)).list.max().alias(name) for name in ("x2", "y2")]
    return pl.struct(*low, *high)


def _expression(rows: pl.DataFrame) -> pl.Expr:
    """Noun phrase of what a question says of its region."""
    label, other = (pl.col("objects").list.get(place, null_on_oob=True) for place in (0, 1))
    follows = pl.col("attributes").list.eval(pl.element().is_in(_after_the_noun(rows))).list.any()
    described = (
        pl.when(follows)
        .then(pl.concat_str(label, pl.lit(" that is "), "answer"))
        .otherwise(pl.concat_str("answer", pl.lit(" "), label))
    )
    return (
        pl.when(pl.col("generator").is_in(_ATTRIBUTES))
        .then(described)
        .when(pl.col("generator").is_in(_RELATIONS))
        .then(pl.concat_str(label, pl.lit(" "), "answer", pl.lit(" "), other))
        .otherwise(label)
    )


def _after_the_noun(rows: pl.DataFrame) -> list[str]:
    """Attributes that cannot stand before a noun ("made of bricks")."""
    values = rows["attributes"].explode().drop_nulls().unique().sort()
    known = Lexicon.load().attributes(values)
    return known.filter(position="predicative")["attribute"].to_list()
