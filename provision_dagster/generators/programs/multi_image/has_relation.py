"""HasRelation and HasNotRelation: in which image one thing stands in a relation to another, or does not."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Ints, Ragged, ints, packed, runs, spans
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64
from provision_dagster.generators.programs.multi_image.clauses import clause
from provision_dagster.generators.programs.multi_image.drawing import Concepts, draw_questions
from provision_dagster.generators.programs.multi_image.questions import (
    arranged,
    concept_hash,
    image_choice,
    member_columns,
    object_evidence,
    right_column,
)
from provision_dagster.generators.programs.multi_image.relation_facts import certainly_unrelated, linked
from provision_dagster.generators.programs.multi_image.spaces import Floats, Pool, Split
from provision_dagster.generators.registry import Draft, Drawn, Mentions, MultiGenerator, Rules, register


@dataclass(frozen=True)
class Relations:
    """Relations (label, predicate, label) that may be asked about.

    `holding`: rows of `Linked` that say so. `denying`: rows of the two labels of which it certainly does not hold.
    """

    subject: Ints
    predicate: Ints
    object: Ints
    holding: Pool
    denying: Pool
    hashes: U64
    cubes: Floats


def relations(graphs: Graphs, rules: Rules) -> Relations:
    """Collect relations, once per shard."""
    return graphs.once(("relations", rules), lambda: _relations(graphs, rules))


def _relations(graphs: Graphs, rules: Rules) -> Relations:
    words, found = graphs.words, linked(graphs, rules)
    row, plain, literal = found.said.rows, found.said.values, found.literal.values
    fit = words.predicates.flag("usable")[literal] | (rules == "paper")
    row, plain, literal = row[fit], plain[fit], literal[fit]
    labels = packed(found.subject_label, found.object_label)
    order = np.lexsort((row, plain, labels[row]))
    row, plain, literal = row[order], plain[order], literal[order]
    first, size = runs(labels[row], plain)
    predicate = np.minimum.reduceat(literal, first) if len(first) else literal
    one, two = found.subject_label[row[first]], found.object_label[row[first]]
    counts = (words.labels.counts[one], words.labels.counts[two], words.predicates.counts[predicate])
    return Relations(
        one,
        predicate,
        two,
        holding=Pool(row, first, size),
        denying=_denying(graphs, _of_labels(labels[row[first]], labels), predicate, rules),
        hashes=concept_hash(words.labels.hashes[one], words.predicates.hashes[predicate], words.labels.hashes[two]),
        cubes=sum((c**3 for c in counts), np.zeros(len(one))) / 3,
    )


def _of_labels(wanted: Ints, labels: Ints) -> Pool:
    """All rows of the two labels of each relation."""
    order = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[order], wanted, side="left")
    return Pool(order, first, np.searchsorted(labels[order], wanted, side="right") - first)


LINES = 1_000_000
"""Pairs of a relation and a row that are looked at together: some hundred MB."""


def _denying(graphs: Graphs, rows: Pool, predicate: Ints, rules: Rules) -> Pool:
    """Keep the rows of which each relation certainly does not hold."""
    ends = np.cumsum(rows.size)
    cuts = np.searchsorted(ends, np.arange(LINES, int(ends[-1]) if len(ends) else 0, LINES))
    kept: list[tuple[Ints, Ints]] = []
    for concepts in np.split(np.arange(len(rows.size)), np.unique(cuts)):
        concept = np.repeat(concepts, rows.size[concepts])
        row = rows.rows[spans(rows.first[concepts], rows.size[concepts])]
        sure = certainly_unrelated(graphs, row, predicate[concept], rules)
        kept.append((row[sure], concept[sure]))
    return Pool.of(*(np.concatenate(column) for column in zip(*kept, strict=True)), concepts=len(rows.size))


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules, *, lacking: bool) -> Drawn:
    """Draw images that all relate the two things; in one of them so, or (`lacking`) in all but one."""
    found, pairs, count = relations(graphs, rules), linked(graphs, rules), n - 1 if lacking else 1
    image_hash = graphs.images["image_hash"].to_numpy()
    inside = np.full(len(found.subject), count)
    pools = tuple(pool.cut(n, image_hash[pairs.img]) for pool in (found.holding, found.denying))
    drawing = draw_questions(
        Split(n, (inside, n - inside), pools),
        Concepts(found.hashes, found.cubes),
        wanted=wanted,
        start=start,
    )
    rows, concept = drawing.members, drawing.concept
    return arranged(
        graphs,
        drawing,
        pairs.img[rows],
        single={
            "subject": found.subject[concept],
            "predicate": found.predicate[concept],
            "object": found.object[concept],
        },
        each={"row": rows, "right": right_column(rows, n - 1 if lacking else 0)},
    )


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules, *, lacking: bool) -> Draft:
    """Name the image; the two things of every image prove it."""
    pairs, rows = linked(graphs, rules), member_columns(drawn, "row")
    asked = tuple(ints(drawn.rows[name]) for name in ("subject", "predicate", "object"))
    answer, choice = image_choice(member_columns(drawn, "right").argmax(axis=1), n=rows.shape[1])
    definite = rules == "strict"
    slots = {"clause": clause(graphs, *asked, definite=definite)}
    if lacking:
        slots["negative_clause"] = clause(graphs, *asked, definite=definite, denied=True)
    objects = np.stack([pairs.subject[rows], pairs.object[rows]], axis=2).reshape(len(rows), -1)
    return Draft(
        slots=slots,
        answer=answer,
        objects=object_evidence(objects),
        choice=choice,
        mentions=Mentions(labels=Ragged.columns(asked[0], asked[2]), predicates=Ragged.columns(asked[1])),
    )


for _name, _lacking in (("HasRelation", False), ("HasNotRelation", True)):
    register(
        MultiGenerator(
            name=_name,
            family="qa_multi_select",
            version="1",
            key={"subject": "label", "predicate": "predicate", "object": "label"},
            slots=("clause", "negative_clause") if _lacking else ("clause",),
            draw=partial(draw, lacking=_lacking),
            finish=partial(finish, lacking=_lacking),
        )
    )
