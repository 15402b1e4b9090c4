"""CompareRelation: how the relation between two things differs from image to image."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints, packed, runs
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.programs.multi_image.clauses import verb
from provision_dagster.generators.programs.multi_image.cliques import Exclusive, ValueClasses, exclusive_sets
from provision_dagster.generators.programs.multi_image.drawing import Check, Concepts, draw_questions
from provision_dagster.generators.programs.multi_image.questions import (
    arranged,
    concept_hash,
    images_text,
    member_columns,
    object_evidence,
)
from provision_dagster.generators.programs.multi_image.relation_facts import (
    certainly_unrelated,
    linked,
    plain_predicate,
)
from provision_dagster.generators.programs.multi_image.spaces import Floats, Pool
from provision_dagster.generators.programs.multi_image.statements import all_rows, ordered_pairs, statement_choice
from provision_dagster.generators.registry import Draft, Drawn, Mentions, MultiGenerator, Rules, register


@dataclass(frozen=True)
class Compared:
    """Pairs of labels, and the rows of `Linked` of each that say one thing, sorted by predicate."""

    subject: Ints
    object: Ints
    pool: Pool
    hashes: U64
    cubes: Floats


def compared(graphs: Graphs, rules: Rules) -> Compared:
    """Collect pairs of labels, once per shard."""
    return graphs.once(("compared_relations", rules), lambda: _compared(graphs, rules))


def _compared(graphs: Graphs, rules: Rules) -> Compared:
    words, found = graphs.words, linked(graphs, rules)
    literal = one_said(graphs, rules)
    row = np.flatnonzero(literal >= 0)
    labels = packed(found.subject_label, found.object_label)
    row = row[np.lexsort((row, found.said.values[found.said.offsets[row]], labels[row]))]
    first, size = runs(labels[row])
    one, two = found.subject_label[row[first]], found.object_label[row[first]]
    return Compared(
        one,
        two,
        Pool(row, first, size),
        concept_hash(words.labels.hashes[one], words.labels.hashes[two]),
        (words.labels.counts[one] ** 3 + words.labels.counts[two] ** 3) / 2,
    )


def one_said(graphs: Graphs, rules: Rules) -> Ints:
    """Predicate of each row of `Linked` of which one thing is said, -1 for the others."""
    found = linked(graphs, rules)
    literal = found.literal.values[found.literal.offsets[:-1]]
    single = found.said.sizes == 1
    # the two things must be one each ("the man"), under paper rules too
    labels = graphs.labels
    keys = packed(labels.img, labels.label)
    for label in (found.subject_label, found.object_label):
        single &= labels.n[np.searchsorted(keys, packed(found.img, label))] == 1
    return np.where(single & graphs.words.predicates.flag("usable")[literal], literal, -1)


def _check(graphs: Graphs, rules: Rules) -> Check:
    """What is said of one image must certainly not hold in any other."""
    literal = one_said(graphs, rules)

    def check(concept: Ints, members: Ints) -> Bools:
        here, other = ordered_pairs(members.shape[1])
        unlike = certainly_unrelated(
            graphs, members[:, here].reshape(-1), literal[members[:, other]].reshape(-1), rules
        )
        return all_rows(unlike, len(members))

    return check


def _may_exclude(graphs: Graphs, rules: Rules) -> Exclusive:
    """Whether of two canonical predicates one may be known to fail where the other holds."""
    words, literal = graphs.words, plain_predicate(graphs.words)
    contact = words.predicates.flag("requires_contact")
    complete = rules == "paper" or bool(graphs.images["exhaustive_relations"].any())

    def exclusive(one: Ints, two: Ints) -> Bools:
        a, b = literal[one], literal[two]
        near = words.compatible.has(a, b) & (rules == "strict")
        return ~near & (words.maybe_exclusive.has(a, b) | (contact[a] & contact[b]) | complete)

    return exclusive


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules) -> Drawn:
    """Draw images in which two things are related, everywhere in another way."""
    found, pairs = compared(graphs, rules), linked(graphs, rules)
    pool = found.pool.cut(n, graphs.images["image_hash"].to_numpy()[pairs.img])
    concept = np.repeat(np.arange(len(pool.size)), pool.size)
    said = pairs.said.values[pairs.said.offsets[pool.rows]]
    order = np.lexsort((pool.rows, said, concept))
    hashes = graphs.words.predicates.hashes[plain_predicate(graphs.words)[said[order]]]
    classes = ValueClasses.of(pool.rows[order], concept[order], said[order], hashes=hashes)
    sets = exclusive_sets(classes, n, start=start, exclusive=_may_exclude(graphs, rules))
    drawing = draw_questions(
        sets.space,
        Concepts(mix(found.hashes[sets.concept], sets.hashes), found.cubes[sets.concept] * sets.crowd**3),
        wanted=wanted,
        start=start,
        check=_check(graphs, rules),
    )
    concept = sets.concept[drawing.concept]
    return arranged(
        graphs,
        drawing if sets.whole else replace(drawing, available=None),
        pairs.img[drawing.members],
        single={"subject": found.subject[concept], "object": found.object[concept]},
        each={"row": drawing.members},
    )


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules) -> Draft:
    """State the relation of each image."""
    pairs, rows, table = linked(graphs, rules), member_columns(drawn, "row"), graphs.words.labels
    subject, object_ = ints(drawn.rows["subject"]), ints(drawn.rows["object"])
    literal, plural = one_said(graphs, rules)[rows], table.flag("is_plural")[subject]
    thing = (" the " + table.text).gather(object_)
    said = [verb(graphs.words, column, plural) + thing for column in literal.T]
    answer, choice = statement_choice(h, ("The " + table.text).gather(subject), said)
    return Draft(
        slots={
            "subject_label": table.text.gather(subject),
            "object_label": table.text.gather(object_),
            "images": images_text(rows.shape[1], len(rows)),
        },
        answer=answer,
        objects=object_evidence(np.stack([pairs.subject[rows], pairs.object[rows]], axis=2).reshape(len(rows), -1)),
        choice=choice,
        mentions=Mentions(labels=Ragged.columns(subject, object_), predicates=Ragged.columns(*literal.T)),
    )


register(
    MultiGenerator(
        name="CompareRelation",
        family="qa_multi_compare",
        version="1",
        key={"subject": "label", "object": "label"},
        slots=("subject_label", "object_label", "images"),
        draw=draw,
        finish=finish,
    )
)
