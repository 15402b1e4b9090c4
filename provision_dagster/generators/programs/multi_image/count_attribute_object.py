"""CountAttributeObject: how many things of a label have an attribute, in all images together."""

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints, offsets_of
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import mix
from provision_dagster.generators.options import count_options
from provision_dagster.generators.phrases import adjectives, around
from provision_dagster.generators.programs.multi_image.attribute_facts import (
    Bearers,
    bearers,
    certainly_lacking,
    objects_told,
)
from provision_dagster.generators.programs.multi_image.drawing import (
    Check,
    Concepts,
    all_different,
    draw_questions,
    members_identity,
)
from provision_dagster.generators.programs.multi_image.questions import arranged, images_text, member_columns
from provision_dagster.generators.programs.multi_image.spaces import Split
from provision_dagster.generators.registry import Draft, Drawn, Mentions, MultiGenerator, Rules, register

LEAST = 2
"""A total of one would need no adding up."""


def _space(graphs: Graphs, found: Bearers, n: int) -> Split:
    """Every pair once for each number of images with several, one or more, and no such things.

    The total is at least 2, and larger totals, which few images give, are not lost among the many small ones.
    """
    luck = graphs.images["image_hash"].to_numpy()[graphs.labels.img]
    made = [(s, h, n - s - h) for s in range(n + 1) for h in range(n + 1 - s) if 2 * s + h >= LEAST]
    counts = tuple(np.repeat(column, len(found.label)) for column in np.array(made, dtype=np.int64).T)
    pools = (found.several, found.having, found.lacking)
    return Split(n, counts, tuple(pool.cut(n, luck).repeated(len(made)) for pool in pools))


def _check(graphs: Graphs, found: Bearers, space: Split, rules: Rules) -> Check:
    """In images of the last part every object must certainly lack the attribute."""

    def check(concept: Ints, members: Ints) -> Bools:
        inside = space.n - space.counts[-1][concept]
        row, column = np.nonzero(np.arange(space.n) >= inside[:, None])
        attribute = found.attribute[concept % len(found.label)][row]
        lacking = certainly_lacking(graphs, members[row, column], attribute, rules)
        return np.asarray(all_different(members) & (np.bincount(row[~lacking], minlength=len(members)) == 0))

    return check


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules) -> Drawn:
    """Draw images that all show things of the label; in some of them they have the attribute."""
    found = bearers(graphs, rules, counted=True)
    space = _space(graphs, found, n)
    pair_hash = np.resize(found.hashes, len(space.sizes))
    drawing = draw_questions(
        space,
        Concepts(
            mix(mix(pair_hash, space.counts[0].astype(np.uint64)), space.counts[1].astype(np.uint64)),
            np.resize(found.cubes, len(space.sizes)),
        ),
        wanted=wanted,
        start=start,
        check=_check(graphs, found, space, rules),
        identity=members_identity(pair_hash, graphs.images["image_hash"].to_numpy()[graphs.labels.img]),
    )
    pair = drawing.concept % max(len(found.label), 1)
    return arranged(
        graphs,
        drawing,
        graphs.labels.img[drawing.members],
        single={"label": found.label[pair], "attribute": found.attribute[pair]},
        each={"row": drawing.members},
    )


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules) -> Draft:
    """Add up the objects that have it."""
    label, attribute = ints(drawn.rows["label"]), ints(drawn.rows["attribute"])
    rows = member_columns(drawn, "row")
    n, m = rows.shape[1], len(label)
    objects, truth = objects_told(graphs, rows.reshape(-1), np.repeat(attribute, n), rules)
    total = np.bincount(objects.rows[truth.has] // n, minlength=m)
    counted = count_options(h, total, least=LEAST)
    described = adjectives(Ragged.columns(attribute), graphs.words)
    plural = graphs.words.labels.words["plural"].gather(label)
    return Draft(
        slots={
            "attributed_plural": around(plural, before=described.before, behind=described.behind),
            "images": images_text(n, m),
        },
        answer=counted.answer,
        objects=Ragged(objects.values[truth.has], offsets_of(total)),
        choice=counted.choice,
        mentions=Mentions(
            labels=Ragged.columns(label), attributes=Ragged.columns(attribute), counts=Ragged.columns(total)
        ),
    )


register(
    MultiGenerator(
        name="CountAttributeObject",
        family="qa_multi_aggregate",
        version="2",
        key={"label": "label", "attribute": "attribute"},
        slots=("attributed_plural", "images"),
        draw=draw,
        finish=finish,
    )
)
