"""Colour words, their pigments, and the rule by which a pixel is given a colour word."""

from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

RGB = tuple[int, int, int]
ColorName = Literal["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray"]
COLOR_NAMES: tuple[ColorName, ...] = get_args(ColorName)

PIGMENTS: dict[ColorName, RGB] = {
    "red": (208, 40, 38),
    "orange": (242, 132, 28),
    "yellow": (246, 208, 48),
    "green": (62, 152, 66),
    "blue": (44, 102, 208),
    "purple": (130, 64, 168),
    "pink": (244, 134, 180),
    "brown": (134, 86, 48),
    "black": (44, 44, 48),
    "white": (242, 241, 237),
    "gray": (142, 144, 148),
}

_MARKS: dict[ColorName, float] = {
    "red": 0.5,
    "orange": 1.5,
    "yellow": 1.65,
    "green": 1.5,
    "blue": 1.55,
    "purple": 1.5,
    "pink": 0.62,
    "brown": 0.55,
    "gray": 0.55,
}
"""How much darker or lighter marks are than the body: another tone of the same colour word, so one word is true."""


def shade(color: RGB, factor: float) -> RGB:
    """Return `color` darkened (`factor` < 1) or mixed with white (`factor` > 1, at most 2)."""
    if factor <= 1:
        return (round(color[0] * factor), round(color[1] * factor), round(color[2] * factor))
    mix = factor - 1
    red, green, blue = (round(c + (255 - c) * mix) for c in color)
    return (red, green, blue)


def mark_color(name: ColorName) -> RGB:
    """Return the tone of stripes, dots and spots that stand out on a body painted `name`, itself called `name`.

    Black and white have no such tone: things of these colours are plain.
    """
    return shade(PIGMENTS[name], _MARKS[name])


def color_classes(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give each pixel the index into `COLOR_NAMES` of its colour word.

    Parameters
    ----------
    rgb
        Array of shape (..., 3), 0 - 255.

    Returns
    -------
    Array of shape (...).
    """
    low = rgb >> 3
    index = (low[..., 0].astype(np.uint16) << 10) | (low[..., 1].astype(np.uint16) << 5) | low[..., 2]
    classes: NDArray[np.uint8] = _class_table()[index]
    return classes


@cache
def _class_table() -> NDArray[np.uint8]:
    steps = np.arange(32) * 8.0 + 4.0
    red, green, blue = (c.ravel() for c in np.meshgrid(steps, steps, steps, indexing="ij"))
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    span = np.where(high == low, 1.0, high - low)
    hue = np.select(
        [high == red, high == green],
        [((green - blue) / span) % 6, (blue - red) / span + 2],
        (red - green) / span + 4,
    )
    return _classify(hue * 60, (high - low) / high, high / 255)


def _classify(
    hue: NDArray[np.float64], saturation: NDArray[np.float64], value: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Colour-word index from hue (degrees), saturation and value (0 - 1); the first fit decides."""
    reddish = (hue < 12) | (hue >= 348)
    warm = (hue >= 12) & (hue < 40)
    rules: list[tuple[NDArray[np.bool_], ColorName]] = [
        (value < 0.25, "black"),
        ((saturation < 0.13) & (value > 0.74), "white"),
        (saturation < 0.13, "gray"),
        (reddish & (saturation < 0.55) & (value > 0.7), "pink"),
        (reddish, "red"),
        (warm & (value < 0.64), "brown"),
        (warm, "orange"),
        (hue < 68, "yellow"),
        (hue < 170, "green"),
        (hue < 255, "blue"),
        (hue < 300, "purple"),
    ]
    choices = [np.uint8(COLOR_NAMES.index(name)) for _, name in rules]
    picked: NDArray[np.uint8] = np.select([rule for rule, _ in rules], choices, np.uint8(COLOR_NAMES.index("pink")))
    return picked
