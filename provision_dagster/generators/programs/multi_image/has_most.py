"""HasMost and HasLeast: which image shows the most or the fewest things of a label."""

from functools import partial

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Ints, Ragged, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.multi_image.count_object import countable_rows
from provision_dagster.generators.programs.multi_image.drawing import Concepts, draw_questions
from provision_dagster.generators.programs.multi_image.questions import (
    arranged,
    image_choice,
    label_evidence,
    member_columns,
)
from provision_dagster.generators.programs.multi_image.spaces import Classes, Pool
from provision_dagster.generators.registry import Draft, Drawn, Mentions, MultiGenerator, Rules, register


def _classes(graphs: Graphs, n: int, rules: Rules) -> Classes:
    """Images of each label by count."""
    found = countable_rows(graphs, rules)
    image_hash = graphs.images["image_hash"].to_numpy()
    pool: Pool = found.pool.cut(n, image_hash[graphs.labels.img])
    concept = np.repeat(np.arange(len(found.label)), pool.size)
    count: Ints = graphs.labels.n[pool.rows]
    order = np.lexsort((count, concept))
    return Classes.of(pool.rows[order], concept[order], count[order], concepts=len(found.label), n=n)


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules) -> Drawn:
    """Draw images that all show the label, all with different counts."""
    found = countable_rows(graphs, rules)
    drawing = draw_questions(
        _classes(graphs, n, rules), Concepts(found.hashes, found.cubes), wanted=wanted, start=start
    )
    return arranged(
        graphs,
        drawing,
        graphs.labels.img[drawing.members],
        single={"label": found.label[drawing.concept]},
        each={"row": drawing.members},
    )


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules, *, most: bool) -> Draft:
    """Name the image of the extreme count."""
    rows = member_columns(drawn, "row")
    counts = graphs.labels.n[rows]
    answer, choice = image_choice((counts if most else -counts).argmax(axis=1), n=drawn.images.shape[1])
    return Draft(
        slots={"plural": graphs.words.labels.words["plural"].gather(drawn.rows["label"])},
        answer=answer,
        objects=label_evidence(graphs, rows),
        choice=choice,
        mentions=Mentions(labels=Ragged.columns(ints(drawn.rows["label"])), counts=Ragged.columns(*counts.T)),
    )


for _name, _most in (("HasMost", True), ("HasLeast", False)):
    register(
        MultiGenerator(
            name=_name,
            family="qa_multi_select",
            version="1",
            key={"label": "label"},
            slots=("plural",),
            draw=draw,
            finish=partial(finish, most=_most),
        )
    )
