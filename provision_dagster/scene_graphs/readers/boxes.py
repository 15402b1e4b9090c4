"""Boxes: what makes one unusable, and clipping at the picture's edge."""

import polars as pl

from provision_dagster.scene_graphs.readers.judging import Rule

X1, Y1, X2, Y2 = (pl.col(name) for name in ("x1", "y1", "x2", "y2"))
WIDTH, HEIGHT = pl.col("width"), pl.col("height")

_AS_TEXT = pl.format("box ({}, {}) to ({}, {})", X1, Y1, X2, Y2)


def box_rules() -> list[Rule]:
    """
    Return the reasons against a box in the columns x1, y1, x2, y2 of a picture of `width` x `height` pixels.

    A picture of unknown size (null) has no edge: only what is wrong without one is found.
    """
    finite = pl.all_horizontal(side.is_finite() for side in (X1, Y1, X2, Y2))
    outside = (X1 >= WIDTH) | (Y1 >= HEIGHT) | (X2 <= 0) | (Y2 <= 0)
    outside_detail = pl.format("{} lies outside the picture of {} x {} pixels", _AS_TEXT, WIDTH, HEIGHT)
    return [
        Rule("not_finite", ~finite, "box", pl.format("{} has a side that is not finite", _AS_TEXT)),
        Rule("negative_size", (X2 < X1) | (Y2 < Y1), "box", pl.format("{} has a negative size", _AS_TEXT)),
        Rule("empty_box", (X2 == X1) | (Y2 == Y1), "box", pl.format("{} has no area", _AS_TEXT)),
        Rule("outside_picture", outside, "box", outside_detail),
    ]


def clipped(frame: pl.DataFrame) -> pl.DataFrame:
    """
    Cut boxes at the edge of their picture.

    Parameters
    ----------
    frame
        Columns x1, y1, x2, y2 (px) and width, height (px; null: left as it is).

    Returns
    -------
    polars.DataFrame
        The same rows with the boxes cut and `was_clipped`.
    """
    beyond = (X1 < 0) | (Y1 < 0) | (X2 > WIDTH) | (Y2 > HEIGHT)
    known = WIDTH.is_not_null() & HEIGHT.is_not_null()

    def cut(side: pl.Expr, upper: pl.Expr) -> pl.Expr:
        return pl.when(known).then(side.clip(0, upper)).otherwise(side)

    return frame.with_columns(
        cut(X1, WIDTH),
        cut(Y1, HEIGHT),
        cut(X2, WIDTH),
        cut(Y2, HEIGHT),
        (known & beyond).alias("was_clipped"),
    )
