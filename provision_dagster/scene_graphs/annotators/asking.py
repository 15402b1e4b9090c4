"""What models are asked about: objects without attributes, and pairs of objects without a relation.

A human's word is not asked for again: neither are objects that have attributes, pairs that are related, nor pictures
of which all attributes or all relations are listed.
"""

import hashlib
from collections.abc import Iterator
from typing import Annotated

import polars as pl
from pydantic import Field

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.base_config import AnnotatorConfig
from provision_dagster.scene_graphs.completion import objects_of, related_places
from provision_dagster.scene_graphs.schema import BOX

KEY = ["image_set", "image_key"]
SIDES = ("x1", "y1", "x2", "y2")

PICTURES_AT_ONCE = 256
"""Pictures whose pairs are looked at together: bounds memory, for pairs grow with the square of the objects."""

ONE_THING_IOU = 0.5
"""Overlap from which two boxes with related names are taken for one thing, which has no relation to itself."""


class ObjectLimits(AnnotatorConfig):
    """Which objects of a picture a model is asked about."""

    least_side: Annotated[float, Field(ge=0)] = 16
    """Pixels of the shorter side of a box, below which little can be seen in it."""
    most_objects: Annotated[int, Field(ge=1)] = 16
    """Objects per picture at most, the largest first."""


class PairLimits(AnnotatorConfig):
    """Which pairs of objects of a picture a model is asked about."""

    least_side: Annotated[float, Field(ge=0)] = 16
    """Pixels of the shorter side of either box, below which little can be seen in it."""
    reach: Annotated[float, Field(ge=0)] = 0.25
    """How far apart boxes may be, in mean diagonals of the two; 0: they touch. 0.25 keeps 92 % of the pairs that humans
    related in Visual Genome, and 39 % of all."""
    most_pairs: Annotated[int, Field(ge=1)] = 16
    """Pairs per picture at most: those that overlap most first, then the nearest."""


def objects_to_describe(images: pl.DataFrame, marked: pl.DataFrame, *, limits: ObjectLimits) -> pl.DataFrame:
    """
    Add to pictures the objects whose attributes a model is asked for, the largest first.

    Parameters
    ----------
    images
        Schema IMAGES.
    marked
        Schema ANNOTATIONS: objects of humans and models. Groups are not asked about: an attribute need not hold for
        all of one.

    Returns
    -------
    polars.DataFrame
        `images` with `prompts` (list of id, label and box in pixels) and `asked` (digest of these).
    """
    silent = marked.filter(~pl.col("exhaustive_attributes").fill_null(value=False))
    bare = _things(images, silent, least_side=limits.least_side).filter(pl.col("attributes").list.len() == 0)
    chosen = bare.sort("row", -pl.col("area"), "place").group_by("row", maintain_order=True).head(limits.most_objects)
    return asked_of(images, prompts=_prompts(chosen))


def pairs_to_relate(
    images: pl.DataFrame, marked: pl.DataFrame, *, lexicon: Lexicon, limits: PairLimits
) -> pl.DataFrame:
    """
    Add to pictures the pairs of objects whose relation a model is asked for.

    Two objects are a pair once: the smaller one is the subject, since things are mostly said to be on, in or behind
    what is larger; but who acts is the subject of what is acted on: a person or an animal comes first. Humans chose
    the same subject in 77 % of the relations of Visual Genome (80 % in GQA, without left and right).

    Parameters
    ----------
    images
        Schema IMAGES.
    marked
        Schema ANNOTATIONS: objects of humans and models. Groups are not asked about.
    lexicon
        Tells who acts, and which names may be those of one thing: two boxes of it are no pair.

    Returns
    -------
    polars.DataFrame
        `images` with `prompts` (list of id, label and box in pixels: the objects of the pairs), `pairs` (list of the
        ids of `subject` and `object`) and `asked` (digest of these).
    """
    silent = marked.filter(~pl.col("exhaustive_relations").fill_null(value=False))
    things = _things(images, silent, least_side=limits.least_side)
    actors = lexicon.animate_labels(things["label"].unique().sort())
    things = things.with_columns(acts=pl.col("label").is_in(actors.implode()))
    names = lexicon.related_labels(things["label"].unique().sort())
    related = related_places(_rows(images).join(silent.select(*KEY, "relations"), on=KEY))
    found = [_pairs(part, related=related, names=names, limits=limits) for part in _by_pictures(things)]
    chosen = pl.concat([pl.DataFrame(schema=_PAIR), *found])
    ends = pl.concat([chosen.select("row", place="subject"), chosen.select("row", place="object")])
    inside = things.join(ends, on=["row", "place"], how="semi").sort("row", "place")
    lists = chosen.group_by("row", maintain_order=True).agg(pairs=pl.struct(subject="subject_id", object="object_id"))
    return asked_of(images, prompts=_prompts(inside), pairs=lists)


_PAIR: dict[str, pl.DataType] = {
    "row": pl.UInt32(),
    "subject": pl.UInt32(),
    "object": pl.UInt32(),
    "subject_id": pl.String(),
    "object_id": pl.String(),
}

_ASKED: dict[str, pl.DataType] = {
    "prompts": pl.List(pl.Struct({"id": pl.String(), "label": pl.String(), "box": BOX})),
    "pairs": pl.List(pl.Struct({"subject": pl.String(), "object": pl.String()})),
}


def asked_of(images: pl.DataFrame, **lists: pl.DataFrame) -> pl.DataFrame:
    """Add columns of lists to pictures by their row number, empty where there is none, and a digest of them."""
    joined = images.with_row_index("row")
    for name, frame in lists.items():
        typed = frame.select("row", pl.col(name).cast(_ASKED[name]))
        joined = joined.join(typed, on="row", how="left", maintain_order="left")
    filled = joined.drop("row").with_columns(pl.col(*lists).fill_null([]))
    texts = filled.select(pl.struct(*lists).struct.json_encode()).to_series()
    digests = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    return filled.with_columns(pl.Series("asked", digests, dtype=pl.String))


def _things(images: pl.DataFrame, marked: pl.DataFrame, *, least_side: float) -> pl.DataFrame:
    """One row per object that is large enough and no group, cut at the edges of its picture (`row`)."""
    rows = _rows(images)
    flat = objects_of(rows.join(marked.select(*KEY, "objects"), on=KEY, maintain_order="left"))
    flat = flat.join(rows.select("row", "w", "h"), on="row", maintain_order="left")
    ends = zip(SIDES, ("w", "h", "w", "h"), strict=True)
    cut = flat.unnest("box").with_columns(pl.col(side).clip(0, pl.col(end)) for side, end in ends)
    wide, high = pl.col("x2") - pl.col("x1"), pl.col("y2") - pl.col("y1")
    large = (pl.min_horizontal(wide, high) >= least_side) & (wide > 0) & (high > 0)
    seen = cut.filter(large & ~pl.col("is_group").fill_null(value=False))
    return seen.select("row", "place", "id", "label", *SIDES, "attributes", area=wide * high)


def _rows(images: pl.DataFrame) -> pl.DataFrame:
    """Number pictures: columns `row`, the key, and the sides `w` and `h` in pixels."""
    return images.with_row_index("row").select("row", *KEY, w="width", h="height")


def _prompts(things: pl.DataFrame) -> pl.DataFrame:
    """Objects of each picture as a list, in their order: columns `row`, `prompts`."""
    return things.group_by("row", maintain_order=True).agg(prompts=pl.struct("id", "label", box=pl.struct(*SIDES)))


def _by_pictures(things: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Objects of `PICTURES_AT_ONCE` pictures at a time."""
    group = pl.col("row") // PICTURES_AT_ONCE
    yield from things.with_columns(group.alias("group")).partition_by("group", maintain_order=True, include_key=False)


def _pairs(things: pl.DataFrame, *, related: pl.DataFrame, names: pl.DataFrame, limits: PairLimits) -> pl.DataFrame:
    """Pairs that are asked about, in order: columns of `_PAIR`."""
    both = things.join(things, on="row", suffix="_b").filter(pl.col("place") < pl.col("place_b"))
    both = both.join(related, left_on=["row", "place", "place_b"], right_on=["row", "place", "other"], how="anti")
    both = both.with_columns(_gap().alias("gap"), _apart().alias("apart"), _iou().alias("iou"))
    near = both.filter(pl.col("gap") <= limits.reach)
    over = near.filter(pl.col("iou") >= ONE_THING_IOU)
    other_name = over.join(names, left_on=["label", "label_b"], right_on=["label", "other"], how="semi")
    one = pl.concat([over.filter(pl.col("label") == pl.col("label_b")), other_name])
    several = near.join(one, on=["row", "place", "place_b"], how="anti")
    chosen = several.sort("row", -pl.col("iou"), "gap", "apart", "place", "place_b").group_by(
        "row", maintain_order=True
    )
    first = chosen.head(limits.most_pairs)
    columns = ["row", *_ends("place", "subject", "object"), *_ends("id", "subject_id", "object_id")]
    return first.select(columns).select(pl.col(name).cast(dtype) for name, dtype in _PAIR.items())


def _ends(column: str, subject: str, other: str) -> list[pl.Expr]:
    """Values of the column for the subject and the object of each pair."""
    acts, acts_b = pl.col("acts"), pl.col("acts_b")
    first = pl.when(acts != acts_b).then(acts).otherwise(pl.col("area") <= pl.col("area_b"))
    own, its = pl.col(column), pl.col(f"{column}_b")
    return [
        pl.when(first).then(own).otherwise(its).alias(subject),
        pl.when(first).then(its).otherwise(own).alias(other),
    ]


def _shared(axis: str) -> pl.Expr:
    """Length that both boxes cover on an axis; negative: how far apart they are on it."""
    return pl.min_horizontal(f"{axis}2", f"{axis}2_b") - pl.max_horizontal(f"{axis}1", f"{axis}1_b")


def _mean_diagonal() -> pl.Expr:
    lengths = [
        ((pl.col(f"x2{b}") - pl.col(f"x1{b}")).pow(2) + (pl.col(f"y2{b}") - pl.col(f"y1{b}")).pow(2)).sqrt()
        for b in ("", "_b")
    ]
    return (lengths[0] + lengths[1]) / 2


def _gap() -> pl.Expr:
    """Distance between the two boxes, 0 where they touch, in their mean diagonals."""
    across, down = (_shared(axis).neg().clip(0) for axis in ("x", "y"))
    return (across.pow(2) + down.pow(2)).sqrt() / _mean_diagonal()


def _apart() -> pl.Expr:
    """Distance between the middles of the two boxes, in their mean diagonals."""
    across, down = (
        (pl.col(f"{axis}1") + pl.col(f"{axis}2") - pl.col(f"{axis}1_b") - pl.col(f"{axis}2_b")) / 2
        for axis in ("x", "y")
    )
    return (across.pow(2) + down.pow(2)).sqrt() / _mean_diagonal()


def _iou() -> pl.Expr:
    both = _shared("x").clip(0) * _shared("y").clip(0)
    return both / (pl.col("area") + pl.col("area_b") - both)
