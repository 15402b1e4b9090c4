"""LeftMost-, RightMost-, TopMost- and BottomMostObject: which of three things is furthest to one side."""

from functools import partial
from typing import Literal

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ragged, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.common import name_rules, table
from provision_dagster.generators.programs.triples import disjoint_triples
from provision_dagster.generators.registry import Candidates, Choice, Draft, Generator, Mentions, Rules, register

MARGIN = 0.05
"""The extreme edge must lead the next one by this share of the picture's side (T6)."""

_THREE = ("obj_a", "obj_b", "obj_c")


def candidates(graphs: Graphs, rules: Rules, *, axis: Literal["x", "y"], first: bool) -> Candidates:
    """All triples of unique-label boxes that are pairwise disjoint on the axis; `place` is that of the extreme one."""
    triples = disjoint_triples(graphs, axis=axis)
    edge = graphs.boxes[:, (0 if first else 2) + (axis == "y")]
    edges = np.where(first, 1, -1) * edge[triples]
    img = graphs.img[triples[:, 0]]
    columns = dict(zip(_THREE, triples.T, strict=True))
    a, b, c = edges.T
    place = np.where(a <= b, np.where(a <= c, 0, 2), np.where(b <= c, 1, 2))
    rows = table(img=img, **columns, place=place)
    if rules == "paper":
        return Candidates(rows)
    least = np.minimum(np.minimum(a, b), c)
    middle = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    margin = MARGIN * graphs.sides[img, 0 if axis == "x" else 1]
    return Candidates(
        rows,
        {
            **name_rules(graphs, *triples.T),
            "margin": middle - least < margin,
        },
    )


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The three labels."""
    return Mentions(labels=Ragged.columns(*(graphs.label[ints(rows[c])] for c in _THREE)))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """The options are the three labels."""
    objects = np.stack([ints(rows[c]) for c in _THREE], axis=1)
    # the true one first
    turn = (ints(rows["place"])[:, None] + np.arange(3)) % 3
    codes = np.take_along_axis(graphs.label[objects], turn, axis=1)
    words = graphs.words.labels.text
    return Draft(
        slots={},
        answer=words.gather(codes[:, 0]),
        objects=Ragged.columns(*objects.T),
        choice=Choice(words, codes),
    )


_SIDES: tuple[tuple[str, Literal["x", "y"], bool], ...] = (
    ("LeftMostObject", "x", True),
    ("RightMostObject", "x", False),
    ("TopMostObject", "y", True),
    ("BottomMostObject", "y", False),
)

for _name, _axis, _first in _SIDES:
    register(
        Generator(
            name=_name,
            family="qa_object",
            version="2",
            key=dict.fromkeys(_THREE, "object"),
            slots=("candidates",),
            candidates=partial(candidates, axis=_axis, first=_first),
            mentions=mentions,
            finish=finish,
        )
    )
