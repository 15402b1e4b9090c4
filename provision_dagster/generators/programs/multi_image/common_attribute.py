"""CommonAttribute: what the things of a label have in common, one in each image."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import (
    Bools,
    Ints,
    Ragged,
    distinct,
    ints,
    member,
    offsets_of,
    packed,
    runs,
)
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64
from provision_dagster.generators.language import join_lists
from provision_dagster.generators.options import Source, draw_false
from provision_dagster.generators.programs.attribute_options import false_values, pick
from provision_dagster.generators.programs.multi_image.attribute_facts import canonical, held_by, sayable, told
from provision_dagster.generators.programs.multi_image.drawing import (
    Check,
    Concepts,
    draw_questions,
    members_identity,
)
from provision_dagster.generators.programs.multi_image.questions import (
    arranged,
    concept_hash,
    images_text,
    member_columns,
    object_evidence,
    unlike,
)
from provision_dagster.generators.programs.multi_image.spaces import Floats, Pool, Split
from provision_dagster.generators.registry import Choice, Draft, Drawn, Mentions, MultiGenerator, Rules, register


@dataclass(frozen=True)
class Shared:
    """Labels with an attribute, and the things that have it, each the only one of its label in its image."""

    label: Ints
    pool: Pool
    hashes: U64
    cubes: Floats


def shared(graphs: Graphs, rules: Rules) -> Shared:
    """Collect labels with attributes, once per shard."""
    return graphs.once(("shared_attributes", rules), lambda: _shared(graphs, rules))


def _shared(graphs: Graphs, rules: Rules) -> Shared:
    words = graphs.words
    obj, value = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    single = graphs.nameable if rules == "strict" else (graphs.labels.n == 1)[graphs.label_row]
    fit = single[obj] & (words.category[value] >= 0)
    obj, value = obj[fit], value[fit]
    order = np.lexsort((value, obj, canonical(words)[value], graphs.label[obj]))
    obj, value = obj[order], value[order]
    # of synonyms ("metal", "metallic") a thing has one
    once, _ = runs(graphs.label[obj], canonical(words)[value], obj)
    obj, value = obj[once], value[once]
    first, size = runs(graphs.label[obj], canonical(words)[value])
    label, value = graphs.label[obj[first]], value[first]
    if rules == "strict":
        fit = sayable(words)[value] & unlike((words.labels.text, words.attributes.text), label, value)
        label, value, first, size = label[fit], value[fit], first[fit], size[fit]
    return Shared(
        label,
        Pool(obj, first, size),
        concept_hash(words.labels.hashes[label], words.attributes.hashes[value]),
        (words.labels.counts[label] ** 3 + words.attributes.counts[value] ** 3) / 2,
    )


def common(graphs: Graphs, things: Ints, rules: Rules) -> Ragged:
    """Attributes that all things of each row (m, n) have, as the first one has them; of synonyms one."""
    plain = canonical(graphs.words)
    keys = graphs.once("canonical_keys", lambda: _keys(graphs))
    held = held_by(graphs, things[:, 0])
    row, value = held.rows, held.values
    if rules == "paper":
        typed = graphs.words.category[value] >= 0
        row, value = row[typed], value[typed]
    order = np.lexsort((value, plain[value], row))
    row, value = row[order], value[order]
    first, _ = runs(row, plain[value])
    row, value = row[first], value[first]
    for column in things.T[1:]:
        there = member(packed(column[row], plain[value]), keys)
        row, value = row[there], value[there]
    order = np.lexsort((value, row))
    return Ragged(value[order], offsets_of(np.bincount(row, minlength=len(things))))


def _keys(graphs: Graphs) -> Ints:
    plain = canonical(graphs.words)[ints(graphs.attributes["attribute"])]
    return distinct(packed(ints(graphs.attributes["obj"]), plain))


def _check(graphs: Graphs, rules: Rules) -> Check:
    """Everything that is common must be sayable, none be a word of the label (T3), and no two contradict."""
    fit = sayable(graphs.words)

    def check(concept: Ints, members: Ints) -> Bools:
        lists = common(graphs, members, rules)
        label, value = graphs.label[members[:, 0]][lists.rows], lists.values
        pairs, place = np.unique(packed(label, value), return_inverse=True)
        texts = graphs.words.labels.text, graphs.words.attributes.text
        plain = unlike(texts, pairs >> 32, pairs & 0xFFFFFFFF)[place]
        bad = np.bincount(lists.rows[~(fit[value] & plain)], minlength=len(members))
        return np.asarray(bad == 0)

    return check


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules) -> Drawn:
    """Draw images that show one thing of the label each, all with one attribute at least in common."""
    found = shared(graphs, rules)
    image_hash = graphs.images["image_hash"].to_numpy()[graphs.img]
    drawing = draw_questions(
        Split(n, (np.full(len(found.label), n),), (found.pool.cut(n, image_hash),)),
        Concepts(found.hashes, found.cubes),
        wanted=wanted,
        start=start,
        check=_check(graphs, rules) if rules == "strict" else None,
        # the same things may be drawn for another of their common attributes: that is the same question
        identity=members_identity(graphs.words.labels.hashes[found.label], image_hash),
    )
    return arranged(
        graphs,
        drawing,
        graphs.img[drawing.members],
        single={"label": found.label[drawing.concept]},
        each={"thing": drawing.members},
    )


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules) -> Draft:
    """Name all common attributes; offer one of them beside values that are not common."""
    things, words = member_columns(drawn, "thing"), graphs.words
    lists, label = common(graphs, things, rules), ints(drawn.rows["label"])
    return Draft(
        slots={
            "label": words.labels.text.gather(label),
            "images": images_text(things.shape[1], len(things)),
        },
        answer=join_lists(lists, words.attributes.text),
        objects=object_evidence(things),
        choice=_choice(graphs, h, things, lists, rules),
        mentions=Mentions(labels=Ragged.columns(label), attributes=lists),
    )


def _choice(graphs: Graphs, h: U64, things: Ints, lists: Ragged, rules: Rules) -> Choice:
    """False options contradict the true one and each other, and are certainly lacking in some image at least."""
    words, values = graphs.words, graphs.words.attributes
    table = words.once("false_values", lambda: false_values(words))
    truth = pick(h, lists, hashes=values.hashes, fit=table.options.sizes > 0)

    def blocked(row: Ints, at: Ints) -> Bools:
        n = things.shape[1]
        lacks = told(graphs, things[row].reshape(-1), np.repeat(table.options.values[at], n), rules).lacks
        return np.asarray(~lacks.reshape(len(row), n).any(axis=1))

    source = Source(table, np.arange(values.words.height), values.hashes, words.contradictions)
    false = draw_false(h, truth, source=source, blocked=blocked)
    return Choice(values.text, np.concatenate([truth[:, None], false], axis=1))


register(
    MultiGenerator(
        name="CommonAttribute",
        family="qa_multi_aggregate",
        version="2",
        key={"label": "label"},
        slots=("label", "images"),
        draw=draw,
        finish=finish,
    )
)
