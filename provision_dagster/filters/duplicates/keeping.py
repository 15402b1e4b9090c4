"""Which one of several that are alike is kept: the first, whatever the order in which they were found."""

import numpy as np

from provision_dagster.filters.duplicates.pairs import F64, I64


def keep_first(rows: int, *, first: I64, second: I64, distance: F64 | I64) -> tuple[I64, F64]:
    """Decide row by row: a row goes if it is like an earlier one that stays.

    So every row that goes has one that stays within the distance; of a chain of pictures, each like the next, every
    other stays.

    Parameters
    ----------
    rows
        Number of rows; their order is the order of preference.
    first, second, distance
        Pairs that are alike, first < second.

    Returns
    -------
    tuple of numpy.ndarray
        For each row the one kept in its place, the nearest of several (itself if it stays), and its distance.
    """
    of, how_far = np.arange(rows, dtype=np.int64), np.zeros(rows)
    order = np.lexsort((first, distance, second))
    # Each decision needs all earlier ones; there are as many steps as pairs that are alike, not as rows.
    stays = [True] * rows
    for i, j, far in zip(first[order].tolist(), second[order].tolist(), distance[order].tolist(), strict=True):
        if stays[i] and stays[j]:
            stays[j] = False
            of[j], how_far[j] = i, far
    return of, how_far
