"""Rendered scenes, of which everything is known, and tables that a model would have made of them."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from PIL import Image

from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import ImageSetSpec, parse_spec
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.scene_graphs.annotators.schema import ATTRIBUTES, DEPTH_MAPS, DETECTIONS, MASKS, RELATIONS
from provision_dagster.scene_graphs.ingest import ingest_image_set

Row = dict[str, Any]


def rendered_spec(folder: Path, *, n: int = 6, seed: int = 2, shard_size: int = 500) -> ImageSetSpec:
    """Render scenes of 320 x 240 pixels with depth."""
    graphs = render_scenes(folder, n=n, seed=seed, width=320, height=240)
    return parse_spec(
        {
            "name": "scenes",
            "reader": "annotations",
            "annotations": graphs,
            "annotations_format": "provision",
            "images": folder / "images",
            "depth": folder / "depth_masks",
            "shard_size": shard_size,
        },
        source="test",
    )


def read(spec: ImageSetSpec) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return images and annotations."""
    found = ingest_image_set(spec)
    return inspect_images(found.sources), found.annotations


def table(truth: pl.DataFrame, column: str, schema: dict[str, pl.DataType], of: Callable[[Row], Any]) -> pl.DataFrame:
    """One row per picture, with what `of` makes of its annotations."""
    rows = [
        {name: row[name] for name in ("shard", "image_set", "image_key")}
        | {"part": "00000", "image_id": row["image_key"], "model": "test@1", "config": "{}", column: of(row)}
        for row in truth.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=schema)


def detections(truth: pl.DataFrame, change: Callable[[int, Row], Row | None] = lambda _, one: one) -> pl.DataFrame:
    """What is marked, found by a model; `change` gets the number of the object among all, and may drop it."""
    count = iter(range(10**6))

    def objects(row: Row) -> list[Row]:
        every = [
            change(next(count), {"label": one["label"], "box": dict(one["box"]), "score": 0.9})
            for one in row["objects"]
        ]
        return [one for one in every if one is not None]

    return table(truth, "objects", DETECTIONS, objects)


def masks(truth: pl.DataFrame, change: Callable[[int, str, Row], str | None]) -> pl.DataFrame:
    """The true masks; `change` gets the number of the object among all, the mask and the picture's row."""
    count = iter(range(10**6))

    def made(row: Row) -> list[Row]:
        every = [(one["id"], change(next(count), one["mask_rle"], row)) for one in row["objects"]]
        return [{"id": id_, "mask_rle": rle, "score": 0.9} for id_, rle in every if rle is not None]

    return table(truth, "masks", MASKS, made)


def depth_maps(truth: pl.DataFrame, change: Callable[[int, Image.Image], Image.Image]) -> pl.DataFrame:
    """The true depth; `change` gets the number of the picture."""
    count = iter(range(10**6))

    def made(row: Row) -> bytes:
        buffer = io.BytesIO()
        with Image.open(row["depth_uri"].removeprefix("file://")) as depth:
            change(next(count), depth).save(buffer, format="PNG")
        return buffer.getvalue()

    return table(truth, "closeness", DEPTH_MAPS, made)


def attributes(truth: pl.DataFrame, change: Callable[[int, str], str | None]) -> pl.DataFrame:
    """The true attributes; `change` gets the number of the attribute among all, and may drop it."""
    count = iter(range(10**6))

    def said(row: Row) -> list[Row]:
        lists = [(one["id"], [change(next(count), word) for word in one["attributes"]]) for one in row["objects"]]
        return [
            {"id": id_, "attributes": [word for word in words if word is not None], "said": ""} for id_, words in lists
        ]

    return table(truth, "objects", ATTRIBUTES, said)


def relations(truth: pl.DataFrame, change: Callable[[int, str], str | None]) -> pl.DataFrame:
    """One true relation of each ordered pair; `change` gets the number of the pair among all; None: no answer."""
    count = iter(range(10**6))

    def said(row: Row) -> list[Row]:
        first = {(one["subject"], one["object"]): one["predicate"] for one in reversed(row["relations"])}
        ids: Sequence[str] = [one["id"] for one in row["objects"]]
        return [
            {"subject": ids[s], "object": ids[o], "predicate": change(next(count), predicate), "said": ""}
            for (s, o), predicate in first.items()
        ]

    return table(truth, "relations", RELATIONS, said)
