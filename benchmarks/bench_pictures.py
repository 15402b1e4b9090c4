"""JPEG pictures of 640 x 480 pixels: photographs where there are some, else rendered scenes."""

from pathlib import Path

import polars as pl
from PIL import Image, ImageOps

from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.samples.rendering import render_scene
from provision_dagster.scene_graphs.ingest import ingest_image_set

SIZE = (640, 480)
MOST = 64
"""Different pictures; runs over more of them use them again."""


def make_pictures(folder: Path, *, photographs: Path | None) -> str:
    """Write pictures into a folder; returns what they are.

    Parameters
    ----------
    photographs
        Folder of JPEG files, which are cut to 640 x 480; null or absent: scenes are rendered.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted(photographs.glob("*.jpg"))[:MOST] if photographs is not None and photographs.is_dir() else []
    pictures = (ImageOps.fit(Image.open(file).convert("RGB"), SIZE, Image.Resampling.BICUBIC) for file in files)
    rendered = (render_scene(index, seed=1).image for index in range(0 if files else MOST))
    for number, picture in enumerate((*pictures, *rendered)):
        picture.convert("RGB").save(folder / f"{number:03d}.jpg", quality=90)
    what = "COCO photographs cut" if files else "scenes rendered"
    return f"{len(files) or MOST} {what} to 640 x 480, JPEG quality 90"


def images_of(folder: Path) -> pl.DataFrame:
    """Rows of IMAGES for the pictures of a folder."""
    spec = parse_spec({"name": "bench", "reader": "folder", "path": folder}, source="benchmark")
    return inspect_images(ingest_image_set(spec).sources)
