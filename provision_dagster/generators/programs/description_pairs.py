"""Pairs of descriptions of two related objects: an index space of products, streamed in blocks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, offsets_of, packed
from provision_dagster.generators.programs.description_book import BLOCK, Spares
from provision_dagster.generators.programs.descriptions import Descriptions


@dataclass(frozen=True)
class Listed:
    """Descriptions to choose from, sorted: `number`; those of object o are `of_object[o]` .. `of_object[o + 1] - 1`."""

    number: Ints
    of_object: Ints

    @staticmethod
    def of(space: Descriptions, number: Ints) -> "Listed":
        """Cut a sorted list by objects."""
        return Listed(number, np.searchsorted(number, space.object_offsets))


@dataclass(frozen=True)
class Side:
    """One end of each related pair: its descriptions that do not use a relation to the other end.

    These are `first` .. `first + before - 1`, then `resume` and on as places of the list, `size - spare` in all; then
    `spare` of the spare ones from `spare_first` on. Without a list every description is in it.
    """

    listed: Listed | None
    spares: Spares | None
    first: Ints
    before: Ints
    resume: Ints
    size: Ints
    spare_first: Ints
    spare: Ints

    def numbers(self, pair: Ints, rank: Ints) -> Ints:
        """Return the description at a rank."""
        place = np.where(rank < self.before[pair], self.first[pair], self.resume[pair] - self.before[pair]) + rank
        if self.listed is None:
            return np.asarray(place)
        beyond = rank - (self.size - self.spare)[pair]
        extra = np.flatnonzero(beyond >= 0)
        place[extra] = 0
        number = self.listed.number[place] if len(self.listed.number) else place
        if self.spares is not None and len(extra):
            number[extra] = self.spares.number[self.spare_first[pair[extra]] + beyond[extra]]
        return number

    def count(self, pair: Ints, before: Ints, spare_before: Ints) -> Ints:
        """Count marked descriptions of pairs, from how many marked ones lie before each place of either list."""
        first, middle, resume = self.first[pair], (self.first + self.before)[pair], self.resume[pair]
        last = resume + (self.size - self.spare - self.before)[pair]
        spare = self.spare_first[pair]
        found = before[middle] - before[first] + before[last] - before[resume]
        return np.asarray(found + spare_before[spare + self.spare[pair]] - spare_before[spare])


def side(
    space: Descriptions, obj: Ints, other: Ints, *, listed: Listed | None = None, spares: Spares | None = None
) -> Side:
    """Count the descriptions of `obj` that do not use a relation to `other`, pair by pair.

    Parameters
    ----------
    listed
        Descriptions to choose from, no two of an object alike; None = every one.
    spares
        Those that stand in for one of the list that uses a relation to `other`.
    """
    begin, end = _used(space, obj, other)
    first, last = space.object_offsets[obj], space.object_offsets[obj + 1]
    if listed is not None:
        begin, end = np.searchsorted(listed.number, begin), np.searchsorted(listed.number, end)
        first, last = listed.of_object[obj], listed.of_object[obj + 1]
    spare_first = spare = np.zeros(len(obj), dtype=np.int64)
    if spares is not None:
        keys = packed(obj, other)
        spare_first = np.searchsorted(spares.keys, keys)
        spare = np.searchsorted(spares.keys, keys, side="right") - spare_first
    size = last - first - (end - begin) + spare
    return Side(listed, spares, first, begin - first, end, size, spare_first, spare)


def _used(space: Descriptions, obj: Ints, other: Ints) -> tuple[Ints, Ints]:
    """Range of the descriptions of `obj` that use a relation to `other`: edges are sorted by neighbor, so it is one."""
    edges = space.edges
    keys, wanted = packed(edges.obj, edges.near), packed(obj, other)
    first, last = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
    # cells of an object: one without relation, then its edges in order
    shift = space.of_object[obj] + 1 - edges.of_object[obj]
    return space.offsets[first + shift], space.offsets[last + shift]


@dataclass(frozen=True)
class Products:
    """For each related pair every description of the one end with every one of the other."""

    subject: Side
    object: Side

    @property
    def sizes(self) -> Ints:
        """Products of each pair."""
        return self.subject.size * self.object.size

    def at(self, pair: Ints, rank: Ints) -> tuple[Ints, Ints]:
        """Return the numbers of both descriptions."""
        across = self.object.size[pair]
        high = rank // across
        return self.subject.numbers(pair, high), self.object.numbers(pair, rank - high * across)

    def blocks(self, *, allowed: Bools) -> Iterator[tuple[Ints, Ints, Ints]]:
        """List (pair, number, number) of the pairs that are allowed, at most `BLOCK` rows at once."""
        offsets = offsets_of(np.where(allowed, self.sizes, 0))
        for first in range(0, int(offsets[-1]), BLOCK):
            last = min(first + BLOCK, int(offsets[-1]))
            begin = int(np.searchsorted(offsets, first, side="right")) - 1
            end = int(np.searchsorted(offsets, last, side="left"))
            cut = np.clip(offsets[begin : end + 1], first, last)
            pair = np.repeat(np.arange(begin, end), np.diff(cut))
            yield pair, *self.at(pair, np.arange(first, last) - offsets[pair])
