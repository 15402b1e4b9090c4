"""The embedded sample, end to end: photographs, scenes and pictures without annotations become a checked mix."""

import os
from pathlib import Path
from typing import Any

from provision_dagster import runs
from provision_dagster.defs.partitions import image_set_of
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.ingest_command import save_spec
from provision_dagster.samples import TINY_ANNOTATORS
from provision_dagster.samples.photos import write_photo_sample
from provision_dagster.samples.rendering import render_scenes

SHARD_SIZE = 40
"""Small, so that the sample has several shards to look at."""

IMAGE_SETS = ("photos", "rendered", "unannotated")
"""Annotated by hand, annotated by what drew them, and given as pictures alone."""

UNANNOTATED, UNANNOTATED_SEED = 40, 1
"""Scenes whose truth is not given: tiny models look at them."""


def run_demo(*, scenes: int, workers: int, report: runs.Report) -> list[str]:
    """Write the sample, register it and materialize everything; return the shards of the sample."""
    folder = Path(os.environ.get("PROVISION_SAMPLE") or "data/sample")
    for spec in (
        *_annotated(folder, scenes=scenes, workers=workers, report=report),
        _unannotated(folder, report=report),
    ):
        save_spec(parse_spec(spec | {"shard_size": SHARD_SIZE}, source="demo"))
    with runs.instance() as opened:
        every = runs.register(store=opened, report=report)
        shards = [s for s in every if image_set_of(s) in IMAGE_SETS]
        runs.ingest(shards, store=opened, report=report)
        runs.materialize(shards, recipes=None, workers=workers, store=opened, report=report)
    return shards


def _annotated(folder: Path, *, scenes: int, workers: int, report: runs.Report) -> list[dict[str, Any]]:
    """Write the image sets that come with annotations and return their specs."""
    photos = write_photo_sample(folder / "photos")
    rendered = render_scenes(
        folder / "rendered",
        n=scenes,
        seed=0,
        workers=workers,
        progress=lambda done, total: report("render", done, total),
    )
    return [
        {
            "name": name,
            "reader": "annotations",
            "annotations": path,
            "annotations_format": "provision",
            "images": path.parent / "images",
            "depth": path.parent / depth,
        }
        for name, path, depth in (("photos", photos, "depth"), ("rendered", rendered, "depth_masks"))
    ]


def _unannotated(folder: Path, *, report: runs.Report) -> dict[str, Any]:
    """Write pictures whose annotations are not given to anyone, and return their spec."""
    rendered = render_scenes(
        folder / "unannotated",
        n=UNANNOTATED,
        seed=UNANNOTATED_SEED,
        progress=lambda done, total: report("render more", done, total),
    )
    return {
        "name": "unannotated",
        "reader": "folder",
        "path": rendered.parent / "images",
        "annotators": TINY_ANNOTATORS,
        "license": "CC0-1.0",
        "attribution": "rendered by provision_dagster",
    }
