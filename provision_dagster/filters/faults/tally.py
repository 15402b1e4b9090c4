"""What became of faulty and of good questions: caught by which rule, missed, lost, and how many may be."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

Z = 2.33
"""Standard deviations of a one-sided bound that chance breaks once in a hundred times."""


@dataclass(frozen=True)
class Rate:
    """A share that was measured on other scenes, and how many questions it rests on."""

    share: float
    rows: int


def bound(rate: Rate, rows: int, *, up: bool) -> float:
    """Return how many of `rows` a rate predicts at most (at least): both samples are random, a binomial draw each."""
    p = rate.share
    spread = Z * math.sqrt(rows * p * (1 - p) * (1 + rows / max(rate.rows, 1)))
    return rows * p + spread if up else max(0.0, rows * p - spread)


@dataclass(frozen=True)
class Caught:
    """One kind of fault.

    Attributes
    ----------
    injected
        Questions that have it.
    by
        The rule, or the check, that must find it.
    caught, others, missed
        Questions that it found; that another rule rejected; that were kept.
    at_least
        How many must be caught.
    found
        What a check told, empty for rules.
    """

    fault: str
    injected: int
    by: str
    caught: int
    others: int
    missed: int
    at_least: float
    found: str = ""

    @property
    def passed(self) -> bool:
        """Whether enough of at least one was caught."""
        return self.injected > 0 and self.caught > 0 and self.caught >= math.floor(self.at_least)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"passed": self.passed}


@dataclass(frozen=True)
class Lost:
    """Good questions that a rule rejected.

    Attributes
    ----------
    good
        Good questions that the rule looked at.
    lost, allowed
        How many it rejected, and how many it may.
    """

    rule: str
    good: int
    lost: int
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether no more was lost than may be."""
        return self.lost <= self.allowed

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"passed": self.passed}


def fates(kept: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """Columns `id` and `rule`; null: kept."""
    return pl.concat([kept.select("id", rule=pl.lit(None, dtype=pl.String)), rejected.select("id", "rule")])


def caught(
    fate: pl.DataFrame, ledger: pl.DataFrame, *, fault: str, rule: str, least: Rate, broken: pl.DataFrame | None = None
) -> Caught:
    """Count what became of the questions with a fault.

    Parameters
    ----------
    fate
        See `fates`.
    ledger
        Schema LEDGER. Of a copy and its original either may go; it is missed when both are kept.
    rule
        That must find the fault.
    least
        Share that must be caught.
    broken
        Column `id`: questions that break the rule, though an earlier one may have rejected them. None: those that it
        rejected.
    """
    own = ledger.filter(fault=fault).join(fate, on="id")
    both = own.join(fate.select(of="id", of_rule="rule"), on="of", how="left")
    breaks = pl.any_horizontal(pl.col("rule") == rule, pl.col("of_rule") == rule)
    if broken is not None:
        breaks = pl.col("id").is_in(broken["id"].implode())
    named = breaks.fill_null(False)
    other = (~named & pl.any_horizontal(pl.col("rule").is_not_null(), pl.col("of_rule").is_not_null())).fill_null(False)
    found = both.select(rows=pl.len(), caught=named.sum(), others=other.sum()).row(0, named=True)
    missed = found["rows"] - found["caught"] - found["others"]
    # what another rule rejected first, the named one never saw; what finds less than half finds nothing to speak of
    seen = found["rows"] - found["others"]
    floor = max(bound(least, seen, up=False), seen / 2)
    return Caught(fault, found["rows"], rule, found["caught"], found["others"], missed, floor)


def lost(
    fate: pl.DataFrame, good: pl.DataFrame, ledger: pl.DataFrame, *, rates: dict[str, tuple[Rate, int]]
) -> list[Lost]:
    """Count good questions by the rule that rejected them.

    Parameters
    ----------
    good
        Column `id`: questions without a fault. One that gives way to its copy is not lost.
    rates
        By rule: share of good questions that its threshold costs, and how many good questions it looked at. Rules that
        are not named may reject none.
    """
    gone = good.join(fate.drop_nulls("rule"), on="id")
    kept = fate.filter(pl.col("rule").is_null())
    stands_in = ledger.drop_nulls("of").join(kept, on="id", how="semi").select(id="of")
    counts = dict(gone.join(stands_in, on="id", how="anti").group_by("rule").len().sort("rule").iter_rows())
    named = [Lost(rule, rows, counts.pop(rule, 0), bound(rate, rows, up=True)) for rule, (rate, rows) in rates.items()]
    return [*named, *(Lost(rule, good.height, rows, 0.0) for rule, rows in counts.items())]
