"""Boxes from a model to a picture: scaled back, cut at its edges, one per thing."""

import numpy as np
from numpy.typing import NDArray

from provision_dagster.scene_graphs.annotators.found import Detections, Floats

Ints = NDArray[np.int64]

SEEN_IOU = 0.5
"""A weak box that overlaps a kept one of its label this much shows the same thing."""


def iou(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of each box with each other one, shapes (n, 4), (m, 4) -> (n, m)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    both: Floats = np.prod(np.clip(high - low, 0, None), axis=2)
    union = _areas(boxes)[:, None] + _areas(others)[None] - both
    return np.asarray(np.divide(both, union, out=np.zeros_like(both), where=union > 0))


def _areas(boxes: Floats) -> Floats:
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1])


def corners(boxes: Floats, *, width: int, height: int) -> Floats:
    """Centre and sides as shares of the picture to corners in pixels, shape (n, 4)."""
    center, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([center - half, center + half], axis=1) * [width, height, width, height]


def suppress(boxes: Floats, scores: Floats, classes: Ints, *, iou_threshold: float) -> Ints:
    """Class-wise non-maximum suppression.

    Parameters
    ----------
    boxes, scores, classes
        Shapes (n, 4), (n,), (n,).
    iou_threshold
        A box that overlaps a better one of its class by more is dropped.

    Returns
    -------
    numpy.ndarray
        Places of the boxes that stay, best first; of equal scores the earlier first.
    """
    order = np.argsort(-scores, kind="stable")
    kept = np.ones(len(order), dtype=bool)
    for kind in np.unique(classes):
        mine = np.flatnonzero(classes[order] == kind)
        over = iou(boxes[order[mine]], boxes[order[mine]]) > iou_threshold
        alive = np.ones(len(mine), dtype=bool)
        for place in range(len(mine)):
            if alive[place]:
                alive[place + 1 :] &= ~over[place, place + 1 :]
        kept[mine] = alive
    return order[kept]


def detections(
    boxes: Floats,
    scores: Floats,
    classes: Ints,
    *,
    labels: list[str],
    width: int,
    height: int,
    score_threshold: float,
    iou_threshold: float,
    most: int,
) -> Detections:
    """Turn raw boxes of one picture into what is kept of them.

    What scores less than an object needs, or is more than `most`, is weak: it shows where there may be more. A weak box
    where a kept one of its label is says nothing new and is left out.

    Parameters
    ----------
    boxes
        In pixels of the picture, maybe reaching out of it, shape (n, 4).
    labels
        Label of each class.
    score_threshold
        What an object scores at least.
    most
        How many objects are kept at most, and how many weak boxes; of these the best of each label first.
    """
    cut = np.clip(boxes, 0, np.array([width, height, width, height], dtype=np.float64))
    real = np.flatnonzero((cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1]) & np.isfinite(scores))
    best = real[suppress(cut[real], scores[real], classes[real], iou_threshold=iou_threshold)]
    strong = (scores[best] >= score_threshold) & (np.arange(len(best)) < most)
    kept, weak = best[strong], best[~strong]
    seen = (iou(cut[weak], cut[kept]) >= SEEN_IOU) & (classes[weak][:, None] == classes[kept])
    weak = weak[~seen.any(axis=1)]
    weak = weak[np.argsort(_repeats(classes[weak]), kind="stable")][:most]

    def found(rows: Ints, more: Detections | None) -> Detections:
        return Detections(cut[rows], [labels[kind] for kind in classes[rows]], scores[rows].astype(np.float64), more)

    return found(kept, found(weak, None))


def _repeats(classes: Ints) -> Ints:
    """How many of its class stand before each: 0, 0, 1, ..."""
    order = np.argsort(classes, kind="stable")
    first = np.searchsorted(classes[order], classes[order])
    places = np.empty(len(classes), dtype=np.int64)
    places[order] = np.arange(len(classes)) - first
    return places
