"""MinHash with locality-sensitive hashing: sets with a great share of common items, found without comparing all.

Broder, "On the resemblance and containment of documents", 1997; Indyk and Motwani 1998. The minimum of a random hash
over two sets is the same with a chance that is their Jaccard similarity; r minima in a row agree with its r-th power.
Pairs that agree in one of several such bands are compared item by item, so that none is a false one.

Written in numpy: minima are taken of whole columns, not of one object per text (`benchmarks/duplicates.py`).
"""

import numpy as np
import numpy.typing as npt

from provision_dagster.filters.duplicates.pairs import F64, I64, equal_pairs
from provision_dagster.filters.duplicates.words import Grams
from provision_dagster.generators.hashing import U64, mix

BLOCK = 1 << 16
"""Items hashed at a time: they stay in the processor's cache."""

ESTIMATED = 1 << 14
"""Pairs whose minima are compared at a time."""

COMPARED = 1 << 21
"""Items compared at a time."""


def bands(*, permutations: int, min_jaccard: float, recall: float) -> tuple[int, int]:
    """Choose how many minima make a band: as many as leave a pair at the bound its chance to be found.

    Returns
    -------
    tuple of int
        Number of bands, minima in each.
    """
    for rows in range(permutations, 0, -1):
        number = permutations // rows
        if 1 - (1 - min_jaccard**rows) ** number >= recall:
            return number, rows
    return permutations, 1


def signatures(sets: Grams, *, permutations: int) -> U64:
    """Return the minima of each set under so many hash functions: (sets, permutations).

    Every set must have an item.
    """
    found = np.empty((len(sets.offsets) - 1, permutations), dtype=np.uint64)
    # a multiplication mixes upwards: hashes are mixed already, and the lower bits of a minimum tell it from others
    factors = mix(np.arange(permutations, dtype=np.uint64), 0x6D696E) | np.uint64(1)
    shifts = mix(np.arange(permutations, dtype=np.uint64), 0x686173)
    starts = np.searchsorted(sets.offsets, np.arange(0, sets.offsets[-1] + BLOCK, BLOCK))
    for top, bottom in zip(*_steps(np.unique(np.minimum(starts, len(found)))), strict=True):
        items = sets.hashes[sets.offsets[top] : sets.offsets[bottom]]
        places = sets.offsets[top:bottom] - sets.offsets[top]
        with np.errstate(over="ignore"):
            for number in range(permutations):
                found[top:bottom, number] = np.minimum.reduceat(items * factors[number] + shifts[number], places)
    return found


def near_sets(
    sets: Grams, *, groups: U64, min_jaccard: float, permutations: int = 64, recall: float = 0.99
) -> tuple[I64, I64, F64]:
    """Find pairs of sets of one group whose Jaccard similarity reaches a bound.

    Parameters
    ----------
    sets
        n sets, each with an item.
    groups
        Which sets may be pairs, n numbers.
    min_jaccard, permutations, recall
        See `DuplicatesConfig`.

    Returns
    -------
    tuple of numpy.ndarray
        first, second (first < second) and their similarity, sorted by first and second. None is below the bound; a
        pair at the bound is found with the chance `recall`.
    """
    number, rows = bands(permutations=permutations, min_jaccard=min_jaccard, recall=recall)
    minima = signatures(sets, permutations=number * rows)
    # a number of the band's own in the key: an equal run of minima elsewhere is no agreement
    pairs = [np.zeros(0, dtype=np.int64)]
    many = len(groups)
    for band in range(number):
        keys = mix(groups, band)
        for column in range(band * rows, (band + 1) * rows):
            keys = mix(keys, minima[:, column])
        found = [
            i[likely] * many + j[likely]
            for i, j in equal_pairs(keys)
            for likely in [_likely(minima, i, j, min_jaccard=min_jaccard)]
        ]
        pairs = [np.unique(np.concatenate([*pairs, *found]))]
    first, second = np.divmod(pairs[0], max(many, 1))
    # the keys are hashes: of different groups, equal once in 10^19
    own = groups[first] == groups[second]
    first, second = first[own], second[own]
    similarity = jaccard(sets, first=first, second=second)
    near = similarity >= min_jaccard
    return first[near], second[near], similarity[near]


def _likely(minima: U64, first: I64, second: I64, *, min_jaccard: float) -> npt.NDArray[np.bool_]:
    """Whether so many minima agree as pairs at the bound have but for 1 in 30,000: spares comparing items."""
    number = minima.shape[1]
    least = number * min_jaccard - 4 * np.sqrt(number * min_jaccard * (1 - min_jaccard))
    found = np.empty(len(first), dtype=bool)
    for top in range(0, len(first), ESTIMATED):
        part = slice(top, top + ESTIMATED)
        found[part] = (minima[first[part]] == minima[second[part]]).sum(axis=1) >= least
    return found


def jaccard(sets: Grams, *, first: I64, second: I64) -> F64:
    """Compare pairs of sets item by item: the share of common ones."""
    if not len(first):
        return np.zeros(0)
    wanted, place = np.unique(np.concatenate([first, second]), return_inverse=True)
    own = sets.take(wanted).distinct()
    left, right = place[: len(first)], place[len(first) :]
    members = np.sort(mix(own.hashes, mix(own.rows.astype(np.uint64), 7)))
    common = np.empty(len(first), dtype=np.int64)
    counts = own.counts
    cuts = np.flatnonzero(np.diff(np.cumsum(counts[left]) // COMPARED)) + 1
    for block in np.split(np.arange(len(first)), cuts):
        items = own.take(left[block])
        keys = mix(items.hashes, mix(np.repeat(right[block], items.counts).astype(np.uint64), 7))
        at = np.minimum(np.searchsorted(members, keys), len(members) - 1)
        hits = np.concatenate([[0], np.cumsum(members[at] == keys)])
        common[block] = hits[items.offsets[1:]] - hits[items.offsets[:-1]]
    return common / (counts[left] + counts[right] - common)


def _steps(edges: I64) -> tuple[I64, I64]:
    return edges[:-1], edges[1:]
