"""Pairs and triples of unique-label objects whose boxes do not overlap."""

from typing import Literal

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, any_of, runs
from provision_dagster.generators.graphs import Graphs, pairs_within

Axis = Literal["x", "y", "any"]

_BLOCK = 1_000_000


def disjoint_pairs(graphs: Graphs, *, axis: Axis, among: Ints | None = None) -> Ints:
    """List pairs of unique-label objects with disjoint boxes, in order, shape (n, 2).

    Parameters
    ----------
    axis
        Axis on which they must be disjoint ("any": x or y); boxes that touch are.
    among
        Objects to choose from, sorted; those with a unique label unless told otherwise.
    """
    objects = graphs.uniques if among is None else among
    first, size = runs(graphs.img[objects])
    one, two, _ = pairs_within(first, size)
    pairs = np.stack([objects[one], objects[two]], axis=1)
    return pairs[_apart(graphs, pairs, axis=axis)]


def disjoint_triples(graphs: Graphs, *, axis: Axis, among: Ints | None = None) -> Ints:
    """List triples whose boxes are pairwise disjoint, in order, shape (n, 3); parameters as for `disjoint_pairs`."""
    if among is None:
        return graphs.once(("disjoint_triples", axis), lambda: _triples(graphs, axis=axis, among=None))
    return _triples(graphs, axis=axis, among=among)


def _triples(graphs: Graphs, *, axis: Axis, among: Ints | None) -> Ints:
    pairs = disjoint_pairs(graphs, axis=axis, among=among)
    # for each first object, its partners are a run: a triple is two of them that are disjoint too
    first, size = runs(pairs[:, 0])
    parts = [np.zeros((0, 3), dtype=np.int64)]
    for block in _blocks(size):
        one, two, row = pairs_within(first[block], size[block])
        left, middle, right = pairs[first[block][row], 0], pairs[one, 1], pairs[two, 1]
        apart = _apart(graphs, np.stack([middle, right], axis=1), axis=axis)
        parts.append(np.stack([left[apart], middle[apart], right[apart]], axis=1))
    return np.concatenate(parts)


def _blocks(size: Ints) -> list[slice]:
    """Cut runs into blocks of about `_BLOCK` pairs within runs, so that dense images take bounded memory."""
    number = np.cumsum(size * (size - 1) // 2) // _BLOCK
    return [slice(begin, begin + n) for begin, n in zip(*runs(number), strict=True)]


def _apart(graphs: Graphs, pairs: Ints, *, axis: Axis) -> Bools:
    a, b = graphs.boxes[pairs[:, 0]], graphs.boxes[pairs[:, 1]]
    sides = (0, 1) if axis == "any" else (("x", "y").index(axis),)
    return any_of((a[:, s] >= b[:, s + 2]) | (b[:, s] >= a[:, s + 2]) for s in sides)
