"""What is counted as caught, missed and lost, and how much chance may cost."""

import numpy as np
import polars as pl
import pytest

from provision_dagster.filters.faults.ledger import LEDGER
from provision_dagster.filters.faults.tally import Caught, Lost, Rate, bound, caught, fates, lost

ALWAYS = Rate(1.0, 1)


def fate(**rules: str | None) -> pl.DataFrame:
    rows = pl.DataFrame({"id": list(rules), "rule": pl.Series(list(rules.values()), dtype=pl.String)})
    return fates(rows.filter(pl.col("rule").is_null()), rows.drop_nulls("rule"))


def ledger(**rows: tuple[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame([(name, *row) for name, row in rows.items()], schema=LEDGER, orient="row")


def test_a_fault_is_caught_by_its_rule_by_another_or_missed() -> None:
    entered = ledger(a=("wrong", None), b=("wrong", None), c=("wrong", None), d=("else", None), e=("wrong", None))
    found = caught(fate(a="judge", b="format", c=None, d="judge"), entered, fault="wrong", rule="judge", least=ALWAYS)
    # what is not in the data at all (e) does not count
    assert found == Caught("wrong", 3, "judge", 1, 1, 1, 2.0)
    assert not found.passed


def test_what_breaks_a_rule_is_found_by_it_though_another_comes_first() -> None:
    entered, below = ledger(a=("wrong", None), b=("wrong", None)), pl.DataFrame({"id": ["a"]})
    now = fate(a="region_text", b="region_text")
    found = caught(now, entered, fault="wrong", rule="judge", least=ALWAYS, broken=below)
    assert (found.caught, found.others, found.missed) == (1, 1, 0)


@pytest.mark.parametrize(
    ("rules", "counts"),
    [
        ({"a": None, "copy": "duplicate"}, (1, 0, 0)),
        ({"a": "duplicate", "copy": None}, (1, 0, 0)),
        ({"a": None, "copy": None}, (0, 0, 1)),
        ({"a": "judge", "copy": "judge"}, (0, 1, 0)),
        ({"copy": "duplicate"}, (1, 0, 0)),
    ],
)
def test_of_a_copy_and_its_original_either_may_go(rules: dict[str, str | None], counts: tuple[int, ...]) -> None:
    found = caught(fate(**rules), ledger(copy=("copy", "a")), fault="copy", rule="duplicate", least=ALWAYS)
    assert (found.caught, found.others, found.missed) == counts


def test_what_is_good_and_gone_is_lost_unless_its_copy_stays() -> None:
    good = pl.DataFrame({"id": list("abcdef")})
    now = fate(a="judge", b="duplicate", c="duplicate", d=None, e="format", f=None, b2=None, c2="duplicate")
    copies = ledger(b2=("copy", "b"), c2=("copy", "c"))
    found = lost(now, good, copies, rates={"judge": (Rate(0.05, 100), 40)})
    assert [(one.rule, one.good, one.lost, one.passed) for one in found] == [
        ("judge", 40, 1, True), ("duplicate", 6, 1, False), ("format", 6, 1, False),
    ]  # fmt: skip


def test_no_fault_no_proof() -> None:
    assert not Caught("f", 0, "judge", 0, 0, 0, 0.0).passed
    assert not Caught("f", 10, "judge", 0, 0, 10, 0.0).passed
    assert Lost("judge", 10, 1, 1.0).passed


@pytest.mark.parametrize("share", [0.02, 0.05, 0.3, 0.9])
def test_a_bound_is_broken_once_in_a_hundred_times(share: float) -> None:
    """A rate measured on one sample, held against another of the same kind."""
    luck, rows, measured = np.random.default_rng(3), 300, 500
    rates = luck.binomial(measured, share, 4_000) / measured
    seen = luck.binomial(rows, share, 4_000)
    above = np.mean([n > bound(Rate(p, measured), rows, up=True) for p, n in zip(rates, seen, strict=True)])
    below = np.mean([n < bound(Rate(p, measured), rows, up=False) for p, n in zip(rates, seen, strict=True)])
    # small rates are skewed, and their spread is itself measured
    assert above < 0.05
    assert below < 0.05


def test_what_finds_less_than_half_does_not_pass() -> None:
    """However little a rule found where its threshold was chosen."""
    entered = ledger(**dict.fromkeys("abcd", ("wrong", None)))
    for found, enough in ((1, False), (2, True)):
        now = fate(**{name: "judge" if place < found else None for place, name in enumerate("abcd")})
        assert caught(now, entered, fault="wrong", rule="judge", least=Rate(0.05, 100)).passed == enough
