"""CompareAttribute: how a property of a thing (its color, its material) differs from image to image."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints, runs
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.programs.attribute_options import category_nouns
from provision_dagster.generators.programs.common import verbs
from provision_dagster.generators.programs.multi_image.attribute_facts import canonical, sayable, told
from provision_dagster.generators.programs.multi_image.cliques import Exclusive, ValueClasses, exclusive_sets
from provision_dagster.generators.programs.multi_image.drawing import Check, Concepts, draw_questions
from provision_dagster.generators.programs.multi_image.questions import (
    arranged,
    concept_hash,
    images_text,
    member_columns,
    object_evidence,
    unlike,
)
from provision_dagster.generators.programs.multi_image.spaces import Floats, Pool
from provision_dagster.generators.programs.multi_image.statements import all_rows, ordered_pairs, statement_choice
from provision_dagster.generators.registry import Draft, Drawn, Mentions, MultiGenerator, Rules, register


@dataclass(frozen=True)
class Compared:
    """Things with one value of a category: `obj`, `value`; by label and category, sorted by value (the class).

    `pool`: places in `obj`.
    """

    obj: Ints
    value: Ints
    label: Ints
    category: Ints
    pool: Pool
    hashes: U64
    cubes: Floats


def compared(graphs: Graphs, rules: Rules) -> Compared:
    """Collect labels and categories, once per shard."""
    return graphs.once(("compared_attributes", rules), lambda: _compared(graphs, rules))


def _compared(graphs: Graphs, rules: Rules) -> Compared:
    words = graphs.words
    obj, value = _single_values(graphs, rules)
    label, category, plain = graphs.label[obj], words.category[value], canonical(words)[value]
    order = np.lexsort((obj, plain, category, label))
    obj, value, label, category = obj[order], value[order], label[order], category[order]
    first, size = runs(label, category)
    kinds = words.categories["hash"].to_numpy()
    return Compared(
        obj,
        value,
        label[first],
        category[first],
        Pool(np.arange(len(obj)), first, size),
        concept_hash(words.labels.hashes[label[first]], kinds[category[first]]),
        words.labels.counts[label[first]] ** 3,
    )


def _single_values(graphs: Graphs, rules: Rules) -> tuple[Ints, Ints]:
    """Things that are the only ones of their label in the image, with their one value of a category."""
    words = graphs.words
    obj, value = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    single = graphs.nameable if rules == "strict" else (graphs.labels.n == 1)[graphs.label_row]
    category = words.category[value]
    fit = single[obj] & (category >= 0)
    if len(words.categories):
        fit &= words.categories["askable"].to_numpy()[category]
    obj, value, category = obj[fit], value[fit], category[fit]
    order = np.lexsort((value, canonical(words)[value], category, obj))
    obj, value, category = obj[order], value[order], category[order]
    # synonyms ("metal", "metallic") are one value
    first, _ = runs(obj, category, canonical(words)[value])
    obj, value, category = obj[first], value[first], category[first]
    first, size = runs(obj, category)
    obj, value = obj[first[size == 1]], value[first[size == 1]]
    if rules == "strict":
        fit = sayable(words)[value] & unlike((words.labels.text, words.attributes.text), graphs.label[obj], value)
        obj, value = obj[fit], value[fit]
    return obj, value


def _check(graphs: Graphs, found: Compared, rules: Rules) -> Check:
    """The thing of each image must certainly lack the values of the others."""

    def check(concept: Ints, members: Ints) -> Bools:
        here, other = ordered_pairs(members.shape[1])
        truth = told(graphs, found.obj[members[:, here]].reshape(-1), found.value[members[:, other]].reshape(-1), rules)
        return all_rows(truth.lacks, len(members))

    return check


def _may_exclude(graphs: Graphs, rules: Rules) -> Exclusive:
    """Whether a thing with one value may be known to lack the other."""
    words = graphs.words
    complete = rules == "paper" or bool(graphs.images["exhaustive_attributes"].any())

    def exclusive(one: Ints, two: Ints) -> Bools:
        near = words.same_attribute.has(one, two) & (rules == "strict")
        return ~near & (words.contradictions.has(one, two) | complete)

    return exclusive


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules) -> Drawn:
    """Draw images that show one thing of the label each, everywhere with another value of one category."""
    found = compared(graphs, rules)
    pool = found.pool.cut(n, graphs.images["image_hash"].to_numpy()[graphs.img[found.obj]])
    concept = np.repeat(np.arange(len(pool.size)), pool.size)
    # of synonyms ("metal", "metallic") the first stands for the class
    value = _first_synonym(graphs)[found.value[pool.rows]]
    order = np.lexsort((pool.rows, value, concept))
    hashes = graphs.words.attributes.hashes[value[order]]
    classes = ValueClasses.of(pool.rows[order], concept[order], value[order], hashes=hashes)
    sets = exclusive_sets(classes, n, start=start, exclusive=_may_exclude(graphs, rules))
    drawing = draw_questions(
        sets.space,
        Concepts(mix(found.hashes[sets.concept], sets.hashes), found.cubes[sets.concept] * sets.crowd**3),
        wanted=wanted,
        start=start,
        check=_check(graphs, found, rules),
    )
    concept = sets.concept[drawing.concept]
    return arranged(
        graphs,
        drawing if sets.whole else replace(drawing, available=None),
        graphs.img[found.obj[drawing.members]],
        single={"label": found.label[concept], "category": found.category[concept]},
        each={"thing": drawing.members},
    )


def _first_synonym(graphs: Graphs) -> Ints:
    plain = canonical(graphs.words)
    chosen = np.zeros(int(plain.max(initial=0)) + 1, dtype=np.int64)
    chosen[plain[::-1]] = np.arange(len(plain))[::-1]
    return chosen[plain]


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules) -> Draft:
    """State the value of each image."""
    found, things, words = compared(graphs, rules), member_columns(drawn, "thing"), graphs.words
    label = ints(drawn.rows["label"])
    value, plural = found.value[things], words.labels.flag("is_plural")[label]
    said = [words.attributes.text.gather(column) for column in value.T]
    opening = ("The " + words.labels.text + " ").gather(label) + verbs(plural, singular="is", plural_form="are")
    answer, choice = statement_choice(h, opening, said)
    return Draft(
        slots={
            "label": words.labels.text.gather(label),
            "noun": category_nouns(graphs, label, ints(drawn.rows["category"]), Ragged.columns(*value.T)),
            "images": images_text(value.shape[1], len(value)),
        },
        answer=answer,
        objects=object_evidence(found.obj[things]),
        choice=choice,
        mentions=Mentions(labels=Ragged.columns(label), attributes=Ragged.columns(*value.T)),
    )


register(
    MultiGenerator(
        name="CompareAttribute",
        family="qa_multi_compare",
        version="2",
        key={"label": "label", "category": "category"},
        slots=("label", "noun", "images"),
        draw=draw,
        finish=finish,
    )
)
