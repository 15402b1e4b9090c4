"""Tables of what models found, made in parts: a part is what is lost at most when a run is killed."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from provision_dagster.image_sets.schema import USABLE_STATUSES
from provision_dagster.scene_graphs.annotators.feeding import Outcome, Place, Work, annotate_all
from provision_dagster.scene_graphs.annotators.found import (
    DepthEstimator,
    Detections,
    Detector,
    MaskMaker,
    Masks,
    Pixels,
    Prompted,
    to_png,
)
from provision_dagster.scene_graphs.annotators.schema import SCHEMAS
from provision_dagster.scene_graphs.annotators.steps import steps_of
from provision_dagster.scene_graphs.mask_places import mask_file
from provision_dagster.scene_graphs.rle import encode_mask

SIDES = ("x1", "y1", "x2", "y2")
PART = 64
"""Pictures of one part."""


@dataclass(frozen=True)
class Part:
    """Pictures that are annotated and committed together: rows of IMAGES that can be opened."""

    number: str
    images: pl.DataFrame


def openable(images: pl.DataFrame) -> pl.DataFrame:
    """Rows of IMAGES that a model can look at: with pixels and without a fault."""
    return images.filter(pl.col("status").is_in(USABLE_STATUSES) & pl.col("uri").is_not_null())


def parts_of(images: pl.DataFrame, *, size: int = PART) -> list[Part]:
    """Cut the pictures of a shard that can be opened into parts, in their order.

    Parameters
    ----------
    images
        Schema IMAGES; pictures without pixels or with a fault are left out.
    """
    usable = openable(images)
    frames = [usable.slice(at, size) for at in range(0, usable.height, size)]
    return [Part(f"{number:05d}", frame) for number, frame in enumerate(frames)]


def detect(part: Part, *, annotator: Detector, config: str, batch: int, work: Work) -> pl.DataFrame:
    """Find the objects of a part's pictures; schema DETECTIONS, one row per picture, in their order."""
    found = _run(
        part, annotator, batch=batch, work=work, kept=lambda row, one: (_objects(one), _objects(one.weak), _tags(one))
    )
    nothing: tuple[Any, ...] = ([], [], None)
    rows = [one.found or nothing for one in found]
    objects, weak, tags = ([row[side] for row in rows] for side in range(3))
    also = {"weak": weak, "tags": tags}
    return table_of(part, "detections", "objects", objects, found, model=annotator.model, config=config, also=also)


def estimate_depth(part: Part, *, annotator: DepthEstimator, config: str, batch: int, work: Work) -> pl.DataFrame:
    """Map the closeness of a part's pictures; schema DEPTH_MAPS, one row per picture, in their order."""
    found = _run(part, annotator, batch=batch, work=work, kept=lambda row, one: to_png(one))
    maps = [one.found for one in found]
    return table_of(part, "depth_maps", "closeness", maps, found, model=annotator.model, config=config)


def cut_out(part: Part, *, annotator: MaskMaker, config: str, batch: int, work: Work) -> pl.DataFrame:
    """Cut out the objects of a part's pictures; schema MASKS, one row per picture, in their order.

    The part's images have the columns `prompts` (list of id and box) and `asked` (see `prompts_of`).
    """
    prompts = part.images["prompts"].to_list()

    def given(row: int, picture: Pixels) -> Prompted:
        boxes = [[prompt["box"][side] for side in SIDES] for prompt in prompts[row]]
        return Prompted(picture, np.array(boxes, dtype=np.float64).reshape(-1, 4))

    def kept(row: int, found: Masks) -> list[dict[str, Any]]:
        return _masks(found, prompts[row], least=annotator.least)

    outcomes = annotate_all(places_of(part.images), steps_of(annotator), batch=batch, given=given, kept=kept, work=work)
    found = sorted(outcomes, key=lambda one: one.row)
    masks = [one.found or [] for one in found]
    return table_of(part, "masks", "masks", masks, found, model=annotator.model, config=config)


def prompts_of(images: pl.DataFrame, marked: pl.DataFrame) -> pl.DataFrame:
    """
    Add to pictures the boxes of their objects that have no mask.

    Parameters
    ----------
    images
        Schema IMAGES.
    marked
        Schema ANNOTATIONS: objects of humans and models, those of a mask file first.

    Returns
    -------
    polars.DataFrame
        `images` with `prompts` (list of id and box) and `asked` (digest of these).
    """
    count = mask_file(pl.col("mask_uri"), objects=pl.col("objects").list.len())[1].list.len()
    of_file = pl.when(pl.col("mask_uri").is_not_null()).then(count).otherwise(0).alias("of_file")
    objects = marked.select("image_set", "image_key", "objects", of_file).filter(pl.col("objects").list.len() > 0)
    flat = objects.with_columns(place=pl.int_ranges(pl.col("objects").list.len())).explode("objects", "place")
    thing = pl.col("objects").struct
    bare = flat.filter(thing.field("mask_rle").is_null() & (pl.col("place") >= pl.col("of_file")))
    lists = bare.group_by("image_set", "image_key", maintain_order=True).agg(
        prompts=pl.struct(thing.field("id"), thing.field("box"))
    )
    joined = images.join(lists, on=["image_set", "image_key"], how="left", maintain_order="left")
    joined = joined.with_columns(pl.col("prompts").fill_null([]))
    texts = joined.select(pl.struct("prompts").struct.json_encode()).to_series()
    digests = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts]
    return joined.with_columns(pl.Series("asked", digests, dtype=pl.String))


def _masks(found: Masks, prompts: Sequence[dict[str, Any]], *, least: float) -> list[dict[str, Any]]:
    return [
        {"id": prompt["id"], "mask_rle": encode_mask(np.asfortranarray(mask, dtype=np.uint8)), "score": float(score)}
        for prompt, mask, score in zip(prompts, found.masks, found.scores, strict=True)
        if mask.any() and score >= least
    ]


def _run(
    part: Part,
    annotator: Detector | DepthEstimator,
    *,
    batch: int,
    work: Work,
    kept: Callable[[int, Any], Any],
) -> list[Outcome[Any]]:
    steps = steps_of(annotator)
    outcomes = annotate_all(places_of(part.images), steps, batch=batch, bucket=annotator.bucket, kept=kept, work=work)
    return sorted(outcomes, key=lambda one: one.row)


def places_of(images: pl.DataFrame) -> Iterator[Place]:
    """Where the pictures of a part are."""
    for row, (uri, member) in enumerate(images.select("uri", "member").iter_rows()):
        yield Place(row, uri, member)


def _objects(found: Detections | None) -> list[dict[str, Any]]:
    if found is None:
        return []
    return [
        {"label": label, "box": dict(zip(SIDES, box, strict=True)), "score": score}
        for label, box, score in zip(found.labels, found.boxes.tolist(), found.scores.tolist(), strict=True)
    ]


def _tags(found: Detections) -> list[dict[str, Any]] | None:
    return None if found.tags is None else [{"label": tag.label, "score": tag.score} for tag in found.tags]


def table_of(
    part: Part,
    table: str,
    column: str,
    values: Sequence[Any],
    found: Sequence[Outcome[Any]],
    *,
    model: str,
    config: str,
    also: Mapping[str, Sequence[Any]] | None = None,
) -> pl.DataFrame:
    """Make the rows of a table: one per picture of the part, with what was found in the given column, and in others."""
    schema = SCHEMAS[table]
    kept = [name for name in schema if name in part.images.columns and name != "error"]
    rows = part.images.select(kept).with_columns(
        *(pl.Series(name, rows, dtype=schema[name]) for name, rows in {column: values, **(also or {})}.items()),
        pl.Series("error", [one.error for one in found], dtype=pl.String),
        part=pl.lit(part.number),
        model=pl.lit(model),
        config=pl.lit(config),
    )
    return rows.select(list(schema))
