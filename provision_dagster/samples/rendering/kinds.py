"""The kinds of object that scenes are made of: size in metres, colours, finishes, and how each is drawn."""

from collections.abc import Callable
from dataclasses import dataclass

from provision_dagster.samples.rendering import beings, indoor_shapes, outdoor_shapes
from provision_dagster.samples.rendering.palette import ColorName
from provision_dagster.samples.rendering.pen import Finish, Pen

Colors = tuple[ColorName, ...]

VIVID: Colors = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
PAINT: Colors = ("red", "yellow", "green", "blue", "white", "black", "gray", "orange")
CLOTH: Colors = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "gray")


@dataclass(frozen=True)
class Kind:
    """One kind of object. `width` and `height` are a large one's; a small one is `small` times that."""

    label: str
    width: float  # m
    height: float  # m
    depth: float  # m along the view, its footprint
    finishes: tuple[tuple[Finish, Colors], ...]  # each equally likely; the colours that go with it
    draw: Callable[[Pen], None]
    small: float = 0.6
    mirrored: bool = False  # may face left
    seat: float = 0.0  # height of its seat as a share of its height
    poses: tuple[str, ...] = ("",)


def _patterned(colors: Colors) -> tuple[tuple[Finish, Colors], ...]:
    return (("", colors), ("striped", _markable(colors)), ("dotted", _markable(colors)))


def _markable(colors: Colors) -> Colors:
    """Colours of which marks can be another tone (`palette.mark_color`)."""
    return tuple(color for color in colors if color not in ("black", "white"))


def _plain(*colors: ColorName) -> tuple[tuple[Finish, Colors], ...]:
    return (("", colors),)


_O, _B, _I = outdoor_shapes, beings, indoor_shapes
_FUR: Colors = ("brown", "black", "white", "gray")
_ANY: Colors = (*VIVID, "white", "black", "gray")

_KINDS = (
    Kind("tree", 3.6, 5.6, 1.6, _plain("green", "green", "orange", "yellow", "red"), _O.draw_tree, small=0.55),
    Kind("bush", 1.7, 1.1, 1.0, _plain("green"), _O.draw_bush),
    Kind(
        "house",
        7.0,
        6.0,
        5.0,
        (
            ("", ("white", "yellow", "blue", "pink", "gray", "green")),
            ("brick", ("red",)),
            ("wooden", ("brown",)),
        ),
        _O.draw_house,
    ),
    Kind("car", 4.5, 1.65, 1.8, _plain(*PAINT, "purple"), _O.draw_car, mirrored=True),
    Kind("truck", 6.2, 2.9, 2.2, _plain(*PAINT), _O.draw_truck, mirrored=True),
    Kind(
        "bus",
        8.4,
        2.9,
        2.2,
        _plain("red", "yellow", "green", "blue", "orange", "white"),
        _O.draw_bus,
        mirrored=True,
    ),
    Kind(
        "person",
        0.8,
        1.75,
        0.5,
        (*_plain(*CLOTH), *_plain(*CLOTH), ("striped", _markable(CLOTH)), ("dotted", _markable(CLOTH))),
        _B.draw_person,
        mirrored=True,
        poses=("standing", "walking"),
    ),
    Kind(
        "dog",
        1.15,
        0.85,
        0.4,
        (("", (*_FUR, "orange")), ("spotted", ("brown", "gray"))),
        _B.draw_dog,
        mirrored=True,
    ),
    Kind(
        "cat",
        0.4,
        0.52,
        0.3,
        (("", ("black", "white", "gray", "orange")), ("striped", ("orange", "gray"))),
        _B.draw_cat,
        mirrored=True,
    ),
    Kind(
        "bench",
        1.9,
        0.95,
        0.6,
        (("wooden", ("brown",)), ("metal", ("gray", "black", "green", "blue"))),
        _O.draw_bench,
        small=0.62,
        seat=0.54,
    ),
    Kind("street light", 1.1, 4.6, 0.3, (("metal", ("gray", "black", "green")),), _O.draw_street_light),
    Kind(
        "sign",
        0.72,
        2.2,
        0.2,
        _plain("red", "blue", "yellow", "green", "white", "orange"),
        _O.draw_sign,
        poses=("round", "square", "triangular"),
    ),
    Kind(
        "trash can",
        0.75,
        1.05,
        0.6,
        (("metal", ("gray",)), ("plastic", ("green", "blue", "black", "red"))),
        _O.draw_trash_can,
    ),
    Kind("fire hydrant", 0.5, 0.95, 0.4, (("metal", ("red", "yellow", "orange")),), _O.draw_fire_hydrant),
    Kind("traffic cone", 0.55, 0.85, 0.5, (("striped", ("orange", "red")),), _O.draw_traffic_cone),
    Kind("cloud", 70.0, 27.0, 20.0, _plain("white"), _O.draw_cloud, small=0.6),
    Kind("kite", 1.5, 2.3, 0.2, _patterned(VIVID), _O.draw_kite),
    Kind("balloon", 0.62, 1.15, 0.3, _patterned(VIVID), _O.draw_balloon),
    Kind("umbrella", 1.35, 1.25, 0.5, _patterned((*VIVID, "black", "white")), _O.draw_umbrella, small=0.66),
    Kind("ball", 0.48, 0.48, 0.45, _patterned((*VIVID, "white")), _O.draw_ball),
    Kind("hat", 0.58, 0.36, 0.3, _plain(*VIVID, "brown", "black", "white"), _B.draw_hat),
    Kind(
        "table",
        1.7,
        0.72,
        0.8,
        (("wooden", ("brown",)), ("metal", ("gray",)), ("plastic", ("white", "green", "blue"))),
        _I.draw_table,
        small=0.68,
    ),
    Kind(
        "chair",
        0.62,
        1.05,
        0.5,
        (
            ("wooden", ("brown",)),
            ("metal", ("gray", "black")),
            ("plastic", ("red", "yellow", "green", "blue", "orange", "white")),
        ),
        _I.draw_chair,
        small=0.62,
        seat=0.5,
    ),
    Kind(
        "sofa",
        2.2,
        1.0,
        0.8,
        _patterned(("red", "green", "blue", "purple", "gray", "white", "orange")),
        _I.draw_sofa,
        seat=0.5,
    ),
    Kind(
        "lamp",
        0.42,
        0.62,
        0.3,
        _patterned(("red", "yellow", "green", "blue", "purple", "white", "orange")),
        _I.draw_lamp,
    ),
    Kind("vase", 0.26, 0.48, 0.2, _patterned((*VIVID, "white", "black")), _I.draw_vase),
    Kind("cup", 0.25, 0.21, 0.15, _patterned(_ANY), _I.draw_cup),
    Kind("bowl", 0.4, 0.2, 0.3, _patterned(_ANY), _I.draw_bowl),
    Kind("apple", 0.19, 0.2, 0.15, _plain("red", "green", "yellow"), _I.draw_apple),
    Kind(
        "bottle",
        0.15,
        0.48,
        0.15,
        _plain("green", "blue", "red", "brown", "purple", "orange"),
        _I.draw_bottle,
    ),
    Kind("book", 0.27, 0.36, 0.15, _plain(*VIVID, "brown", "black"), _I.draw_book),
    Kind("box", 0.44, 0.36, 0.3, (("wooden", ("brown",)), *_patterned(VIVID)), _I.draw_box),
    Kind(
        "clock",
        0.55,
        0.55,
        0.1,
        _plain("red", "yellow", "green", "blue", "black", "white", "orange"),
        _I.draw_clock,
    ),
    Kind("painting", 1.1, 0.8, 0.1, _plain("red", "green", "blue", "purple", "pink", "gray"), _I.draw_painting),
    Kind("window", 1.3, 1.05, 0.1, _plain("white", "brown", "green", "blue", "red"), _I.draw_window, small=0.7),
    Kind("potted plant", 0.5, 0.85, 0.35, _plain("green"), _I.draw_potted_plant),
    Kind("teddy bear", 0.42, 0.56, 0.3, _plain("brown", "white", "pink"), _B.draw_teddy_bear),
)

KINDS: dict[str, Kind] = {kind.label: kind for kind in _KINDS}
"""Every kind by its label."""

LABELS: tuple[str, ...] = tuple(sorted(KINDS))
"""The vocabulary of rendered scenes."""

OUTDOORS = ("street", "park")


def searched_labels(view: str) -> tuple[str, ...]:
    """Kinds that are not in a picture of the view if they are not annotated in it.

    Houses and cars have windows that are not annotated, being parts of theirs; those of rooms are.
    """
    return tuple(label for label in LABELS if label != "window" or view not in OUTDOORS)
