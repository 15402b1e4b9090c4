"""Choosing among things on several sides such that no side is likelier: their place tells nothing (T4)."""

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, any_of, offsets_of
from provision_dagster.generators.hashing import U64, below, draw

SIDES = 6
"""Side s is the opposite of side SIDES - 1 - s; sides 0, 1, 2 are the opposite half of sides 3, 4, 5."""


def has_even(count: Ints) -> Bools:
    """Whether both halves are there; shapes as for `draw_even`."""
    return any_of(count.T[: SIDES // 2] > 0) & any_of(count.T[SIDES // 2 :] > 0)


def draw_even(count: Ints, h: U64, *, rows: Ints) -> Ints:
    """
    Draw one thing per row from a side as often as from its opposite.

    Where no side and its opposite are both there, only the halves are evened out.

    Parameters
    ----------
    count
        How many things each group has on each side, shape (groups, SIDES); the things lie sorted by group and side.
    h
        Hash of each row, shape (n,).
    rows
        Group of each row; one that has both halves.

    Returns
    -------
    numpy.ndarray
        Place of the thing among all, shape (n,).
    """
    first, count = offsets_of(count.sum(axis=1))[rows], count[rows]
    half = SIDES // 2
    opposite = (count[:, :half] > 0) & (count[:, : half - 1 : -1] > 0)
    pairs = opposite.sum(axis=1)
    # the k-th pair of sides that are both there
    k = _below(draw(h, "sides"), np.maximum(pairs, 1))
    pair = (np.cumsum(opposite, axis=1) > k[:, None]).argmax(axis=1)
    upper = below(draw(h, "half"), 2) == 1
    begin = np.where(pairs > 0, np.where(upper, SIDES - 1 - pair, pair), np.where(upper, half, 0))
    end = begin + np.where(pairs > 0, 1, half)
    ends = np.concatenate([np.zeros((len(rows), 1), dtype=np.int64), np.cumsum(count, axis=1)], axis=1)
    low, high = (np.take_along_axis(ends, side[:, None], axis=1)[:, 0] for side in (begin, end))
    return np.asarray(first + low + _below(draw(h, "thing"), high - low))


def _below(numbers: U64, bound: Ints) -> Ints:
    return np.asarray(below(numbers, bound.astype(np.uint64)), dtype=np.int64)
