"""All pairs of 64-bit hashes that differ in few bits, none missed.

Two hashes that differ in d bits, cut into d + k blocks, agree in at least k of them: each difference spoils one block.
So the pairs are among those with equal bits in some choice of k blocks (Manku, Jain and Das Sarma, "Detecting
near-duplicates for web crawling", 2007). More blocks mean longer keys and fewer false candidates, but more sorting.
"""

from itertools import combinations, pairwise
from math import comb
from typing import NamedTuple

import numpy as np

from provision_dagster.errors import InputError
from provision_dagster.filters.duplicates.pairs import I64, equal_pairs
from provision_dagster.generators.hashing import U64

BITS = 64
_SORT, _COMPARE = 100e-9, 10e-9
"""Seconds to sort one key and to compare one pair, roughly: only their ratio matters, and only for the time."""


class Pairs(NamedTuple):
    """Rows `first[i]` and `second[i]` are `distance[i]` apart."""

    first: I64
    second: I64
    distance: I64


def near_hashes(left: U64, *, right: U64 | None = None, max_distance: int) -> Pairs:
    """Find all pairs of hashes that differ in at most so many bits.

    Parameters
    ----------
    left
        Hashes, n rows. Equal ones make n² pairs: better hand over distinct ones.
    right
        Hashes, m rows; None: pairs within `left`.
    max_distance
        Bits, 0 .. 32.

    Returns
    -------
    Pairs
        Sorted by `first` and `second`, each pair once; within `left`, first < second.

    Raises
    ------
    InputError
        If `max_distance` is out of range.
    """
    if not 0 <= max_distance <= BITS // 2:
        raise InputError(f"`max_distance` must be 0 .. {BITS // 2}, got {max_distance}")
    other = left if right is None else right
    agree = _blocks_that_agree(len(left), len(other), max_distance)
    found = [np.zeros(0, dtype=np.int64)]
    for mask in _masks(max_distance + agree, agree):
        for i, j in equal_pairs(left & mask, right=None if right is None else other & mask):
            near = np.bitwise_count(left[i] ^ other[j]) <= max_distance
            found.append(i[near] * len(other) + j[near])
        # pairs that agree in many blocks come once for each choice of them
        found = [np.unique(np.concatenate(found))]
    first, second = np.divmod(found[0], max(len(other), 1))
    distance = np.bitwise_count(left[first] ^ other[second]).astype(np.int64)
    return Pairs(first, second, distance)


def _masks(blocks: int, agree: int) -> list[np.uint64]:
    """Bits of every choice of `agree` out of so many blocks."""
    edges = [BITS * i // blocks for i in range(blocks + 1)]
    masks = [(1 << stop) - (1 << start) for start, stop in pairwise(edges)]
    return [np.uint64(sum(chosen)) for chosen in combinations(masks, agree)]


def _blocks_that_agree(rows: int, others: int, distance: int) -> int:
    """Choose the number of blocks whose equality is asked for: the one that takes least time on random hashes."""

    def seconds(agree: int) -> float:
        choices, bits = comb(distance + agree, agree), BITS * agree / (distance + agree)
        return float(choices * ((rows + others) * _SORT + rows * others * 2.0**-bits * _COMPARE))

    return min(range(1, max(2, min(6, BITS - distance))), key=seconds)
