"""HasObject and HasNotObject: which image shows something of a label, or nothing of it."""

from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints
from provision_dagster.generators.graphs import Graphs, searched
from provision_dagster.generators.programs.multi_image.absence import absent, images_without, provable
from provision_dagster.generators.programs.multi_image.drawing import Check, Concepts, Drawing, draw_questions
from provision_dagster.generators.programs.multi_image.label_pools import LabelRows, label_rows
from provision_dagster.generators.programs.multi_image.questions import (
    arranged,
    image_choice,
    label_evidence,
    member_columns,
    right_column,
)
from provision_dagster.generators.programs.multi_image.spaces import Split
from provision_dagster.generators.registry import Draft, Drawn, Mentions, MultiGenerator, Rules, register


def askable_rows(graphs: Graphs, rules: Rules) -> LabelRows:
    """Labels of images that may be looked for: strict rules take those whose absence can be told somewhere."""

    def keep() -> Bools:
        labels = graphs.labels
        if rules == "paper":
            return np.ones(len(labels.img), dtype=bool)
        return labels.usable & (provable(graphs.words)[labels.label] | _searched_anywhere(graphs)[labels.label])

    return graphs.once(("askable_rows", rules), lambda: label_rows(graphs, keep()))


def _searched_anywhere(graphs: Graphs) -> Bools:
    codes = np.arange(graphs.words.labels.words.height)
    lists = graphs.images["exhaustive_labels"].fill_null([])
    _, example = np.unique(lists.hash().to_numpy(), return_index=True)
    found = np.zeros(len(codes), dtype=bool)
    for img in example.tolist():
        found |= searched(graphs, np.full(len(codes), img), codes)
    return found


def absence_check(graphs: Graphs, label: Ints, inside: Ints, rules: Rules) -> Check:
    """Try members after the first `inside` ones: their images must lack the label (by concept)."""

    def check(concept: Ints, members: Ints) -> Bools:
        outside = np.arange(members.shape[1]) >= inside[concept][:, None]
        row = np.nonzero(outside)[0]
        gone = absent(graphs, members[outside], label[concept][row], rules)
        bad = np.bincount(row[~gone], minlength=len(concept))
        return np.asarray(bad == 0)

    return check


def draw_present(
    graphs: Graphs, found: LabelRows, inside: Ints, n: int, wanted: int, start: int, rules: Rules
) -> Drawing:
    """Draw `inside[i]` images that show label i and images that lack it for the rest.

    Members are rows of `Graphs.labels` first, images after these.
    """
    lacking, doubtful = images_without(graphs, found.label, rules)
    luck = graphs.images["image_hash"].to_numpy()
    pools = found.pool.cut(n, luck[graphs.labels.img]), lacking.cut(n, luck)
    space = Split(n, (inside, n - inside), pools)
    return draw_questions(
        space,
        Concepts(found.hashes, found.cubes),
        wanted=wanted,
        start=start,
        check=absence_check(graphs, found.label, inside, rules) if doubtful else None,
    )


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules, *, lacking: bool) -> Drawn:
    """Draw one image with the label and others without it; `lacking`: one without it and others with it."""
    found = askable_rows(graphs, rules)
    count = n - 1 if lacking else 1
    drawing = draw_present(graphs, found, np.full(len(found.label), count), n, wanted, start, rules)
    images = drawing.members.copy()
    images[:, :count] = graphs.labels.img[images[:, :count]]
    rows = drawing.members.copy()
    rows[:, count:] = -1
    return arranged(
        graphs,
        drawing,
        images,
        single={"label": found.label[drawing.concept]},
        each={"row": rows, "right": right_column(rows, n - 1 if lacking else 0)},
    )


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules) -> Draft:
    """Name the image; the objects of the label prove it."""
    label = drawn.rows["label"]
    answer, choice = image_choice(member_columns(drawn, "right").argmax(axis=1), n=drawn.images.shape[1])
    bare = graphs.words.labels.text.gather(label)
    return Draft(
        slots={"thing": with_article(graphs, ints(label)), "bare": bare},
        answer=answer,
        objects=label_evidence(graphs, member_columns(drawn, "row")),
        choice=choice,
        mentions=Mentions(labels=Ragged.columns(ints(label))),
    )


def with_article(graphs: Graphs, label: Ints) -> pl.Series:
    """ "a dog", "an umbrella", "shoes", "water"."""
    article = pl.when(pl.col("singular_article") == "").then("label")
    text = article.otherwise(pl.concat_str("singular_article", pl.lit(" "), "label"))
    return graphs.words.labels.words.select(text).to_series().gather(label)


for _name, _lacking in (("HasObject", False), ("HasNotObject", True)):
    register(
        MultiGenerator(
            name=_name,
            family="qa_multi_select",
            version="3",
            key={"label": "label"},
            slots=("thing", "bare"),
            draw=partial(draw, lacking=_lacking),
            finish=finish,
        )
    )
