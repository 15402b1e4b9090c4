"""The photographs of the built-in sample: eight pictures of scikit-image's wheel, annotated by hand.

The pictures are not in this package: they are copied out of the installed scikit-image. Their scene graphs
are, one JSON file each in `samples/photos/`, in ProVision's own layout with our optional keys (`object_ids`,
`exhaustive_labels`, `captions`, `polygons`) and the perceptual hash of the picture they belong to.

The motorcycle pair comes with measured disparity (Middlebury 2014). It is stored as inverse depth: a float32
map in which `value = 255 * 2000 mm / Z`. So 255 is a surface 2 m away and half of it one 4 m away: larger is
closer. NaN is unknown.
"""

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from provision_dagster.errors import InputError

SCENE_GRAPHS = Path(__file__).with_name("photos")
"""Folder of the hand-made scene graphs, one JSON file per picture."""

DISPARITY_FILE = "motorcycle_disp.npz"

# calibration of the quarter-size pair: docstring of skimage.data.stereo_motorcycle
FOCAL_LENGTH_PX = 994.978
BASELINE_MM = 193.001
DISPARITY_OFFSET_PX = 31.086  # x distance of the two principal points

FULL_SCALE_MM = 2000.0  # the depth Z that is stored as 255; the closest surface of the pair is at 2110 mm

MAX_PHASH_DISTANCE = 6  # bits of 64: a picture encoded anew stays below, another picture is near 32

FloatMap = npt.NDArray[np.float32]


def write_photo_sample(folder: Path) -> Path:
    """Write the eight annotated photographs as an image set in ProVision's layout.

    Writes `images/*` (copies from scikit-image), `depth/motorcycle_{left,right}_depth.npy` (float32, height x
    width, inverse depth as in the module's docstring) and `scene_graphs.json`. Files of an earlier call are
    replaced by equal ones; other files in `folder` are left alone.

    Parameters
    ----------
    folder
        Where to write; made if it does not exist.

    Returns
    -------
    Path
        The file `folder/scene_graphs.json`.

    Raises
    ------
    InputError
        If scikit-image is not installed, or lacks a picture, or holds another picture under the name.
    """
    source = _skimage_data()
    records = load_photo_annotations()
    images, depth = folder / "images", folder / "depth"
    for path in (images, depth):
        path.mkdir(parents=True, exist_ok=True)
    for record in records.values():
        _copy_picture(source, images, record=record)
    left = load_disparity(source / DISPARITY_FILE)
    np.save(depth / "motorcycle_left_depth.npy", inverse_depth(left))
    np.save(depth / "motorcycle_right_depth.npy", inverse_depth(warp_disparity_to_right(left)))
    target = folder / "scene_graphs.json"
    rasterized = {key: _rasterized(record) for key, record in records.items()}
    target.write_text(json.dumps(rasterized, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return target


def load_photo_annotations() -> dict[str, dict[str, Any]]:
    """Read the hand-made scene graphs as they are kept in the package, with polygons in place of masks.

    Returns
    -------
    dict
        Picture name ("astronaut", ...) to its record, in the order of the names.
    """
    paths = sorted(SCENE_GRAPHS.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def load_disparity(path: Path) -> FloatMap:
    """Read the disparity of the left picture in pixels; NaN where it was not measured (`inf` in the file).

    scikit-image's docstring indexes it by the *right* picture. The colours say otherwise: pixel (x, y) of the
    left picture is pixel (x - disparity(x, y), y) of the right one.
    """
    with np.load(_existing(path)) as arrays:
        disparity: FloatMap = arrays["arr_0"].astype(np.float32)
    disparity[~np.isfinite(disparity)] = np.nan
    return disparity


def inverse_depth(disparity: FloatMap) -> FloatMap:
    """Turn disparity in pixels into `255 * 2000 mm / Z`, Z = baseline * f / (disparity + offset)."""
    scale = 255.0 * FULL_SCALE_MM / (BASELINE_MM * FOCAL_LENGTH_PX)
    return ((disparity + np.float32(DISPARITY_OFFSET_PX)) * np.float32(scale)).astype(np.float32)


def warp_disparity_to_right(disparity: FloatMap) -> FloatMap:
    """Move the left picture's disparity to the right picture; NaN where the left one does not see it.

    Neighbours in a row whose disparities differ by at most 1 px are taken as one surface and joined by a
    line, so that surfaces seen at a slant get no cracks; where surfaces meet in a pixel the closest stays.
    """
    x = np.arange(disparity.shape[1] - 1, dtype=np.float32)
    near, far = disparity[:, :-1], disparity[:, 1:]
    start, length = x - near, 1 - (far - near)  # on the right picture's row; length is 0 .. 2 px
    joined = np.abs(far - near) <= 1
    warped = np.full(disparity.shape, -np.inf, dtype=np.float32)
    first = np.ceil(np.nan_to_num(start))
    for step in range(3):
        column = first + step
        inside = joined & (column <= start + length) & (column >= 0) & (column < disparity.shape[1])
        rows = np.nonzero(inside)[0]
        part = (column - start)[inside] / np.maximum(length[inside], 1e-6)
        value = near[inside] + part * (far - near)[inside]
        np.maximum.at(warped, (rows, column[inside].astype(np.intp)), value)
    warped[np.isneginf(warped)] = np.nan
    return warped


def _rasterized(record: dict[str, Any]) -> dict[str, Any]:
    """Replace `polygons` by `mask_rle` (COCO compressed RLE, null without polygon); drop our own `phash`."""
    annotation = dict(record["annotation"])
    polygons = annotation.pop("polygons", None)
    if polygons is not None:
        size = (annotation["width"], annotation["height"])
        annotation["mask_rle"] = [None if parts is None else _rle(parts, size=size) for parts in polygons]
    kept = {key: value for key, value in record.items() if key != "phash"}
    return {**kept, "annotation": annotation}


def _rle(parts: list[list[list[int]]], *, size: tuple[int, int]) -> str:
    canvas = Image.new("1", size)
    for part in parts:
        ImageDraw.Draw(canvas).polygon([(x, y) for x, y in part], fill=1)
    encoded = coco_mask.encode(np.asfortranarray(np.asarray(canvas), dtype=np.uint8))
    return str(encoded["counts"], "ascii")


def _copy_picture(source: Path, images: Path, *, record: dict[str, Any]) -> None:
    """Copy one picture if it is the annotated one: scikit-image once replaced `camera.png` by another."""
    path = _existing(source / record["data_path"])
    expected = (record["annotation"]["width"], record["annotation"]["height"])
    with Image.open(path) as image:
        distance = imagehash.phash(image) - imagehash.hex_to_hash(record["phash"])
        size = image.size
    if size != expected or distance > MAX_PHASH_DISTANCE:
        raise InputError(
            f"picture `{path.name}` of scikit-image is not the annotated one: expected {expected} px and a "
            f"`phash` at most {MAX_PHASH_DISTANCE} bits from {record['phash']}, got {size} px, "
            f"{distance} bits; install a known release: pip install 'scikit-image==0.26.0'"
        )
    shutil.copyfile(path, images / path.name)


def _skimage_data() -> Path:
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise InputError("package `scikit-image` is not installed: pip install 'scikit-image>=0.25'")
    return Path(spec.origin).parent / "data"


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(
            f"file `{path.name}` not found in scikit-image's folder `{path.parent}`; "
            "restore it: pip install --force-reinstall 'scikit-image>=0.25'"
        )
    return path
