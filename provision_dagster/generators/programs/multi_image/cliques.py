"""Sets of values that rule each other out: what differs from image to image."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, all_of, runs, spans
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.programs.multi_image.spaces import Floats, Pool, Split
from provision_dagster.generators.sampling import places

MOST = 128
"""Sets of values that are kept of one concept, by hash: a shirt may have sixty colors, which make millions of sets."""

Exclusive = Callable[[Ints, Ints], Bools]
"""(value, value) -> whether one may rule the other out."""


@dataclass(frozen=True)
class ValueClasses:
    """Members of each class, in order of concept and class: `pool`; `concept`, `value`, `hashes` of each class."""

    pool: Pool
    concept: Ints
    value: Ints
    hashes: U64

    @staticmethod
    def of(rows: Ints, concept: Ints, value: Ints, *, hashes: U64) -> "ValueClasses":
        """Collect members that are sorted by concept and value; `hashes`: of each member's value."""
        first, size = runs(concept, value)
        return ValueClasses(Pool(rows, first, size), concept[first], value[first], hashes[first])


@dataclass(frozen=True)
class Sets:
    """Sets of n classes of one concept whose values may rule each other out.

    `space`: one member of each class. `concept` and `hashes` of each set; `crowd`: sets of its concept. `whole`:
    none was left out.
    """

    space: Split
    concept: Ints
    hashes: U64
    crowd: Floats
    whole: bool


def exclusive_sets(classes: ValueClasses, n: int, *, start: int, exclusive: Exclusive) -> Sets:
    """Find sets of n values, class by class.

    Parameters
    ----------
    start
        64-bit state that decides which sets are kept where there are more than `MOST`.
    """
    found = np.arange(len(classes.concept))[:, None]
    whole = True
    for _ in range(n - 1):
        found = _extended(found, classes, exclusive)
        luck = _hashes(found, classes, start=start)
        concept = classes.concept[found[:, 0]]
        order = np.lexsort((luck, concept))
        kept = np.sort(order[places(concept[order]) < MOST])
        whole, found = whole and len(kept) == len(found), found[kept]
    concept = classes.concept[found[:, 0]]
    number = np.bincount(concept, minlength=int(concept.max(initial=0)) + 1)
    ones = np.ones(len(found), dtype=np.int64)
    pools = tuple(classes.pool.at(column) for column in found.T)
    return Sets(
        Split(n, (ones,) * n, pools),
        concept,
        _hashes(found, classes, start=0),
        number[concept].astype(np.float64),
        whole,
    )


def _extended(found: Ints, classes: ValueClasses, exclusive: Exclusive) -> Ints:
    """Add to each set every later class of its concept that all of its values rule out."""
    ends = np.searchsorted(classes.concept, classes.concept[found[:, 0]], side="right")
    size = ends - found[:, -1] - 1
    at = np.repeat(np.arange(len(found)), size)
    added = spans(found[:, -1] + 1, size)
    fit = all_of([exclusive(classes.value[column[at]], classes.value[added]) for column in found.T])
    return np.concatenate([found[at[fit]], added[fit, None]], axis=1)


def _hashes(found: Ints, classes: ValueClasses, *, start: int) -> U64:
    state = np.full(len(found), start, dtype=np.uint64)
    for column in found.T:
        state = mix(state, classes.hashes[column])
    return state
