"""ExistsObject: how many objects of a label there are."""

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ragged, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.options import count_options
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.registry import Candidates, Draft, Generator, Mentions, Rules, register


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per countable label of an image; `row` is its place in `Graphs.labels`."""
    labels = graphs.labels
    row = np.flatnonzero(labels.countable)
    unclear = {reason: broken[row] for reason, broken in labels.unclear.items()} if rules == "strict" else {}
    return Candidates(table(img=labels.img[row], label=labels.label[row], row=row, n=labels.n[row]), unclear)


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The label and its count."""
    return Mentions(labels=Ragged.columns(ints(rows["label"])), counts=Ragged.columns(ints(rows["n"])))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Ask in the plural always, so that the wording does not give the count away (T3)."""
    counted = count_options(rows["h"].to_numpy(), ints(rows["n"]))
    first = graphs.labels.first[ints(rows["row"])]
    return Draft(
        slots={"plural": graphs.words.labels.words["plural"].gather(rows["label"])},
        answer=counted.answer,
        objects=Ragged.slices(graphs.by_label, first=first, size=ints(rows["n"])),
        choice=counted.choice,
    )


register(
    Generator(
        name="ExistsObject",
        family="qa_object",
        version="2",
        key={"label": "label"},
        slots=("plural",),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
    )
)
