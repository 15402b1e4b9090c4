"""From a furnished scene to pixels: picture, visible masks and depth, with the hidden things taken out."""

import random
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provision_dagster.samples.rendering.backdrop import backdrop_depth, paint_backdrop
from provision_dagster.samples.rendering.palette import COLOR_NAMES, color_classes
from provision_dagster.samples.rendering.pen import PAD, Pen
from provision_dagster.samples.rendering.stage import Item, Stage

MIN_VISIBLE = 0.4
"""A thing stays only if at least this share of its silhouette is seen ..."""
MIN_AREA = 250
"""... and at least so many pixels of a 640 x 480 picture (in proportion for other sizes)."""
COLOR_LEAD = 1.6
"""Its colour word must fit this many times as many visible pixels as any other word."""
BACKGROUND = 255


@dataclass(frozen=True)
class Sprite:
    """One drawn thing and where its upper left corner falls in the picture."""

    image: Image.Image  # RGBA
    left: int
    top: int
    solid: NDArray[np.bool_]  # the part inside the picture that covers a pixel by half or more
    classes: NDArray[np.uint8]  # colour word of every second pixel in every second row of `solid`'s frame
    window: tuple[slice, slice]  # rows and columns of the picture that `solid` fills
    whole: int  # pixels of the full silhouette, also those outside the picture


@dataclass(frozen=True)
class Raster:
    """A rendered scene: things in the order of `items`."""

    stage: Stage
    items: tuple[Item, ...]
    sprites: tuple[Sprite, ...]
    image: Image.Image
    owner: NDArray[np.uint8]  # (height, width): index into `items`, BACKGROUND where there is none
    depth: NDArray[np.uint16]  # (height, width), larger = closer


def rasterize(stage: Stage) -> Raster:
    """Draw a furnished scene and drop, one by one, what is hardly seen or not seen in its colour."""
    backdrop = paint_backdrop(stage)
    drawn = [(item, _draw(stage, item)) for item in stage.items]
    alive = list(range(len(drawn)))
    while True:
        order = paint_order(stage.items, alive)
        owner = _owners(stage, [(k, drawn[k][1]) for k in order])
        worst = _least_seen(stage, drawn, alive, owner)
        if worst is None:
            break
        alive = _without(stage.items, alive, worst)
    return _compose(stage, drawn, alive, order, owner, backdrop)


def paint_order(items: list[Item], alive: list[int]) -> list[int]:
    """Order of painting: far to near; what a thing carries comes right after it, what is under it before."""

    def family(k: int) -> list[int]:
        children = sorted((c for c in alive if items[c].parent == k), key=lambda c: (-items[c].z, c))
        under = [d for c in children if items[c].tie == "under" for d in family(c)]
        return [*under, k, *(d for c in children if items[c].tie != "under" for d in family(c))]

    roots = sorted((k for k in alive if items[k].parent is None), key=lambda k: (-items[k].z, k))
    return [k for root in roots for k in family(root)]


def _draw(stage: Stage, item: Item) -> Sprite:
    camera = stage.camera
    x1, y1, x2, y2 = item.box(camera)
    pen = Pen(
        x2 - x1,
        y2 - y1,
        look=item.look,
        rng=random.Random(item.seed),
        flip=item.flip,
        pose=item.pose,
        corners=item.outline(camera),
    )
    item.kind.draw(pen)
    image = pen.finish()
    left, top = round((x1 + x2 - image.width) / 2), round(y2) + PAD - image.height
    return _sprite(image, left, top, camera.width, camera.height_px)


def _sprite(image: Image.Image, left: int, top: int, width: int, height: int) -> Sprite:
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + image.width, width), min(top + image.height, height)
    full = np.asarray(image)
    pixels = full[y1 - top : y2 - top, x1 - left : x2 - left]
    return Sprite(
        image,
        left,
        top,
        pixels[..., 3] >= 128,
        color_classes(pixels[::2, ::2, :3]),
        (slice(y1, y2), slice(x1, x2)),
        int(np.count_nonzero(full[..., 3] >= 128)),
    )


def _owners(stage: Stage, order: list[tuple[int, Sprite]]) -> NDArray[np.uint8]:
    owner = np.full((stage.camera.height_px, stage.camera.width), BACKGROUND, np.uint8)
    for k, sprite in order:
        owner[sprite.window][sprite.solid] = k
    return owner


def _least_seen(
    stage: Stage, drawn: list[tuple[Item, Sprite]], alive: list[int], owner: NDArray[np.uint8]
) -> int | None:
    """The thing that has to go first: the one seen least of those seen too little; None when all are fine."""
    smallest = max(30.0, MIN_AREA * owner.size / (640 * 480))
    failing: list[tuple[float, int]] = []
    for k in alive:
        item, sprite = drawn[k]
        seen = (owner[sprite.window] == k) & sprite.solid
        area = int(seen.sum())
        share = area / max(sprite.whole, 1)
        if share < MIN_VISIBLE or area < smallest or not _shows_color(item, sprite.classes[seen[::2, ::2]]):
            failing.append((share, k))
    return min(failing)[1] if failing else None


def _shows_color(item: Item, classes: NDArray[np.uint8]) -> bool:
    """Whether the colour word of the thing is clearly the commonest one among its visible pixels."""
    counts = np.bincount(classes, minlength=len(COLOR_NAMES))
    own = COLOR_NAMES.index(item.look.color)
    return bool(counts[own] > COLOR_LEAD * np.delete(counts, own).max())


def _without(items: list[Item], alive: list[int], gone: int) -> list[int]:
    """Take out one thing and all that depends on it; a hand that holds nothing any more would be untrue."""
    lost = {gone}
    if items[gone].tie == "holding":
        lost.add(items[gone].parent or 0)
    while True:
        more = {k for k in alive if items[k].parent in lost} - lost
        if not more:
            return [k for k in alive if k not in lost]
        lost |= more


def _compose(
    stage: Stage,
    drawn: list[tuple[Item, Sprite]],
    alive: list[int],
    order: list[int],
    owner: NDArray[np.uint8],
    image: Image.Image,
) -> Raster:
    camera = stage.camera
    depth = np.repeat(backdrop_depth(stage)[:, None], camera.width, axis=1)
    for k in order:
        if drawn[k][0].parent is None:
            _shadow(image, stage, drawn[k][0])
    for k in order:
        item, sprite = drawn[k]
        if item.tie in ("on", "under") and "sitting" not in item.pose:
            _shadow(image, stage, item)
        image.paste(sprite.image, (sprite.left, sprite.top), sprite.image)
        rows, columns = sprite.window
        values = item_depth(stage, item)[rows, None]
        np.copyto(depth[rows, columns], values, where=owner[rows, columns] == k)
    place = np.full(256, BACKGROUND, np.uint8)
    place[alive] = np.arange(len(alive))
    parents = {k: n for n, k in enumerate(alive)}
    items = tuple(
        replace(it, parent=None if it.parent is None else parents[it.parent]) for it in (drawn[k][0] for k in alive)
    )
    return Raster(stage, items, tuple(drawn[k][1] for k in alive), image, place[owner], depth)


def item_depth(stage: Stage, item: Item) -> NDArray[np.uint16]:
    """Depth of a thing per picture row: one value, save for a table top; what is held is a bit nearer."""
    camera = stage.camera
    if item.reach:
        return camera.surface_depth(item.height, front=item.reach[0], back=item.reach[1])
    return np.full(camera.height_px, camera.depth(item.nearest), np.uint16)


def _shadow(image: Image.Image, stage: Stage, item: Item) -> None:
    """A soft shadow on the ground, falling to the right; what flies or hangs on a wall has none."""
    camera = stage.camera
    if item.parent is None and item.base > 0:
        return
    z = item.z
    half = 0.52 * item.width * camera.scale(z) * (0.8 if item.kind.height > 2 * item.kind.width else 1.0)
    high = max(
        2.0,
        camera.row(item.base, max(z - 0.3 * item.kind.depth, 0.1)) - camera.row(item.base, z + 0.3 * item.kind.depth),
    )
    size = (max(2, round(2.2 * half)), max(2, round(high)))
    x, y = camera.column(item.x, z) + 0.12 * half, camera.row(item.base, z)
    image.paste(
        (30, 34, 48),
        (round(x - size[0] / 2), round(y - size[1] * 0.55)),
        _soft_disc().resize(size, Image.Resampling.BILINEAR),
    )


@cache
def _soft_disc() -> Image.Image:
    axis = np.linspace(-1, 1, 64)
    radius = np.hypot(axis[:, None], axis[None, :])
    return Image.fromarray(np.rint(105 * np.clip((1 - radius) / 0.35, 0, 1)).astype(np.uint8))
