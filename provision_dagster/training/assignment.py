"""Which places of a detector's heads answer for which objects: SimOTA (Ge et al., arXiv 2107.08430, section 2.2)."""

import torch
from torch import Tensor

RADIUS = 1.5
"""Places at most so many strides from the middle of an object, to each side, may answer for it."""
CANDIDATES = 10
"""Overlaps whose sum is the number of places that answer for an object."""
IOU_WEIGHT = 3.0
"""Weight of the overlap beside the class in what is minimized (equation 1)."""


def ious(boxes: Tensor, others: Tensor) -> Tensor:
    """Overlap of boxes x1, y1, x2, y2 in the last axis with others, the axes before broadcast."""
    low, high = torch.maximum(boxes[..., :2], others[..., :2]), torch.minimum(boxes[..., 2:], others[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    areas = [(one[..., 2:] - one[..., :2]).clamp(min=0).prod(-1) for one in (boxes, others)]
    return both / (areas[0] + areas[1] - both).clamp(min=1e-6)


@torch.no_grad()
def assign(
    boxes: Tensor, scores: Tensor, truth: Tensor, classes: Tensor, *, points: Tensor, strides: Tensor
) -> tuple[Tensor, Tensor]:
    """Choose the object that each place answers for, by what the network finds there now.

    Parameters
    ----------
    boxes, scores
        Found: pixels x1, y1, x2, y2, shape (n, places, 4); objectness times class, shape (n, classes, places).
    truth, classes
        Marked: pixels, shape (n, most, 4); shape (n, most), -1 = no object.
    points, strides
        Middle of each place in pixels, shape (places, 2), and its stride, shape (places,).

    Returns
    -------
    tuple
        Number of the object or -1, shape (n, places), and the overlap with it, 0 without, of the same shape.
    """
    overlap = ious(boxes[:, None], truth[:, :, None])
    away = ((truth[..., :2] + truth[..., 2:]) / 2)[:, :, None] - points
    near = (away.abs().amax(-1) < RADIUS * strides) & (classes >= 0)[..., None]
    said = scores.gather(1, classes.clamp(min=0)[..., None].expand(-1, -1, scores.shape[2]))
    cost = -(said.clamp(min=1e-6).log() + IOU_WEIGHT * overlap.clamp(min=1e-6).log())
    cost = cost.masked_fill(~near, torch.inf)
    count = (overlap * near).topk(CANDIDATES).values.sum(-1).floor().clamp(min=1)
    best = cost.topk(CANDIDATES, largest=False).indices
    chosen = torch.zeros_like(near).scatter(2, best, torch.arange(CANDIDATES) < count[..., None]) & near
    least, owner = cost.masked_fill(~chosen, torch.inf).min(1)
    owned = least.isfinite()
    found = overlap.gather(1, owner[:, None])[:, 0]
    return owner.masked_fill(~owned, -1), found * owned
