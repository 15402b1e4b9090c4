"""What a street, a park, a room and a table top are furnished with, and where."""

import random
from collections.abc import Callable
from dataclasses import replace

from provision_dagster.samples.rendering.beings import HAND, SEAT
from provision_dagster.samples.rendering.camera import make_camera
from provision_dagster.samples.rendering.kinds import KINDS, OUTDOORS
from provision_dagster.samples.rendering.stage import Item, Size, Stage, View

Menu = tuple[tuple[str, tuple[float, float], int, float], ...]  # label, distances in m, most at once, weight

STREET: Menu = (
    ("house", (23, 33), 3, 1.3),
    ("tree", (17.5, 26), 3, 1.0),
    ("bush", (16.5, 20), 3, 0.6),
    ("car", (10.2, 14.6), 3, 1.6),
    ("truck", (10.6, 14.6), 2, 1.0),
    ("bus", (11.5, 14.6), 1, 1.0),
    ("street light", (8.4, 18), 3, 0.8),
    ("person", (6.4, 9.0), 3, 1.7),
    ("dog", (6.0, 8.6), 3, 0.9),
    ("bench", (7.6, 8.9), 2, 0.9),
    ("sign", (7.8, 16.8), 2, 0.8),
    ("trash can", (6.2, 8.8), 2, 0.7),
    ("fire hydrant", (6.2, 8.8), 2, 0.6),
    ("traffic cone", (6.0, 12.5), 4, 0.7),
)
PARK: Menu = (
    ("tree", (12, 28), 4, 1.4),
    ("bush", (10, 19), 3, 0.9),
    ("house", (25, 33), 1, 0.4),
    ("person", (6.6, 13), 4, 1.9),
    ("dog", (6.0, 10.5), 3, 1.2),
    ("cat", (5.9, 7.2), 2, 0.3),
    ("ball", (5.9, 9), 4, 1.0),
    ("bench", (7.4, 11.5), 2, 1.2),
    ("kite", (11, 16), 3, 1.1),
    ("trash can", (7, 11), 2, 0.5),
    ("street light", (9, 18), 2, 0.5),
    ("sign", (8.5, 13), 2, 0.4),
)
ROOM: Menu = (
    ("sofa", (4.75, 4.9), 1, 1.8),
    ("table", (3.4, 3.8), 1, 1.4),
    ("chair", (3.1, 4.9), 3, 1.4),
    ("painting", (5.5, 5.5), 3, 1.0),
    ("clock", (5.5, 5.5), 2, 0.8),
    ("window", (5.5, 5.5), 2, 1.0),
    ("potted plant", (3.1, 5.0), 3, 1.0),
    ("cat", (2.9, 4.4), 2, 0.9),
    ("dog", (2.95, 4.2), 2, 0.7),
    ("ball", (2.8, 4.2), 3, 0.7),
    ("box", (2.8, 4.8), 3, 0.7),
    ("person", (3.2, 4.9), 2, 0.8),
    ("teddy bear", (2.8, 4.4), 2, 0.6),
)
ON_TABLE = (
    ("cup", 4),
    ("bowl", 2),
    ("apple", 5),
    ("bottle", 3),
    ("book", 3),
    ("vase", 2),
    ("lamp", 2),
    ("box", 2),
    ("clock", 1),
    ("teddy bear", 1),
    ("potted plant", 1),
)
ON_SEAT = {
    "bench": ("person", "person", "person", "cat", "box", "ball", "teddy bear"),
    "sofa": ("person", "person", "cat", "teddy bear", "book", "ball"),
    "chair": ("cat", "box", "teddy bear", "book", "person"),
}
KITE_ROWS = (0.04, 0.2)  # of the picture's height: the top of a kite
WALL_HEIGHTS = (1.5, 1.75)  # m: the foot of what hangs on a wall
WINDOW_FOOT = {"room": 1.25, "tabletop": 0.95}  # m
CLOUDS = 300.0  # m away
CLOUD_ROWS = (0.02, 0.6)  # of the sky's height: the top of a cloud


def furnish(view: View, width: int, height: int, rng: random.Random) -> Stage:
    """Return a furnished scene of one of the four views, before hidden things are taken out."""
    stage = _OPENERS[view](width, height, rng)
    menu = {"street": STREET, "park": PARK, "room": ROOM}.get(view)
    if menu:
        _serve(stage, menu, target=rng.randint(8, 16))
    if view in OUTDOORS:
        for _ in range(rng.choice((0, 1, 2, 2, 3))):
            _float(stage)
    nearest = min((item.nearest for item in stage.items), default=stage.camera.near)
    stage.camera = replace(stage.camera, near=min(nearest, stage.camera.near))
    return stage


def _outdoors(view: View, width: int, height: int, rng: random.Random) -> Stage:
    camera = make_camera(width, height, height=2.5, horizon=0.4 + 0.05 * rng.random())
    return Stage(view, camera, rng)


def _indoors(view: View, width: int, height: int, rng: random.Random) -> Stage:
    stage = Stage(view, make_camera(width, height, height=1.55, horizon=0.3), rng, decor={"wall": 5.6})
    return stage


def _tabletop(view: View, width: int, height: int, rng: random.Random) -> Stage:
    camera = make_camera(width, height, height=1.5, horizon=0.17)
    stage = Stage(view, camera, rng, decor={"wall": 4.6})
    table = replace(stage.make("table", size="large"), x=0.0, z=2.2, reach=(1.62, 2.9), width=1.5)
    index = stage.add(table)
    if index is not None:
        _lay(stage, index, rng.randint(6, 13))
    _serve(
        stage,
        (
            ("chair", (3.3, 3.8), 2, 1.0),
            ("painting", (4.5, 4.5), 2, 1.0),
            ("clock", (4.5, 4.5), 1, 1.0),
            ("window", (4.5, 4.5), 2, 1.0),
            ("potted plant", (3.3, 4.1), 1, 0.6),
        ),
        target=len(stage.items) + rng.randint(0, 2),
    )
    return stage


_OPENERS: dict[View, Callable[[int, int, random.Random], Stage]] = {
    "street": lambda w, h, rng: _outdoors("street", w, h, rng),
    "park": lambda w, h, rng: _outdoors("park", w, h, rng),
    "room": lambda w, h, rng: _indoors("room", w, h, rng),
    "tabletop": lambda w, h, rng: _tabletop("tabletop", w, h, rng),
}


def _serve(stage: Stage, menu: Menu, *, target: int) -> None:
    """Put kinds of the menu into the scene, one to several of each, until about `target` things are there."""
    left, plan, planned = list(menu), [], len(stage.items)
    while left and planned < 0.85 * target:
        entry = stage.rng.choices(left, weights=[row[3] for row in left])[0]
        left.remove(entry)
        count = min(entry[2], stage.rng.choice((1, 1, 1, 2, 2, 3, 4)))
        plan.append((entry, count))
        planned += count
    plan.sort(key=lambda p: (-KINDS[p[0][0]].width * KINDS[p[0][0]].height, p[0][0]))  # big ones find no room later
    for (label, z, _, _), count in plan:
        for _ in range(count):
            index = _put(stage, label, z)
            if index is not None:
                _adorn(stage, index)


def _put(stage: Stage, label: str, z: tuple[float, float]) -> int | None:
    item = stage.make(label)
    rng, camera = stage.rng, stage.camera
    if label == "kite":
        at = rng.uniform(*z)
        top = rng.uniform(*KITE_ROWS) * camera.height_px
        base = camera.height - (top - camera.horizon) / camera.scale(at) - item.height
        return stage.stand(item, (at, at), base=base)
    if label == "window":
        return stage.stand(item, z, base=WINDOW_FOOT[stage.view])
    if label in ("painting", "clock"):
        low = WALL_HEIGHTS if stage.view == "room" else (1.0, 1.15)
        return stage.stand(item, z, base=rng.uniform(*low))
    if label == "table":
        front = rng.uniform(3.25, 3.5)
        item = replace(item, reach=(front, front + 0.8))
        return stage.stand(item, (front + 0.4, front + 0.4))
    return stage.stand(item, z)


def _float(stage: Stage) -> int | None:
    """Put a cloud into the sky."""
    item, camera = stage.make("cloud"), stage.camera
    top = max(3.0, stage.rng.uniform(*CLOUD_ROWS) * camera.horizon)
    base = camera.height - (top - camera.horizon) / camera.scale(CLOUDS) - item.height
    return stage.stand(item, (CLOUDS, CLOUDS), base=base)


def _adorn(stage: Stage, index: int) -> None:
    """Give a placed thing what belongs to it: a hat, a guest on the bench, cups on the table."""
    item, rng = stage.items[index], stage.rng
    if item.kind.label == "person":
        _dress(stage, index)
    elif item.kind.label == "table":
        _lay(stage, index, rng.randint(2, 5))
        if rng.random() < 0.6:
            _hide_under(stage, index)
    elif item.kind.label in ON_SEAT and rng.random() < 0.55:
        _seat(stage, index)


def _dress(stage: Stage, index: int) -> None:
    person, rng = stage.items[index], stage.rng
    grown = person.size == "large"
    if rng.random() < 0.4:
        hat = stage.make("hat", size=person.size)
        drop = 0.12 if "sitting" in person.pose else 0.085
        stage.attach(
            replace(hat, x=person.x, z=person.z, base=person.base + (1 - drop) * person.height),
            index,
            "wearing",
        )
    if "holding" not in person.pose and rng.random() < 0.45:
        _give(stage, index, rng.choice(("balloon", "umbrella", "ball") if grown else ("balloon", "ball")))


def _give(stage: Stage, index: int, label: str) -> None:
    """Put something into the raised hand of a person; the arm is raised only when it fits."""
    person = stage.items[index]
    size: Size | None = "small" if label == "ball" or person.size == "small" else None
    thing = stage.make(label, size=size)
    side = -1 if person.flip else 1
    foot = person.base + HAND[1] * person.height - (0.5 * thing.height if label == "ball" else 0.02)
    if "sitting" in person.pose:
        return
    shift = 0.3 * thing.width if label == "ball" else 0.0
    x = person.x + side * (HAND[0] * person.width + shift)
    if stage.attach(replace(thing, x=x, z=person.z, base=foot), index, "holding") is not None:
        stage.items[index] = replace(person, pose=f"{person.pose} holding")


def _seat(stage: Stage, index: int) -> None:
    seat, rng = stage.items[index], stage.rng
    label = rng.choice(ON_SEAT[seat.kind.label])
    if label == "person" and (seat.size == "small" or (stage.view == "street" and rng.random() < 0.3)):
        label = "cat"
    top = seat.base + seat.kind.seat * seat.height
    guest = stage.make(label)
    if label == "person":
        height = 0.75 * guest.height
        guest = replace(guest, pose="sitting", height=height)
        top -= SEAT * height
    if guest.width > 0.9 * seat.width:
        guest = replace(stage.make(label, size="small"), pose=guest.pose)
        guest = replace(guest, height=(0.75 if label == "person" else 1.0) * guest.height)
        top = seat.base + seat.kind.seat * seat.height - (SEAT * guest.height if label == "person" else 0)
    room = max(0.01, (0.84 * seat.width - guest.width) / 2)
    guest = replace(guest, x=seat.x + rng.uniform(-room, room), z=seat.z - 0.02, base=top)
    added = stage.attach(guest, index, "on")
    if added is not None and label == "person":
        _dress(stage, added)


def _lay(stage: Stage, index: int, count: int) -> None:
    """Lay a table with groups of things."""
    table, rng = stage.items[index], stage.rng
    assert table.reach is not None
    menu, laid = list(ON_TABLE), 0
    small_top = stage.view == "room"
    while menu and laid < count:
        label, most = menu.pop(rng.randrange(len(menu)))
        for _ in range(min(most, count - laid, rng.choice((1, 1, 2, 3, 4)))):
            laid += _lay_one(stage, index, table, stage.make(label, size="large" if small_top else None))


def _lay_one(stage: Stage, index: int, table: Item, thing: Item) -> bool:
    assert table.reach is not None
    front, back = table.reach
    z = stage.rng.uniform(front + 0.5 * thing.kind.depth, back - 0.5 * thing.kind.depth)
    room = (table.width - thing.width) / 2 - 0.04
    for _ in range(10):
        x = table.x + stage.rng.uniform(-room, room)
        if stage.attach(replace(thing, x=x, z=z, base=table.height), index, "on") is not None:
            return True
    return False


def _hide_under(stage: Stage, index: int) -> None:
    table = stage.items[index]
    thing = stage.make(stage.rng.choice(("cat", "ball", "box", "dog")), size="small")
    room = max(0.01, 0.4 * table.width - thing.width / 2)
    x = table.x + stage.rng.uniform(-room, room)
    if thing.width < 0.7 * table.width:
        stage.attach(replace(thing, x=x, z=table.z), index, "under")
