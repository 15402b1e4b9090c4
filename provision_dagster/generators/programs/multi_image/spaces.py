"""Numbered combinations of images: the k-th of a concept is computed, not searched for."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Ints, offsets_of, runs, spans
from provision_dagster.generators.hashing import U64
from provision_dagster.generators.sampling import places

Floats = npt.NDArray[np.float64]

BITS = 62
"""Numbers of combinations stay below 2**62: pools are cut to so many members that they do."""


class Space(Protocol):
    """Combinations of n members per concept, numbered from 0."""

    @property
    def n(self) -> int:
        """Members of a combination."""
        ...

    @property
    def sizes(self) -> Ints:
        """Combinations of each concept, shape (concepts,)."""
        ...

    @property
    def spread(self) -> Ints:
        """Members that can be the subject of a concept's questions, shape (concepts,): few members, few questions."""
        ...

    def members(self, concept: Ints, rank: Ints) -> Ints:
        """Return the members of combinations, shape (m, n)."""
        ...


def most_members(n: int) -> int:
    """Members that a pool may have for combinations of n to be numbered in 62 bits."""
    return int(2.0 ** (BITS / n))


@dataclass(frozen=True)
class Pool:
    """A list of members per concept: concept i has those at `first[i]` .. `first[i] + size[i] - 1`; they may overlap.

    `pieces`: where the members stand that are laid end to end; None: in `rows` itself.
    """

    rows: Ints
    first: Ints
    size: Ints
    pieces: "Pieces | None" = None

    @staticmethod
    def of(rows: Ints, concept: Ints, *, concepts: int) -> "Pool":
        """Collect members that are sorted by concept."""
        ends = offsets_of(np.bincount(concept, minlength=concepts))
        return Pool(rows, ends[:-1], np.diff(ends))

    @staticmethod
    def shared(rows: Ints, *, concepts: int) -> "Pool":
        """Give every concept the same members."""
        return Pool(rows, np.zeros(concepts, dtype=np.int64), np.full(concepts, len(rows), dtype=np.int64))

    @staticmethod
    def spliced(parts: "Pool", concept: Ints, part: Ints, *, concepts: int) -> "Pool":
        """Join lists of another pool, sorted by concept, without copying them."""
        pieces = Pieces(parts.first[part], offsets_of(parts.size[part]))
        ends = pieces.ends[offsets_of(np.bincount(concept, minlength=concepts))]
        return Pool(parts.rows, ends[:-1], np.diff(ends), pieces)

    @staticmethod
    def joined(*pools: "Pool") -> "Pool":
        """Lay the concepts of several pools without pieces end to end."""
        starts = offsets_of(np.array([len(pool.rows) for pool in pools]))
        return Pool(
            np.concatenate([pool.rows for pool in pools]),
            np.concatenate([pool.first + start for pool, start in zip(pools, starts, strict=False)]),
            np.concatenate([pool.size for pool in pools]),
        )

    def take(self, at: Ints) -> Ints:
        """Return the members at places."""
        return self.rows[at if self.pieces is None else self.pieces.places(at)]

    def cut(self, n: int, luck: U64) -> "Pool":
        """Leave at most `most_members(n)` members per concept, those of least luck (by member); the first of pieces."""
        most = most_members(n)
        if self.size.max(initial=0) <= most:
            return self
        if self.pieces is not None:
            return replace(self, size=np.minimum(self.size, most))
        # concepts may share their list: each is cut once
        lists, place = np.unique(np.stack([self.first, self.size], axis=1), axis=0, return_inverse=True)
        whole = spans(lists[:, 0], lists[:, 1])
        number = np.repeat(np.arange(len(lists)), lists[:, 1])
        order = np.lexsort((luck[self.rows[whole]], number))
        kept = np.sort(order[places(number) < most])
        return Pool.of(self.rows[whole[kept]], number[kept], concepts=len(lists)).at(place.reshape(-1))

    def repeated(self, times: int) -> "Pool":
        """Lay the concepts several times end to end."""
        return replace(self, first=np.tile(self.first, times), size=np.tile(self.size, times))

    def at(self, concept: Ints) -> "Pool":
        """Lists of some concepts, in their order."""
        return replace(self, first=self.first[concept], size=self.size[concept])


@dataclass(frozen=True)
class Pieces:
    """Parts of an array laid end to end: piece i begins at `first[i]` and fills the places from `ends[i]` on."""

    first: Ints
    ends: Ints

    def places(self, at: Ints) -> Ints:
        """Where in the array places of the whole stand."""
        piece = np.searchsorted(self.ends, at, side="right") - 1
        return np.asarray(self.first[piece] + at - self.ends[piece])


def binomials(k: int, *, up_to: int) -> Ints:
    """C(x, k) for x = 0 .. up_to; the caller sees to it that none exceeds 62 bits."""
    table = np.ones(up_to + 1, dtype=np.int64)
    for _ in range(k):
        table = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(table[:-1])])
    return table


def subset(rank: Ints, k: int, *, up_to: int) -> Ints:
    """Return the rank-th subset of k numbers below `up_to`, largest first (combinatorial number system)."""
    found = np.empty((len(rank), k), dtype=np.int64)
    for place in range(k):
        table = binomials(k - place, up_to=up_to)
        x = np.searchsorted(table, rank, side="right") - 1
        rank = rank - table[x]
        found[:, place] = x
    return found


@dataclass(frozen=True)
class Split:
    """Members from several pools: of part k, `counts[k][i]` for concept i; together n.

    The columns of `members` follow the order of the parts.
    """

    n: int
    counts: tuple[Ints, ...]
    pools: tuple[Pool, ...]

    @cached_property
    def _ways(self) -> tuple[Ints, ...]:
        """Choices within each pool, by concept."""
        return tuple(_choices(count, pool.size) for count, pool in zip(self.counts, self.pools, strict=True))

    @property
    def sizes(self) -> Ints:
        """Combinations of each concept."""
        return np.asarray(np.multiply.reduce(np.stack(self._ways)))

    @property
    def spread(self) -> Ints:
        """Members of the first pool that a concept takes any from."""
        size = np.zeros(len(self.counts[0]), dtype=np.int64)
        for count, pool in zip(self.counts[::-1], self.pools[::-1], strict=True):
            size = np.where(count > 0, pool.size, size)
        return size

    def members(self, concept: Ints, rank: Ints) -> Ints:
        """Return members, pool by pool."""
        found = np.empty((len(rank), self.n), dtype=np.int64)
        filled = np.zeros(len(rank), dtype=np.int64)
        for counts, pool, ways in zip(self.counts, self.pools, self._ways, strict=True):
            rank, low = np.divmod(rank, np.maximum(ways[concept], 1))
            for k in np.unique(counts[concept]).tolist():
                at = np.flatnonzero(counts[concept] == k)
                chosen = _chosen(pool.at(concept[at]), low[at], k)
                found[at[:, None], filled[at, None] + np.arange(k)] = chosen
            filled = filled + counts[concept]
        return found


def _choices(count: Ints, size: Ints) -> Ints:
    """Ways to choose `count[i]` of `size[i]`."""
    ways = np.zeros(len(count), dtype=np.int64)
    for k in np.unique(count).tolist():
        at = count == k
        ways[at] = binomials(k, up_to=int(size[at].max()))[size[at]]
    return ways


def _chosen(pool: Pool, rank: Ints, k: int) -> Ints:
    """Members of the rank-th subset of k of each list, shape (m, k)."""
    return pool.take(pool.first[:, None] + subset(rank, k, up_to=int(pool.size.max(initial=0))))


@dataclass(frozen=True)
class Classes:
    """n members of n different classes: `pool` lists the members of each class, `ends` the classes of each concept."""

    n: int
    pool: Pool
    ends: Ints

    @staticmethod
    def of(rows: Ints, concept: Ints, value: Ints, *, concepts: int, n: int) -> "Classes":
        """Collect members that are sorted by concept and value (the class)."""
        first, size = runs(concept, value)
        return Classes(n, Pool(rows, first, size), offsets_of(np.bincount(concept[first], minlength=concepts)))

    @cached_property
    def _table(self) -> Ints:
        """Ways to take j members of the classes of a concept up to and with each, shape (classes + 1, n + 1).

        The last row stands for no classes.
        """
        table = np.zeros((len(self.pool.size) + 1, self.n + 1), dtype=np.int64)
        table[-1, 0] = 1
        size = np.diff(self.ends)
        for place in range(int(size.max(initial=0))):
            at = self.ends[:-1][size > place] + place
            before = table[self._before(at, np.full(len(at), place))]
            table[at] = before
            table[at, 1:] += before[:, :-1] * self.pool.size[at, None]
        return table

    @staticmethod
    def _before(at: Ints, place: Ints) -> Ints:
        return np.where(place > 0, at - 1, -1)

    @property
    def sizes(self) -> Ints:
        """Combinations of each concept."""
        last = np.where(np.diff(self.ends) > 0, self.ends[1:] - 1, -1)
        return np.asarray(self._table[last, self.n])

    @property
    def spread(self) -> Ints:
        """Members of each concept."""
        return np.diff(offsets_of(self.pool.size)[self.ends])

    def members(self, concept: Ints, rank: Ints) -> Ints:
        """Return members, classes in falling order."""
        table, left = self._table, np.full(len(rank), self.n)
        found = np.empty((len(rank), self.n), dtype=np.int64)
        start, at = self.ends[concept], self.ends[concept + 1] - 1
        rank = rank.copy()
        open_ = np.arange(len(rank))
        while len(open_):
            without = table[self._before(at[open_], at[open_] - start[open_]), left[open_]]
            took = open_[rank[open_] >= without]
            rank[took] -= without[rank[open_] >= without]
            rest = table[self._before(at[took], at[took] - start[took]), left[took] - 1]
            place, rank[took] = np.divmod(rank[took], rest)
            found[took, self.n - left[took]] = self.pool.take(self.pool.first[at[took]] + place)
            left[took] -= 1
            at[open_] -= 1
            open_ = open_[left[open_] > 0]
        return found
