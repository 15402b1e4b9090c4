"""Patterns and materials painted on an object's body."""

import random
from collections.abc import Callable

from PIL import ImageDraw

from provision_dagster.samples.rendering.palette import RGB, shade

Painter = Callable[[ImageDraw.ImageDraw, tuple[int, int], RGB, RGB, random.Random], None]


def paint_stripes(draw: ImageDraw.ImageDraw, size: tuple[int, int], body: RGB, mark: RGB, rng: random.Random) -> None:
    """Draw upright, level or slanted stripes on 34 % of the surface."""
    width, height = size
    period = max(10.0, min(width, height) / 5.5)
    thick = round(0.34 * period)
    direction = rng.choice(("upright", "level", "slanted"))
    lean = height if direction == "slanted" else 0
    start = rng.random() * period
    for k in range(-1, int((max(width, height) + lean) / period) + 2):
        at = start + k * period
        if direction == "level":
            draw.line((0, at, width, at), fill=mark, width=thick)
        else:
            draw.line((at, 0, at - lean, height), fill=mark, width=thick)


def paint_dots(draw: ImageDraw.ImageDraw, size: tuple[int, int], body: RGB, mark: RGB, rng: random.Random) -> None:
    """Draw offset rows of round dots on about 22 % of the surface."""
    width, height = size
    period = max(11.0, min(width, height) / 5)
    radius = 0.265 * period
    start_x, start_y = rng.random() * period, rng.random() * period
    for j in range(-1, int(height / period) + 2):
        for i in range(-1, int(width / period) + 2):
            x, y = start_x + (i + 0.5 * (j % 2)) * period, start_y + j * period
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=mark)


def paint_spots(draw: ImageDraw.ImageDraw, size: tuple[int, int], body: RGB, mark: RGB, rng: random.Random) -> None:
    """Draw uneven patches of fur."""
    width, height = size
    unit = min(width, height)
    for j in range(4):
        for i in range(4):
            x = (i + 0.25 + 0.5 * rng.random()) / 4 * width
            y = (j + 0.25 + 0.5 * rng.random()) / 4 * height
            rx, ry = (0.05 + 0.045 * rng.random()) * unit * 1.3, (0.05 + 0.04 * rng.random()) * unit
            draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=mark)


def paint_wood(draw: ImageDraw.ImageDraw, size: tuple[int, int], body: RGB, mark: RGB, rng: random.Random) -> None:
    """Draw level boards with grain."""
    width, height = size
    board = max(8.0, min(width, height) / 5)
    for k in range(int(height / board) + 1):
        y = k * board
        if k % 2:
            draw.rectangle((0, y, width, y + board), fill=shade(body, 1.1))
        for _ in range(3):
            x, at = rng.random() * width, y + rng.random() * board
            draw.line((x, at, x + (0.15 + 0.35 * rng.random()) * width, at), fill=shade(body, 0.8), width=2)
        draw.line((0, y, width, y), fill=shade(body, 0.62), width=2)


def paint_bricks(draw: ImageDraw.ImageDraw, size: tuple[int, int], body: RGB, mark: RGB, rng: random.Random) -> None:
    """Draw courses of bricks with light mortar."""
    width, height = size
    course = max(8.0, min(width, height) / 17)
    mortar = shade(body, 1.45)
    for j in range(int(height / course) + 1):
        y = height - j * course
        draw.line((0, y, width, y), fill=mortar, width=2)
        for i in range(int(width / (2.2 * course)) + 2):
            x = (i + 0.5 * (j % 2)) * 2.2 * course
            draw.line((x, y - course, x, y), fill=mortar, width=2)


TEXTURES: dict[str, Painter] = {
    "striped": paint_stripes,
    "dotted": paint_dots,
    "spotted": paint_spots,
    "wooden": paint_wood,
    "brick": paint_bricks,
}

MARKED = ("striped", "dotted", "spotted")
"""Finishes whose marks have a tone of their own (`palette.mark_color`); the others shade the body."""
