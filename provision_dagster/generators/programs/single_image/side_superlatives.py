"""LeftMost-, RightMost-, TopMost- and BottomMostObject: which of three things is furthest to one side."""

from functools import partial
from typing import Literal

import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.common import first_reason
from provision_dagster.generators.registry import Draft, Generator, Mentions, Rules, register

MARGIN = 0.05
"""The extreme edge must lead the next one by this share of the picture's side (T6)."""


def _disjoint(low: str, high: str, a: str, b: str) -> pl.Expr:
    """Whether boxes a and b do not overlap on an axis; touching ones do not."""
    return (pl.col(low + a) >= pl.col(high + b)) | (pl.col(low + b) >= pl.col(high + a))


def candidates(graphs: Graphs, *, axis: Literal["x", "y"], first: bool) -> pl.DataFrame:
    """All triples of unique-label boxes that are pairwise disjoint on the axis."""
    low, high = axis + "1", axis + "2"
    table = graphs.uniques.select("img", "obj", "label", "ambiguous", low, high)
    one, two, three = (table.select("img", pl.exclude("img").name.suffix(s)) for s in ("_a", "_b", "_c"))
    pairs = one.join(two, on="img").filter((pl.col("obj_a") < pl.col("obj_b")) & _disjoint(low, high, "_a", "_b"))
    triples = pairs.join(three, on="img").filter(
        (pl.col("obj_b") < pl.col("obj_c")) & _disjoint(low, high, "_a", "_c") & _disjoint(low, high, "_b", "_c")
    )
    edge = low if first else high
    sign = 1 if first else -1
    edges = pl.concat_list([sign * pl.col(edge + s) for s in ("_a", "_b", "_c")])
    side = graphs.images.select("img", side="width" if axis == "x" else "height")
    return (
        triples.join(side, on="img")
        .with_columns(
            place=edges.list.arg_min(), lead=edges.list.sort().list.get(1) - edges.list.min(), axis=pl.lit(axis)
        )
        .select(
            "img",
            "obj_a",
            "obj_b",
            "obj_c",
            "label_a",
            "label_b",
            "label_c",
            "place",
            first_reason(
                ambiguous_label=pl.any_horizontal("ambiguous_a", "ambiguous_b", "ambiguous_c"),
                margin=pl.col("lead") < MARGIN * pl.col("side"),
            ),
        )
    )


def finish(graphs: Graphs, kept: pl.DataFrame, rules: Rules) -> Draft:
    """The options are the three labels."""
    labels = pl.concat_list("label_a", "label_b", "label_c")
    rows = kept.with_columns(
        truth=labels.list.get(pl.col("place")), labels=labels, objs=pl.concat_list("obj_a", "obj_b", "obj_c")
    ).with_columns(answer="truth")
    pool = rows.select("row", "truth", option="labels", weight=pl.lit(1)).explode("option")
    return Draft(rows, pool.filter(pl.col("option") != pl.col("truth")).drop("truth"))


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
            version="1",
            key=("obj_a", "obj_b", "obj_c"),
            slots=("candidates",),
            mentions=Mentions(objects=("label_a", "label_b", "label_c")),
            candidates=partial(candidates, axis=_axis, first=_first),
            finish=finish,
        )
    )
