"""Annotators measured against annotated pictures: what needs no Dagster."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.annotate import Progress, annotate_images, load_model
from provision_dagster.errors import InputError
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import ImageSetSpec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig
from provision_dagster.scene_graphs.annotators.parts import openable
from provision_dagster.scene_graphs.annotators.quality import DetectionQuality, Quality, measure
from provision_dagster.scene_graphs.annotators.quality.depth import BY_PICTURE
from provision_dagster.scene_graphs.annotators.quality.plots import plot_quality
from provision_dagster.scene_graphs.annotators.quality.questions import ask_attributes, ask_masks, ask_relations
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.schema import ANNOTATIONS

EVERY_SCORE = 0.01
"""Average precision looks at all detections; a threshold only cuts its curve short."""

_NOTHING = (
    "image set `{}` has nothing that the configured models could be compared with; annotators: `detections` needs "
    "marked objects, `masks` their masks, `depth_maps` depth files, `attributes` and `relations` what they name"
)


@dataclass(frozen=True)
class Measured:
    """How good the annotators are on one image set.

    Attributes
    ----------
    quality
        Of each part, as far as it can be compared.
    models
        Model and speed of each: `table`, `model`, `pictures`, `failed`, `seconds`, `images_per_second`.
    """

    quality: Quality
    models: pl.DataFrame

    @property
    def pictures(self) -> int:
        """Pictures that could be opened."""
        return self.quality.pictures

    @property
    def detections(self) -> DetectionQuality | None:
        """None without a detector or without marked objects."""
        return self.quality.detections

    @property
    def depth(self) -> pl.DataFrame:
        """One row per picture with known depth: `image_key`, `spearman`, `error`. Empty without."""
        found = self.quality.depth
        return pl.DataFrame(schema=BY_PICTURE) if found is None else found.by_picture

    @property
    def spearman(self) -> float | None:
        """Mean over the pictures with known depth."""
        return None if self.quality.depth is None else self.quality.depth.spearman

    def summary(self) -> dict[str, Any]:
        """Return the figures as they are written to `quality.json`."""
        return self.quality.summary() | {"models": self.models.to_dicts()}


def evaluate(spec: ImageSetSpec, annotators: AnnotatorsConfig, *, progress: Progress | None = None) -> Measured:
    """Run annotators over an annotated image set and compare.

    Models that are asked about objects are asked about the marked ones: masks of those whose mask is known, attributes
    of those that have some, relations of pairs that are related.

    Raises
    ------
    InputError
        When the image set has no picture that can be opened, or nothing to compare with, or weights are unusable.
    """
    read = ingest_image_set(spec)
    opened = openable(inspect_images(read.sources))
    if opened.is_empty():
        raise InputError(f"image set `{spec.name}` has no picture that can be opened; give its folder of pictures")
    truth = comparable(read.annotations, opened)
    tables, models = _run_all(truth, opened, annotators, progress)
    quality = measure(truth, tables, lexicon=Lexicon.load())
    if quality.nothing:
        raise InputError(_NOTHING.format(spec.name))
    return Measured(quality, pl.DataFrame(models))


def comparable(annotations: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    """
    Return the annotations of pictures that can be opened, with their sizes.

    Parameters
    ----------
    annotations
        Schema ANNOTATIONS; those of another size than their picture are left out: they may be of another picture.
    images
        Schema IMAGES.
    """
    key = ["image_set", "image_key"]
    sizes = images.select(*key, w="width", h="height")
    rows = annotations.join(sizes, on=key, maintain_order="left")
    fits = (pl.col("width").fill_null(pl.col("w")) == pl.col("w")) & (
        pl.col("height").fill_null(pl.col("h")) == pl.col("h")
    )
    return rows.filter(fits).with_columns(width="w", height="h").select(list(ANNOTATIONS))


def _run_all(
    truth: pl.DataFrame, images: pl.DataFrame, annotators: AnnotatorsConfig, progress: Progress | None
) -> tuple[dict[str, pl.DataFrame], list[dict[str, Any]]]:
    """Run each configured model over the pictures of which the truth tells something: its rows, and its speed."""
    tables, models = {}, []
    for table, pictures in _asked(truth, images, annotators).items():
        config = annotators
        if table == "detections" and annotators.detections is not None:
            every = annotators.detections.model_copy(update={"score_threshold": EVERY_SCORE})
            config = annotators.model_copy(update={"detections": every})
        model = load_model(table, config) if pictures.height else None
        if model is None:
            continue
        tables[table], work = annotate_images(model, pictures, progress=progress)
        models.append(
            {
                "table": table,
                "model": model.name,
                "pictures": work.pictures,
                "failed": work.failed,
                "seconds": round(work.seconds, 2),
                "images_per_second": round(work.pictures / work.seconds, 1),
            }
        )
    return tables, models


def _asked(truth: pl.DataFrame, images: pl.DataFrame, annotators: AnnotatorsConfig) -> dict[str, pl.DataFrame]:
    """Pictures that each model is to look at, with what it is asked about."""
    key = ["image_set", "image_key"]
    known = images.join(truth, on=key, how="semi", maintain_order="left")
    asked = {"detections": known if truth["objects"].list.len().sum() else known.clear()}
    if annotators.masks is not None:
        asked["masks"] = ask_masks(known, truth)
    asked["depth_maps"] = known.join(truth.filter(pl.col("depth_uri").is_not_null()), on=key, how="semi")
    if annotators.attributes is not None:
        asked["attributes"] = ask_attributes(known, truth, limits=annotators.attributes)
    if annotators.relations is not None:
        asked["relations"] = ask_relations(known, truth, lexicon=Lexicon.load(), limits=annotators.relations)
    return {
        table: rows.filter(pl.col("prompts").list.len() > 0) if "prompts" in rows.columns else rows
        for table, rows in asked.items()
    }


def write_quality(measured: Measured, out: Path) -> list[Path]:
    """Write `quality.json`, `quality.parquet` (all figures), charts as PNG, and `depth_by_picture.parquet`."""
    out.mkdir(parents=True, exist_ok=True)
    files = [out / "quality.json", out / "quality.parquet"]
    files[0].write_text(json.dumps(measured.summary(), indent=1) + "\n", encoding="utf-8")
    measured.quality.figures().write_parquet(files[1])
    if measured.depth.height:
        files.append(out / "depth_by_picture.parquet")
        measured.depth.write_parquet(files[-1])
    for name, png in plot_quality(measured.quality).items():
        files.append(out / f"{name}.png")
        files[-1].write_bytes(png)
    return files
