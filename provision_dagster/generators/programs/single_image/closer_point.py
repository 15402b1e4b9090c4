"""CloserPoint and FartherPoint: which of two points is closer to the camera, or farther from it."""

from functools import partial

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ints, Ragged, any_of, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, below, draw
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.programs.even_sides import draw_even, has_even
from provision_dagster.generators.programs.printed_points import point_texts
from provision_dagster.generators.programs.scene_points import depth_pairs, scene_points
from provision_dagster.generators.registry import Candidates, Choice, Draft, Generator, Mentions, Rules, register


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per image in which the depth of two points is known and differs; the same for both questions."""
    return graphs.once(("closer_point", rules), lambda: _candidates(graphs, rules))


def _candidates(graphs: Graphs, rules: Rules) -> Candidates:
    points = scene_points(graphs)
    low, high = np.full((2, graphs.images.height), np.nan)
    some = np.flatnonzero(np.diff(points.of_image))
    if len(some):
        first = points.of_image[some]
        low[some], high[some] = np.minimum.reduceat(points.depth, first), np.maximum.reduceat(points.depth, first)
    img = np.flatnonzero(high > low)
    rows = table(img=img)
    if rules == "paper":
        return Candidates(rows)
    count = depth_pairs(graphs).count[img]
    # one side of the pictures of a camera is often the closer one, which would tell them apart (T4)
    return Candidates(rows, {"no_pair_by_margin": ~any_of(count.T > 0), "position_would_tell": ~has_even(count)})


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """Nothing before the points are drawn: there is one candidate per image."""
    return Mentions()


def _draw_even(graphs: Graphs, img: Ints, h: U64) -> tuple[Ints, Ints]:
    """Draw a pair of each image, the closer one first, of which the left one is as often closer as the right one."""
    pairs = depth_pairs(graphs)
    row = draw_even(pairs.count, h, rows=img)
    return pairs.near[row], pairs.far[row]


def _draw_any(graphs: Graphs, img: Ints, h: U64) -> tuple[Ints, Ints]:
    """Draw a point of each image, and from a random one on the next of another depth (paper rules)."""
    points = scene_points(graphs)
    first, size = points.of_image[img], np.diff(points.of_image)[img]
    one, two = (first + below(draw(h, name), size.astype(np.uint64)).astype(np.int64) for name in ("one", "two"))
    open_ = np.arange(len(img))
    while len(open_ := open_[points.depth[one[open_]] == points.depth[two[open_]]]):
        two[open_] = first[open_] + (two[open_] - first[open_] + 1) % size[open_]
    closer = points.depth[one] > points.depth[two]
    return np.where(closer, one, two), np.where(closer, two, one)


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules, *, closer: bool) -> Draft:
    """The options are the two points; evidence: the topmost objects there, that at the answer first."""
    points = scene_points(graphs)
    near, far = (_draw_any if rules == "paper" else _draw_even)(graphs, ints(rows["img"]), rows["h"].to_numpy())
    codes = np.stack([points.code[near], points.code[far]], axis=1)[:, :: 1 if closer else -1]
    objects = np.stack([points.obj[near], points.obj[far]], axis=1)[:, :: 1 if closer else -1]
    # an object at both points counts once
    shown = (objects >= 0) & np.stack([np.full(len(near), True), objects[:, 0] != objects[:, 1]], axis=1)
    evidence = Ragged.masked(objects, shown)
    texts = point_texts()
    return Draft(
        slots={},
        answer=texts.gather(codes[:, 0]),
        objects=evidence,
        choice=Choice(texts, codes, balanced=False, prefix=""),
        mentions=Mentions(labels=Ragged(graphs.label[evidence.values], evidence.offsets)),
    )


for _name, _closer in (("CloserPoint", True), ("FartherPoint", False)):
    register(
        Generator(
            name=_name,
            family="qa_depth",
            version="1",
            key={},
            slots=("candidates",),
            candidates=candidates,
            mentions=mentions,
            finish=partial(finish, closer=_closer),
        )
    )
