"""Rendering whole sets of scenes into a folder in ProVision's layout."""

import json
import multiprocessing
import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.samples.rendering.layouts import furnish
from provision_dagster.samples.rendering.raster import Raster, rasterize
from provision_dagster.samples.rendering.stage import View
from provision_dagster.samples.rendering.truth import annotate

ImageFormat = Literal["png", "jpg"]
Progress = Callable[[int, int], None]

MIN_OBJECTS = 6
MIN_SIDE, MAX_SIDE, MAX_SCENES = 120, 4096, 1_000_000
_ATTEMPTS = 40
_VIEWS: tuple[View, ...] = get_args(View)
_MARK = "rendering.json"
_OURS = re.compile(r"\d{6}(\.png|\.jpg|_depth\.png)")


@dataclass(frozen=True)
class _Order:
    """Everything that the pixels and the annotation of a scene depend on, besides its number."""

    seed: int
    width: int
    height: int
    image_format: ImageFormat
    neighbors: int | None


def render_scene(index: int, *, seed: int, width: int = 640, height: int = 480) -> Raster:
    """Render one scene; it depends only on (`seed`, `index`, `width`, `height`).

    A scene with fewer than `MIN_OBJECTS` visible things is set up anew, up to 40 times.
    """
    best: Raster | None = None
    for attempt in range(_ATTEMPTS):
        rng = random.Random(f"{seed}:{index}:{attempt}")
        raster = rasterize(furnish(rng.choice(_VIEWS), width, height, rng))
        if best is None or len(raster.items) > len(best.items):
            best = raster
        if len(best.items) >= MIN_OBJECTS:
            break
    assert best is not None
    return best


def render_scenes(
    folder: Path,
    *,
    n: int,
    seed: int,
    width: int = 640,
    height: int = 480,
    workers: int = 1,
    image_format: ImageFormat = "png",
    neighbors: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Render `n` scenes with exact truth into `folder` and return the path of its `scene_graphs.json`.

    The folder gets `images/NNNNNN.png`, `depth_masks/NNNNNN_depth.png`, `scene_graphs.json` (ProVision's
    layout) and `rendering.json` (the settings). Depth is 16-bit gray, larger = closer: distance in metres =
    near_m * 65535 / value, with `near_m` from the annotation's `camera`; 0 is the sky. Masks are COCO
    compressed RLE ("counts"). Scene i depends only on (`seed`, i) and the size: the first k scenes of any `n`
    are the same, whatever the number of workers.

    Parameters
    ----------
    folder
        Made if absent. Must be empty or made by this function; then its pictures are replaced.
    n
        Number of scenes, 1 - 1,000,000.
    seed
        0 or more.
    width, height
        Size of the pictures, 120 - 4096 px.
    workers
        Number of processes.
    image_format
        png (exact) or jpg (quality 92, quicker).
    neighbors
        None lists every true relation. k lists left and right only among the k nearest things, and marks the
        relations as not exhaustive.
    progress
        Called with (scenes done, `n`) after each scene.

    Raises
    ------
    InputError
        An argument is out of range, or `folder` holds something else.
    """
    _check(
        n=n,
        seed=seed,
        width=width,
        height=height,
        workers=workers,
        image_format=image_format,
        neighbors=neighbors,
    )
    order = _Order(seed, width, height, image_format, neighbors)
    _prepare(folder, order, n)
    target = folder / "scene_graphs.json"
    partial = target.with_suffix(".json.part")
    with partial.open("w", encoding="utf-8", newline="\n") as out:
        for k, line in enumerate(_render_all(folder, order, n, workers)):
            out.write(("{\n" if k == 0 else ",\n") + line)
            if progress:
                progress(k + 1, n)
        out.write("\n}\n")
    partial.replace(target)
    return target


def _render_all(folder: Path, order: _Order, n: int, workers: int) -> Iterator[str]:
    """Yield the JSON line of each scene in order, as soon as its files are written."""
    if workers == 1:
        for index in range(n):
            yield _write_scene(folder, order, index)
        return
    # spawn, not fork: the caller may hold threads (polars, Dagster)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, n), mp_context=context) as pool:
        yield from pool.map(_write_scene, [folder] * n, [order] * n, range(n), chunksize=8)


def _write_scene(folder: Path, order: _Order, index: int) -> str:
    raster = render_scene(index, seed=order.seed, width=order.width, height=order.height)
    key = f"{index:06d}"
    depth_name = f"{key}_depth.png"
    image_path = f"images/{key}.{order.image_format}"
    if order.image_format == "png":
        raster.image.save(folder / image_path, compress_level=2)
    else:
        raster.image.save(folder / image_path, quality=92, subsampling=0)
    Image.fromarray(raster.depth).save(folder / "depth_masks" / depth_name, compress_level=3)
    annotation = annotate(raster, neighbors=order.neighbors) | {"depth_mask_id": depth_name}
    entry = {"data_path": image_path, "annotation": annotation, "source": "rendered"}
    return f"{json.dumps(key)}: {json.dumps(entry, separators=(',', ':'))}"


def _prepare(folder: Path, order: _Order, n: int) -> None:
    """Make the folder ready: refuse foreign content, take away what an earlier rendering left."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"`folder` must be a folder, got the file {folder}")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        found = min(path.name for path in folder.iterdir())
        raise InputError(
            f"`folder` must be empty or hold an earlier rendering (a file `{_MARK}`), got {folder} with `{found}`"
        )
    (folder / "scene_graphs.json").unlink(missing_ok=True)
    for name in ("images", "depth_masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for path in (folder / name).iterdir():
            if _OURS.fullmatch(path.name):
                path.unlink()
    settings = {"made_by": "provision_dagster", "n": n, **asdict(order)}
    (folder / _MARK).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _check(**values: Any) -> None:
    ranges = {
        "n": (1, MAX_SCENES),
        "seed": (0, 2**63 - 1),
        "width": (MIN_SIDE, MAX_SIDE),
        "height": (MIN_SIDE, MAX_SIDE),
        "workers": (1, 256),
        "neighbors": (1, 16),
    }
    for name, (low, high) in ranges.items():
        value = values[name]
        if name == "neighbors" and value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise InputError(f"`{name}` must be a whole number from {low} to {high}, got {value!r}")
    if values["image_format"] not in get_args(ImageFormat):
        allowed = " or ".join(f'"{f}"' for f in get_args(ImageFormat))
        raise InputError(f"`image_format` must be {allowed}, got {values['image_format']!r}")
