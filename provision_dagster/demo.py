"""The embedded sample, end to end: photographs and rendered scenes become a checked, exported mix."""

import os
from pathlib import Path

from provision_dagster import runs
from provision_dagster.defs.partitions import image_set_of
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.ingest_command import save_spec
from provision_dagster.samples.photos import write_photo_sample
from provision_dagster.samples.rendering import render_scenes

SHARD_SIZE = 40
"""Small, so that the sample has several shards to look at."""


def run_demo(*, scenes: int, workers: int, report: runs.Report) -> list[str]:
    """Write the sample, register it and materialize everything; return the shards of the sample."""
    folder = Path(os.environ.get("PROVISION_SAMPLE") or "data/sample")
    photos = write_photo_sample(folder / "photos")
    rendered = render_scenes(
        folder / "rendered",
        n=scenes,
        seed=0,
        workers=workers,
        progress=lambda done, total: report("render", done, total),
    )
    for name, path, depth in (("photos", photos, "depth"), ("rendered", rendered, "depth_masks")):
        spec = {
            "name": name,
            "reader": "annotations",
            "annotations": path,
            "annotations_format": "provision",
            "images": path.parent / "images",
            "depth": path.parent / depth,
            "shard_size": SHARD_SIZE,
        }
        save_spec(parse_spec(spec, source="demo"))
    with runs.instance() as opened:
        every = runs.register(store=opened, report=report)
        shards = [s for s in every if image_set_of(s) in ("photos", "rendered")]
        runs.ingest(shards, store=opened, report=report)
        runs.materialize(shards, recipes=None, workers=workers, store=opened, report=report)
    return shards
