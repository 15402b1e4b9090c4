"""Distances of distributions, by hand and by their laws."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.filters.quality.distances import REST, aligned, jensen_shannon, psi

counts = st.integers(1, 50)
pairs = st.lists(st.tuples(counts, counts), min_size=2, max_size=8)


def shares(numbers: list[int]) -> np.ndarray:
    # a value that only one side has is the rule, not the exception
    some = np.where(np.array(numbers) > 10, numbers, 0).astype(float)
    some[0] += 1
    return some / some.sum()


def test_by_hand() -> None:
    before, now = np.array([0.5, 0.5]), np.array([0.8, 0.2])
    assert psi(before, now) == pytest.approx(0.3 * math.log(1.6) - 0.3 * math.log(0.4))
    middle = [0.65, 0.35]
    halves = [
        0.5 * math.log2(0.5 / middle[0]) + 0.5 * math.log2(0.5 / middle[1]),
        0.8 * math.log2(0.8 / middle[0]) + 0.2 * math.log2(0.2 / middle[1]),
    ]
    assert jensen_shannon(before, now) == pytest.approx(sum(halves) / 2)
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1)


@given(pairs)
def test_laws(drawn: list[tuple[int, int]]) -> None:
    before, now = (shares([pair[side] for pair in drawn]) for side in (0, 1))
    assert psi(before, before) == jensen_shannon(before, before) == 0
    assert 0 <= jensen_shannon(before, now) <= 1 + 1e-12
    assert jensen_shannon(before, now) == pytest.approx(jensen_shannon(now, before))
    assert psi(before, now) == pytest.approx(psi(now, before))
    assert psi(before, now) >= 0


def test_values_beyond_the_head_are_one() -> None:
    before = pl.DataFrame({"part": ["a", "b", "c", REST], "value": [0.4, 0.3, 0.2, 0.1]})
    now = pl.DataFrame({"part": ["a", "b", "d"], "value": [0.4, 0.3, 0.3]})
    found = aligned(before, now, head=2)
    assert found.rows() == [("a", 0.4, 0.4), ("b", 0.3, 0.3), (REST, pytest.approx(0.3), pytest.approx(0.3))]


def test_both_sides_sum_to_one() -> None:
    before = pl.DataFrame({"part": ["a"], "value": [1.0]})
    now = pl.DataFrame({"part": ["b"], "value": [1.0]})
    assert aligned(before, now, head=5).rows() == [("a", 1.0, 0.0), ("b", 0.0, 1.0)]
