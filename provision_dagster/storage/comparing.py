"""Are the rows of two frames equal? Column by column, so that the first difference ends it and memory is bounded."""

from collections.abc import Sequence

import polars as pl


def same_rows(left: pl.LazyFrame, right: pl.LazyFrame, *, sort_by: Sequence[str], columns: Sequence[str]) -> bool:
    """Tell whether two frames hold the same rows, in any order.

    Parameters
    ----------
    left, right
        Frames with the same types.
    sort_by
        Columns that order the rows; rows that tie are compared in the order in which they come.
    columns
        Columns to compare; others are taken to be equal.

    Returns
    -------
    bool
        True if every value is equal; nulls are equal to nulls.
    """
    order = [c for c in sort_by if c in columns] or list(columns)
    rest = [c for c in columns if c not in order]
    a, b = (frame.select(order).collect() for frame in (left, right))
    if a.height != b.height:
        return False
    if a.equals(b):
        return all(left.select(c).collect().equals(right.select(c).collect()) for c in rest)
    i, j = (frame.select(pl.arg_sort_by(order, maintain_order=True)).to_series() for frame in (a, b))
    if not a[i].equals(b[j]):
        return False
    return all(left.select(c).collect()[i].equals(right.select(c).collect()[j]) for c in rest)
