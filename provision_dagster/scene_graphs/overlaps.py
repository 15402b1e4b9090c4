"""In which masks of its image a point lies: masks overlap, and a point of one object may be another's too."""

import numpy as np
from numpy.typing import NDArray

from provision_dagster.scene_graphs.evidence import ObjectEvidence, in_boxes


def with_overlaps(
    found: list[ObjectEvidence], masks: NDArray[np.bool_], *, places: list[int], unmasked: NDArray[np.float64]
) -> list[ObjectEvidence]:
    """
    Say for the points of objects in which masks they lie.

    Parameters
    ----------
    found
        Evidence of all objects of an image.
    masks
        bool, shape (n, height, width).
    places
        Index in `found` of each mask.
    unmasked
        Boxes x1, y1, x2, y2 in pixels of the objects without a mask, shape (m, 4).

    Returns
    -------
    list
        `found`, with the key `inside` in each point: indexes of the objects whose masks hold it, in order; None in a
        box of an object without a mask, which may hold it as well.
    """
    points = np.array([(p["x"], p["y"]) for one in found for p in one.points], dtype=np.int64).reshape(-1, 2)
    covers = masks[:, points[:, 1], points[:, 0]].T
    of_point = np.array(places, dtype=np.int64)[np.nonzero(covers)[1]].tolist()
    ends = np.cumsum(np.count_nonzero(covers, axis=1)).tolist()
    hidden = in_boxes(points, unmasked).tolist()
    inside = [None if h else of_point[a:b] for h, a, b in zip(hidden, [0, *ends], ends, strict=False)]
    lists = iter(inside)
    return [one._replace(points=[{**p, "inside": next(lists)} for p in one.points]) for one in found]
