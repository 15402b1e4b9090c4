"""What a generator may need of the pixels: masks, depth statistics and sampled points of one image."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from provision_dagster.scene_graphs.points import Box, interior_points, scene_points
from provision_dagster.scene_graphs.rle import encode_mask

QUANTILES = (0.25, 0.5, 0.75)

EIGHT_BIT_SPAN = 255.0

RELIEF_RADIUS = 2
"""Pixels to each side of a point within which its depth should not change much."""


class ObjectEvidence(NamedTuple):
    """Pixel evidence of an object; names and units as in OBJECT of the schema."""

    mask_rle: str | None = None
    mask_area: int | None = None
    depth: dict[str, float] | None = None
    points: list[dict[str, Any]] = []  # noqa: RUF012 - never changed
    mirrored: list[dict[str, Any]] = []  # noqa: RUF012 - never changed


def mask_boxes(masks: NDArray[np.bool_]) -> list[Box | None]:
    """
    Find the smallest box round each mask.

    Parameters
    ----------
    masks
        bool, shape (n, height, width).

    Returns
    -------
    list
        One Box in pixels for each mask; None for an empty one.
    """
    rows, columns = np.logical_or.reduce(masks, axis=2), np.logical_or.reduce(masks, axis=1)
    return [_box(row, column) for row, column in zip(rows, columns, strict=True)]


def _box(row: NDArray[np.bool_], column: NDArray[np.bool_]) -> Box | None:
    ys, xs = np.flatnonzero(row), np.flatnonzero(column)
    return Box(int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1) if xs.size else None


def encode_masks(masks: NDArray[np.bool_], boxes: list[Box | None]) -> list[str | None]:
    """
    Encode masks as COCO's compressed RLE.

    Parameters
    ----------
    masks
        bool, shape (n, height, width).
    boxes
        The smallest box round each; None: no mask.

    Returns
    -------
    list
        RLE strings of the full picture.
    """
    _, height, width = masks.shape
    # One canvas whose transpose is in Fortran order, as pycocotools wants it; only the box is written.
    canvas = np.zeros((width, height), dtype=np.uint8)
    found: list[str | None] = []
    for mask, box in zip(masks, boxes, strict=True):
        if box is None:
            found.append(None)
            continue
        part = canvas[box.x1 : box.x2, box.y1 : box.y2]
        part[:] = mask[box.y1 : box.y2, box.x1 : box.x2].T
        found.append(encode_mask(canvas.T))
        part[:] = 0
    return found


def depth_statistics(values: NDArray[Any]) -> dict[str, float] | None:
    """
    Summarize the depth of an object.

    Parameters
    ----------
    values
        Depth of the pixels of its mask, shape (n,); NaN = unknown.

    Returns
    -------
    dict
        Quartiles `p25`, `p50`, `p75` (linear between values) and `mode`, the most frequent value, the
        smallest on ties; None when no depth is known.
    """
    if values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    if values.size == 0:
        return None
    levels, counts = _histogram(values)
    total = np.cumsum(counts)
    at = np.array(QUANTILES) * (total[-1] - 1)
    low = levels[np.searchsorted(total, np.floor(at), side="right")].astype(np.float64)
    high = levels[np.searchsorted(total, np.ceil(at), side="right")].astype(np.float64)
    p25, p50, p75 = (low + (high - low) * (at - np.floor(at))).tolist()
    return {"p25": p25, "p50": p50, "p75": p75, "mode": float(levels[int(counts.argmax())])}


def _histogram(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    if values.dtype == np.uint8:
        counts = np.bincount(values, minlength=256)
        levels = np.flatnonzero(counts)
        return levels, counts[levels]
    levels, counts = np.unique(values, return_counts=True)
    return levels, counts


def depth_at(depth: NDArray[Any] | None, points: NDArray[np.int64]) -> list[float | None]:
    """
    Look up the depth of points.

    Parameters
    ----------
    depth
        Depth map, shape (height, width), or None.
    points
        x, y in pixels, shape (n, 2).

    Returns
    -------
    list
        Depth of each; None where it is unknown.
    """
    if depth is None:
        return [None] * len(points)
    values = depth[points[:, 1], points[:, 0]].astype(np.float64)
    return [None if np.isnan(value) else float(value) for value in values]


def depth_span(depth: NDArray[Any]) -> float:
    """
    Measure the range of depths that differences are seen against.

    Parameters
    ----------
    depth
        Depth map, shape (height, width); at least one depth is known.

    Returns
    -------
    float
        255 for an 8-bit map, whatever it shows; else the largest known depth less the smallest.
    """
    if depth.dtype == np.uint8:
        return EIGHT_BIT_SPAN
    return float(np.nanmax(depth)) - float(np.nanmin(depth))


def relief_at(depth: NDArray[Any] | None, points: NDArray[np.int64]) -> list[float | None]:
    """
    Measure how much the depth varies round points; see `depth_at` for the parameters.

    Returns
    -------
    list
        Largest less smallest depth within RELIEF_RADIUS pixels of each (both axes), None where one is unknown.
    """
    if depth is None:
        return [None] * len(points)
    steps = np.arange(-RELIEF_RADIUS, RELIEF_RADIUS + 1)
    xs, ys = (np.clip(points[:, i, None] + steps, 0, depth.shape[1 - i] - 1) for i in (0, 1))
    near = depth[ys[:, :, None], xs[:, None, :]].reshape(len(points), -1).astype(np.float64)
    ranges = near.max(axis=1) - near.min(axis=1)
    return [None if np.isnan(value) else value for value in ranges.tolist()]


def object_evidence(masks: NDArray[np.bool_], depth: NDArray[Any] | None) -> list[ObjectEvidence]:
    """
    Gather the evidence of all objects of an image.

    Parameters
    ----------
    masks
        bool, shape (n, height, width).
    depth
        Depth map, shape (height, width), larger = closer; None without one.

    Returns
    -------
    list
        One ObjectEvidence per mask; an empty one for a mask without pixels.
    """
    boxes = mask_boxes(masks)
    rles = encode_masks(masks, boxes)
    return [
        _one(mask, box, rle, depth) if box and rle else ObjectEvidence()
        for mask, box, rle in zip(masks, boxes, rles, strict=True)
    ]


def _one(mask: NDArray[np.bool_], box: Box, rle: str, depth: NDArray[Any] | None) -> ObjectEvidence:
    height, width = mask.shape
    crop = mask[box.y1 : box.y2, box.x1 : box.x2]
    points = interior_points(crop, box=box, width=width, height=height)
    statistics = None if depth is None else depth_statistics(depth[box.y1 : box.y2, box.x1 : box.x2][crop])
    sampled = _point_rows(points, depth)
    return ObjectEvidence(rle, int(np.count_nonzero(crop)), statistics, sampled)


def _point_rows(points: NDArray[np.int64], depth: NDArray[Any] | None) -> list[dict[str, Any]]:
    return [{"x": x, "y": y, "depth": at} for (x, y), at in zip(points.tolist(), depth_at(depth, points), strict=True)]


def scene_evidence(
    masks: NDArray[np.bool_] | None,
    depth: NDArray[Any] | None,
    *,
    places: list[int],
    areas: list[int],
    unmasked: NDArray[np.float64],
    size: tuple[int, int],
    seed: str,
) -> list[dict[str, Any]]:
    """
    Sample the whole picture: depth and topmost object of points spread over it.

    Parameters
    ----------
    masks
        bool, shape (n, height, width); None when no object has a mask: no point has an object then.
    depth
        Depth map, shape (height, width); None without one.
    places
        Index in `objects` of each mask.
    areas
        Pixels of each mask.
    unmasked
        Boxes x1, y1, x2, y2 in pixels of the objects without a mask, shape (m, 4). Where masks exist, a
        point in such a box and in no mask is left out: whether the object is there cannot be known.
    size
        Width and height in pixels.
    seed
        The image id.

    Returns
    -------
    list
        Dicts x, y, depth, object (index of the smallest mask that covers the point; None = background), relief.
    """
    points = scene_points(width=size[0], height=size[1], seed=seed)
    objects: list[int | None] = [None] * len(points)
    if masks is not None:
        objects = _topmost(masks, points, places=places, areas=areas)
        known = np.array([found is not None for found in objects]) | ~in_boxes(points, unmasked)
        points = points[known]
        objects = [found for found, keep in zip(objects, known.tolist(), strict=True) if keep]
    rows = zip(_point_rows(points, depth), objects, relief_at(depth, points), strict=True)
    return [{**row, "object": found, "relief": relief} for row, found, relief in rows]


def in_boxes(points: NDArray[np.int64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """
    Tell which pixels lie, with their centre, in any of some boxes.

    Parameters
    ----------
    points
        x, y in pixels, shape (n, 2).
    boxes
        x1, y1, x2, y2 in pixels, shape (m, 4).

    Returns
    -------
    numpy.ndarray
        bool, shape (n,).
    """
    centre = points[:, None] + 0.5
    inside = np.logical_and.reduce((centre >= boxes[None, :, :2]) & (centre < boxes[None, :, 2:]), axis=2)
    return np.asarray(np.logical_or.reduce(inside, axis=1))


def _topmost(
    masks: NDArray[np.bool_], points: NDArray[np.int64], *, places: list[int], areas: list[int]
) -> list[int | None]:
    covers = masks[:, points[:, 1], points[:, 0]]
    order = np.argsort(areas, kind="stable")
    first = covers[order].argmax(axis=0)
    smallest = np.array(places)[order][first].tolist()
    return [
        place if covered else None
        for place, covered in zip(smallest, np.logical_or.reduce(covers, axis=0).tolist(), strict=True)
    ]
