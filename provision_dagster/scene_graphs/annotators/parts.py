"""Tables of what models found, made in parts: a part is what is lost at most when a run is killed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from provision_dagster.image_sets.schema import USABLE_STATUSES
from provision_dagster.scene_graphs.annotators.feeding import Outcome, Place, Work, annotate_all
from provision_dagster.scene_graphs.annotators.found import DepthEstimator, Detections, Detector, to_png
from provision_dagster.scene_graphs.schema import BOX

PART = 64
"""Pictures of one part."""

_PICTURE: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "part": pl.String(),  # "00000", "00001", ...: committed one by one
    "image_set": pl.String(),
    "image_key": pl.String(),
    "image_id": pl.String(),
}
_MADE_BY: dict[str, pl.DataType] = {
    "model": pl.String(),  # model and revision
    "config": pl.String(),  # thresholds, prompts and the rest of the annotator's configuration, as JSON
    "error": pl.String(),  # why nothing was found; null when the model was run
}

DETECTIONS: dict[str, pl.DataType] = {
    **_PICTURE,
    "objects": pl.List(pl.Struct({"label": pl.String(), "box": BOX, "score": pl.Float64()})),  # best first
    **_MADE_BY,
}

DEPTH_MAPS: dict[str, pl.DataType] = {
    **_PICTURE,
    # 16-bit grey PNG at the model's own resolution, covering the whole picture; larger = closer
    "closeness": pl.Binary(),
    **_MADE_BY,
}


@dataclass(frozen=True)
class Part:
    """Pictures that are annotated and committed together: rows of IMAGES that can be opened."""

    number: str
    images: pl.DataFrame


def parts_of(images: pl.DataFrame, *, size: int = PART) -> list[Part]:
    """Cut the pictures of a shard that can be opened into parts, in their order.

    Parameters
    ----------
    images
        Schema IMAGES; pictures without pixels or with a fault are left out.
    """
    usable = images.filter(pl.col("status").is_in(USABLE_STATUSES) & pl.col("uri").is_not_null())
    frames = [usable.slice(at, size) for at in range(0, usable.height, size)]
    return [Part(f"{number:05d}", frame) for number, frame in enumerate(frames)]


def detect(part: Part, *, annotator: Detector, config: str, batch: int, work: Work) -> pl.DataFrame:
    """Find the objects of a part's pictures; schema DETECTIONS, one row per picture, in their order."""
    found = _run(part, annotator, batch=batch, work=work)
    return _table(part, "objects", [_objects(one) for one in found], found, model=annotator.model, config=config)


def estimate_depth(part: Part, *, annotator: DepthEstimator, config: str, batch: int, work: Work) -> pl.DataFrame:
    """Map the closeness of a part's pictures; schema DEPTH_MAPS, one row per picture, in their order."""
    found = _run(part, annotator, batch=batch, work=work)
    maps = [None if one.found is None else to_png(one.found) for one in found]
    return _table(part, "closeness", maps, found, model=annotator.model, config=config)


def _run(part: Part, annotator: Detector | DepthEstimator, *, batch: int, work: Work) -> list[Outcome[Any]]:
    model: Callable[[list[Any]], list[Any]] = annotator.annotate
    outcomes = annotate_all(_places(part.images), model, batch=batch, bucket=annotator.bucket, work=work)
    return sorted(outcomes, key=lambda one: one.row)


def _places(images: pl.DataFrame) -> Iterator[Place]:
    for row, (uri, member) in enumerate(images.select("uri", "member").iter_rows()):
        yield Place(row, uri, member)


def _objects(one: Outcome[Detections]) -> list[dict[str, Any]]:
    if one.found is None:
        return []
    sides = ("x1", "y1", "x2", "y2")
    return [
        {"label": label, "box": dict(zip(sides, box, strict=True)), "score": score}
        for label, box, score in zip(one.found.labels, one.found.boxes.tolist(), one.found.scores.tolist(), strict=True)
    ]


def _table(
    part: Part, column: str, values: Sequence[Any], found: Sequence[Outcome[Any]], *, model: str, config: str
) -> pl.DataFrame:
    schema = DETECTIONS if column == "objects" else DEPTH_MAPS
    rows = part.images.select("shard", "image_set", "image_key", "image_id").with_columns(
        pl.Series(column, values, dtype=schema[column]),
        pl.Series("error", [one.error for one in found], dtype=pl.String),
        part=pl.lit(part.number),
        model=pl.lit(model),
        config=pl.lit(config),
    )
    return rows.select(list(schema))
