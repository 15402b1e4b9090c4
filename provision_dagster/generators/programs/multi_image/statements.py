"""Statements of what differs ("The car is red in Image 1 and blue in Image 2."), and false ones beside them."""

from math import factorial

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints
from provision_dagster.generators.hashing import U64, below, draw
from provision_dagster.generators.registry import OPTIONS, Choice


def permutation(rank: Ints, n: int) -> Ints:
    """Return the rank-th order of 0 .. n - 1 (0 = as they are), shape (m, n)."""
    left = np.tile(np.arange(n), (len(rank), 1))
    found = np.empty((len(rank), n), dtype=np.int64)
    for place in range(n):
        at, rank = np.divmod(rank, factorial(n - 1 - place))
        found[:, place] = np.take_along_axis(left, at[:, None], axis=1)[:, 0]
        keep = np.arange(left.shape[1]) != at[:, None]
        left = left[keep].reshape(len(left), left.shape[1] - 1)
    return found


def other_orders(h: U64, n: int) -> Ints:
    """Draw up to three different orders of n things other than the given one, shape (m, options - 1, n).

    Orders are uniform: which of the options all others resemble tells nothing.
    """
    many = min(OPTIONS - 1, factorial(n) - 1)
    taken = np.empty((len(h), 0), dtype=np.int64)
    for number in range(many):
        rank = 1 + below(draw(h, f"order of images {number}"), factorial(n) - 1 - number).astype(np.int64)
        for place in range(number):  # count those that are taken, smallest first
            rank += rank >= taken[:, place]
        taken = np.sort(np.concatenate([taken, rank[:, None]], axis=1), axis=1)
    return permutation(taken.reshape(-1), n).reshape(len(h), many, n)


def statement_choice(h: U64, opening: pl.Series, said: list[pl.Series]) -> tuple[pl.Series, Choice]:
    """Make the true statement and offer it beside others that give the images in another order.

    Parameters
    ----------
    opening
        "The car is", one per row.
    said
        What is said of each image, in order: n columns.

    Returns
    -------
    tuple
        Answer and options.
    """
    n, rows = len(said), len(opening)
    every = pl.concat([column.alias("said") for column in said])
    orders = other_orders(h, n)
    texts = [_statement(opening, said)]
    for number in range(orders.shape[1]):
        mixed = [every.gather(orders[:, number, place] * rows + np.arange(rows)) for place in range(n)]
        texts.append(_statement(opening, mixed))
    codes = np.arange(len(texts) * rows).reshape(len(texts), rows).T
    return texts[0], Choice(pl.concat(texts), codes, balanced=False)


def _statement(opening: pl.Series, said: list[pl.Series]) -> pl.Series:
    frame = pl.DataFrame({"o": opening, **{str(i): column for i, column in enumerate(said)}})
    pieces: list[pl.Expr] = [pl.col("o"), pl.lit(" ")]
    for place in range(len(said)):
        end = "." if place == len(said) - 1 else " and " if place == len(said) - 2 else ", "
        pieces += [pl.col(str(place)), pl.lit(f" in Image {place + 1}{end}")]
    return frame.select(text=pl.concat_str(pieces)).to_series()


def ordered_pairs(n: int) -> tuple[Ints, Ints]:
    """All ordered pairs of different numbers below n."""
    one, two = np.nonzero(~np.eye(n, dtype=bool))
    return one, two


def all_rows(lines: Bools, rows: int) -> Bools:
    """Whether all lines of each row are true; every row has equally many, in order."""
    return np.asarray(lines.reshape(rows, len(lines) // max(rows, 1)).all(axis=1))
