"""SameObjectSeg and DiffObjectSeg: which of two points is on the same object as a third, or on another."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ints, Ragged, any_of, ints, offsets_of, runs
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, below, draw
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.programs.even_sides import draw_even, has_even
from provision_dagster.generators.programs.object_points import mirrored_points, object_points
from provision_dagster.generators.programs.printed_points import point_texts
from provision_dagster.generators.registry import Candidates, Choice, Draft, Generator, Mentions, Rules, register
from provision_dagster.scene_graphs.mirrored import SIDES


@dataclass(frozen=True)
class Triples:
    """Anchor, same-object point and other point; `other` is the object of the last; columns of equal length.

    Rows of `ObjectPoints` (`anchor`, `same`), code of a printed position (`code`), row of `Graphs.objects` (`other`).
    """

    anchor: Ints
    same: Ints
    code: Ints
    other: Ints


@dataclass(frozen=True)
class Sound:
    """Triples whose answer is certain, sorted by object and side, and how many there are, shape (objects, SIDES)."""

    triples: Triples
    count: Ints


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """Objects with two points, in images with a point outside of the object; the same for both questions."""
    return graphs.once(("same_object", rules), lambda: _candidates(graphs, rules))


def _candidates(graphs: Graphs, rules: Rules) -> Candidates:
    own, outside = _points_of(graphs)
    obj = np.flatnonzero((own >= 2) & (outside > 0))
    rows = table(img=graphs.img[obj], obj=obj)
    if rules == "paper":
        return Candidates(rows)
    points, count = object_points(graphs), sound_triples(graphs).count[obj]
    single = np.bincount(points.obj[~points.several], minlength=graphs.objects.height) > 0
    return Candidates(
        rows,
        {
            "label_of_several_things": ~single[obj],
            "no_mirrored_point_on_another_object": ~any_of(count.T > 0),
            # other objects lie more often towards the middle of the picture, which would tell them apart (T4)
            "position_would_tell": ~has_even(count),
        },
    )


def _points_of(graphs: Graphs) -> tuple[Ints, Ints]:
    """How many exactly printed points each object has, and how many of its image lie outside of it."""
    points, objects = object_points(graphs), graphs.objects.height
    exact = points.code >= 0
    own = np.bincount(points.obj[exact], minlength=objects)
    of_image = np.bincount(graphs.img[points.obj[exact]], minlength=graphs.images.height)
    point, holder = points.holders.rows, points.holders.values
    shared = exact[point] & (holder != points.obj[point])
    return own, of_image[graphs.img] - own - np.bincount(holder[shared], minlength=objects)


def sound_triples(graphs: Graphs) -> Sound:
    """Find the triples whose answer is certain, once per shard.

    No object at the other point may be one thing with an object at the anchor, or a part of it; that none holds both
    is seen to when the points are chosen. What the anchor lies on is one thing, and it is known what it lies on.
    """
    return graphs.once("sound_triples", lambda: _sound_triples(graphs))


def _sound_triples(graphs: Graphs) -> Sound:
    points, mirrored = object_points(graphs), mirrored_points(graphs)
    known = points.known
    met = any_of(i & a[mirrored.anchor] != 0 for i, a in zip(mirrored.inside.T, points.akin.T, strict=True))
    fit = known[mirrored.anchor] & known[mirrored.same] & ~points.several[mirrored.anchor] & (mirrored.code >= 0) & ~met
    objects = graphs.objects.height
    count = np.bincount(mirrored.obj[fit] * SIDES + mirrored.side[fit], minlength=objects * SIDES).reshape(-1, SIDES)
    columns = (mirrored.anchor, mirrored.same, mirrored.code, mirrored.other)
    return Sound(Triples(*(column[fit] for column in columns)), count)


def _draw_sound(graphs: Graphs, obj: Ints, h: U64) -> Triples:
    """Draw a triple of each object, such that neither height nor the distance to the middle tells the answer."""
    sound = sound_triples(graphs)
    row, triples = draw_even(sound.count, h, rows=obj), sound.triples
    return Triples(triples.anchor[row], triples.same[row], triples.code[row], triples.other[row])


def _draw_any(graphs: Graphs, obj: Ints, h: U64) -> Triples:
    """Draw two points of each object, and one of another object outside of its mask (paper rules)."""
    points = object_points(graphs)
    exact = np.flatnonzero(points.code >= 0)
    own = np.bincount(points.obj[exact], minlength=graphs.objects.height)
    first = offsets_of(own)[:-1][obj]
    one = below(draw(h, "anchor"), own[obj].astype(np.uint64)).astype(np.int64)
    two = below(draw(h, "same"), (own[obj] - 1).astype(np.uint64)).astype(np.int64)
    other = exact[_outside(graphs, exact, obj, h)]
    same = exact[first + two + (two >= one)]
    return Triples(exact[first + one], same, points.code[other], points.obj[other])


def _outside(graphs: Graphs, exact: Ints, obj: Ints, h: U64) -> Ints:
    """Place in `exact` of a point that is not in the mask of each object: from a random one on, the next."""
    points, img = object_points(graphs), graphs.img[object_points(graphs).obj[exact]]
    first, size = runs(img)
    begin, length = np.zeros((2, graphs.images.height), dtype=np.int64)
    begin[img[first]], length[img[first]] = first, size
    begin, length = begin[graphs.img[obj]], length[graphs.img[obj]]
    place = ints(graphs.objects["place"])[obj]
    at = below(draw(h, "other"), length.astype(np.uint64)).astype(np.int64)
    open_ = np.arange(len(obj))
    while len(open_):
        point = exact[begin[open_] + at[open_]]
        word = points.inside[point, place[open_] >> 6] >> (place[open_] & 63).astype(np.uint64)
        within = (word & np.uint64(1) != 0) | (points.obj[point] == obj[open_])
        open_ = open_[within]
        at[open_] = (at[open_] + 1) % length[open_]
    return begin + at


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The label of the object."""
    return Mentions(labels=Ragged.columns(graphs.label[ints(rows["obj"])]))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules, *, same: bool) -> Draft:
    """The options are the two points; evidence: the object at the anchor, then the other one."""
    obj, h = ints(rows["obj"]), rows["h"].to_numpy()
    drawn = (_draw_any if rules == "paper" else _draw_sound)(graphs, obj, h)
    code, texts = object_points(graphs).code, point_texts()
    true, false = (code[drawn.same], drawn.code) if same else (drawn.code, code[drawn.same])
    return Draft(
        slots={"anchor": texts.gather(code[drawn.anchor])},
        answer=texts.gather(true),
        objects=Ragged.columns(obj, drawn.other),
        choice=Choice(texts, np.stack([true, false], axis=1), balanced=False, prefix=""),
        mentions=Mentions(labels=Ragged.columns(graphs.label[obj], graphs.label[drawn.other])),
    )


for _name, _same in (("SameObjectSeg", True), ("DiffObjectSeg", False)):
    register(
        Generator(
            name=_name,
            family="qa_segmentation",
            version="2",
            key={"obj": "object"},
            slots=("anchor", "candidates"),
            candidates=candidates,
            mentions=mentions,
            finish=partial(finish, same=_same),
        )
    )
