"""What a vision-language model is shown of a picture: a place with its surroundings, or all of it with boxes drawn."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from provision_dagster.scene_graphs.annotators.found import Asked, Floats, Pixels
from provision_dagster.scene_graphs.annotators.vlm_configs import View

RED, BLUE = "#e6001a", "#0040ff"
"""Of the box of an object or subject, and of that of the other one."""

LEAST_SIDE = 32
"""Pixels of a crop's sides at least, where the picture has as many: models cut views into patches of up to 28."""

LEAST_RATIO = 0.25
"""Shorter side of a crop at least, as a share of the longer one, where the picture is so large."""


def object_views(asked: Asked, *, view: View) -> list[Image.Image]:
    """Show each object of a picture, in their order; a crop has no box in it, a marked view a red one."""
    if view.view == "crop":
        return [_view(asked.picture, [box], colors=(), view=view) for box in asked.boxes]
    return [_view(asked.picture, [box], colors=(RED,), view=view) for box in asked.boxes]


def pair_views(asked: Asked, *, view: View) -> list[Image.Image]:
    """Show each pair of a picture, in their order: the subject in a red box, the object in a blue one."""
    chosen = [[asked.boxes[subject], asked.boxes[other]] for subject, other in asked.pairs]
    return [_view(asked.picture, boxes, colors=(RED, BLUE), view=view) for boxes in chosen]


def _view(picture: Pixels, boxes: Sequence[Floats], *, colors: Sequence[str], view: View) -> Image.Image:
    """Cut, scale down, then draw: lines are as thick on a large picture as on a small one."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (0, 0, width, height)
    if view.view == "crop":
        left, top, right, bottom = window(np.stack(boxes), width=width, height=height, margin=view.margin)
    # a copy: what is drawn must not come into the picture
    image = Image.fromarray(np.ascontiguousarray(picture[top:bottom, left:right])).convert("RGB")
    scale = min(1.0, view.longest_side / max(image.size))
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BICUBIC)
    _draw(image, [(box - [left, top, left, top]) * scale for box in boxes], colors=colors)
    return image


def window(boxes: Floats, *, width: int, height: int, margin: float) -> tuple[int, int, int, int]:
    """Place of a crop around boxes, in whole pixels.

    Parameters
    ----------
    boxes
        All lie in the crop, but for what lies outside of the picture; shape (n, 4).
    width, height
        Of the picture.
    margin
        Surroundings on each side, as a share of the longer side of what the boxes cover.

    Returns
    -------
    tuple of int
        Left, top, right, bottom; at least one pixel, within the picture.
    """
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    longer = float((high - low).max())
    sides = (high - low) + 2 * margin * longer
    sides = np.maximum(sides, max(LEAST_SIDE, LEAST_RATIO * float(sides.max())))
    left, right = _span(float(low[0] + high[0]) / 2, float(sides[0]), end=width)
    top, bottom = _span(float(low[1] + high[1]) / 2, float(sides[1]), end=height)
    return left, top, right, bottom


def _span(middle: float, length: float, *, end: int) -> tuple[int, int]:
    """Cut a span at the edges of a picture; one of the least length is moved inside instead."""
    first, last = int(np.floor(middle - length / 2)), int(np.ceil(middle + length / 2))
    least = min(LEAST_SIDE, end)
    first, last = max(0, min(first, end - least)), min(end, max(last, least))
    return first, max(last, first + 1)


def _draw(image: Image.Image, boxes: Sequence[Floats], *, colors: Sequence[str]) -> None:
    """Draw each box around its object, not over it."""
    pen, thick = ImageDraw.Draw(image), max(2, round(max(image.size) / 200))
    for box, color in zip(boxes, colors, strict=False):
        x1, y1 = (max(0, int(np.floor(side)) - thick) for side in box[:2])
        x2, y2 = (min(end - 1, int(np.ceil(side)) + thick - 1) for side, end in zip(box[2:], image.size, strict=True))
        pen.rectangle((x1, y1, max(x2, x1), max(y2, y1)), outline=color, width=thick)
