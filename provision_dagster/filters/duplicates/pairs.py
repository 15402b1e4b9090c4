"""Pairs of rows with equal keys, a bounded number at a time."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.hashing import U64

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

CHUNK = 1 << 21
"""Pairs handed out at a time, about: 32 MB of indices."""


def equal_pairs(left: U64, *, right: U64 | None = None) -> Iterator[tuple[I64, I64]]:
    """Find all pairs of rows with equal keys.

    Parameters
    ----------
    left
        Keys, n rows.
    right
        Keys, m rows; None: pairs within `left`.

    Yields
    ------
    tuple of numpy.ndarray
        Indices (i, j) of equal keys, about CHUNK of them at a time; within `left`, each pair once with i < j.
    """
    keys = left if right is None else right
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    if right is None:
        # a stable sort leaves equal keys in the order of their rows, so that i < j
        first, start = order, np.arange(1, len(keys) + 1)
        stop = np.searchsorted(ordered, ordered, side="right")
    else:
        first, start = np.arange(len(left)), np.searchsorted(ordered, left, side="left")
        stop = np.searchsorted(ordered, left, side="right")
    for rows, places in expand(start, stop):
        yield first[rows], order[places]


def expand(start: I64, stop: I64) -> Iterator[tuple[I64, I64]]:
    """Enumerate ranges.

    Parameters
    ----------
    start, stop
        One half-open range per row.

    Yields
    ------
    tuple of numpy.ndarray
        (row, place) for every place of every row's range, in order, about CHUNK at a time.
    """
    rows = np.flatnonzero(stop > start)
    counts = (stop - start)[rows]
    ends = np.cumsum(counts)
    cuts = np.flatnonzero(np.diff(ends // CHUNK)) + 1
    for block in np.split(np.arange(len(rows)), cuts):
        if not len(block):
            continue
        length = counts[block]
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        row = np.repeat(rows[block], length)
        yield row, start[row] + offset
