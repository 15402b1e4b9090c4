"""Points on other objects that mirror a point of an object at another: the same way off, to the other side.

Of such a pair nobody can tell without the picture which is on the object: distance and direction are alike. They are
mirrored as they are printed, in hundredths of width and height.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provision_dagster.scene_graphs.evidence import ObjectEvidence, in_boxes
from provision_dagster.scene_graphs.points import INTERIOR_POINTS

PER_SIDE = 2
"""So many are kept for each object and side (see `side_of`), so that each side is offered where it can be."""

SIDES = 6
"""How many sides `side_of` tells apart."""

LEAST_STEP = 2
"""Hundredths of a side that two points are apart, at least, along one axis."""

CLEARANCE = 2
"""Pixels to each side of a mirrored point that lie in the same masks: it is clear of their edges."""

_FLIPS = np.array([(-1, 1), (1, -1), (-1, -1)])
_AROUND = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if (x, y) != (0, 0)]) * CLEARANCE

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def with_mirrored(
    found: list[ObjectEvidence], masks: Bools, *, unmasked: NDArray[np.float64], places: list[int], seed: str
) -> list[ObjectEvidence]:
    """
    Find mirrored points for the objects of an image.

    Parameters
    ----------
    found
        Evidence of all objects, with their points.
    masks
        bool, shape (n, height, width).
    unmasked
        Boxes x1, y1, x2, y2 in pixels of the objects without a mask, shape (m, 4): no point of theirs is taken.
    places
        Index in `found` of each mask.
    seed
        Decides which are kept of many; the image id.

    Returns
    -------
    list
        `found` with `mirrored` filled.
    """
    xy = np.array([(p["x"], p["y"]) for one in found for p in one.points], dtype=np.int64).reshape(-1, 2)
    sides = np.array(masks.shape[:0:-1])
    anchor, same, goal = _mirrored(xy, _owners(found), sides=sides)
    pixel = goal * sides // 100
    fit = _sound(masks, unmasked, xy, anchor, same, pixel)
    anchor, same, goal, pixel = anchor[fit], same[fit], goal[fit], pixel[fit]
    side = side_of(goal, hundredths(xy[same], sides)[0])
    kept = _few(_owners(found)[anchor], side, fit, seed=seed)
    return _filled(found, masks, places, anchor[kept], same[kept], pixel[kept])


def _owners(found: list[ObjectEvidence]) -> Ints:
    return np.repeat(np.arange(len(found)), [len(one.points) for one in found])


def hundredths(xy: Ints, sides: Ints) -> tuple[Ints, Bools]:
    """Hundredths of the sides that fall into pixels, and whether there are such; shapes (n, 2) and (n,)."""
    ratio = -(-xy * 100 // sides)
    return ratio, np.asarray((ratio * sides // 100 == xy).all(axis=1))


def _mirrored(xy: Ints, owner: Ints, *, sides: Ints) -> tuple[Ints, Ints, Ints]:
    """Every pair of points of one object, and where the second is mirrored at the first, in hundredths."""
    anchor, same = _pairs(owner)
    ratio, exact = hundredths(xy, sides)
    step = ratio[same] - ratio[anchor]
    fit = exact[anchor] & exact[same] & (np.abs(step).max(axis=1, initial=0) >= LEAST_STEP)
    anchor, same, step = anchor[fit], same[fit], step[fit]
    goal = (ratio[anchor][:, None] + step[:, None] * _FLIPS).reshape(-1, 2)
    anchor, same = np.repeat(anchor, len(_FLIPS)), np.repeat(same, len(_FLIPS))
    # a step along one axis alone is its own mirror image in one case, and is mirrored twice in another
    flip = np.tile(np.arange(len(_FLIPS)), len(step))
    straight = np.repeat((step == 0).any(axis=1), len(_FLIPS))
    fit = ((goal >= 1) & (goal <= 99)).all(axis=1) & ~(straight & (flip != len(_FLIPS) - 1))
    # in small pictures several ratios name one pixel, and only the least is printed
    fit &= (hundredths(goal * sides // 100, sides)[0] == goal).all(axis=1)
    return anchor[fit], same[fit], goal[fit]


def _pairs(owner: Ints) -> tuple[Ints, Ints]:
    """Ordered pairs of different rows with one owner, where `owner` is sorted."""
    slot = np.arange(INTERIOR_POINTS)
    first = np.searchsorted(owner, owner)
    partner = first[:, None] + slot
    there = (slot < (np.searchsorted(owner, owner, side="right") - first)[:, None]) & (
        partner != np.arange(len(owner))[:, None]
    )
    return np.nonzero(there)[0], partner[there]


def _sound(masks: Bools, unmasked: NDArray[np.float64], xy: Ints, anchor: Ints, same: Ints, pixel: Ints) -> Ints:
    """
    Find the rows in which the mirrored point is on other objects than the two points, and clear of edges.

    The second point must lie in every mask that holds the anchor.
    """
    of_point = masks[:, xy[:, 1], xy[:, 0]]
    held = of_point[:, anchor]
    covers = masks[:, pixel[:, 1], pixel[:, 0]]
    of_same = of_point[:, same]
    bad = ((covers & (held | of_same)) | (held & ~of_same)).any(axis=0)
    rows = np.flatnonzero(covers.any(axis=0) & ~bad)
    near = pixel[rows][:, None] + _AROUND
    xs, ys = (np.clip(near[..., axis], 0, masks.shape[2 - axis] - 1) for axis in (0, 1))
    clear = (masks[:, ys, xs] == covers[:, rows, None]).all(axis=(0, 2)) & ~in_boxes(pixel[rows], unmasked)
    return np.asarray(rows[clear])


def side_of(point: Ints, mirrored: Ints) -> Ints:
    """
    Name the side to which points are mirrored; SIDES - 1 - side is the opposite one.

    Parameters
    ----------
    point, mirrored
        Printed positions in hundredths of the sides, shape (n, 2).

    Returns
    -------
    numpy.ndarray
        0, 1, 2: farther from the middle of the picture (or as far) and higher, as high, lower; 3, 4, 5: closer to it.
    """
    inward = ((point - 50) ** 2).sum(axis=1) < ((mirrored - 50) ** 2).sum(axis=1)
    return np.asarray(np.sign(point[:, 1] - mirrored[:, 1]) + 1 + 3 * inward)


def _few(owner: Ints, side: Ints, number: Ints, *, seed: str) -> Ints:
    """Choose PER_SIDE rows of each object and side at random, by their `number` among all that were looked at."""
    luck = np.frombuffer(hashlib.shake_256(seed.encode()).digest(4 * (int(number.max(initial=0)) + 1)), dtype="<u4")
    group = owner * SIDES + side
    order = np.lexsort((number, luck[number], group))
    place = np.arange(len(order)) - np.searchsorted(group[order], group[order])
    return np.sort(order[place < PER_SIDE])


def _filled(
    found: list[ObjectEvidence], masks: Bools, places: list[int], anchor: Ints, same: Ints, pixel: Ints
) -> list[ObjectEvidence]:
    owner = _owners(found)
    first = np.searchsorted(owner, owner)
    covers = masks[:, pixel[:, 1], pixel[:, 0]].T
    of_point = [np.array(places)[row].tolist() for row in covers]
    rows = zip((anchor - first[anchor]).tolist(), (same - first[same]).tolist(), pixel.tolist(), of_point, strict=True)
    lists: list[list[dict[str, Any]]] = [[] for _ in found]
    for place, (a, s, (x, y), inside) in zip(owner[anchor].tolist(), rows, strict=True):
        lists[place].append({"anchor": a, "same": s, "x": x, "y": y, "inside": inside})
    return [one._replace(mirrored=kept) for one, kept in zip(found, lists, strict=True)]
