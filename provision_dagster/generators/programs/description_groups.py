"""Descriptions without one category of an object's attributes: the index space of questions about that category."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from provision_dagster.generators.arrays import Ints, offsets_of, runs, spans
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.description_book import BLOCK
from provision_dagster.generators.programs.descriptions import (
    Descriptions,
    descriptions,
    pair_count,
    places_of,
    triple_count,
)


@dataclass(frozen=True)
class Groups:
    """For each object and category of its attributes, the cells of the object without these attributes.

    Groups are sorted by object and category, as those of `held_attributes`.

    Parameters
    ----------
    obj
        Of each group.
    group, cell
        Of each reduced cell: its group, and the cell of `Descriptions` that it is a part of.
    skip, gap
        Of each reduced cell: place of the first attribute that is left out, and how many are.
    offsets
        Members of reduced cell c are numbered `offsets[c]` .. `offsets[c + 1] - 1`.
    """

    space: Descriptions
    obj: Ints
    group: Ints
    cell: Ints
    skip: Ints
    gap: Ints
    offsets: Ints

    @property
    def total(self) -> int:
        """Members in all."""
        return int(self.offsets[-1])

    @property
    def object_offsets(self) -> Ints:
        """Members of object o begin at `object_offsets[o]`, shape (objects + 1,)."""
        owner = self.obj[self.group]
        return self.offsets[np.searchsorted(owner, np.arange(self.space.graphs.objects.height + 1))]

    def at(self, member: Ints) -> tuple[Ints, Ints]:
        """Return (group, number of the description) of members."""
        place = np.searchsorted(self.offsets, member, side="right") - 1
        cell, skip, gap = self.cell[place], self.skip[place], self.gap[place]
        i, j, k = places_of(member - self.offsets[place], triple=self.space.edge[cell] < 0)
        i, j, k = (p + gap * (p >= skip) for p in (i, j, k))
        return self.group[place], self.space.numbers(cell, i, j, k)

    def blocks(self) -> Iterator[tuple[Ints, Ints]]:
        """List (group, number of the description), at most `BLOCK` at once."""
        for first in range(0, self.total, BLOCK):
            yield self.at(np.arange(first, min(first + BLOCK, self.total)))


def groups(graphs: Graphs) -> Groups:
    """Lay out the index space, once per shard."""
    return graphs.once("description_groups", lambda: _groups(descriptions(graphs)))


def _groups(space: Descriptions) -> Groups:
    typed = space.typed
    holder = np.repeat(np.arange(len(space.sizes)), space.sizes)
    first, gap = runs(holder, typed.category)
    obj = holder[first]
    cells = np.diff(space.of_object)[obj]
    group = np.repeat(np.arange(len(obj)), cells)
    cell = spans(space.of_object[obj], cells)
    width = space.width[cell] - gap[group]
    size = np.where(space.edge[cell] >= 0, pair_count(width), triple_count(width))
    skip = (first - typed.of_object[obj])[group]
    return Groups(space, obj, group, cell, skip, gap[group], offsets_of(size))
