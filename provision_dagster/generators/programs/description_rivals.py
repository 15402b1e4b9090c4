"""Whether a description fits another object of the picture too, in whatever words that is annotated (T1)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Pairs, distinct, ints, member, offsets_of, packed, spans
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.descriptions import Described, Descriptions
from provision_dagster.generators.programs.sizes import relative
from provision_dagster.generators.words import Words

CHUNK = 2_000_000
"""Comparisons that are made at once."""


@dataclass(frozen=True)
class Rivals:
    """What else might be meant: another object, and where the description has a neighbor, the one it would have then.

    `slot` numbers the asked cells; sorted by it. `target`, `near`: objects (near -1 without relation).
    """

    slot: Ints
    target: Ints
    near: Ints


def fits_another(space: Descriptions, said: Described) -> Bools:
    """Tell which descriptions another object of the picture fits.

    An object fits when it has each attribute, a synonym or a kind of it, and the relation, one that may hold with it or
    the inverse of such a one from the other side, to a neighbor whose label is or may mean the same and that has the
    neighbor's attributes. What is not annotated counts as not so, but for the size of things of another label.
    """
    found = np.zeros(len(said.cell), dtype=bool)
    cells = distinct(said.cell)
    slot = np.searchsorted(cells, said.cell)
    cost = _costs(space, cells)
    # cells are taken in runs whose rivals are a bounded number
    for first, last in _runs_below(cost, CHUNK):
        rows = np.flatnonzero((slot >= first) & (slot < last)) if (first, last) != (0, len(cells)) else None
        part = slice(None) if rows is None else rows
        found[part] = _fits(space, said, part, cells[first:last], slot[part] - first)
    return found


def _costs(space: Descriptions, cells: Ints) -> Ints:
    """How many objects or relations each cell is compared with, at most."""
    graphs, edge = space.graphs, space.edge[cells]
    images = graphs.images["objects"].to_numpy().astype(np.int64)
    related = np.bincount(graphs.img[space.edges.obj], minlength=len(images))
    img = graphs.img[space.obj[cells]]
    return np.asarray(np.where(edge >= 0, related[img], images[img]))


def _runs_below(costs: Ints, limit: int) -> list[tuple[int, int]]:
    """Cut a list into runs whose costs add up to about `limit`."""
    number = np.cumsum(costs) // limit
    cut = np.flatnonzero(np.diff(number)) + 1
    ends = [0, *cut.tolist(), len(costs)]
    return [(a, b) for a, b in pairwise(ends) if b > a]


def _fits(space: Descriptions, said: Described, part: "slice | Ints", cells: Ints, slot: Ints) -> Bools:
    rivals = _rivals(space, cells)
    first, has = _matches(space, cells, rivals)
    # only rivals that have as many of the cell's attributes as a description names
    size = np.where(space.edge[cells] >= 0, 2, 3)
    width = space.width[cells][rivals.slot]
    number = np.add.reduceat(has, first[:-1]) if len(rivals.slot) else width
    number = np.where(width > 0, number, 0)
    able = number >= size[rivals.slot]
    begin, row_slot = first[:-1][able], rivals.slot[able]
    of_slot = offsets_of(np.bincount(row_slot, minlength=len(cells)))
    return _compared(said, part, slot, of_slot, begin, has)


def _compared(said: Described, part: "slice | Ints", slot: Ints, of_slot: Ints, begin: Ints, has: Ints) -> Bools:
    """Compare each description with each rival of its cell; `has[begin[r] + place]`: rival r has that attribute."""
    found = np.zeros(len(slot), dtype=bool)
    i, j, k = said.i[part], said.j[part], said.k[part]
    count = np.diff(of_slot)[slot]
    for first, last in _runs_below(count, CHUNK):
        rows = np.arange(first, last)[count[first:last] > 0]
        row = np.repeat(rows, count[rows])
        at = begin[spans(of_slot[slot[rows]], count[rows])]
        both = (has[at + i[row]] & has[at + j[row]]) > 0
        three = k[row] >= 0
        both[three] &= has[at[three] + k[row[three]]] > 0
        found[row[both]] = True
    return found


def _rivals(space: Descriptions, cells: Ints) -> Rivals:
    edge = space.edge[cells]
    with_edge, without = np.flatnonzero(edge >= 0), np.flatnonzero(edge < 0)
    place, other = _edge_rivals(space, edge[with_edge])
    alone, target = _object_rivals(space, space.obj[cells[without]])
    slot = np.concatenate([with_edge[place], without[alone]])
    order = np.argsort(slot, kind="stable")
    targets = np.concatenate([space.edges.obj[other], target])
    nears = np.concatenate([space.edges.near[other], np.full(len(target), -1)])
    return Rivals(slot[order], targets[order], nears[order])


def _object_rivals(space: Descriptions, obj: Ints) -> tuple[Ints, Ints]:
    """(place in `obj`, every other object of its picture that has attributes)."""
    graphs = space.graphs
    able = graphs.once(
        "with_attributes", lambda: np.flatnonzero(np.bincount(_bearers(graphs), minlength=len(graphs.img)))
    )
    first = np.searchsorted(graphs.img[able], graphs.img[obj])
    last = np.searchsorted(graphs.img[able], graphs.img[obj], side="right")
    place = np.repeat(np.arange(len(obj)), last - first)
    target = able[spans(first, last - first)]
    other = target != obj[place]
    return place[other], target[other]


def _bearers(graphs: Graphs) -> Ints:
    return ints(graphs.attributes["obj"])


def _edge_rivals(space: Descriptions, edge: Ints) -> tuple[Ints, Ints]:
    """(place in `edge`, other edge of the picture that may say the same of another object)."""
    edges, words = space.edges, space.graphs.words
    by_near, starts = space.graphs.once("edges_by_neighbor", lambda: _by_neighbor(space))
    place, row = _like_labels(space.graphs, edges.near[edge])
    size = np.diff(starts)[row]
    place = np.repeat(place, size)
    other = by_near[spans(starts[row], size)]
    mine = edge[place]
    apart = edges.obj[mine] != edges.obj[other]
    place, mine, other = place[apart], mine[apart], other[apart]
    p, q = edges.predicate[mine], edges.predicate[other]
    alike, turned = (p == q) | words.compatible.has(p, q), turned_predicates(words).has(p, q)
    may = np.where(edges.inward[mine] == edges.inward[other], alike, turned)
    return place[may], other[may]


def _by_neighbor(space: Descriptions) -> tuple[Ints, Ints]:
    """Edges by the row of `Graphs.labels` of the neighbor, and where each row's begin."""
    graphs = space.graphs
    row = graphs.label_row[space.edges.near]
    return np.argsort(row, kind="stable"), offsets_of(np.bincount(row, minlength=len(graphs.labels.n)))


def _like_labels(graphs: Graphs, objects: Ints) -> tuple[Ints, Ints]:
    """(place in `objects`, row of `Graphs.labels` in the picture whose label is or may mean that of the object)."""
    rows = distinct(graphs.label_row[objects])
    at, label = graphs.words.related_labels.expand(graphs.labels.label[rows])
    keys, wanted = packed(graphs.labels.img, graphs.labels.label), packed(graphs.labels.img[rows[at]], label)
    there = member(wanted, keys)
    at = np.concatenate([np.arange(len(rows)), at[there]])
    row = np.concatenate([rows, np.searchsorted(keys, wanted[there])])
    order = np.argsort(at, kind="stable")
    begin = offsets_of(np.bincount(at, minlength=len(rows)))
    group = np.searchsorted(rows, graphs.label_row[objects])
    size = np.diff(begin)[group]
    return np.repeat(np.arange(len(objects)), size), row[order][spans(begin[group], size)]


def turned_predicates(words: Words) -> Pairs:
    """(p, q): what q says of (A, B), p may say of (B, A)."""
    return words.once("turned_predicates", lambda: _turned(words))


def _turned(words: Words) -> Pairs:
    table = words.predicates
    text, inverse = table.text, table.words["inverse"]
    named = pl.concat([text, inverse.drop_nulls()]).unique().sort()
    canonical = words.lexicon.predicates(named).select("predicate", "canonical")
    pairs = words.lexicon.compatible_predicates(named)
    names = pl.DataFrame({"name": text, "p": range(len(text)), "canonical": table.words["canonical"]})
    turned = pl.DataFrame({"inverse": inverse, "q": range(len(text))}).drop_nulls()
    same = turned.join(canonical, left_on="inverse", right_on="predicate").join(names, on="canonical")
    near = turned.join(pairs, left_on="inverse", right_on="predicate").join(names, left_on="other", right_on="name")
    both = pl.concat([same.select("p", "q"), near.select("p", "q")]).unique()
    p, q = ints(both["p"]), ints(both["q"])
    # what may hold with an inverse may be turned either way
    return Pairs.of(np.concatenate([p, q]), np.concatenate([q, p]), codes=len(text))


def _matches(space: Descriptions, cells: Ints, rivals: Rivals) -> tuple[Ints, Ints]:
    """Flag, for each rival, the attributes of its cell that it (or its neighbor) has: (where each begins, 0 or 1)."""
    cell = cells[rivals.slot]
    width = space.width[cell]
    begin = offsets_of(width)
    line = np.repeat(np.arange(len(cell)), width)
    place = np.arange(len(line)) - begin[line]
    obj, edge = space.obj[cell], space.edge[cell]
    own = space.sizes[obj][line]
    first = space.typed.of_object[obj][line]
    near = space.typed.of_object[space.edges.near[edge]][line] - own if len(space.edges.obj) else first
    of_near = place >= own
    attribute = space.typed.values[np.where(of_near, near, first) + place]
    holder = np.where(of_near, rivals.near[line], rivals.target[line])
    has = member(packed(holder, attribute), wide_attributes(space.graphs))
    # "small" is said within a kind: it does not shut out things of another, which may be smaller still
    neighbor = space.edges.near[edge] if len(space.edges.obj) else obj
    said_of = np.where(of_near, neighbor[line], obj[line])
    label = space.graphs.label
    has |= relative(space.graphs.words)[attribute] & (label[holder] != label[said_of])
    return begin, has.astype(np.int64)


def wide_attributes(graphs: Graphs) -> Ints:
    """(object, attribute) for all that objects have and all that may be another word for it, packed and sorted."""
    return graphs.once("wide_attributes", lambda: _wide(graphs))


def _wide(graphs: Graphs) -> Ints:
    obj, attribute = _bearers(graphs), ints(graphs.attributes["attribute"])
    row, other = graphs.words.same_attribute.expand(attribute)
    return distinct(np.concatenate([packed(obj, attribute), packed(obj[row], other)]))
