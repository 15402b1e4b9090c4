"""Annotators measured against annotated pictures, and single pictures annotated: what needs no Dagster."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from provision_dagster.annotate import Model, Progress, annotate_images, load_model
from provision_dagster.errors import InputError
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import ImageSetSpec
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig
from provision_dagster.scene_graphs.annotators.found import Detections, at_size, from_png
from provision_dagster.scene_graphs.annotators.parts import SIDES, openable
from provision_dagster.scene_graphs.annotators.quality import DetectionQuality, depth_agreement, detection_quality
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.pixels import read_depth

EVERY_SCORE = 0.01
"""Average precision looks at all detections; a threshold only cuts its curve short."""


@dataclass(frozen=True)
class Measured:
    """How good the annotators are on one image set.

    Attributes
    ----------
    pictures
        That could be opened.
    detections
        None without a detector or without marked objects.
    depth
        One row per picture with known depth: `image_key`, `spearman` (null where one map is flat). Empty without.
    models
        Model and speed of each: `table`, `model`, `pictures`, `failed`, `seconds`, `images_per_second`.
    """

    pictures: int
    detections: DetectionQuality | None
    depth: pl.DataFrame
    models: pl.DataFrame

    @property
    def spearman(self) -> float | None:
        """Mean over the pictures with known depth."""
        mean = self.depth["spearman"].mean()
        return float(mean) if isinstance(mean, float) else None

    def summary(self) -> dict[str, Any]:
        """Return the figures as they are written to `quality.json`."""
        found = self.detections
        return {
            "pictures": self.pictures,
            "detections": None if found is None else {"ap": found.ap, "ap50": found.ap50},
            "depth": None if self.spearman is None else {"spearman": self.spearman, "pictures": self.depth.height},
            "models": self.models.to_dicts(),
        }


def evaluate(spec: ImageSetSpec, annotators: AnnotatorsConfig, *, progress: Progress | None = None) -> Measured:
    """Run annotators over an annotated image set and compare.

    Raises
    ------
    InputError
        When the image set has no picture that can be opened, or nothing to compare with, or weights are unusable.
    """
    read = ingest_image_set(spec)
    images = inspect_images(read.sources)
    opened = openable(images)
    if opened.is_empty():
        raise InputError(f"image set `{spec.name}` has no picture that can be opened; give its folder of pictures")
    truth = _with_sizes(read.annotations, opened)
    models: list[dict[str, Any]] = []
    boxes = _detections(truth, opened, annotators, models, progress)
    depth = _depth(truth, opened, annotators, models, progress)
    if boxes is None and depth.is_empty():
        raise InputError(
            f"image set `{spec.name}` has neither objects nor depth maps that the configured models could be compared "
            "with; annotators: `detections` needs marked objects, `depth_maps` needs depth files"
        )
    return Measured(opened.height, boxes, depth, pl.DataFrame(models))


def _with_sizes(annotations: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    """Annotations of the pictures that can be opened, with the pictures' sizes."""
    key = ["image_set", "image_key"]
    return annotations.drop("width", "height").join(images.select(*key, "width", "height"), on=key)


def _run(model: Model, images: pl.DataFrame, models: list[dict[str, Any]], progress: Progress | None) -> pl.DataFrame:
    rows, work = annotate_images(model, images, progress=progress)
    models.append(
        {
            "table": model.table,
            "model": model.name,
            "pictures": work.pictures,
            "failed": work.failed,
            "seconds": round(work.seconds, 2),
            "images_per_second": round(work.pictures / work.seconds, 1),
        }
    )
    return rows


def _detections(
    truth: pl.DataFrame,
    images: pl.DataFrame,
    annotators: AnnotatorsConfig,
    models: list[dict[str, Any]],
    progress: Progress | None,
) -> DetectionQuality | None:
    if annotators.detections is None or not truth["objects"].list.len().sum():
        return None
    every = annotators.detections.model_copy(update={"score_threshold": EVERY_SCORE})
    model = load_model("detections", annotators.model_copy(update={"detections": every}))
    assert model is not None
    rows = _run(model, images.join(truth, on=["image_set", "image_key"], how="semi"), models, progress)
    return detection_quality(truth, {key: _found(things) for key, things in rows.select("image_key", "objects").rows()})


def _found(things: list[dict[str, Any]]) -> Detections:
    boxes = [[thing["box"][side] for side in SIDES] for thing in things]
    return Detections(
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
        [thing["label"] for thing in things],
        np.array([thing["score"] for thing in things], dtype=np.float64),
    )


def _depth(
    truth: pl.DataFrame,
    images: pl.DataFrame,
    annotators: AnnotatorsConfig,
    models: list[dict[str, Any]],
    progress: Progress | None,
) -> pl.DataFrame:
    known = truth.filter(pl.col("depth_uri").is_not_null())
    model = load_model("depth_maps", annotators) if known.height else None
    rows = []
    if model is not None:
        chosen = images.join(known, on=["image_set", "image_key"], how="semi")
        made = _run(model, chosen, models, progress).filter(pl.col("closeness").is_not_null())
        both = known.join(made.select("image_key", "closeness"), on="image_key")
        for row in both.select("image_key", "width", "height", "depth_uri", "closeness").iter_rows(named=True):
            size = {"width": row["width"], "height": row["height"]}
            depth = read_depth(row["depth_uri"], **size).astype(np.float64)
            agreement = depth_agreement(depth, at_size(from_png(row["closeness"]), **size))
            rows.append((row["image_key"], None if math.isnan(agreement) else agreement))
    return pl.DataFrame(rows, schema={"image_key": pl.String, "spearman": pl.Float64}, orient="row")


def write_quality(measured: Measured, out: Path) -> list[Path]:
    """Write `quality.json` and, by what was measured, `detections_by_label.parquet` and `depth_by_picture.parquet`."""
    out.mkdir(parents=True, exist_ok=True)
    files = [out / "quality.json"]
    files[0].write_text(json.dumps(measured.summary(), indent=1) + "\n", encoding="utf-8")
    if measured.detections is not None:
        files.append(out / "detections_by_label.parquet")
        measured.detections.by_label.write_parquet(files[-1])
    if measured.depth.height:
        files.append(out / "depth_by_picture.parquet")
        measured.depth.write_parquet(files[-1])
    return files
