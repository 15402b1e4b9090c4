"""What the pixels show at a printed point: the masks that cover it, and the depth there."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provision_dagster.generators.audit.picture import Picture
from provision_dagster.scene_graphs.pixels import read_depth
from provision_dagster.scene_graphs.rle import counts_of

_POINT = re.compile(r"\((\d)\.(\d\d), (\d)\.(\d\d)\)")


def pixel_of(point: str, picture: Picture) -> tuple[int, int] | None:
    """Find the pixel that a printed point "(0.31, 0.52)" names: ratios of width and height, from the top left."""
    match = _POINT.fullmatch(point)
    if match is None:
        return None
    x, y = int(match[1] + match[2]), int(match[3] + match[4])
    if x > 100 or y > 100:
        return None
    return min(x * picture.width // 100, picture.width - 1), min(y * picture.height // 100, picture.height - 1)


def objects_at(picture: Picture, pixel: tuple[int, int]) -> frozenset[int]:
    """Objects whose mask covers a pixel."""
    place = pixel[0] * picture.height + pixel[1]  # COCO's runs go down the columns
    ends = mask_ends(picture)
    return frozenset(obj for obj, runs in ends.items() if bisect_right(runs, place) % 2 == 1)


def mask_ends(picture: Picture) -> dict[int, list[int]]:
    """Where the runs of each mask end, in pixels down the columns; background comes first."""
    if picture.runs is None:
        rles = ((place, o["mask_rle"]) for place, o in enumerate(picture.row["objects"]))
        picture.runs = {place: np.cumsum(counts_of(rle)).tolist() for place, rle in rles if rle}
    return picture.runs


class DepthFiles:
    """Depth maps by image id, read when a point of theirs is asked for."""

    def __init__(self, uris: Mapping[str, str]) -> None:
        self._uris = uris
        self._read = lru_cache(maxsize=8)(self._open)

    def at(self, picture: Picture, pixel: tuple[int, int]) -> float | None:
        """Depth of a pixel (larger = closer); null without a file or where it is unknown."""
        uri = self._uris.get(picture.image_id)
        if uri is None:
            return None
        value = float(self._read(uri, picture.width, picture.height)[pixel[1], pixel[0]])
        return None if np.isnan(value) else value

    @staticmethod
    def _open(uri: str, width: int, height: int) -> NDArray[Any]:
        return read_depth(uri, width=width, height=height)


def depth_at(picture: Picture, pixel: tuple[int, int], files: DepthFiles | None) -> float | None:
    """Depth of a pixel: from the file where there is one, else from the sampled points of the scene graph."""
    found = files.at(picture, pixel) if files else None
    return found if found is not None else _sampled(picture).get(pixel)


def _sampled(picture: Picture) -> dict[tuple[int, int], float]:
    if picture.depths is None:
        points = [*(picture.row["points"] or ()), *(p for o in picture.row["objects"] for p in o["points"] or ())]
        picture.depths = {(p["x"], p["y"]): p["depth"] for p in points if p["depth"] is not None}
    return picture.depths
