"""Small files and tables that the tests of this folder share."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.scene_graphs.readers import read_annotations


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def read_all(path: Path, format: str, **options: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    batches = list(read_annotations(path, format=format, **options))  # type: ignore[arg-type]
    if not batches:
        raise AssertionError("nothing was read")
    annotations, rejected = zip(*batches, strict=True)
    return pl.concat(annotations), pl.concat(rejected)


def provision_file(folder: Path, **annotation: Any) -> Path:
    """One image of 100 x 80 pixels with two objects, in ProVision's layout."""
    fields = {
        "width": 100,
        "height": 80,
        "labels": ["cat", "mat"],
        "bboxes": [[10, 10, 50, 60], [0, 40, 100, 80]],
        "attributes": [["black"], []],
        "relations": [[0, "on", 1]],
    } | annotation
    kept = {name: value for name, value in fields.items() if value is not ...}
    return write(folder / "scenes.json", {"a": {"data_path": "x/a.png", "annotation": kept, "source": "hand"}})


def gqa_scene(**fields: Any) -> dict[str, Any]:
    """A scene of GQA: a cat on a mat, 100 x 80 pixels."""
    cat = {"name": "cat", "x": 10, "y": 10, "w": 40, "h": 50, "attributes": ["black"], "relations": []}
    mat = {"name": "mat", "x": 0, "y": 40, "w": 100, "h": 40, "attributes": [], "relations": []}
    cat["relations"] = [{"name": "on", "object": "2"}]
    return {"width": 100, "height": 80, "objects": {"1": cat, "2": mat}} | fields


def images_table(annotations: pl.DataFrame, **columns: Any) -> pl.DataFrame:
    """Usable pictures for annotations, of the size that the annotations say."""
    wanted: dict[str, Any] = {
        "shard": "set-00000",
        "image_set": "set",
        "status": "ok",
        "width": annotations["width"],
        "height": annotations["height"],
        "image_key": annotations["image_key"],
        "image_id": [f"{number:032x}" for number in range(annotations.height)],
    } | columns
    frame = pl.DataFrame({name: value for name, value in wanted.items() if not isinstance(value, str)})
    frame = frame.with_columns(pl.lit(value).alias(name) for name, value in wanted.items() if isinstance(value, str))
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in IMAGES.items()
    )


def in_set(annotations: pl.DataFrame) -> pl.DataFrame:
    return annotations.with_columns(pl.lit("set").alias("image_set"))


def reasons(rejected: pl.DataFrame) -> list[tuple[str, str]]:
    return sorted(rejected.select("part", "reason").rows())
