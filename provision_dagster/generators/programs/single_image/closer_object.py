"""CloserObject and FartherObject: which of two things is closer to the camera, or farther from it."""

from functools import partial

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ragged, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.common import name_rules, table
from provision_dagster.generators.programs.depths import depths, margins, measured, too_near
from provision_dagster.generators.programs.triples import disjoint_pairs
from provision_dagster.generators.registry import Candidates, Choice, Draft, Generator, Mentions, Rules, register


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """Pairs of unique labels with disjoint boxes whose modal depths differ by the margin; for both questions."""
    return graphs.once(("closer_objects", rules), lambda: _candidates(graphs, rules))


def _candidates(graphs: Graphs, rules: Rules) -> Candidates:
    pairs = disjoint_pairs(graphs, axis="any", among=measured(graphs))
    mode, margin = depths(graphs, "paper"), margins(graphs)[graphs.img[pairs[:, 0]]]
    a, b = pairs[np.abs(mode[pairs[:, 0]] - mode[pairs[:, 1]]) >= margin].T
    depth = depths(graphs, rules)
    rows = table(img=graphs.img[a], obj_a=a, obj_b=b, a_is_closer=depth[a] > depth[b])
    if rules == "paper":
        return Candidates(rows)
    return Candidates(rows, name_rules(graphs, a, b) | too_near(graphs, np.abs(depth[a] - depth[b]), (a, b)))


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """Both labels."""
    return Mentions(labels=Ragged.columns(*(graphs.label[ints(rows[c])] for c in ("obj_a", "obj_b"))))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules, *, closer: bool) -> Draft:
    """The options are the two labels; evidence: the answer, then the other."""
    a, b = ints(rows["obj_a"]), ints(rows["obj_b"])
    first = (ints(rows["a_is_closer"]) == 1) == closer
    true, false = np.where(first, a, b), np.where(first, b, a)
    words = graphs.words.labels.text
    return Draft(
        slots={},
        answer=words.gather(graphs.label[true]),
        objects=Ragged.columns(true, false),
        choice=Choice(words, np.stack([graphs.label[true], graphs.label[false]], axis=1)),
    )


for _name, _closer in (("CloserObject", True), ("FartherObject", False)):
    register(
        Generator(
            name=_name,
            family="qa_object_depth",
            version="1",
            key={"obj_a": "object", "obj_b": "object"},
            slots=("candidates",),
            candidates=candidates,
            mentions=mentions,
            finish=partial(finish, closer=_closer),
        )
    )
