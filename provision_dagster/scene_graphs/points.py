"""Where to sample: points well inside a mask, and points spread over the picture.

Questions print a position as ratios of width and height with two decimals. Points are therefore taken,
where there are enough, from the pixels that such ratios name exactly (1 % of each side apart): the printed
position is the stored one.
"""

import hashlib
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

INTERIOR_POINTS = 8
EDGE_DISTANCE = 3
"""Pixels that a point keeps from the mask's edge where the mask is thick enough."""

SCENE_GRID = (12, 12)
"""Columns (an even number) and rows of the picture that get one point each."""

_CHESSBOARD = np.ones((3, 3), dtype=bool)
_COARSE_CELLS = 4_096
_DEEP = 0.2
"""Points keep at least this part of the largest distance to the edge, so that they are not all near it."""


class Box(NamedTuple):
    """Part of the picture, pixels, x2 and y2 exclusive."""

    x1: int
    y1: int
    x2: int
    y2: int


@lru_cache(maxsize=256)
def lattice(side: int) -> NDArray[np.int64]:
    """Pixels along a side that ratios of two decimals name, 0.01 to 0.99, without repeats."""
    return np.unique(np.arange(1, 100) * side // 100)


def interior_points(mask: NDArray[np.bool_], *, box: Box, width: int, height: int) -> NDArray[np.int64]:
    """
    Choose points inside a mask: away from its edge, far from one another, the same on every machine.

    Parameters
    ----------
    mask
        The mask within `box`, shape (y2 - y1, x2 - x1); at least one pixel is set.
    box
        Where it lies in the picture.
    width, height
        Size of the picture in pixels.

    Returns
    -------
    numpy.ndarray
        x, y of at most INTERIOR_POINTS pixels of the picture, shape (n, 2); fewer where the mask has fewer
        pixels.
    """
    distance, step = _edge_distance(mask)
    deepest = int(distance.max())
    enough = min(max(EDGE_DISTANCE, int(_DEEP * deepest)), deepest)
    on_lattice = _lattice_of(box, width=width, height=height)
    chosen = np.zeros((0, 2), dtype=np.int64)
    for least in sorted({enough, min(EDGE_DISTANCE, deepest)}, reverse=True):
        candidates = on_lattice[distance[on_lattice[:, 1] // step, on_lattice[:, 0] // step] >= least]
        chosen = _spread(chosen, candidates)
    if len(chosen) < INTERIOR_POINTS:
        chosen = _spread(chosen, _centres(distance >= min(EDGE_DISTANCE, deepest), step=step))
    placed: NDArray[np.int64] = chosen + np.array([box.x1, box.y1])
    return placed


def _lattice_of(box: Box, *, width: int, height: int) -> NDArray[np.int64]:
    """Points of the lattice within the box, x and y from its corner."""
    xs, ys = lattice(width), lattice(height)
    xs = xs[(xs >= box.x1) & (xs < box.x2)] - box.x1
    ys = ys[(ys >= box.y1) & (ys < box.y2)] - box.y1
    points = np.empty((ys.size, xs.size, 2), dtype=np.int64)
    points[..., 0], points[..., 1] = xs, ys[:, None]
    return points.reshape(-1, 2)


def _edge_distance(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """
    Measure how far the pixels of a mask are from its edge, at least, in cells of `step` pixels.

    Returns
    -------
    tuple
        Distance in pixels (chessboard; 1 = at the edge, 0 = outside) per cell, and the cell's side in
        pixels. A cell of a large mask counts as inside only if all of its pixels are, so holes are never
        missed.
    """
    step = max(1, int(np.ceil(np.sqrt(mask.size / _COARSE_CELLS))))
    distance = _cell_distance(_whole_cells(mask, step=step), step=step)
    if step > 1 and distance.max() < EDGE_DISTANCE:
        # Too thin for cells: look at every pixel after all.
        step, distance = 1, _cell_distance(mask, step=1)
    return distance, step


def _cell_distance(cells: NDArray[np.bool_], *, step: int) -> NDArray[np.int64]:
    from scipy import ndimage  # half a second, at the start of every command, for masks alone

    framed = np.zeros((cells.shape[0] + 2, cells.shape[1] + 2), dtype=bool)
    framed[1:-1, 1:-1] = cells
    steps = ndimage.distance_transform_cdt(framed, _CHESSBOARD)[1:-1, 1:-1].astype(np.int64)
    return np.where(steps > 0, (steps - 1) * step + 1, 0)


def _whole_cells(mask: NDArray[np.bool_], *, step: int) -> NDArray[np.bool_]:
    if step == 1:
        return mask
    rows, columns = (-(-side // step) for side in mask.shape)
    padded = np.zeros((rows * step, columns * step), dtype=bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    lines = np.logical_and.reduce(padded.reshape(rows, step, columns * step), axis=1)
    cells: NDArray[np.bool_] = np.logical_and.reduce(lines.reshape(rows, columns, step), axis=2)
    return cells


def _centres(cells: NDArray[np.bool_], *, step: int) -> NDArray[np.int64]:
    ys, xs = np.nonzero(cells)
    return np.stack([xs, ys], axis=-1) * step + step // 2


def _spread(chosen: NDArray[np.int64], candidates: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add the candidate farthest from all chosen points until there are enough; begin in the middle."""
    if len(candidates) == 0 or len(chosen) >= INTERIOR_POINTS:
        return chosen
    xs, ys = candidates[:, 0], candidates[:, 1]

    def squared(x: float, y: float) -> NDArray[Any]:
        gap: NDArray[Any] = (xs - x) ** 2 + (ys - y) ** 2
        return gap

    points = chosen.tolist()
    if not points:
        points.append(candidates[int(squared(xs.mean(), ys.mean()).argmin())].tolist())
    gap = np.minimum.reduce([squared(x, y) for x, y in points])
    while len(points) < INTERIOR_POINTS and gap[(next_one := int(gap.argmax()))] > 0:
        x, y = candidates[next_one].tolist()
        points.append([x, y])
        gap = np.minimum(gap, squared(x, y))
    return np.array(points, dtype=np.int64)


def scene_points(*, width: int, height: int, seed: str) -> NDArray[np.int64]:
    """
    Choose points spread over the picture, one in each cell of SCENE_GRID; the right half mirrors the left one.

    Of two points at one height and as far from the middle nobody can tell without the picture which is closer.

    Parameters
    ----------
    width, height
        Size of the picture in pixels.
    seed
        Decides where in its cell each point lies; the image id.

    Returns
    -------
    numpy.ndarray
        x, y in pixels, shape (n, 2), without repeats; one for each cell unless the picture is small.
    """
    columns, rows = SCENE_GRID
    half = columns // 2
    draws = np.frombuffer(hashlib.shake_256(seed.encode()).digest(4 * half * rows), dtype="<u2").astype(np.int64)
    xs, ys = lattice(width), lattice(height)
    column = _pick(len(xs), draws[::2].reshape(rows, half), cells=columns)
    row = _pick(len(ys), draws[1::2].reshape(rows, half).T, cells=rows).T
    places = np.concatenate([xs[column].ravel(), xs[len(xs) - 1 - column].ravel()])
    return np.unique(np.stack([places, np.tile(ys[row].ravel(), 2)], axis=-1), axis=0)


def _pick(positions: int, draws: NDArray[np.int64], *, cells: int) -> NDArray[np.int64]:
    """For each column of `draws` the number of one of the positions in that cell, of so many cells in all."""
    edges = np.arange(cells + 1) * positions // cells
    sizes = np.maximum(np.diff(edges), 1)[: draws.shape[1]]
    picked: NDArray[np.int64] = np.minimum(edges[: draws.shape[1]] + draws % sizes, positions - 1)
    return picked
