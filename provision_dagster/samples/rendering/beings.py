"""How people, animals and what people wear are drawn."""

from provision_dagster.samples.rendering.palette import RGB, shade
from provision_dagster.samples.rendering.pen import Pen, rounded

INK = (36, 34, 36)
SKINS: tuple[RGB, ...] = ((248, 214, 184), (226, 178, 138), (176, 122, 84), (122, 82, 58))
HAIRS: tuple[RGB, ...] = ((52, 38, 30), (112, 70, 38), (206, 162, 84), (40, 40, 44), (158, 76, 38))

HAND = (0.42, 0.56)
"""Where a person holds things: (u, v) of the raised hand, before mirroring."""

SEAT = 0.32
"""Height of the underside of a sitting person, as a share of the figure's height."""


def draw_person(pen: Pen) -> None:
    """A person from the front in clothes of one colour; the pose holds the posture and perhaps `holding`."""
    skin, hair = pen.rng.choice(SKINS), pen.rng.choice(HAIRS)
    sitting = "sitting" in pen.pose
    hip, top = (SEAT, 0.79) if sitting else (0.45, 0.83)
    if sitting:
        _sitting_legs(pen)
    else:
        _standing_legs(pen, stride="walking" in pen.pose)
    _arms(pen, hip, top, skin)
    grown = 1.3 if sitting else 1.0
    if pen.rng.random() < 0.45:  # long hair, behind the shoulders
        r = 0.072 * grown
        pen.oval(0, 0.985 - 1.3 * r, 1.15 * r * pen.height / pen.width, 1.35 * r, hair)
    torso = [
        (-0.27, hip),
        (-0.24, (hip + top) / 2),
        (-0.31, top - 0.02),
        (-0.2, top + 0.02),
        (0.2, top + 0.02),
        (0.31, top - 0.02),
        (0.24, (hip + top) / 2),
        (0.27, hip),
    ]
    pen.poly([(-0.26, hip - 0.04), *rounded(torso, rounds=1)[1:-1], (0.26, hip - 0.04)])
    pen.box(-0.07, top - 0.02, 0.07, top + 0.05, skin, edge=False)
    _head(pen, skin, hair, grown=grown)


def _standing_legs(pen: Pen, *, stride: bool) -> None:
    feet = ((-0.3, -0.02), (0.3, 0.03)) if stride else ((-0.14, 0.0), (0.14, 0.0))
    for foot, lift in feet:
        hip = 0.13 if foot > 0 else -0.13
        low = 0.05 + max(0.0, lift)
        inner = -0.01 if foot > 0 else 0.01
        outer = 2 * hip - inner
        pen.poly(
            [(outer, 0.46), (inner, 0.46), (foot - 0.09 * hip / 0.13, low), (foot + 0.09 * hip / 0.13, low)],
            "dark",
        )
        pen.oval(foot + (0.05 if stride else 0.0), low - 0.015, 0.13, 0.032, INK)


def _sitting_legs(pen: Pen) -> None:
    for side in (-1, 1):
        pen.box(side * 0.15 - 0.1, 0.04, side * 0.15 + 0.1, SEAT + 0.02, "dark", round_by=0.2)
        pen.oval(side * 0.15, 0.04, 0.13, 0.038, INK)
        pen.box(side * 0.15 - 0.125, SEAT - 0.09, side * 0.15 + 0.125, SEAT + 0.07, round_by=0.45)


def _arms(pen: Pen, hip: float, top: float, skin: RGB) -> None:
    holds, stride = "holding" in pen.pose, "walking" in pen.pose
    for side in (-1, 1):
        shoulder = (side * 0.24, top - 0.035)
        if side > 0 and holds:
            hand, elbow = HAND, (0.4, top - 0.2)
        else:
            swing = 0.03 if stride else 0.0
            hand, elbow = (side * (0.36 + swing), hip + 0.02), (side * 0.36, (top + hip) / 2)
        pen.line([shoulder, elbow, hand], 0.074, shade(pen.body, 0.5))
        pen.line([shoulder, elbow, hand], 0.06, "dark")
        pen.disc(*hand, 0.033, skin)


def _head(pen: Pen, skin: RGB, hair: RGB, *, grown: float) -> None:
    r = 0.072 * grown
    v = 0.985 - r
    pen.disc(0, v, r, skin)
    wide = r * pen.height / pen.width
    cap = [
        (-1.02 * wide, v + 0.1 * r),
        (-0.95 * wide, v + 0.75 * r),
        (0, v + 1.12 * r),
        (0.95 * wide, v + 0.75 * r),
        (1.02 * wide, v + 0.1 * r),
        (0.6 * wide, v + 0.5 * r),
        (-0.5 * wide, v + 0.55 * r),
    ]
    pen.poly(rounded(cap, rounds=1), hair, edge=False)
    for u in (-0.38, 0.38):
        pen.disc(u * wide, v, 0.12 * r, INK, edge=False)
    pen.line(
        [(-0.3 * wide, v - 0.42 * r), (0, v - 0.52 * r), (0.3 * wide, v - 0.42 * r)],
        0.008 * grown,
        (150, 60, 56),
    )


def draw_hat(pen: Pen) -> None:
    """A hat with a brim."""
    pen.poly(rounded([(-0.31, 0.2), (-0.27, 0.98), (0, 0.86), (0.27, 0.98), (0.31, 0.2)], rounds=1))
    pen.oval(0, 0.2, 0.5, 0.19)
    pen.poly([(-0.3, 0.26), (-0.295, 0.46), (0.295, 0.46), (0.3, 0.26)], shade(pen.body, 0.7), edge=False)


def draw_dog(pen: Pen) -> None:
    """A dog from the side, its head to the right."""
    pen.line([(-0.34, 0.6), (-0.45, 0.76), (-0.44, 0.9)], 0.09, shade(pen.body, 0.5))
    pen.line([(-0.34, 0.6), (-0.45, 0.76), (-0.44, 0.9)], 0.066, "body")
    for u in (-0.24, 0.2):
        pen.box(u - 0.045, 0, u + 0.045, 0.4, "dark", round_by=0.3)
    pen.poly(rounded([(-0.4, 0.36), (-0.4, 0.68), (0.0, 0.66), (0.28, 0.74), (0.3, 0.34), (0.0, 0.34)]))
    for u in (-0.31, 0.14):
        pen.box(u - 0.048, 0, u + 0.048, 0.46, round_by=0.3)
    pen.poly(rounded([(0.12, 0.6), (0.14, 0.95), (0.36, 0.97), (0.5, 0.8), (0.5, 0.66), (0.3, 0.62)]))
    pen.poly(rounded([(0.14, 0.92), (0.1, 0.62), (0.22, 0.62), (0.25, 0.92)]), shade(pen.body, 0.62))
    pen.disc(0.33, 0.83, 0.028, INK if pen.look.color != "black" else (240, 240, 240), edge=False)
    pen.disc(0.475, 0.77, 0.042, INK, edge=False)


def draw_cat(pen: Pen) -> None:
    """A sitting cat seen from the front."""
    pen.line([(0.2, 0.07), (0.42, 0.12), (0.44, 0.34), (0.38, 0.42)], 0.1, shade(pen.body, 0.5))
    pen.line([(0.2, 0.07), (0.42, 0.12), (0.44, 0.34), (0.38, 0.42)], 0.076, "body")
    pen.poly(rounded([(-0.38, 0), (-0.33, 0.36), (-0.14, 0.62), (0.14, 0.62), (0.33, 0.36), (0.38, 0)], rounds=2))
    for u in (-0.1, 0.1):
        pen.box(u - 0.075, 0.0, u + 0.075, 0.34, round_by=0.4)
    for s in (-1, 1):
        pen.poly([(s * 0.29, 0.72), (s * 0.27, 1.0), (s * 0.07, 0.88)])
        pen.poly([(s * 0.25, 0.8), (s * 0.245, 0.93), (s * 0.14, 0.87)], (232, 150, 150), edge=False)
    pen.oval(0, 0.72, 0.31, 0.19)
    for s in (-1, 1):
        pen.oval(s * 0.12, 0.75, 0.05, 0.04, (150, 200, 90))
        pen.oval(s * 0.12, 0.75, 0.016, 0.032, INK, edge=False)
        for dv in (0.0, 0.03):
            pen.line([(s * 0.12, 0.66), (s * 0.36, 0.64 + dv)], 0.008, (120, 116, 116))
    pen.poly([(-0.035, 0.69), (0.035, 0.69), (0, 0.655)], (222, 110, 120), edge=False)


def draw_teddy_bear(pen: Pen) -> None:
    """A sitting teddy bear."""
    for s in (-1, 1):
        pen.disc(s * 0.25, 0.9, 0.095)
        pen.disc(s * 0.25, 0.9, 0.045, "light", edge=False)
        pen.oval(s * 0.38, 0.42, 0.11, 0.15)
    pen.oval(0, 0.32, 0.33, 0.28)
    pen.oval(0, 0.3, 0.19, 0.17, "light", edge=False)
    for s in (-1, 1):
        pen.oval(s * 0.3, 0.12, 0.18, 0.12)
        pen.oval(s * 0.31, 0.11, 0.09, 0.065, "light", edge=False)
    pen.oval(0, 0.75, 0.34, 0.225)
    pen.oval(0, 0.68, 0.14, 0.085, "light")
    pen.oval(0, 0.71, 0.05, 0.03, INK, edge=False)
    for s in (-1, 1):
        pen.disc(s * 0.13, 0.79, 0.025, INK, edge=False)
