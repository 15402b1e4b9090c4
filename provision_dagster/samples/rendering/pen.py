"""A drawing surface for one object: shapes in its own coordinates, drawn at twice the size and reduced."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

from provision_dagster.samples.rendering.palette import PIGMENTS, RGB, ColorName, mark_color, shade
from provision_dagster.samples.rendering.textures import MARKED, TEXTURES

Finish = Literal["", "striped", "dotted", "spotted", "wooden", "metal", "brick", "plastic"]
Fill = RGB | Literal["body", "dark", "light"]
Point = tuple[float, float]
OVERSAMPLE = 2
PAD = 1  # transparent pixels round a sprite


@dataclass(frozen=True)
class Look:
    """What is visibly true of an object's surface: its colour word and its finish ("" = plain)."""

    color: ColorName
    finish: Finish = ""


class Pen:
    """Draws one object. u runs from -0.5 (left) to 0.5 (right), v from 0 (foot) to 1 (top) of its frame."""

    def __init__(
        self,
        width: float,
        height: float,
        *,
        look: Look,
        rng: random.Random,
        flip: bool = False,
        pose: str = "",
        corners: Mapping[str, Point] | None = None,
    ) -> None:
        """Open a surface of `width` x `height` picture pixels.

        `corners` are those of a thing drawn in perspective, see `Item.outline`.
        """
        self.look, self.rng, self.pose, self.corners = look, rng, pose, corners or {}
        self.width, self.height = width * OVERSAMPLE, height * OVERSAMPLE
        self._sign = -1.0 if flip else 1.0
        size = (2 * PAD + int(np.ceil(width)), 2 * PAD + int(np.ceil(height)))
        self.image = Image.new("RGBA", (size[0] * OVERSAMPLE, size[1] * OVERSAMPLE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)
        self._texture: Image.Image | None = None
        self.stroke = max(2, round(0.011 * min(self.width, self.height) + 0.004 * self.height))

    @property
    def body(self) -> RGB:
        """The pigment of the object's colour word."""
        return PIGMENTS[self.look.color]

    def at(self, u: float, v: float) -> Point:
        """Surface pixel of (u, v)."""
        return (
            self.image.width / 2 + self._sign * u * self.width,
            self.image.height - PAD * OVERSAMPLE - v * self.height,
        )

    def poly(self, points: Sequence[Point], fill: Fill = "body", *, edge: bool = True) -> None:
        """Fill a polygon of (u, v) corners."""
        self._shape("polygon", [self.at(*p) for p in points], fill, edge)

    def box(
        self,
        u0: float,
        v0: float,
        u1: float,
        v1: float,
        fill: Fill = "body",
        *,
        round_by: float = 0,
        edge: bool = True,
    ) -> None:
        """Fill a rectangle; `round_by` is the corner radius as a share of its shorter side."""
        (x0, y0), (x1, y1) = self.at(u0, v0), self.at(u1, v1)
        corners = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        shorter = min(corners[2] - corners[0], corners[3] - corners[1])
        if round_by and shorter > 3 * self.stroke:
            self._shape("rounded_rectangle", corners, fill, edge, radius=min(round_by * shorter, shorter / 2 - 2))
        else:  # Pillow cannot round what is hardly wider than its outline
            self._shape("rectangle", corners, fill, edge)

    def oval(self, u: float, v: float, ru: float, rv: float, fill: Fill = "body", *, edge: bool = True) -> None:
        """Fill an ellipse round (u, v)."""
        x, y = self.at(u, v)
        rx, ry = ru * self.width, rv * self.height
        self._shape("ellipse", (x - rx, y - ry, x + rx, y + ry), fill, edge)

    def disc(self, u: float, v: float, r: float, fill: Fill = "body", *, edge: bool = True) -> None:
        """Fill a circle round (u, v); `r` is a share of the object's height."""
        self.oval(u, v, r * self.height / self.width, r, fill, edge=edge)

    def line(self, points: Sequence[Point], width: float, fill: Fill = "dark") -> None:
        """Draw a line with round ends; `width` is a share of the object's height."""
        thick = max(2, round(width * self.height))
        path, color = [self.at(*p) for p in points], self._color(fill)
        self._draw.line(path, fill=color, width=thick, joint="curve")
        for x, y in (path[0], path[-1]):
            r = thick / 2 - 0.5
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=color)

    def cluster(self, discs: Sequence[tuple[float, float, float]], fill: Fill = "body") -> None:
        """Fill the union of circles (u, v, r) with one outline round all."""
        rim = self.stroke / self.height
        for u, v, r in discs:
            self.disc(u, v, r + rim, shade(self._color(fill), 0.5), edge=False)
        for u, v, r in discs:
            self.disc(u, v, r, fill, edge=False)

    def finish(self) -> Image.Image:
        """Reduce to picture pixels and light it from the left; the alpha channel is the coverage."""
        small = self.image.reduce(OVERSAMPLE)
        lit = ImageChops.multiply(small, _falloff(small.width).resize(small.size, Image.Resampling.NEAREST))
        if self.look.finish in ("metal", "plastic"):
            return ImageChops.add(lit, _gloss(small.width).resize(small.size, Image.Resampling.NEAREST))
        return lit

    def _color(self, fill: Fill) -> RGB:
        if isinstance(fill, tuple):
            return fill
        dark = 0.92 if self.look.color == "white" else 0.8  # a darker white is gray
        return {"body": self.body, "dark": shade(self.body, dark), "light": shade(self.body, 1.22)}[fill]

    def _shape(self, name: str, where: object, fill: Fill, edge: bool, **extra: float) -> None:
        color = self._color(fill)
        line = shade(color, 0.5) if edge else None
        if fill == "body" and self.look.finish in TEXTURES:
            mask = Image.new("L", self.image.size, 0)
            getattr(ImageDraw.Draw(mask), name)(where, fill=255, **extra)
            self.image.paste(self._body_texture(), mask=mask)
            if edge:
                getattr(self._draw, name)(where, outline=line, width=self.stroke, **extra)
            return
        getattr(self._draw, name)(where, fill=color, outline=line, width=self.stroke if edge else 0, **extra)

    def _body_texture(self) -> Image.Image:
        if self._texture is None:
            paint, name = TEXTURES[self.look.finish], self.look.color
            self._texture = Image.new("RGBA", self.image.size, (*self.body, 255))
            paint(
                ImageDraw.Draw(self._texture),
                self.image.size,
                self.body,
                mark_color(name) if self.look.finish in MARKED else self.body,
                self.rng,
            )
        return self._texture


def _row(red_green_blue: NDArray[np.float64], alpha: int) -> Image.Image:
    """One RGBA row of pixels from a value per column."""
    values = np.rint(red_green_blue).astype(np.uint8)
    return Image.fromarray(np.dstack([values, values, values, np.full_like(values, alpha)]))


@cache
def _falloff(width: int) -> Image.Image:
    """Brightness per column: full on the left, 15 % less on the right."""
    t = (np.arange(width) + 0.5) / width
    return _row(255 * (1 - 0.15 * t**1.5)[None, :], 255)


@cache
def _gloss(width: int) -> Image.Image:
    """What a highlight adds per column."""
    t = (np.arange(width) + 0.5) / width
    return _row(30 * np.exp(-(((t - 0.3) / 0.09) ** 2))[None, :], 0)


def rounded(points: Sequence[Point], *, rounds: int = 2) -> list[Point]:
    """Smooth a closed polygon by corner cutting (Chaikin 1974)."""
    path = np.array(points)
    for _ in range(rounds):
        after = np.roll(path, -1, axis=0)
        path = np.stack([0.75 * path + 0.25 * after, 0.25 * path + 0.75 * after], axis=1).reshape(-1, 2)
    return [(float(u), float(v)) for u, v in path]
