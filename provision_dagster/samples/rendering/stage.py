"""Placing things in one scene, so that each is seen well enough and none stands inside another."""

import random
from dataclasses import dataclass, field, replace
from typing import Literal

from provision_dagster.samples.rendering.camera import Camera
from provision_dagster.samples.rendering.kinds import KINDS, Kind
from provision_dagster.samples.rendering.pen import Look, Point

Tie = Literal["", "on", "under", "holding", "wearing"]
View = Literal["street", "park", "room", "tabletop"]
Size = Literal["small", "large"]
SIZES: tuple[Size, ...] = ("small", "large")
Box = tuple[float, float, float, float]

MAX_OBJECTS = 16
HELD_BEFORE = 0.03  # m
_TRIES = 18
_GAP = 0.06  # m between footprints
_HIDDEN = 0.5  # largest share of a box that a nearer one may cover when placed


@dataclass(frozen=True)
class Item:
    """One thing in the world: (`x`, `base`, `z`) is the middle of its foot, in metres."""

    kind: Kind
    look: Look
    size: Size
    x: float
    z: float
    width: float
    height: float
    base: float = 0.0
    pose: str = ""
    flip: bool = False
    parent: int | None = None
    tie: Tie = ""  # how it hangs together with `parent`: it is on or under it, or is held or worn by it
    seed: int = 0
    reach: tuple[float, float] | None = None  # nearest and farthest distance of a table top

    @property
    def nearest(self) -> float:
        """Distance of its nearest point; what is held or worn is a bit before the one who holds it."""
        if self.reach:
            return self.reach[0]
        return self.z - (HELD_BEFORE if self.tie in ("holding", "wearing") else 0.0)

    @property
    def farthest(self) -> float:
        """Distance of its farthest point."""
        return self.reach[1] if self.reach else self.nearest

    def box(self, camera: Camera) -> Box:
        """Picture rectangle of the whole thing, hidden parts included."""
        near = self.reach[0] if self.reach else self.z
        x1, x2 = self._edge(camera, near)
        low = camera.row(self.base, near)
        if self.reach is None:
            return (x1, low - self.height * camera.scale(near), x2, low)
        far1, far2 = self._edge(camera, self.reach[1])
        return (min(x1, far1), camera.row(self.height, self.reach[1]), max(x2, far2), low)

    def _edge(self, camera: Camera, z: float) -> tuple[float, float]:
        """Columns of its left and right side at distance `z`."""
        return camera.column(self.x - self.width / 2, z), camera.column(self.x + self.width / 2, z)

    def outline(self, camera: Camera) -> dict[str, Point]:
        """Where the corners of a table fall within its box, as (u, v) of a pen; empty for upright things."""
        if self.reach is None:
            return {}
        x1, y1, x2, y2 = self.box(camera)
        corners = {}
        for name, z, y in (
            ("front", self.reach[0], self.height),
            ("back", self.reach[1], self.height),
            ("foot", self.reach[1], 0.0),
        ):
            for side, x in zip(("left", "right"), self._edge(camera, z), strict=True):
                corners[f"{name} {side}"] = ((x - x1) / (x2 - x1) - 0.5, (y2 - camera.row(y, z)) / (y2 - y1))
        return corners


@dataclass
class Stage:
    """A scene while it is being furnished."""

    view: View
    camera: Camera
    rng: random.Random
    items: list[Item] = field(default_factory=list)
    decor: dict[str, float] = field(default_factory=dict)

    def make(self, label: str, *, size: Size | None = None) -> Item:
        """Return a new thing of a kind with a random look and size, not yet placed."""
        rng, kind = self.rng, KINDS[label]
        finish, colors = rng.choice(kind.finishes)
        chosen: Size = rng.choice(SIZES) if size is None else size
        factor = 1.0 if chosen == "large" else kind.small
        return Item(
            kind,
            Look(rng.choice(colors), finish),
            chosen,
            0.0,
            1.0,
            kind.width * factor,
            kind.height * factor,
            pose=rng.choice(kind.poses),
            flip=kind.mirrored and rng.random() < 0.5,
            seed=rng.getrandbits(32),
        )

    def stand(self, item: Item, z: tuple[float, float], *, base: float = 0.0) -> int | None:
        """Try to put `item` on a level `base` metres high at a distance within `z`.

        Returns its index, or None when no free and visible place was found.
        """
        for _ in range(_TRIES):
            at = self.rng.uniform(*z)
            edge = (self.camera.width / 2 - 3) / self.camera.scale(at) - item.width / 2
            if edge > 0:
                index = self.add(replace(item, x=self.rng.uniform(-edge, edge), z=at, base=base))
                if index is not None:
                    return index
        return None

    def add(self, item: Item) -> int | None:
        """Add `item` where it is, unless it collides, hides too much, is cut off or the scene is full."""
        if len(self.items) >= MAX_OBJECTS or not self._fits(item):
            return None
        self.items.append(item)
        return len(self.items) - 1

    def attach(self, item: Item, parent: int, tie: Tie) -> int | None:
        """Add a thing that belongs to another one: `item` already has its place."""
        return self.add(replace(item, parent=parent, tie=tie))

    def _fits(self, item: Item) -> bool:
        x1, y1, x2, y2 = item.box(self.camera)
        if y1 < 2 or (y2 > self.camera.height_px - 1 and item.kind.label != "table"):
            return False
        if item.kind.label != "table" and (x1 < 1 or x2 > self.camera.width - 1):
            return False
        return all(self._agree(item, other, k) for k, other in enumerate(self.items))

    def _agree(self, item: Item, other: Item, index: int) -> bool:
        if item.parent == index:
            return True
        if item.tie in ("holding", "wearing"):
            return _covered(other.box(self.camera), item.box(self.camera)) < _HIDDEN
        return not _collide(item, other) and self._sizes_show(item, other) and self._both_seen(item, other)

    def _sizes_show(self, item: Item, other: Item) -> bool:
        """A large thing never looks smaller than a small one of the same kind."""
        if item.kind is not other.kind or item.size == other.size:
            return True
        large, small = (item, other) if item.size == "large" else (other, item)
        scale = self.camera.scale
        return large.kind.height * scale(large.z) >= 1.12 * small.kind.height * small.kind.small * scale(small.z)

    def _both_seen(self, item: Item, other: Item) -> bool:
        front, rear = (item, other) if item.z < other.z else (other, item)
        if front.kind.label == "table" and rear.parent is not None and self.items[rear.parent] is front:
            return True
        if front.reach and self._foot_hidden(rear, front):
            return False
        low = front.kind.label in ("box", "chair", "trash can") and rear.kind.height < 1.2
        if low and _stands_behind(rear.box(self.camera), front.box(self.camera)):
            return False
        return _covered(rear.box(self.camera), front.box(self.camera)) < _HIDDEN

    def _foot_hidden(self, rear: Item, table: Item) -> bool:
        """Whether a thing on the floor would look as if it stood on the far edge of a table before it."""
        x1, _, x2, foot = rear.box(self.camera)
        left, _, right, _ = table.box(self.camera)
        apron = self.camera.row(0.75 * table.height, table.reach[0] if table.reach else table.z)
        stands = rear.base == 0 and rear.kind.label not in ("chair", "sofa")
        return stands and foot < apron and min(x2, right) > max(x1, left)


def _collide(a: Item, b: Item) -> bool:
    """Whether the two bodies share space: their extents overlap in x, in height and along the view."""
    if (b.kind.label == "table" and a.base == 0 and a.tie == "under") or a.tie in ("holding", "wearing"):
        return False
    apart_x = abs(a.x - b.x) >= (a.width + b.width) / 2 + _GAP * min(1.0, a.width + b.width)
    apart_y = a.base >= b.base + b.height - 1e-6 or b.base >= a.base + a.height - 1e-6
    apart_z = abs(a.z - b.z) >= (a.kind.depth + b.kind.depth) / 2
    return not (apart_x or apart_y or apart_z)


def _stands_behind(rear: Box, front: Box) -> bool:
    """Whether the front thing hides the other's foot, so that it might seem to be on top."""
    middle = (rear[0] + rear[2]) / 2
    return front[0] < middle < front[2] and front[1] < rear[3] < front[3] and rear[1] < front[1]


def _covered(rear: Box, front: Box) -> float:
    """Share of the box `rear` that the box `front` covers."""
    wide = min(rear[2], front[2]) - max(rear[0], front[0])
    high = min(rear[3], front[3]) - max(rear[1], front[1])
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / ((rear[2] - rear[0]) * (rear[3] - rear[1]))
