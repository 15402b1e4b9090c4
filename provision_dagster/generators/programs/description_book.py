"""What full mode knows of every description of a shard: its hash, and whether others say the same."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, bools, packed, runs
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.programs.descriptions import Described, Descriptions, descriptions

BLOCK = 100_000
"""Rows that are worked on at once."""


@dataclass(frozen=True)
class Book:
    """One entry per description, in order of number: 10 bytes each.

    `first`: no earlier one of the component says the same. `own_first`: no earlier one of the object does. `sole`: no
    other object of the component has it.
    """

    digest: U64
    first: Bools
    own_first: Bools
    sole: Bools


def book(graphs: Graphs) -> Book:
    """Hash every description, once per shard."""
    return graphs.once("description_book", lambda: _book(descriptions(graphs)))


def described_blocks(space: Descriptions) -> Iterator[tuple[int, Described]]:
    """Decode all descriptions, block by block: (number of the first, what they say)."""
    for first in range(0, space.total, BLOCK):
        last = min(first + BLOCK, space.total)
        yield first, space.described(np.arange(first, last), cell=space.cells_between(first, last))


def _book(space: Descriptions) -> Book:
    digest, by_object, by_root = (np.empty(space.total, dtype=np.uint64) for _ in range(3))
    for first, said in described_blocks(space):
        part = slice(first, first + len(said.cell))
        digest[part] = space.digests(said)
        by_object[part] = mix(digest[part], said.obj.astype(np.uint64))
        by_root[part] = mix(digest[part], space.root[said.obj].astype(np.uint64))
    own_first = bools(pl.Series(by_object).is_first_distinct())
    first_of = bools(pl.Series(by_root).is_first_distinct())
    # of those that open their object's list, the ones that stand alone in the component
    sole = _sole(by_root, own_first)
    return Book(digest, first_of, own_first, sole)


def _sole(by_root: U64, own_first: Bools) -> Bools:
    entries = pl.Series(by_root)
    alone = entries.filter(pl.Series(own_first))
    shared = alone.filter(alone.is_duplicated())
    if shared.is_empty():
        return np.ones(len(by_root), dtype=bool)
    return ~bools(entries.is_in(shared.unique().implode()))


@dataclass(frozen=True)
class Spares:
    """Descriptions that say what an earlier one of the object says of another neighbor: (number, that neighbor).

    They stand in for the earlier one where that must not be used. Sorted by object, neighbor and number; `keys` is
    (object, neighbor), packed.
    """

    number: Ints
    keys: Ints


def spares(graphs: Graphs) -> Spares:
    """Find the spare descriptions that are sole, once per shard."""
    return graphs.once("spare_descriptions", lambda: _spares(graphs))


def _spares(graphs: Graphs) -> Spares:
    space, all_ = descriptions(graphs), book(graphs)
    again = np.flatnonzero(~all_.own_first & all_.sole)
    obj = space.obj[space.cell_of(again)]
    twice = pl.Series(mix(all_.digest[again], obj.astype(np.uint64))).unique()
    later = pl.Series(all_.digest).gather(again)
    # the earlier ones too: few, since they share a digest with a later one of the same object
    possible = np.flatnonzero(bools(pl.Series(all_.digest).is_in(later.unique().implode())) & all_.sole)
    cell = space.cell_of(possible)
    obj, edge = space.obj[cell], space.edge[cell]
    kept = bools(pl.Series(mix(all_.digest[possible], obj.astype(np.uint64))).is_in(twice.implode())) & (edge >= 0)
    number, obj, near = possible[kept], obj[kept], space.edges.near[edge[kept]]
    order = np.lexsort((number, all_.digest[number], obj))
    number, obj, near = number[order], obj[order], near[order]
    start, size = runs(obj, all_.digest[number].view(np.int64))
    head = np.repeat(near[start], size)
    # edges are sorted by neighbor, so the first one that leaves the head's neighbor follows one that has it
    leaves = (near != head) & (np.append(-1, near[:-1]) == head)
    number, obj, head = number[leaves], obj[leaves], head[leaves]
    keys = packed(obj, head)
    order = np.lexsort((number, keys))
    return Spares(number[order], keys[order])
