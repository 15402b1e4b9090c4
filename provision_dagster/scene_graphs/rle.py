"""COCO's run-length encoding of masks: checked before C code sees it, and made from arrays and polygons."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from provision_dagster.errors import InputError

_FIRST, _LAST = ord("0"), ord("0") + 63
_FARTHEST = 1e9
_LONGEST = 6
"""Characters of one count: six hold 30 bits, more than any picture has pixels."""


def counts_of(rle: str) -> NDArray[np.int64]:
    """
    Decompress the run lengths of a compressed RLE string.

    Parameters
    ----------
    rle
        The `counts` string that pycocotools writes.

    Returns
    -------
    numpy.ndarray
        Run lengths in pixels, column by column, background first, shape (n,).

    Raises
    ------
    InputError
        When the string is not a compressed RLE.
    """
    raw = np.frombuffer(rle.encode("utf-8"), dtype=np.uint8).astype(np.int64)
    if raw.size == 0 or raw.min() < _FIRST or raw.max() > _LAST:
        raise InputError(f"expected a compressed RLE string, got {rle[:40]!r}")
    codes = raw - _FIRST
    ends = np.flatnonzero((codes & 0x20) == 0)
    starts = np.concatenate(([0], ends[:-1] + 1)) if ends.size else ends
    if ends.size == 0 or ends[-1] != codes.size - 1 or (ends - starts).max() >= _LONGEST:
        raise InputError(f"compressed RLE string is cut off or broken: {rle[:40]!r}")
    place = np.arange(codes.size) - np.repeat(starts, ends - starts + 1)
    values = np.add.reduceat((codes & 0x1F) << (5 * place), starts)
    # The highest bit of the last character is the sign of a difference to the count before the last.
    values -= np.where(codes[ends] & 0x10, np.int64(1) << (5 * (ends - starts + 1)), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


def _check_counts(counts: NDArray[np.int64], *, width: int, height: int) -> None:
    if counts.min(initial=0) < 0 or int(counts.sum()) != width * height:
        raise InputError(
            f"RLE counts must be >= 0 and add up to {width} x {height} = {width * height} pixels, "
            f"got a sum of {int(counts.sum())}"
        )


def check_rle(rle: str, *, width: int, height: int) -> str:
    """
    Return a compressed RLE string once it is known to fit the picture.

    Parameters
    ----------
    rle
        Compressed `counts`.
    width, height
        Size of the picture in pixels.

    Raises
    ------
    InputError
        When it is broken or covers another number of pixels.
    """
    _check_counts(counts_of(rle), width=width, height=height)
    return rle


def compress_counts(counts: Sequence[object], *, width: int, height: int) -> str:
    """
    Compress a list of run lengths.

    Parameters
    ----------
    counts
        Run lengths in pixels, column by column, background first.
    width, height
        Size of the picture in pixels.

    Raises
    ------
    InputError
        When a count is no whole number or they do not add up to the picture.
    """
    if not all(isinstance(count, int) and 0 <= count <= width * height for count in counts):
        raise InputError(f"RLE counts must be whole numbers from 0 to {width * height}, got {counts!r:.60}")
    _check_counts(np.array(counts, dtype=np.int64), width=width, height=height)
    return _text(coco_mask.frPyObjects({"counts": list(counts), "size": [height, width]}, height, width))


def encode_polygons(polygons: Sequence[Any], *, width: int, height: int) -> str:
    """
    Draw polygons as one mask.

    Parameters
    ----------
    polygons
        One or more flat lists x, y, x, y, ... in pixels, each of at least three points.
    width, height
        Size of the picture in pixels; points outside are moved to its edge.

    Raises
    ------
    InputError
        When a polygon has fewer than three points, an odd number of values or one that is not finite.
    """
    drawn = [_polygon(polygon, width=width, height=height) for polygon in polygons]
    if not drawn:
        raise InputError("expected at least one polygon, got an empty list")
    return _text(coco_mask.merge(coco_mask.frPyObjects(drawn, height, width)))


def _polygon(values: object, *, width: int, height: int) -> list[float]:
    numbers = [value for value in values if type(value) in (int, float)] if isinstance(values, list) else []
    if not isinstance(values, list) or len(numbers) < len(values) or len(values) < 6 or len(values) % 2:
        raise InputError(f"a polygon needs at least 3 points x, y as a flat list of numbers, got {values!r:.60}")
    if not all(abs(number) < _FARTHEST for number in numbers):
        raise InputError(f"a polygon has a value that is not finite, or too large: {values!r:.60}")
    # Far-off points would make pycocotools draw lines of any length.
    points = np.array(numbers, dtype=np.float64).reshape(-1, 2)
    clipped: list[float] = np.clip(points, 0, (width, height)).ravel().tolist()
    return clipped


def encode_mask(column_major: NDArray[np.uint8]) -> str:
    """
    Encode a mask.

    Parameters
    ----------
    column_major
        0 or 1, shape (height, width), in Fortran order.
    """
    return _text(coco_mask.encode(column_major))


def decode_mask(rle: str, *, width: int, height: int) -> NDArray[np.bool_]:
    """
    Decode a compressed RLE string.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width).

    Raises
    ------
    InputError
        When the string does not fit the picture.
    """
    counts = counts_of(rle)
    _check_counts(counts, width=width, height=height)
    mask: NDArray[np.bool_] = np.repeat(np.arange(counts.size) % 2 == 1, counts)
    return mask.reshape(width, height).T


def _text(encoded: dict[str, Any]) -> str:
    counts: bytes = encoded["counts"]
    return counts.decode("ascii")
