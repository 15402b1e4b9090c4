"""How things of streets and parks are drawn: each function takes a pen framed by the object's own box."""

from provision_dagster.samples.rendering.palette import mark_color, shade
from provision_dagster.samples.rendering.pen import Pen, rounded

BARK = (112, 76, 48)
GLASS = (188, 220, 236)
TIRE = (38, 38, 42)
STEEL = (150, 153, 158)
INK = (40, 40, 44)


def draw_tree(pen: Pen) -> None:
    """A trunk with a round or a pointed crown."""
    if pen.rng.random() < 0.3:
        pen.box(-0.07, 0, 0.07, 0.2, BARK)
        for low, high, half in ((0.14, 0.5, 0.46), (0.36, 0.75, 0.37), (0.6, 1.0, 0.27)):
            pen.poly([(-half, low), (0, high), (half, low)])
        return
    pen.poly([(-0.09, 0), (-0.05, 0.5), (0.05, 0.5), (0.09, 0)], BARK)
    crown = [
        (-0.2, 0.52, 0.15),
        (0.2, 0.52, 0.15),
        (-0.22, 0.7, 0.14),
        (0.22, 0.7, 0.14),
        (0, 0.83, 0.15),
        (0, 0.62, 0.2),
    ]
    pen.cluster(crown)
    for u, v, r in ((-0.15, 0.74, 0.07), (0.04, 0.86, 0.06), (-0.2, 0.56, 0.05)):
        pen.disc(u, v, r, shade(pen.body, 1.1), edge=False)
    for u, v, r in ((0.2, 0.55, 0.07), (0.05, 0.52, 0.05), (0.22, 0.7, 0.04)):
        pen.disc(u, v, r, shade(pen.body, 0.9), edge=False)


def draw_bush(pen: Pen) -> None:
    """A low heap of leaves."""
    pen.cluster([(-0.32, 0.3, 0.26), (0.32, 0.3, 0.26), (-0.14, 0.6, 0.3), (0.16, 0.62, 0.3), (0, 0.34, 0.32)])
    for u, v, r in ((-0.2, 0.66, 0.09), (0.1, 0.76, 0.08), (-0.34, 0.36, 0.07)):
        pen.disc(u, v, r, shade(pen.body, 1.1), edge=False)
    for u, v, r in ((0.3, 0.3, 0.1), (0.0, 0.3, 0.09), (0.2, 0.55, 0.06)):
        pen.disc(u, v, r, shade(pen.body, 0.9), edge=False)


def draw_house(pen: Pen) -> None:
    """Walls, a gable or hip roof, a door and windows."""
    roof = pen.rng.choice(((96, 84, 84), (84, 92, 106), (118, 84, 56)))
    pen.box(0.22, 0.7, 0.31, 0.98, shade(roof, 0.85))
    pen.box(-0.45, 0, 0.45, 0.66)
    hip = pen.rng.choice((0.0, 0.2))
    pen.poly([(-0.5, 0.63), (-hip, 0.97), (hip, 0.97), (0.5, 0.63)], roof)
    pen.box(-0.08, 0, 0.08, 0.32, (110, 72, 46))
    pen.disc(0.05, 0.16, 0.011, (230, 200, 90), edge=False)
    for u in (-0.27, 0.27):
        for v in (0.12, 0.42):
            pen.box(u - 0.08, v, u + 0.08, v + 0.15, (250, 250, 250))
            pen.box(u - 0.062, v + 0.02, u + 0.062, v + 0.13, GLASS, edge=False)
            pen.line([(u, v + 0.02), (u, v + 0.13)], 0.008, (250, 250, 250))


def _wheel(pen: Pen, u: float, r: float) -> None:
    pen.disc(u, r, r, TIRE)
    pen.disc(u, r, 0.5 * r, (190, 192, 196), edge=False)


def draw_car(pen: Pen) -> None:
    """A sedan from the side, its front to the right."""
    pen.poly([(-0.34, 0.55), (-0.22, 0.98), (0.13, 0.98), (0.29, 0.55)])
    pen.poly([(-0.28, 0.58), (-0.19, 0.89), (-0.05, 0.89), (-0.05, 0.58)], GLASS)
    pen.poly([(-0.02, 0.58), (-0.02, 0.89), (0.1, 0.89), (0.22, 0.58)], GLASS)
    pen.poly(rounded([(-0.5, 0.2), (-0.5, 0.58), (-0.3, 0.63), (0.3, 0.63), (0.5, 0.5), (0.5, 0.2)], rounds=1))
    pen.line([(-0.035, 0.25), (-0.035, 0.58)], 0.016, shade(pen.body, 0.6))
    pen.line([(-0.12, 0.5), (-0.07, 0.5)], 0.03, shade(pen.body, 0.6))
    pen.disc(0.455, 0.44, 0.06, (255, 238, 150))
    pen.box(-0.5, 0.42, -0.46, 0.52, (180, 30, 30))
    for u in (-0.29, 0.29):
        _wheel(pen, u, 0.19)


def draw_truck(pen: Pen) -> None:
    """A box truck from the side, its cab to the right."""
    pen.box(-0.48, 0.14, 0.48, 0.24, (74, 76, 82))
    pen.box(-0.5, 0.22, 0.2, 1.0)
    for u in (-0.33, -0.15, 0.03):
        pen.line([(u, 0.26), (u, 0.96)], 0.01, shade(pen.body, 0.7))
    pen.poly([(0.22, 0.16), (0.22, 0.76), (0.37, 0.76), (0.48, 0.46), (0.5, 0.4), (0.5, 0.16)])
    pen.poly([(0.27, 0.46), (0.27, 0.68), (0.36, 0.68), (0.44, 0.46)], GLASS)
    pen.disc(0.48, 0.3, 0.035, (255, 238, 150))
    for u in (-0.33, -0.17, 0.36):
        _wheel(pen, u, 0.12)


def draw_bus(pen: Pen) -> None:
    """A city bus from the side, its front to the right."""
    pen.box(-0.5, 0.1, 0.5, 1.0, round_by=0.14)
    for k in range(5):
        pen.box(-0.45 + 0.15 * k, 0.55, -0.33 + 0.15 * k, 0.84, GLASS, round_by=0.15)
    pen.box(0.31, 0.14, 0.42, 0.84, GLASS)
    pen.line([(0.365, 0.14), (0.365, 0.84)], 0.015, (70, 74, 80))
    pen.line([(-0.49, 0.44), (0.29, 0.44)], 0.03, shade(pen.body, 0.65))
    pen.disc(0.475, 0.3, 0.035, (255, 238, 150))
    for u in (-0.3, 0.2):
        _wheel(pen, u, 0.14)


def draw_bench(pen: Pen) -> None:
    """A park bench from the front; the seat is at half its height."""
    for u in (-0.4, 0.4):
        pen.box(u - 0.03, 0, u + 0.03, 0.98, "dark")
    for v in (0.62, 0.81):
        pen.box(-0.5, v, 0.5, v + 0.15)
    pen.poly([(-0.5, 0.44), (-0.47, 0.56), (0.47, 0.56), (0.5, 0.44)])
    pen.box(-0.5, 0.36, 0.5, 0.45)


def draw_street_light(pen: Pen) -> None:
    """A post with one or two lamps on arms."""
    pen.box(-0.13, 0, 0.13, 0.05)
    pen.box(-0.055, 0.04, 0.055, 0.95)
    pen.box(-0.09, 0.3, 0.09, 0.33)
    for side in pen.rng.choice(((1,), (-1, 1))):
        pen.line([(0, 0.93), (side * 0.26, 0.96)], 0.022, "body")
        pen.poly([(side * 0.16, 0.94), (side * 0.2, 1.0), (side * 0.46, 1.0), (side * 0.5, 0.94)])
        pen.box(side * 0.22, 0.915, side * 0.44, 0.94, (255, 240, 170))


def draw_sign(pen: Pen) -> None:
    """A plate on a post; the pose says whether it is round, square or triangular."""
    pen.box(-0.035, 0, 0.035, 0.7, STEEL)
    rim = (250, 250, 250) if pen.look.color not in ("white", "yellow") else INK
    if pen.pose == "round":
        pen.disc(0, 0.825, 0.162)
        pen.disc(0, 0.825, 0.132, rim, edge=False)
        pen.disc(0, 0.825, 0.112, edge=False)
    elif pen.pose == "square":
        pen.box(-0.49, 0.665, 0.49, 0.985)
        pen.box(-0.41, 0.691, 0.41, 0.959, rim, edge=False)
        pen.box(-0.35, 0.711, 0.35, 0.939, edge=False)
    else:
        pen.poly([(-0.5, 0.67), (0, 0.99), (0.5, 0.67)])
        pen.poly([(-0.36, 0.697), (0, 0.928), (0.36, 0.697)], rim, edge=False)
        pen.poly([(-0.29, 0.71), (0, 0.895), (0.29, 0.71)], edge=False)


def draw_trash_can(pen: Pen) -> None:
    """A ribbed bin with a lid."""
    pen.poly([(-0.36, 0), (-0.45, 0.84), (0.45, 0.84), (0.36, 0)])
    for u in (-0.24, -0.08, 0.08, 0.24):
        pen.line([(u * 0.86, 0.07), (u, 0.78)], 0.014, shade(pen.body, 0.66))
    pen.box(-0.5, 0.82, 0.5, 0.92, round_by=0.3)
    pen.box(-0.12, 0.91, 0.12, 0.98, "dark", round_by=0.4)


def draw_fire_hydrant(pen: Pen) -> None:
    """A stout post with a dome and side caps."""
    pen.box(-0.42, 0, 0.42, 0.09)
    pen.box(-0.46, 0.44, 0.46, 0.62, "dark", round_by=0.3)
    pen.box(-0.29, 0.08, 0.29, 0.78)
    pen.oval(0, 0.78, 0.33, 0.15)
    pen.box(-0.36, 0.72, 0.36, 0.8, round_by=0.3)
    pen.box(-0.09, 0.9, 0.09, 0.99, "dark")
    pen.disc(0, 0.53, 0.1, "light")
    pen.disc(0, 0.53, 0.04, "dark")


def draw_traffic_cone(pen: Pen) -> None:
    """A cone with lighter or darker bands on a square foot."""
    pen.box(-0.5, 0, 0.5, 0.1)
    pen.poly([(-0.36, 0.09), (-0.06, 0.98), (0.06, 0.98), (0.36, 0.09)])
    for low, high in ((0.3, 0.42), (0.6, 0.72)):
        a, b = 0.36 - 0.337 * (low - 0.09), 0.36 - 0.337 * (high - 0.09)
        pen.poly([(-a, low), (-b, high), (b, high), (a, low)], mark_color(pen.look.color), edge=False)


def draw_cloud(pen: Pen) -> None:
    """A cloud with a flat foot."""
    for u, v, r in ((-0.3, 0.3, 0.28), (-0.1, 0.5, 0.42), (0.14, 0.54, 0.44), (0.32, 0.32, 0.3)):
        grown = r * pen.rng.uniform(0.9, 1.0)
        pen.oval(u, v, min(0.42 * grown, 0.5 - abs(u)), grown, edge=False)
    pen.box(-0.46, 0.06, 0.46, 0.36, round_by=0.5, edge=False)


def draw_kite(pen: Pen) -> None:
    """A diamond with a cross of sticks and a tail with bows."""
    pen.line([(0, 0.3), (-0.1, 0.22), (0.08, 0.13), (-0.04, 0.02)], 0.014, shade(pen.body, 0.7))
    for u, v in ((-0.08, 0.21), (0.06, 0.13), (-0.03, 0.04)):
        pen.poly([(u - 0.08, v - 0.025), (u + 0.08, v + 0.025), (u + 0.08, v - 0.025), (u - 0.08, v + 0.025)])
    pen.poly([(0, 0.28), (-0.48, 0.7), (0, 0.99), (0.48, 0.7)])
    pen.line([(0, 0.29), (0, 0.98)], 0.012, shade(pen.body, 0.5))
    pen.line([(-0.46, 0.7), (0.46, 0.7)], 0.012, shade(pen.body, 0.5))


def draw_balloon(pen: Pen) -> None:
    """A balloon on a string; its foot is the end of the string."""
    pen.line([(0, 0), (0.06, 0.16), (-0.05, 0.3), (0, 0.42)], 0.012, (90, 90, 96))
    pen.poly([(-0.07, 0.38), (0, 0.44), (0.07, 0.38)], "dark")
    pen.oval(0, 0.7, 0.47, 0.29)
    pen.oval(-0.18, 0.8, 0.09, 0.06, "light", edge=False)


def draw_umbrella(pen: Pen) -> None:
    """An open umbrella; its foot is the end of the handle."""
    pen.line([(0, 0.02), (0, 0.9)], 0.022, INK)
    dome = rounded([(-0.5, 0.58), (-0.42, 0.84), (-0.16, 0.97), (0.16, 0.97), (0.42, 0.84), (0.5, 0.58)], rounds=1)
    hem = [(0.33, 0.64), (0.17, 0.58), (0, 0.64), (-0.17, 0.58), (-0.33, 0.64)]
    pen.poly([(-0.5, 0.58), *dome[1:-2], (0.5, 0.58), *hem])
    for u in (-0.17, 0.17):
        pen.line([(u, 0.6), (0, 0.95)], 0.01, shade(pen.body, 0.6))
    pen.line([(0, 0.95), (0, 0.99)], 0.02, INK)


def draw_ball(pen: Pen) -> None:
    """A ball with a highlight."""
    pen.disc(0, 0.5, 0.49)
    if not pen.look.finish:
        pen.oval(-0.16, 0.68, 0.1, 0.08, "light", edge=False)
