"""Points inside objects as flat columns, and which objects of the image may be one thing with another."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, all_of, any_of, bools, ints, offsets_of, runs
from provision_dagster.generators.graphs import DUPLICATE_IOU, Graphs, iou, pairs_within
from provision_dagster.generators.programs.printed_points import printed, ratios
from provision_dagster.scene_graphs.mirrored import SIDES, side_of

Bits = npt.NDArray[np.uint64]
"""Sets of objects of one image, shape (n, words): bit p of the row is the object at place p."""

SHARING = ("has", "wear", "part", "belong", "print", "made", "attachment")
"""Classes of predicates that join two things into one: a point on a worn shirt is on the man as well."""

FRAGILE = ("part", "clothing", "text", "abstract")
"""Kinds of labels that are rarely things of their own: where the box meets another's, one may belong to the other."""


@dataclass(frozen=True)
class ObjectPoints:
    """Points in masks, sorted by object, as stored; arrays of equal length.

    `obj`: row of the object. `code`: of the printed position, -1 where no ratio with two decimals names the pixel.
    `holders`: rows of the objects whose masks hold the point, none where that is not known; `inside`: the same as sets;
    `akin`: these, and those that may be one thing with one of them. `several`: one of them stands for several things.
    """

    obj: Ints
    code: Ints
    holders: Ragged
    inside: Bits
    akin: Bits
    several: Bools

    @property
    def known(self) -> Bools:
        """Points that are printed exactly, and of which it is known in which masks they lie."""
        return (self.code >= 0) & any_of(word != 0 for word in self.inside.T)


@dataclass(frozen=True)
class MirroredPoints:
    """Points on other objects, sorted by object and `side` (see `scene_graphs.mirrored`); arrays of equal length.

    `obj`: whose two points `anchor` and `same` (rows of `ObjectPoints`) are. `other`: the smallest object that holds
    the mirrored point; `code` and `inside` are as in `ObjectPoints`.
    """

    obj: Ints
    anchor: Ints
    same: Ints
    other: Ints
    code: Ints
    inside: Bits
    side: Ints


def object_points(graphs: Graphs) -> ObjectPoints:
    """Lay out the points of objects, once per shard."""
    return graphs.once("object_points", lambda: _object_points(graphs))


def mirrored_points(graphs: Graphs) -> MirroredPoints:
    """Lay out the mirrored points, once per shard."""
    return graphs.once("mirrored_points", lambda: _mirrored_points(graphs))


def _object_points(graphs: Graphs) -> ObjectPoints:
    flat, obj = _flat(graphs, "points")
    point, row, size = _held(graphs, flat, obj)
    akin = _akin(graphs, obj)
    return ObjectPoints(
        obj=obj,
        code=_codes(graphs, flat, obj),
        holders=Ragged(row, offsets_of(size)),
        inside=_union(_bits(graphs, row), size),
        akin=_union(akin[row], size),
        several=_mark(point[_several(graphs)[row]], size=len(obj)),
    )


def _mirrored_points(graphs: Graphs) -> MirroredPoints:
    flat, obj = _flat(graphs, "mirrored")
    points = object_points(graphs)
    first = np.searchsorted(points.obj, obj)
    anchor, same = first + ints(flat["anchor"]), first + ints(flat["same"])
    code = _codes(graphs, flat, obj)
    side = side_of(ratios(code), ratios(points.code[same]))
    order = np.argsort(obj * SIDES + side, kind="stable")
    point, row, size = _held(graphs, flat, obj)
    return MirroredPoints(
        obj=obj[order],
        anchor=anchor[order],
        same=same[order],
        other=_smallest(graphs, point, row, rows=len(obj))[order],
        code=code[order],
        inside=_union(_bits(graphs, row), size)[order],
        side=side[order],
    )


def _nested(graphs: Graphs) -> pl.Series:
    """Objects as stored, in the order of `Graphs.objects`."""
    return graphs.once(
        "nested_objects", lambda: graphs.source.filter(pl.col("objects").list.len() > 0)["objects"].explode()
    )


def _flat(graphs: Graphs, name: str) -> tuple[pl.DataFrame, Ints]:
    """One of the lists of points as a frame, and the object of each."""
    nested = _nested(graphs).struct.field(name)
    size = ints(nested.list.len().cast(pl.Int64).fill_null(0))
    flat = nested.filter(pl.Series(size > 0)).explode().struct.unnest()
    return flat, np.repeat(np.arange(len(size)), size)


def _held(graphs: Graphs, flat: pl.DataFrame, obj: Ints) -> tuple[Ints, Ints, Ints]:
    """Point and object of each pair of a point and a mask that holds it, and how many masks hold each point."""
    size = ints(flat["inside"].list.len().cast(pl.Int64).fill_null(0))
    place = ints(flat["inside"].filter(pl.Series(size > 0)).explode())
    point = np.repeat(np.arange(len(obj)), size)
    return point, ints(graphs.images["first"])[graphs.img[obj[point]]] + place, size


def _codes(graphs: Graphs, flat: pl.DataFrame, obj: Ints) -> Ints:
    xy = np.stack([ints(flat["x"]), ints(flat["y"])], axis=1)
    return printed(xy, graphs.sides[graphs.img[obj]].astype(np.int64))


def _smallest(graphs: Graphs, point: Ints, row: Ints, *, rows: int) -> Ints:
    """Object with the smallest mask of those that hold each point."""
    area = ints(_nested(graphs).struct.field("mask_area").fill_null(0))
    order = np.lexsort((area[row], point))
    found = np.zeros(rows, dtype=np.int64)
    found[point[order[::-1]]] = row[order[::-1]]
    return found


def _bits(graphs: Graphs, row: Ints) -> Bits:
    """Set of one for each object, with words enough for every object of its image."""
    place = ints(graphs.objects["place"])[row]
    most = int(graphs.images["objects"].max() or 0)  # type: ignore[arg-type]
    table = np.zeros((len(row), max(-(-most // 64), 1)), dtype=np.uint64)
    table[np.arange(len(row)), place >> 6] = np.uint64(1) << (place & 63).astype(np.uint64)
    return table


def _union(bits: Bits, size: Ints) -> Bits:
    """Join the sets of each run of rows; runs may be empty."""
    whole = np.zeros((len(size), bits.shape[1]), dtype=np.uint64)
    some = np.flatnonzero(size)
    if len(some):
        whole[some] = np.bitwise_or.reduceat(bits, offsets_of(size)[some], axis=0)
    return whole


def _several(graphs: Graphs) -> Bools:
    """Objects whose mask may cover several things: groups, plural labels such as "trees" (a pair of jeans is one).

    So do labels of which annotators often mark several as one, a row of books or a bunch of bananas.
    """
    words = graphs.words.labels.words
    many = bools((words["number"] == "plural").fill_null(False) | words["is_group"].fill_null(False))
    many |= graphs.words.bunched
    return many[graphs.label] | bools(graphs.objects["is_group"].fill_null(False))


def _akin(graphs: Graphs, shown: Ints) -> Bits:
    """For each object: itself and, where `shown` (sorted) has it, the others there that may be one thing with it."""
    akin = _bits(graphs, np.arange(graphs.objects.height))
    one, two = _same_or_part(graphs, shown[runs(shown)[0]])
    one, two = np.concatenate([one, two]), np.concatenate([two, one])
    order = np.argsort(one, kind="stable")
    first, size = runs(one[order])
    akin[one[order][first]] |= _union(_bits(graphs, two[order]), size)
    return akin


def _same_or_part(graphs: Graphs, some: Ints) -> tuple[Ints, Ints]:
    """Pairs of objects that may be one thing, or of which one is part of the other."""
    first, size = runs(graphs.img[some])
    one, two, _ = pairs_within(first, size)
    one, two = some[one], some[two]
    a, b = graphs.boxes[one], graphs.boxes[two]
    meet = all_of((a[:, s] < b[:, s + 2]) & (b[:, s] < a[:, s + 2]) for s in (0, 1))
    one, two = one[meet], two[meet]
    label, words = graphs.label, graphs.words
    fragile = bools(words.labels.words["kind"].is_in(FRAGILE).fill_null(False))[label]
    twins = (label[one] == label[two]) & (iou(graphs.boxes[one], graphs.boxes[two]) > DUPLICATE_IOU)
    joined = any_of(
        pairs.has(label[x], label[y])
        for pairs in (words.related_labels, words.part_labels)
        for x, y in ((one, two), (two, one))
    )
    kept = twins | joined | fragile[one] | fragile[two]
    said = bools(words.predicates.words["class"].is_in(SHARING).fill_null(False))
    tied = graphs.relations.filter(pl.Series(said[ints(graphs.relations["predicate"])]))
    return (
        np.concatenate([one[kept], ints(tied["subject"])]),
        np.concatenate([two[kept], ints(tied["object"])]),
    )


def _mark(rows: Ints, *, size: int) -> Bools:
    marked = np.zeros(size, dtype=bool)
    marked[rows] = True
    return marked
