from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.errors import InputError
from provision_dagster.filters.duplicates.hamming import near_hashes

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=25)
FLIPS = st.lists(st.integers(0, 63), max_size=8, unique=True)


def numbers(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def around(values: list[int], flips: list[list[int]]) -> list[int]:
    """The hashes, and each with some bits flipped: random hashes alone are never near."""
    return values + [value ^ sum(1 << bit for bit in bits) for value, bits in zip(values, flips, strict=False)]


@given(HASHES, st.lists(FLIPS, max_size=25), st.integers(0, 10))
def test_within_one_list_the_pairs_are_those_of_comparing_all(values: list[int], flips: list, most: int) -> None:
    every = around(values, flips)
    expected = [
        (i, j, distance)
        for (i, a), (j, b) in combinations(enumerate(every), 2)
        if (distance := (a ^ b).bit_count()) <= most
    ]
    found = near_hashes(numbers(every), max_distance=most)
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected


@given(HASHES, st.lists(FLIPS, max_size=25), st.integers(0, 10))
def test_between_two_lists_the_pairs_are_those_of_comparing_all(values: list[int], flips: list, most: int) -> None:
    others = around(values, flips)[::-1]
    expected = [
        (i, j, distance)
        for (i, a), (j, b) in product(enumerate(values), enumerate(others))
        if (distance := (a ^ b).bit_count()) <= most
    ]
    found = near_hashes(numbers(values), right=numbers(others), max_distance=most)
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected


def test_many_hashes_lose_no_pair_either() -> None:
    """With many hashes longer keys are chosen than with few."""
    random = np.random.default_rng(0)
    values = random.integers(0, 2**64, 60_000, dtype=np.uint64)
    for place in range(0, 30_000, 3):
        bits = random.choice(64, size=4, replace=False)
        values[place + 30_000] = values[place] ^ np.uint64(sum(1 << int(bit) for bit in bits))
    found = near_hashes(values, max_distance=4)
    assert set(zip(found.first.tolist(), found.second.tolist(), strict=True)) >= {
        (place, place + 30_000) for place in range(0, 30_000, 3)
    }
    assert found.distance.max() == 4


def test_a_distance_that_says_nothing_is_refused() -> None:
    with pytest.raises(InputError, match=r"`max_distance` must be 0 \.\. 32, got 33"):
        near_hashes(numbers([1]), max_distance=33)
