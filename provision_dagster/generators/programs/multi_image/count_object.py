"""CountObject: how many things of a label there are in all images together."""

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import mix
from provision_dagster.generators.options import count_options
from provision_dagster.generators.programs.multi_image.has_object import draw_present
from provision_dagster.generators.programs.multi_image.label_pools import LabelRows, label_rows, provable_counts
from provision_dagster.generators.programs.multi_image.questions import (
    arranged,
    images_text,
    label_evidence,
    member_columns,
)
from provision_dagster.generators.registry import Draft, Drawn, Mentions, MultiGenerator, Rules, register


def countable_rows(graphs: Graphs, rules: Rules) -> LabelRows:
    """Labels and images where a count can be proven; paper rules: countable labels."""

    def keep() -> Bools:
        return graphs.labels.countable if rules == "paper" else provable_counts(graphs)

    return graphs.once(("countable_rows", rules), lambda: label_rows(graphs, keep()))


def repeated(found: LabelRows, times: int) -> LabelRows:
    """Take every label several times, in order, as concepts of different hashes."""
    each = np.repeat(np.arange(len(found.label)), times)
    number = np.tile(np.arange(times, dtype=np.uint64), len(found.label))
    return LabelRows(found.label[each], found.pool.at(each), mix(found.hashes[each], number), found.cubes[each])


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules) -> Drawn:
    """Draw 1 .. n images with the label, and images that certainly lack it for the rest."""
    found = repeated(countable_rows(graphs, rules), n)
    inside = np.tile(np.arange(1, n + 1), len(found.label) // n)
    drawing = draw_present(graphs, found, inside, n, wanted, start, rules)
    outside = np.arange(n) >= inside[drawing.concept][:, None]
    images = np.where(outside, drawing.members, graphs.labels.img[np.where(outside, 0, drawing.members)])
    return arranged(
        graphs,
        drawing,
        images,
        single={"label": found.label[drawing.concept]},
        each={"row": np.where(outside, -1, drawing.members)},
    )


def counts_of(graphs: Graphs, rows: Ints) -> Ints:
    """Objects of rows of `Graphs.labels`; 0 for -1."""
    return np.where(rows >= 0, graphs.labels.n[rows], 0)


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules) -> Draft:
    """Add up."""
    rows = member_columns(drawn, "row")
    total = counts_of(graphs, rows).sum(axis=1)
    counted = count_options(h, total)
    return Draft(
        slots={
            "plural": graphs.words.labels.words["plural"].gather(drawn.rows["label"]),
            "images": images_text(drawn.images.shape[1], len(total)),
        },
        answer=counted.answer,
        objects=label_evidence(graphs, rows),
        choice=counted.choice,
        mentions=Mentions(labels=Ragged.columns(ints(drawn.rows["label"])), counts=Ragged.columns(total)),
    )


register(
    MultiGenerator(
        name="CountObject",
        family="qa_multi_aggregate",
        version="2",
        key={"label": "label"},
        slots=("plural", "images"),
        draw=draw,
        finish=finish,
    )
)
