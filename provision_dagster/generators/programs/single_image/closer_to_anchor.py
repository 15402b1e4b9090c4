"""CloserToAnchorObject and FartherToAnchorObject: which of two things is closer in depth to a third."""

from functools import partial

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ints, Ragged, ints
from provision_dagster.generators.graphs import Floats, Graphs
from provision_dagster.generators.hashing import below, draw
from provision_dagster.generators.programs.common import name_rules, table
from provision_dagster.generators.programs.depths import depths, margins, measured, too_near
from provision_dagster.generators.programs.triples import disjoint_triples
from provision_dagster.generators.registry import Candidates, Choice, Draft, Generator, Mentions, Rules, register

_THREE = ("obj_a", "obj_b", "obj_c")


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """Triples of unique labels with pairwise disjoint boxes whose two gaps in modal depth differ by the margin.

    `outer` is the one of the closer pair that is not in the middle, `lone` the third.
    """
    return graphs.once(("closer_to_anchor", rules), lambda: _candidates(graphs, rules))


def _candidates(graphs: Graphs, rules: Rules) -> Candidates:
    triples = disjoint_triples(graphs, axis="any", among=measured(graphs))
    _, uneven = _by_gap(triples, depths(graphs, "paper"))
    triples = triples[np.abs(uneven) >= margins(graphs)[graphs.img[triples[:, 0]]]]
    by_depth, uneven = _by_gap(triples, depths(graphs, rules))
    low, middle, high = by_depth.T
    columns = dict(zip(_THREE, triples.T, strict=True))
    ends = {"outer": np.where(uneven > 0, low, high), "middle": middle, "lone": np.where(uneven > 0, high, low)}
    rows = table(img=graphs.img[triples[:, 0]], **columns, **ends)
    if rules == "paper":
        return Candidates(rows)
    return Candidates(rows, name_rules(graphs, *triples.T) | too_near(graphs, np.abs(uneven), triples.T))


def _by_gap(triples: Ints, depth: Floats) -> tuple[Ints, Floats]:
    """Sort triples by depth; by how much the gap of the two closest to the camera exceeds that of the other two."""
    a, b, c = triples.T
    p, q, r = depth[triples].T
    # three compare-and-swaps; ties keep the order
    swap = p > q
    a, b, p, q = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, q, p), np.where(swap, p, q)
    swap = q > r
    b, c, q, r = np.where(swap, c, b), np.where(swap, b, c), np.where(swap, r, q), np.where(swap, q, r)
    swap = p > q
    a, b, p, q = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, q, p), np.where(swap, p, q)
    return np.stack([a, b, c], axis=1), (r - q) - (q - p)


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The three labels."""
    return Mentions(labels=Ragged.columns(*(graphs.label[ints(rows[c])] for c in _THREE)))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules, *, closer: bool) -> Draft:
    """Ask from one of the closer pair; evidence: the anchor, the answer, the other.

    Maps of depth are often inverse or only relative, so how large one gap is beside another depends on the unit. From
    the outer one of three the middle one is closer in any unit, so strict rules ask from there.
    """
    outer, middle, lone = (ints(rows[c]) for c in ("outer", "middle", "lone"))
    turn = below(draw(rows["h"].to_numpy(), "anchor"), 2) == 1 if rules == "paper" else np.zeros(len(outer), dtype=bool)
    anchor, near = np.where(turn, middle, outer), np.where(turn, outer, middle)
    true, false = (near, lone) if closer else (lone, near)
    words = graphs.words.labels.text
    return Draft(
        slots={"anchor": words.gather(graphs.label[anchor])},
        answer=words.gather(graphs.label[true]),
        objects=Ragged.columns(anchor, true, false),
        choice=Choice(words, np.stack([graphs.label[true], graphs.label[false]], axis=1)),
    )


for _name, _closer in (("CloserToAnchorObject", True), ("FartherToAnchorObject", False)):
    register(
        Generator(
            name=_name,
            family="qa_object_depth",
            version="1",
            key=dict.fromkeys(_THREE, "object"),
            slots=("anchor", "candidates"),
            candidates=candidates,
            mentions=mentions,
            finish=partial(finish, closer=_closer),
        )
    )
