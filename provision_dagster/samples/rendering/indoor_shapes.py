"""How things of rooms and tables are drawn: each function takes a pen framed by the object's own box."""

from provision_dagster.samples.rendering.palette import RGB, shade
from provision_dagster.samples.rendering.pen import Pen, Point, rounded

INK = (40, 38, 40)
PAPER = (250, 248, 240)
LEAF = (62, 152, 66)


def draw_table(pen: Pen) -> None:
    """A table in perspective, from the corners of its top and its far feet."""
    (left, front), (right, _) = pen.corners["front left"], pen.corners["front right"]
    wide = right - left
    for side, inward in (("left", 0.03), ("right", -0.03)):
        (u, top), (_, foot) = pen.corners[f"back {side}"], pen.corners[f"foot {side}"]
        u += inward * wide
        pen.box(u - 0.018 * wide, foot, u + 0.018 * wide, top - 0.02, shade(pen.body, 0.62))
    pen.box(left + 0.04 * wide, front - 0.16, right - 0.04 * wide, front - 0.04, "dark")
    for u in (left + 0.05 * wide, right - 0.05 * wide):
        pen.box(u - 0.03 * wide, 0, u + 0.03 * wide, front - 0.04)
    pen.poly([pen.corners[name] for name in ("front left", "back left", "back right", "front right")])
    pen.box(left, front - 0.06, right, front, "dark")


def draw_chair(pen: Pen) -> None:
    """A chair from the front, its back behind the seat; the seat is at half its height."""
    for u in (-0.34, 0.34):
        pen.box(u - 0.05, 0.1, u + 0.05, 0.5, "dark")
    for u in (-0.4, 0.4):
        pen.box(u - 0.055, 0.5, u + 0.055, 1.0, round_by=0.3)
    pen.box(-0.4, 0.8, 0.4, 0.97, round_by=0.2)
    pen.box(-0.4, 0.62, 0.4, 0.73, round_by=0.2)
    for u in (-0.42, 0.42):
        pen.box(u - 0.06, 0, u + 0.06, 0.44)
    pen.poly([(-0.5, 0.44), (-0.44, 0.54), (0.44, 0.54), (0.5, 0.44)])
    pen.box(-0.5, 0.37, 0.5, 0.45, round_by=0.2)


def draw_sofa(pen: Pen) -> None:
    """A sofa from the front; the seat is at half its height."""
    for u in (-0.42, 0.42):
        pen.box(u - 0.02, 0, u + 0.02, 0.12, (92, 60, 40))
    pen.box(-0.45, 0.2, 0.45, 1.0, round_by=0.16)
    pen.line([(0, 0.52), (0, 0.94)], 0.016, shade(pen.body, 0.6))
    pen.box(-0.4, 0.1, 0.4, 0.36)
    for u in (-0.2, 0.2):
        pen.box(u - 0.2, 0.32, u + 0.2, 0.52, round_by=0.25)
    for u in (-0.44, 0.44):
        pen.box(u - 0.06, 0.09, u + 0.06, 0.66, round_by=0.45)


def draw_lamp(pen: Pen) -> None:
    """A lamp with a wide shade on a thin stem."""
    pen.oval(0, 0.045, 0.28, 0.045, (120, 104, 84))
    pen.box(-0.04, 0.05, 0.04, 0.5, (150, 132, 104))
    pen.oval(0, 0.5, 0.42, 0.04, (255, 244, 190))
    pen.poly([(-0.5, 0.48), (-0.27, 0.99), (0.27, 0.99), (0.5, 0.48)])


def _lathe(pen: Pen, profile: list[Point]) -> None:
    """Fill a body of revolution from its right profile, foot first."""
    pen.poly(rounded([*profile, *((-u, v) for u, v in reversed(profile))], rounds=2))


def draw_vase(pen: Pen) -> None:
    """A vase with a few flowers."""
    petals: tuple[RGB, ...] = ((244, 220, 90), (250, 246, 240), (236, 120, 110))
    for u, v in ((-0.26, 0.9), (0.02, 0.95), (0.28, 0.88)):
        pen.line([(0, 0.6), (u, v)], 0.016, LEAF)
        pen.disc(u, v, 0.05, pen.rng.choice(petals))
        pen.disc(u, v, 0.018, (190, 120, 30), edge=False)
    _lathe(pen, [(0.24, 0), (0.3, 0.04), (0.56, 0.26), (0.4, 0.5), (0.16, 0.58), (0.22, 0.72), (0.27, 0.72)])
    pen.oval(0, 0.695, 0.21, 0.026, shade(pen.body, 0.45))


def draw_cup(pen: Pen) -> None:
    """A mug with a handle on the right."""
    for width, fill in ((0.15, shade(pen.body, 0.5)), (0.1, pen.body)):
        pen.line([(0.2, 0.72), (0.4, 0.72), (0.43, 0.5), (0.38, 0.3), (0.18, 0.26)], width, fill)
    outline = [(-0.46, 0.9), (-0.43, 0.12), (-0.34, 0.0), (0.14, 0.0), (0.23, 0.12), (0.26, 0.9)]
    pen.poly(outline)
    pen.oval(-0.1, 0.9, 0.36, 0.095, shade(pen.body, 1.25))
    pen.oval(-0.1, 0.885, 0.29, 0.06, (96, 62, 40), edge=False)


def draw_bowl(pen: Pen) -> None:
    """A round bowl seen slightly from above."""
    pen.box(-0.18, 0, 0.18, 0.12, "dark")
    pen.poly(rounded([(-0.5, 0.82), (-0.46, 0.4), (-0.2, 0.04), (0.2, 0.04), (0.46, 0.4), (0.5, 0.82)], rounds=1))
    pen.oval(0, 0.82, 0.49, 0.17, "light")
    pen.oval(0, 0.8, 0.42, 0.115, shade(pen.body, 0.7), edge=False)


def draw_apple(pen: Pen) -> None:
    """An apple with a stalk and a leaf."""
    pen.poly(
        rounded(
            [
                (-0.5, 0.5),
                (-0.46, 0.84),
                (-0.16, 0.9),
                (0, 0.8),
                (0.16, 0.9),
                (0.46, 0.84),
                (0.5, 0.5),
                (0.34, 0.06),
                (0.1, 0.0),
                (-0.1, 0.0),
                (-0.34, 0.06),
            ]
        )
    )
    pen.oval(-0.22, 0.62, 0.07, 0.1, "light", edge=False)
    pen.line([(0, 0.78), (0.03, 0.98)], 0.05, (92, 60, 36))
    pen.poly(rounded([(0.05, 0.88), (0.2, 1.0), (0.34, 0.94), (0.2, 0.86)], rounds=1), LEAF)


def draw_bottle(pen: Pen) -> None:
    """A bottle with a cap and a label."""
    pen.poly(
        rounded(
            [
                (-0.48, 0),
                (-0.48, 0.56),
                (-0.19, 0.72),
                (-0.19, 0.94),
                (0.19, 0.94),
                (0.19, 0.72),
                (0.48, 0.56),
                (0.48, 0),
            ],
            rounds=1,
        )
    )
    pen.box(-0.21, 0.9, 0.21, 0.99, (214, 204, 180))
    pen.box(-0.44, 0.2, 0.44, 0.38, PAPER, edge=False)
    pen.line([(-0.2, 0.29), (0.2, 0.29)], 0.016, shade(pen.body, 0.7))


def draw_book(pen: Pen) -> None:
    """A standing book, slightly turned, with its pages on the right."""
    pen.poly([(0.3, 0.03), (0.5, 0.09), (0.5, 0.99), (0.3, 0.94)], PAPER)
    for u in (0.36, 0.42):
        pen.line([(u, 0.08), (u, 0.95)], 0.008, (190, 186, 176))
    pen.poly([(-0.34, 0), (0.34, 0), (0.34, 0.95), (-0.34, 0.95)])
    pen.box(-0.5, 0, -0.33, 0.95, "dark")
    pen.box(-0.2, 0.62, 0.22, 0.82, PAPER if pen.look.color != "white" else (120, 120, 126))
    pen.line([(-0.12, 0.72), (0.14, 0.72)], 0.02, INK)


def draw_box(pen: Pen) -> None:
    """A box with its lid; plain, striped and dotted ones carry a ribbon."""
    pen.box(-0.46, 0, 0.46, 0.74)
    if pen.look.finish != "wooden":
        pen.box(
            -0.07,
            0,
            0.07,
            0.74,
            (250, 214, 90) if pen.look.color not in ("yellow", "orange") else (200, 50, 60),
        )
    pen.poly([(-0.5, 0.72), (-0.4, 0.98), (0.4, 0.98), (0.5, 0.72)], "light")
    pen.box(-0.5, 0.62, 0.5, 0.74, "dark")


def draw_clock(pen: Pen) -> None:
    """A round wall clock with a coloured face."""
    marks = INK if pen.look.color in ("white", "yellow", "pink", "orange", "gray") else PAPER
    pen.disc(0, 0.5, 0.49, shade(pen.body, 0.7))
    pen.disc(0, 0.5, 0.41)
    for u, v in ((0, 0.84), (0, 0.16), (0.34, 0.5), (-0.34, 0.5)):
        pen.disc(u, v, 0.03, marks, edge=False)
    hour, minute = (
        pen.rng.choice(((0.14, 0.62), (-0.15, 0.6), (0.16, 0.44))),
        pen.rng.choice(((0, 0.78), (0.24, 0.38))),
    )
    for tip in (hour, minute):
        pen.line([(0, 0.5), tip], 0.034, marks)


def draw_painting(pen: Pen) -> None:
    """A framed picture of hills and a sun in shades of one colour."""
    pen.box(-0.5, 0, 0.5, 1.0, (196, 156, 78))
    pen.box(-0.44, 0.07, 0.44, 0.93)
    pen.oval(0.2, 0.7, 0.08, 0.12, (252, 238, 170), edge=False)
    pen.poly(
        [(-0.43, 0.09), (-0.43, 0.36), (-0.2, 0.54), (0.06, 0.3), (0.26, 0.42), (0.43, 0.28), (0.43, 0.09)],
        shade(pen.body, 0.85),
        edge=False,
    )


def draw_window(pen: Pen) -> None:
    """A window with open shutters, seen from inside a room by day."""
    pen.box(-0.3, 0, 0.3, 1.0)
    for u in (-0.12, 0.12):
        for v in (0.28, 0.72):
            pen.box(u - 0.1, v - 0.19, u + 0.1, v + 0.19, shade(pen.body, 1.55))
    for u in (-0.39, 0.39):
        pen.box(u - 0.11, 0.02, u + 0.11, 0.98)
        for v in (0.3, 0.7):
            pen.box(u - 0.075, v - 0.16, u + 0.075, v + 0.16, "dark")


def draw_potted_plant(pen: Pen) -> None:
    """Broad leaves in a clay pot."""
    for u, v, r in (
        (-0.28, 0.62, 0.13),
        (0.28, 0.62, 0.13),
        (-0.16, 0.82, 0.13),
        (0.17, 0.83, 0.13),
        (0, 0.68, 0.16),
    ):
        pen.line([(0, 0.3), (u, v)], 0.02, shade(pen.body, 0.6))
        pen.oval(u, v, 0.19, r)
        pen.line([(u, v - 0.6 * r), (u, v + 0.6 * r)], 0.01, "light")
    pen.poly([(-0.2, 0), (-0.29, 0.32), (0.29, 0.32), (0.2, 0)], (188, 98, 62))
    pen.box(-0.33, 0.29, 0.33, 0.38, (200, 108, 70))
