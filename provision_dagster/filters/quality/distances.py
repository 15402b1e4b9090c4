"""How far two distributions over values are apart: population stability index and Jensen-Shannon divergence."""

import numpy as np
import polars as pl

SMALLEST = 1e-4
"""Share that stands for none in the population stability index, whose logarithm has no value there."""

REST = ""
"""The value that stands for all that are not compared one by one."""


def aligned(before: pl.DataFrame, now: pl.DataFrame, *, head: int) -> pl.DataFrame:
    """Put two distributions side by side.

    Parameters
    ----------
    before, now
        Columns `part` (value) and `value` (its share).
    head
        Values that stay, the most frequent of both together; the others are one value, `REST`.

    Returns
    -------
    pl.DataFrame
        Columns `part`, `before`, `now`; both sum to 1 where they are not empty.
    """
    sides = [side.group_by("part").agg(pl.col("value").sum().alias(name)) for name, side in _named(before, now)]
    both = (
        sides[0].join(sides[1], on="part", how="full", coalesce=True).with_columns(pl.col("before", "now").fill_null(0))
    )
    ordered = both.with_columns(rest=pl.col("part") == REST).sort("rest", -(pl.col("before") + pl.col("now")), "part")
    kept = pl.int_range(pl.len()) < head
    named = ordered.with_columns(part=pl.when(kept & ~pl.col("rest")).then("part").otherwise(pl.lit(REST)))
    joined = named.group_by("part", maintain_order=True).agg(pl.col("before", "now").sum())
    return joined.with_columns(pl.col("before", "now") / pl.col("before", "now").sum())


def _named(before: pl.DataFrame, now: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    return [("before", before), ("now", now)]


def psi(before: np.ndarray, now: np.ndarray) -> float:
    """Population stability index: sum of (now - before) * ln(now / before), natural logarithm, no share below 1e-4."""
    old, new = np.maximum(before, SMALLEST), np.maximum(now, SMALLEST)
    return float(((new - old) * np.log(new / old)).sum())


def jensen_shannon(before: np.ndarray, now: np.ndarray) -> float:
    """Jensen-Shannon divergence, base 2: 0 for equal distributions, 1 for such that share no value."""
    middle = (before + now) / 2
    return max(0.0, (_divergence(before, middle) + _divergence(now, middle)) / 2)


def _divergence(side: np.ndarray, middle: np.ndarray) -> float:
    """Kullback and Leibler's divergence in bits; values without a share add nothing."""
    some = side > 0
    return float((side[some] * np.log2(side[some] / middle[some])).sum())
