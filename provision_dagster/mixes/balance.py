"""What must not prevail: no answer, label, generator or template has more than its share."""

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.mixes.recipe_parts import Balance, BalanceBy

WITHIN: dict[BalanceBy, tuple[str, ...]] = {"answer": ("generator",), "template": ("generator",)}
"""Of which rows a share is taken: of those of a generator, or (not listed) of all."""

_EPSILON = 1e-9
"""0.29 * 100 is 28.999999999999996."""


def balanced(rows: pl.DataFrame, *, balance: Balance) -> pl.DataFrame:
    """Leave out rows of what prevails, until nothing does.

    Parameters
    ----------
    rows
        `generator` and the columns of `balance.by`, best first: of what prevails the last rows go.
    balance
        What may have which share. Where there are too few values for it, all get an equal share.

    Returns
    -------
    pl.DataFrame
        The rows that stay, in their order.
    """
    while True:
        before = rows.height
        for by in balance.by:
            rows = _limited(rows, by=by, max_share=balance.max_share)
        # what one limit takes away may let another be broken
        if rows.height == before:
            return rows


def in_strata(rows: pl.DataFrame, *, strata: list[str]) -> pl.DataFrame:
    """Order rows so that any part from the top has of each stratum the same share, but for one row.

    Parameters
    ----------
    rows
        Columns of `strata`, `order` and `id`, best first: so they stay within a stratum.
    """
    if not strata:
        return rows
    place = (pl.int_range(pl.len()).over(strata) + 0.5) / pl.len().over(strata)
    return rows.with_columns(_place=place).sort("_place", "order", "id").drop("_place")


def largest_limit(counts: npt.ArrayLike, *, max_share: float) -> int:
    """Return how many rows of one value may stay at most, so that none has more than its share of those that stay.

    Parameters
    ----------
    counts
        Rows of each value, shape (values,).
    max_share
        Share of the rows that stay; raised to an equal share where there are too few values.
    """
    ordered = np.sort(np.asarray(counts, dtype=np.int64))
    share = max(max_share, 1 / len(ordered))
    sums = np.concatenate(([0], np.cumsum(ordered)))
    low, high = 1, int(ordered[-1])
    # limit <= share * rows that stay holds for 1 and, the right side being concave, up to one limit and not beyond
    while low < high:
        limit = (low + high + 1) // 2
        whole = int(np.searchsorted(ordered, limit))
        stay = int(sums[whole]) + limit * (len(ordered) - whole)
        if limit <= share * stay + _EPSILON:
            low = limit
        else:
            high = limit - 1
    return low


def _limited(rows: pl.DataFrame, *, by: BalanceBy, max_share: float) -> pl.DataFrame:
    if rows.is_empty():
        return rows
    within = list(WITHIN.get(by, ()))
    counts = rows.group_by(*within, by).len() if within else rows.group_by(by).len()
    groups = counts.partition_by(within, as_dict=True) if within else {(): counts}
    limits = {group: largest_limit(found["len"], max_share=max_share) for group, found in groups.items()}
    if not within:
        return rows.filter(pl.int_range(pl.len()).over(by) < limits[()])
    known = pl.DataFrame({name: [group[i] for group in limits] for i, name in enumerate(within)}).with_columns(
        _limit=pl.Series(list(limits.values()), dtype=pl.Int64)
    )
    told = rows.join(known, on=within, how="left", maintain_order="left")
    return told.filter(pl.int_range(pl.len()).over(*within, by) < pl.col("_limit")).drop("_limit")
