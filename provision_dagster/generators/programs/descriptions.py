"""Descriptions of objects by three elements: an index space that is counted without being listed.

A description has three of an object's own attributes; or one relation to a neighbor with its label, and two attributes
of either (ProVision, arXiv 2412.07012, scene-graph questions). A *cell* holds the descriptions of one object that use
one relation (or none): with m attributes of the two in a row, its members are the pairs i < j < m, or the triples
i < j < k of the object's own. A description's number is its place when all cells are laid end to end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, offsets_of
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.programs.edges import Edges, Typed, roots

OWN, NEAR = 1, 2
"""Salts: an attribute of the object itself, or of its neighbor."""
SMALL = 1 << 20
"""Descriptions up to which something may be kept of each."""


@dataclass(frozen=True)
class Described:
    """Descriptions, arrays of equal length.

    `cell`, and the places `i` < `j` (< `k`, -1 where there is none) in it. `obj`; `edge` (-1 without relation); the
    attributes `a`, `b`, `c` at these places (`c` -1), of which `a`, `b` are the neighbor's where `a_near`, `b_near`.
    """

    cell: Ints
    i: Ints
    j: Ints
    k: Ints
    obj: Ints
    edge: Ints
    a: Ints
    b: Ints
    c: Ints
    a_near: Bools
    b_near: Bools

    def some(self, rows: Ints) -> "Described":
        """Take some of them."""
        return Described(**{name: column[rows] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Descriptions:
    """The index space of a shard.

    Parameters
    ----------
    root
        Object -> first object of its connected component.
    obj, edge
        Of each cell; edge -1 = three own attributes. Sorted by object, edge -1 first.
    offsets
        Descriptions of cell c are numbered `offsets[c]` .. `offsets[c + 1] - 1`.
    of_object
        Cells of object o are `of_object[o]` .. `of_object[o + 1] - 1`; none outside components of two or more.
    """

    graphs: Graphs
    edges: Edges
    typed: Typed
    root: Ints
    obj: Ints
    edge: Ints
    offsets: Ints
    of_object: Ints

    @cached_property
    def sizes(self) -> Ints:
        """Typed attributes of each object."""
        return np.diff(self.typed.of_object)

    @property
    def total(self) -> int:
        """Descriptions of the shard."""
        return int(self.offsets[-1])

    @cached_property
    def object_offsets(self) -> Ints:
        """Descriptions of object o are numbered `object_offsets[o]` .. `object_offsets[o + 1] - 1`."""
        return self.offsets[self.of_object]

    @cached_property
    def width(self) -> Ints:
        """Attributes that each cell chooses from."""
        near = np.where(self.edge >= 0, self.sizes[self.edges.near[self.edge]], 0) if len(self.edges.obj) else 0
        return np.asarray(self.sizes[self.obj] + near)

    @cached_property
    def _cells(self) -> Ints | None:
        """Cell of every description of an ordinary shard: looking it up is quicker than searching."""
        return np.repeat(np.arange(len(self.obj)), np.diff(self.offsets)) if self.total <= SMALL else None

    def cell_of(self, numbers: Ints) -> Ints:
        """Cell of each description."""
        if self._cells is not None:
            return self._cells[numbers]
        return np.searchsorted(self.offsets, numbers, side="right") - 1

    def cells_between(self, first: int, last: int) -> Ints:
        """Cell of each description first .. last - 1: quicker than `cell_of`."""
        if first >= last:
            return np.zeros(0, dtype=np.int64)
        begin, end = self.cell_of(np.array([first, last - 1]))
        cut = np.clip(self.offsets[begin : end + 2], first, last)
        return np.repeat(np.arange(begin, end + 1), np.diff(cut))

    def described(self, numbers: Ints, *, cell: Ints | None = None) -> Described:
        """Tell what descriptions say."""
        cell = self.cell_of(numbers) if cell is None else cell
        obj, edge = self.obj[cell], self.edge[cell]
        i, j, k = places_of(numbers - self.offsets[cell], triple=edge < 0)
        own = self.sizes[obj]
        # attributes of the object, then of its neighbor
        first = self.typed.of_object[obj]
        near = self.typed.of_object[self.edges.near[edge]] - own if len(self.edges.obj) else first
        a_near, b_near = i >= own, j >= own
        values = self.typed.values
        c = np.full(len(numbers), -1)
        three = np.flatnonzero(k >= 0)
        c[three] = values[first[three] + k[three]]
        a, b = values[np.where(a_near, near, first) + i], values[np.where(b_near, near, first) + j]
        return Described(cell, i, j, k, obj, edge, a, b, c, a_near, b_near)

    @property
    def every(self) -> Described:
        """Tell what all descriptions say."""
        return self.described(np.arange(self.total), cell=self.cells_between(0, self.total))

    def numbers(self, cell: Ints, i: Ints, j: Ints, k: Ints) -> Ints:
        """Return the numbers of descriptions given by places (k = -1 in pairs)."""
        rank = j * (j - 1) // 2 + i
        return np.asarray(self.offsets[cell] + rank + np.where(k >= 0, triple_count(k), 0))

    def digests(self, said: Described) -> U64:
        """Hash what is said, whatever the order of attributes; labels and words count, objects do not."""
        own, near = _scrambled(self.graphs, OWN), _scrambled(self.graphs, NEAR)
        total = np.where(said.a_near, near[said.a], own[said.a]) + np.where(said.b_near, near[said.b], own[said.b])
        if len(self.edges.obj):
            total += np.where(said.edge >= 0, self.edge_hashes[said.edge], 0).astype(np.uint64)
        three = np.flatnonzero(said.c >= 0)
        total[three] += own[said.c[three]]
        return mix(total, 0)

    @cached_property
    def edge_hashes(self) -> U64:
        """Hash of each edge's predicate, direction and neighbor's label."""
        words, edges = self.graphs.words, self.edges
        state = mix(words.predicates.hashes[edges.predicate], edges.inward.astype(np.uint64))
        return mix(state, words.labels.hashes[self.graphs.label[edges.near]])


def descriptions(graphs: Graphs) -> Descriptions:
    """Lay out the index space, once per shard: the work grows with objects, attributes and relations only."""
    return graphs.once("descriptions", lambda: _descriptions(graphs))


def _descriptions(graphs: Graphs) -> Descriptions:
    edges, typed = Edges.of(graphs), Typed.of(graphs)
    bound = np.flatnonzero(np.diff(edges.of_object))
    obj = np.concatenate([bound, edges.obj])
    edge = np.concatenate([np.full(len(bound), -1), np.arange(len(edges.obj))])
    order = np.argsort(obj, kind="stable")
    obj, edge = obj[order], edge[order]
    own = np.diff(typed.of_object)
    wide = own[obj] + (np.where(edge >= 0, own[edges.near[edge]], 0) if len(edges.obj) else 0)
    size = np.where(edge >= 0, pair_count(wide), triple_count(wide))
    return Descriptions(
        graphs=graphs,
        edges=edges,
        typed=typed,
        root=roots(edges, objects=graphs.objects.height),
        obj=obj,
        edge=edge,
        offsets=offsets_of(size),
        of_object=offsets_of(np.bincount(obj, minlength=graphs.objects.height)),
    )


def pair_count(n: Ints) -> Ints:
    """Return n choose 2."""
    return n * (n - 1) // 2


def triple_count(n: Ints) -> Ints:
    """Return n choose 3."""
    return n * (n - 1) * (n - 2) // 6


def places_of(rank: Ints, *, triple: Bools) -> tuple[Ints, Ints, Ints]:
    """Turn ranks into places i < j (< k): pair (i, j) has rank C(j, 2) + i, triple (i, j, k) C(k, 3) + C(j, 2) + i."""
    k = np.full(len(rank), -1)
    three = np.flatnonzero(triple)
    if len(three):
        k[three] = _largest(rank[three], triple_count)
        rank = rank.copy()
        rank[three] -= triple_count(k[three])
    j = _largest(rank, pair_count)
    return rank - pair_count(j), j, k


def _largest(rank: Ints, count: Callable[[Ints], Ints]) -> Ints:
    """Largest n with count(n) <= rank."""
    top = int(rank.max(initial=0))
    size = 4
    while count(np.array([size]))[0] <= top:
        size *= 2
    return np.searchsorted(count(np.arange(size + 1)), rank, side="right") - 1


def _scrambled(graphs: Graphs, salt: int) -> U64:
    attributes = graphs.words.attributes
    return graphs.words.once(("scrambled", salt), lambda: mix(mix(attributes.hashes, salt), salt))
