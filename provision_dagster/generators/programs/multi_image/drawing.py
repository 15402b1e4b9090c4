"""Draw different questions evenly over concepts: a bounded number of rounds over whole arrays."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Bools, Ints
from provision_dagster.generators.hashing import U64, draw, mix, uniform
from provision_dagster.generators.programs.multi_image.spaces import Space
from provision_dagster.generators.sampling import places

Floats = npt.NDArray[np.float64]

ROUNDS = 8
"""Each round asks for twice as many as the one before for every question that is still missing."""

LISTED = 4_096
"""A space of not many more combinations than this (or than are wanted) is listed whole."""

HOPELESS = 64
"""A concept of which not one in so many tries is sound is given up."""

REUSE = 2.0
"""A member may serve one concept so many times as often as all members serve on average, if that is enough."""

Check = Callable[[Ints, Ints], Bools]
"""(concept, members of shape (m, n)) -> whether the combination makes a sound question."""

Identity = Callable[[Ints, Ints], U64]
"""(concept, members) -> 64 bits that are equal for two ways to draw one question."""


@dataclass(frozen=True)
class Drawing:
    """Different questions: concept, members (m, n) and 64-bit identity of each, in order of identity.

    `available`: how many there are in all, where they could be counted. `unsound`: combinations that `check` dropped.
    """

    concept: Ints
    members: Ints
    identity: U64
    available: int | None
    unsound: int


@dataclass(frozen=True)
class Concepts:
    """What is asked about: `hashes` (64 bits, from words; all different) and `cubes` (mean of count^3) of each."""

    hashes: U64
    cubes: Floats


def draw_questions(
    space: Space,
    concepts: Concepts,
    *,
    wanted: int,
    start: int,
    check: Check | None = None,
    identity: Identity | None = None,
) -> Drawing:
    """Draw different combinations, rarer concepts likelier.

    Parameters
    ----------
    space
        What combinations each concept has.
    wanted
        How many questions.
    start
        64-bit state that starts every choice.
    check
        Tells sound combinations; None: all are.
    identity
        Tells equal questions; None: combinations are all different.
    """
    sizes = space.sizes
    total = float(sizes.astype(np.float64).sum())
    state = mix(np.full(len(sizes), start, dtype=np.uint64), concepts.hashes)
    # the cube root tempers 1 / mean(count^3): else the rarest few words would be all that is asked about
    shares = np.cbrt(1 / concepts.cubes)
    found = _Found(space, check, identity, state)
    whole = total <= 4 * wanted + LISTED
    if whole:
        found.add(*_listed(np.arange(len(sizes)), sizes))
    limits, spent = (found.count if whole else sizes.copy()), np.full(len(sizes), whole)
    tried = np.zeros(len(sizes), dtype=np.int64)
    for number in range(0 if whole else ROUNDS):
        need = quotas(shares, limits, space.spread, wanted=wanted, luck=state) - found.count
        open_ = np.flatnonzero((need > 0) & ~spent)
        if not len(open_):
            break
        ask = (need[open_] << number) + (0 if check is None and identity is None else need[open_] // 4 + 1)
        small = 2 * ask >= sizes[open_]
        concept, rank = _hashed(open_[~small], ask[~small], sizes, draw(state, f"round {number}"))
        all_, ranks = _listed(open_[small], sizes)
        found.add(np.concatenate([concept, all_]), np.concatenate([rank, ranks]))
        spent[open_[small]] = True
        tried[open_] += ask
        spent |= (tried >= HOPELESS) & (found.count * HOPELESS < tried)
        limits = np.where(spent, found.count, limits)
    chosen = found.first(quotas(shares, found.count, space.spread, wanted=wanted, luck=state))
    exact = check is None and identity is None and total < 2.0**53
    available = int(found.count.sum()) if whole else int(total) if exact else None
    return Drawing(
        found.concept[chosen], found.members[chosen], found.identity[chosen], available, unsound=found.unsound
    )


def quotas(shares: Floats, limits: Ints, spread: Ints, *, wanted: int, luck: U64) -> Ints:
    """Divide the wanted number among concepts: in proportion to shares, none above its limit.

    No member serves a concept much more often than it must: that limits the rare ones, which have few members.

    Returns
    -------
    numpy.ndarray
        Numbers that add up to `wanted`, or to all there is, shape (concepts,).
    """
    if not len(limits):
        return limits
    reuse, members = REUSE * wanted / max(int(spread.sum()), 1), np.maximum(spread, 1)
    caps = np.minimum(limits, np.ceil(reuse * members))
    while caps.sum() < min(wanted, limits.astype(np.float64).sum()):
        reuse *= 2
        caps = np.minimum(limits, np.ceil(reuse * members))
    exact = _water(shares, caps, wanted)
    # rounding by one random offset keeps the sum, and gives concepts below one question their chance
    order = np.argsort(luck, kind="stable")
    ends = np.floor(np.cumsum(exact[order]) + uniform(draw(luck[order[:1]], "rounding")) + 1e-6)
    numbers = np.empty(len(limits), dtype=np.int64)
    numbers[order] = np.diff(np.minimum(ends, np.rint(exact.sum())), prepend=0.0).astype(np.int64)
    return np.minimum(numbers, caps.astype(np.int64))


def _water(shares: Floats, caps: Floats, wanted: int) -> Floats:
    """min(cap, level * share), with the level at which the sum is `wanted` (or everything)."""
    if caps.sum() <= wanted:
        return caps
    order = np.argsort(caps / shares, kind="stable")
    full = np.cumsum(caps[order]) - caps[order]
    rest = np.cumsum(shares[order][::-1])[::-1]
    level = (wanted - full) / rest
    # the first concept in this order that the level leaves below its cap
    at = int(np.argmax(level * shares[order] <= caps[order]))
    return np.asarray(np.minimum(caps, level[at] * shares))


def _hashed(concept: Ints, number: Ints, sizes: Ints, state: U64) -> tuple[Ints, Ints]:
    """Draw numbers of combinations by hash: (concept, rank)."""
    each = np.repeat(concept, number)
    luck = mix(state[each], places(each).astype(np.uint64)) if len(each) else np.zeros(0, dtype=np.uint64)
    return each, (luck % sizes[each].astype(np.uint64)).astype(np.int64)


def _listed(concept: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """List all combinations of concepts: (concept, rank)."""
    each = np.repeat(concept, sizes[concept])
    return each, places(each)


class _Found:
    """Different sound questions found so far, in the order in which they were found."""

    def __init__(self, space: Space, check: Check | None, identity: Identity | None, state: U64) -> None:
        self._space, self._check, self._identify, self._state = space, check, identity, state
        self.concept: Ints = np.zeros(0, dtype=np.int64)
        self.members: Ints = np.zeros((0, space.n), dtype=np.int64)
        self.identity: U64 = np.zeros(0, dtype=np.uint64)
        self.unsound = 0

    @property
    def count(self) -> Ints:
        """Questions of each concept."""
        return np.bincount(self.concept, minlength=len(self._state))

    def add(self, concept: Ints, rank: Ints) -> None:
        """Add those that are sound and new."""
        if not len(concept):
            return
        members = self._space.members(concept, rank)
        own = mix(draw(self._state, "combination")[concept], rank.astype(np.uint64))
        if self._check is not None:
            sound = self._check(concept, members)
            self.unsound += int((~sound).sum())
            concept, members, own = concept[sound], members[sound], own[sound]
        if self._identify is not None:
            own = self._identify(concept, members)
        every = np.concatenate([self.identity, own])
        _, new = np.unique(every, return_index=True)
        new = np.sort(new)
        self.concept = np.concatenate([self.concept, concept])[new]
        self.members = np.concatenate([self.members, members])[new]
        self.identity = every[new]

    def first(self, quota: Ints) -> Ints:
        """Choose so many of each concept by luck: places in order of identity."""
        order = np.lexsort((mix(self.identity, 1), self.concept))
        kept = order[places(self.concept[order]) < quota[self.concept[order]]]
        return kept[np.argsort(self.identity[kept], kind="stable")]


def all_different(members: Ints) -> Bools:
    """Whether no member of a combination comes twice, by row."""
    in_order = np.sort(members, axis=1)
    return np.asarray((in_order[:, 1:] != in_order[:, :-1]).all(axis=1))


def members_identity(concepts: U64, members: U64) -> Identity:
    """Make questions equal that have the same concept and, in any order, the same members.

    Parameters
    ----------
    concepts, members
        64-bit hash of each.
    """

    def identity(concept: Ints, chosen: Ints) -> U64:
        sums = mix(members[chosen], 1).sum(axis=1, dtype=np.uint64)
        return mix(concepts[concept], sums)

    return identity
