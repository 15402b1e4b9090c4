"""Copies of pictures: another image set that shows the same, coded anew and made smaller; and those of a benchmark."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

QUALITY = 80
"""Of JPEG."""
SMALLER = 0.75
"""Of the sides of every other copy."""

OF_PIXELS = ("mask_rle", "depth_mask_id", "camera")
"""What the annotations of a smaller picture no longer have."""


def copy_pictures(scenes: Path, folder: Path, *, keys: Sequence[str]) -> Path:
    """Write copies of annotated pictures as an image set of its own.

    Parameters
    ----------
    scenes
        `scene_graphs.json` of rendered scenes.
    keys
        Which scenes: every other one is made smaller, all are coded as JPEG.

    Returns
    -------
    Path
        `scene_graphs.json` of the copies.
    """
    every = json.loads(scenes.read_text(encoding="utf-8"))
    (folder / "images").mkdir(parents=True, exist_ok=True)
    copies = {}
    for place, key in enumerate(keys):
        entry, scale = every[key], SMALLER if place % 2 else 1.0
        data_path = f"images/{key}.jpg"
        _coded_anew(scenes.parent / entry["data_path"], folder / data_path, scale=scale)
        annotation = _smaller(entry["annotation"], scale) if scale < 1 else entry["annotation"]
        copies[key] = entry | {"data_path": data_path, "annotation": annotation}
    target = folder / "scene_graphs.json"
    target.write_text(json.dumps(copies), encoding="utf-8")
    return target


def benchmark_pictures(scenes: Path, folder: Path, *, keys: Sequence[str]) -> Path:
    """Write the pictures of a benchmark: JPEGs of some scenes."""
    every = json.loads(scenes.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    for key in keys:
        _coded_anew(scenes.parent / every[key]["data_path"], folder / f"{key}.jpg", scale=1.0)
    return folder


def _coded_anew(source: Path, target: Path, *, scale: float) -> None:
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    if scale < 1:
        picture = picture.resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC
        )
    picture.save(target, quality=QUALITY)


def _smaller(annotation: dict[str, Any], scale: float) -> dict[str, Any]:
    kept = {name: value for name, value in annotation.items() if name not in OF_PIXELS}
    sides = {name: round(annotation[name] * scale) for name in ("width", "height")}
    return kept | sides | {"bboxes": [[side * scale for side in box] for box in annotation["bboxes"]]}
