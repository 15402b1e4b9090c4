"""Points as questions print them: "(0.31, 0.52)", ratios of width and height from the top left corner."""

from functools import cache

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ints

_RATIOS = 101


@cache
def point_texts() -> pl.Series:
    """Text of every position that two decimals can name; its place is the code of the position."""
    ratios = [f"{n // 100}.{n % 100:02d}" for n in range(_RATIOS)]
    return pl.Series([f"({x}, {y})" for x in ratios for y in ratios])


def printed(xy: Ints, sides: Ints) -> Ints:
    """Code of the printed position of pixels: the ratios that fall into the pixel.

    Parameters
    ----------
    xy
        Pixels, shape (n, 2).
    sides
        Width and height in pixels of the image of each, shape (n, 2).

    Returns
    -------
    numpy.ndarray
        Shape (n,); -1 where no ratio with two decimals falls into the pixel.
    """
    ratio = -(-xy * 100 // sides)
    exact = (ratio * sides // 100 == xy).all(axis=1) & (ratio < _RATIOS).all(axis=1)
    return np.where(exact, ratio[:, 0] * _RATIOS + ratio[:, 1], -1)


def ratios(codes: Ints) -> Ints:
    """Hundredths of width and height that codes stand for, shape (n, 2)."""
    return np.stack(np.divmod(codes, _RATIOS), axis=1)


def mirrored_in_x(codes: Ints) -> Ints:
    """Codes of the positions at the same height and as far from the middle, on the other side."""
    x, y = ratios(codes).T
    return np.asarray((_RATIOS - 1 - x) * _RATIOS + y)
