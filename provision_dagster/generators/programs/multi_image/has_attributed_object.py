"""HasAttributedObject and HasNotAttributedObject: in which image things of a label have an attribute, or none has."""

from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.phrases import adjectives, around
from provision_dagster.generators.programs.multi_image.attribute_facts import (
    Bearers,
    bearers,
    certainly_lacking,
)
from provision_dagster.generators.programs.multi_image.drawing import (
    Check,
    Concepts,
    all_different,
    draw_questions,
    members_identity,
)
from provision_dagster.generators.programs.multi_image.questions import (
    arranged,
    image_choice,
    label_evidence,
    member_columns,
    right_column,
)
from provision_dagster.generators.programs.multi_image.spaces import Split
from provision_dagster.generators.registry import Draft, Drawn, Mentions, MultiGenerator, Rules, register
from provision_dagster.lexicon.grammar import indefinite_article


def _check(graphs: Graphs, found: Bearers, count: int, rules: Rules) -> Check:
    """Things of all images but the first `count` must certainly lack the attribute."""

    def check(concept: Ints, members: Ints) -> Bools:
        rows = members[:, count:]
        attribute = np.repeat(found.attribute[concept], rows.shape[1])
        lacking = certainly_lacking(graphs, rows.reshape(-1), attribute, rules)
        return lacking.reshape(rows.shape).all(axis=1) & all_different(members)

    return check


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules, *, lacking: bool) -> Drawn:
    """Draw images that all show the label: one has it with the attribute, or (`lacking`) all but one."""
    found, count = bearers(graphs, rules), n - 1 if lacking else 1
    luck = graphs.images["image_hash"].to_numpy()
    pools = tuple(pool.cut(n, luck[graphs.labels.img]) for pool in (found.having, found.lacking))
    inside = np.full(len(found.label), count)
    drawing = draw_questions(
        Split(n, (inside, n - inside), pools),
        Concepts(found.hashes, found.cubes),
        wanted=wanted,
        start=start,
        check=_check(graphs, found, count, rules),
        identity=members_identity(found.hashes, luck[graphs.labels.img]),
    )
    rows = drawing.members
    return arranged(
        graphs,
        drawing,
        graphs.labels.img[rows],
        single={"label": found.label[drawing.concept], "attribute": found.attribute[drawing.concept]},
        each={"row": rows, "right": right_column(rows, n - 1 if lacking else 0)},
    )


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules) -> Draft:
    """Name the image; all objects of the label prove it."""
    label, attribute = ints(drawn.rows["label"]), ints(drawn.rows["attribute"])
    answer, choice = image_choice(member_columns(drawn, "right").argmax(axis=1), n=drawn.images.shape[1])
    thing, bare = attributed(graphs, label, attribute)
    return Draft(
        slots={"thing": thing, "bare": bare},
        answer=answer,
        objects=label_evidence(graphs, member_columns(drawn, "row")),
        choice=choice,
        mentions=Mentions(labels=Ragged.columns(label), attributes=Ragged.columns(attribute)),
    )


def attributed(graphs: Graphs, label: Ints, attribute: Ints) -> tuple[pl.Series, pl.Series]:
    """ "a red car", "an open umbrella", "wooden chairs", "a dog that is sitting"; and the same without article."""
    words, table = graphs.words, graphs.words.labels
    described = adjectives(Ragged.columns(attribute), words)
    plural = pl.Series(table.flag("is_plural")[label])
    behind = pl.DataFrame({"p": plural, "a": described.behind, "b": described.behind_is}).select(
        pl.when("p").then("a").otherwise("b")
    )
    bare = around(table.text.gather(label), before=described.before, behind=behind.to_series())
    counted = table.words["singular_article"].gather(label) != ""
    phrase = pl.DataFrame({"bare": bare, "counted": counted}).select(
        pl.when("counted").then(indefinite_article(pl.col("bare")) + " " + pl.col("bare")).otherwise("bare")
    )
    return phrase.to_series(), bare


for _name, _lacking in (("HasAttributedObject", False), ("HasNotAttributedObject", True)):
    register(
        MultiGenerator(
            name=_name,
            family="qa_multi_select",
            version="2",
            key={"label": "label", "attribute": "attribute"},
            slots=("thing", "bare"),
            draw=partial(draw, lacking=_lacking),
            finish=finish,
        )
    )
