"""What is true of a rendered scene: boxes, masks, attributes and relations, in ProVision's layout."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from provision_dagster.samples.rendering.captions import write_captions
from provision_dagster.samples.rendering.kinds import searched_labels
from provision_dagster.samples.rendering.raster import Raster
from provision_dagster.samples.rendering.stage import Item, Stage

PREDICATES = (
    "on",
    "under",
    "holding",
    "wearing",
    "next to",
    "in front of",
    "behind",
    "to the left of",
    "to the right of",
)
AIRBORNE = ("kite", "cloud")
SIDE_OVERLAP = 0.25
"""Boxes lie side by side when they share at most this part of the narrower one's width."""
DEPTH_MARGIN = 0.05
"""Least difference of near / z between the nearest point of a thing and the farthest of one before it."""
NEAR_SHARE, NEAR_LIMIT, NEAR_PIXELS = 0.35, 1.6, 0.08
"""Next to: bodies at most 0.35 of the larger one's size and 1.6 m apart, boxes at most 8 % of the width."""

Relation = tuple[int, str, int]
Matrix = NDArray[np.bool_]


def annotate(raster: Raster, *, neighbors: int | None = None) -> dict[str, Any]:
    """Return the annotation of a rendered scene (the value of "annotation" in ProVision's layout).

    Parameters
    ----------
    raster
        The rendered scene.
    neighbors
        None: list every true relation. A number k: list "to the left of" and "to the right of" only
        between a thing and its k nearest in the picture; the list is then not exhaustive, and says so.
    """
    boxes = visible_boxes(raster)
    relations = list_relations(raster, boxes, neighbors=neighbors)
    attributes = [attributes_of(item) for item in raster.items]
    labels = [item.kind.label for item in raster.items]
    camera = raster.stage.camera
    return {
        "width": camera.width,
        "height": camera.height_px,
        "labels": labels,
        "bboxes": boxes.tolist(),
        "attributes": attributes,
        "relations": [list(r) for r in relations],
        "object_ids": [str(k) for k in range(len(labels))],
        "mask_rle": encode_masks(raster),
        "exhaustive_labels": list(searched_labels(raster.stage.view)),
        "exhaustive_attributes": True,
        "exhaustive_relations": neighbors is None,
        "captions": write_captions(raster.stage.view, labels, attributes, relations),
        "camera": {
            "focal_px": camera.focal,
            "height_m": camera.height,
            "horizon_px": camera.horizon,
            "near_m": camera.near,
        },
        "license": "CC0-1.0",
        "attribution": "rendered by provision_dagster",
    }


def attributes_of(item: Item) -> list[str]:
    """Colour word, size word, then finish (pattern or material) and posture or shape where drawn."""
    return [a for a in (item.look.color, item.size, item.look.finish, item.pose.removesuffix(" holding")) if a]


def visible_boxes(raster: Raster) -> NDArray[np.int64]:
    """Extent [x1, y1, x2, y2] of each thing's visible pixels; x2 and y2 are outer edges."""
    boxes = np.empty((len(raster.items), 4), np.int64)
    for k, sprite in enumerate(raster.sprites):
        mask = raster.owner[sprite.window] == k
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        boxes[k] = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        boxes[k] += np.tile((sprite.window[1].start, sprite.window[0].start), 2)
    return boxes


def encode_masks(raster: Raster) -> list[str]:
    """COCO compressed run-length code ("counts") of each thing's visible pixels, of the full picture."""
    height, width = raster.owner.shape
    codes = []
    for k, sprite in enumerate(raster.sprites):
        turns = _turns(raster.owner[sprite.window] == k, sprite.window, height)
        counts = np.diff(turns, prepend=0, append=height * width)
        codes.append({"size": [height, width], "counts": counts.tolist()})
    return [code["counts"].decode("ascii") for code in coco_mask.frPyObjects(codes, height, width)]


def _turns(mask: Matrix, window: tuple[slice, slice], height: int) -> NDArray[np.int64]:
    """Places, counted down the columns of the full picture, where runs of a mask begin and end in turn."""
    rows, columns = window
    padded = np.zeros((mask.shape[1], mask.shape[0] + 2), np.int8)
    padded[:, 1:-1] = mask.T
    column, row = np.nonzero(padded[:, 1:] != padded[:, :-1])
    turns: NDArray[np.int64] = (column + columns.start) * height + row + rows.start
    double = turns[1:] == turns[:-1]  # a run that goes on from the foot of one column to the top of the next
    kept: NDArray[np.bool_] = ~(np.append(double, False) | np.insert(double, 0, False))
    return turns.compress(kept)


def list_relations(raster: Raster, boxes: NDArray[np.int64], *, neighbors: int | None) -> list[Relation]:
    """Return the true relations (subject, predicate, object), sorted by subject, predicate and object."""
    items, stage = raster.items, raster.stage
    apart = _share_of_width(boxes) <= SIDE_OVERLAP
    middle = (boxes[:, 0] + boxes[:, 2]) / 2
    left = apart & (middle[:, None] < middle[None, :])
    if neighbors is not None:
        left &= _nearest(boxes, neighbors)
    close, nearest, farthest = (
        stage.camera.near / np.array(z)
        for z in ([i.z for i in items], [i.nearest for i in items], [i.farthest for i in items])
    )
    clear = farthest[:, None] - nearest[None, :] >= DEPTH_MARGIN
    front = ~apart & clear & ~_kin(items) & _order_seen(items, boxes)
    beside = apart & (np.abs(close[:, None] - close[None, :]) <= 2 * DEPTH_MARGIN) & _near(stage, items, boxes)
    found = [*_ties(items)]
    tables = (
        ("to the left of", left),
        ("to the right of", left.T),
        ("in front of", front),
        ("behind", front.T),
        ("next to", beside),
    )
    for predicate, table in tables:
        found += [(int(i), predicate, int(j)) for i, j in np.argwhere(table)]
    return sorted(found, key=lambda r: (r[0], PREDICATES.index(r[1]), r[2]))


def _ties(items: tuple[Item, ...]) -> list[Relation]:
    """Relations between a thing and what it stands on, lies under, holds or wears."""
    found: list[Relation] = []
    for k, item in enumerate(items):
        if item.parent is None:
            continue
        if item.tie in ("holding", "wearing"):
            found.append((item.parent, item.tie, k))
        else:
            found.append((k, item.tie, item.parent))
        if item.tie == "on":
            found.append((item.parent, "under", k))
    return found


def _share_of_width(boxes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Common width of each pair of boxes as a share of the narrower one's; 1 on the diagonal."""
    x1, x2 = boxes[:, 0], boxes[:, 2]
    common = np.minimum(x2[:, None], x2[None, :]) - np.maximum(x1[:, None], x1[None, :])
    shares: NDArray[np.float64] = np.clip(common, 0, None) / np.minimum((x2 - x1)[:, None], (x2 - x1)[None, :])
    return shares


def _nearest(boxes: NDArray[np.int64], count: int) -> Matrix:
    """Pairs of which one is among the `count` nearest of the other, by the middles of their boxes."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    distance = np.hypot(*(middle[:, None, :] - middle[None, :, :]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    rank = distance.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    chosen: Matrix = rank < count
    return chosen | chosen.T


def _kin(items: tuple[Item, ...]) -> Matrix:
    """Pairs of which one carries the other, directly or through a third."""
    kin = np.eye(len(items), dtype=bool)
    for k, item in enumerate(items):
        up = item.parent
        while up is not None:
            kin[k, up] = kin[up, k] = True
            up = items[up].parent
    return kin


def _order_seen(items: tuple[Item, ...], boxes: NDArray[np.int64]) -> Matrix:
    """Pairs of which it is seen which is nearer: not how far a kite is; a cloud is behind what its box meets."""
    kite, cloud = (np.array([item.kind.label == label for item in items]) for label in AIRBORNE)
    meet = (boxes[:, None, 1] < boxes[None, :, 3]) & (boxes[None, :, 1] < boxes[:, None, 3])
    seen: Matrix = np.where(cloud[:, None] | cloud, meet, ~(kite[:, None] | kite))
    return seen


def _level(item: Item) -> str:
    """Name of the surface that a thing stands or hangs on; "" for what hangs in the air."""
    if item.tie == "on":
        return f"on {item.parent}"
    if item.tie in ("holding", "wearing") or item.kind.label in AIRBORNE:
        return ""
    return "wall" if item.base > 0 else "ground"


def _near(stage: Stage, items: tuple[Item, ...], boxes: NDArray[np.int64]) -> Matrix:
    """Pairs on one surface whose bodies and boxes are close to each other."""
    levels = np.array([_level(item) for item in items])
    same = (levels[:, None] == levels[None, :]) & (levels != "")[:, None]
    x, z = np.array([i.x for i in items]), np.array([i.z for i in items])
    wide, deep = np.array([i.width for i in items]), np.array([i.kind.depth for i in items])
    size = np.maximum(wide, np.array([i.height for i in items]))
    dx = np.clip(np.abs(x[:, None] - x) - (wide[:, None] + wide) / 2, 0, None)
    dz = np.clip(np.abs(z[:, None] - z) - (deep[:, None] + deep) / 2, 0, None)
    reach = np.minimum(NEAR_SHARE * np.maximum(size[:, None], size), NEAR_LIMIT)
    pixels = np.maximum(boxes[:, None, 0], boxes[None, :, 0]) - np.minimum(boxes[:, None, 2], boxes[None, :, 2])
    near: Matrix = same & (np.hypot(dx, dz) <= reach) & (pixels <= NEAR_PIXELS * stage.camera.width)
    return near
