"""Questions about attributes: of the object in a box, or how many objects have them."""

from collections.abc import Collection, Iterable, Iterator

from provision_dagster.generators.audit.checkers.object import judge_count
from provision_dagster.generators.audit.english import items_of, number
from provision_dagster.generators.audit.phrases import read_noun_phrase
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.registry import checks
from provision_dagster.generators.audit.verdict import (
    Question,
    Truth,
    Verdict,
    check_leak,
    check_metadata,
    check_rests_on,
    judge_options,
)
from provision_dagster.generators.audit.words import NOTHING, Words


def has_attribute(words: Words, held: frozenset[str], wanted: str, *, complete: bool) -> Truth:
    """Say whether a thing with these attributes has one more (T5).

    It has those it carries, under any of their names. It surely lacks what contradicts every carried value of the same
    group (a black and silver chair might be called gray), unless a carried value may be another word for it; and,
    where all attributes are listed, what is not.
    """
    if any(words.one_attribute(value, wanted) for value in held):
        return True
    if held & words.same.get(wanted, NOTHING):
        return None  # "light blue" when "blue" is asked, or the other way round
    denying = held & words.contradicting.get(wanted, NOTHING)
    word = words.attribute.get(wanted)
    if denying and word:
        alike = {a for a in held if (w := words.attribute.get(a)) and w.exclusive_group == word.exclusive_group}
        if alike <= denying:
            return False
    return False if complete and word and word.known else None


@checks("ExistsAttribute", options="number")
def exists_attribute(q: Question, v: Verdict) -> None:
    """Count the objects of the label that have all of the attributes."""
    picture, words = q.picture, q.words
    readings = set(read_attributed_plural(picture, q.slots["attributed_plural"]))
    if not readings:
        v.wrong("nothing_of_that_name")
        return
    found: list[tuple[list[int], bool]] = []
    for label, wanted in sorted(readings, key=lambda r: (r[0], sorted(r[1]))):
        if reason := picture.uncountable(label):
            v.ambiguous(reason)
        having, unsure = [], False
        for place in picture.by_label[label]:
            held = picture.attributes[place]
            truths = [has_attribute(words, held, a, complete=picture.complete_attributes) for a in wanted]
            if all(truths):
                having.append(place)
            elif False not in truths:
                unsure = True
        found.append((having, unsure))
    found = [one for one in found if one[0]] or found  # nobody counts what is not there at all
    if any(unsure for _, unsure in found):
        v.ambiguous("attribute_of_other_objects_unknown")
    if len({len(having) for having, _ in found}) > 1:
        v.ambiguous("phrase_reads_in_two_ways")
    for label, wanted in readings:
        judge_sizes(v, picture, label, wanted)
    meant = next((having for having, _ in found if len(having) == number(q.answer)), found[0][0])
    judge_count(q, v, true=len(meant))
    check_leak(q, v, [q.answer], slots=["attributed_plural"])
    check_metadata(q, v, objects={label for label, _ in readings} if len(readings) == 1 else q.metadata["objects"])
    check_rests_on(q, v, needed=[(0, p) for p in meant])


def read_attributed_plural(picture: Picture, phrase: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Read "small red cars that are parked": the label and its attributes, in every way that fits the picture."""
    words = picture.words.label
    nouns = {label: words[label].plural for label in picture.by_label if label in words}
    values = frozenset().union(*picture.attributes) if picture.attributes else NOTHING
    return ((label, wanted) for label, wanted in read_noun_phrase(phrase, nouns=nouns, values=values) if wanted)


def object_in_box(q: Question, v: Verdict, *, label: str | None, box: str) -> int | None:
    """Find the object that a printed box (and a label) points at; more than one is a fault (T1)."""
    x1, y1, x2, y2 = box.strip("[]").split(", ")
    if x1 == x2 or y1 == y2:
        v.ambiguous("box_prints_flat")
    inside = q.picture.in_box(box)
    if label is not None:
        inside = [p for p in inside if q.words.may_be(label, q.picture.labels[p])]
    if not inside:
        v.wrong("nothing_in_that_box")
        return None
    if len(inside) > 1:
        v.ambiguous("same_printed_box")
    same = [p for p in inside if label in (None, q.picture.labels[p])]
    if not same:
        v.wrong("object_in_box_has_another_label")
        return None
    return next((p for p in same if (0, p) in q.shown), same[0])


@checks("AttributeBBox", "TypedAttributeBBox", options="attribute")
def attribute_bbox(q: Question, v: Verdict) -> None:
    """Compare the answer with all attributes of the object, or with those of the category that is asked."""
    words, picture = q.words, q.picture
    place = object_in_box(q, v, label=q.slots["label"], box=q.slots["box"])
    if place is None:
        return
    categories = words.categories_of_noun.get(q.slots["noun"], NOTHING) if "noun" in q.slots else None
    held = picture.attributes[place]
    asked = frozenset(a for a in held if categories is None or words.attribute[a].category in categories)
    said = items_of(q.answer, known=held)
    judge_said_attributes(q, v, said, asked)
    judge_sizes(v, picture, picture.labels[place], asked)
    judge_noun(q, v, picture.labels[place], asked)
    judge_attribute_options(q, v, held, asked=asked, categories=categories)
    check_leak(q, v, [*said, *q.options[slice(q.answer_index, None)][:1]], slots=["label"])
    check_metadata(q, v, objects=[picture.labels[place]])
    if not set(q.metadata["attributes"]) <= asked:
        v.wrong("metadata_attributes")
    check_rests_on(q, v, needed=[(0, place)])


def judge_sizes(v: Verdict, picture: Picture, label: str, values: Iterable[str]) -> None:
    """Demand that a size is asked about only where other things of the label show what is small or large."""
    if any(picture.size_unseen(label, value) for value in values):
        v.ambiguous("size_without_comparison")


def judge_noun(q: Question, v: Verdict, label: str, values: Collection[str]) -> None:
    """Demand that the category has the noun that fits label and values: the length of hair, not its size."""
    better = q.words.noun_for(label, values) if values else None
    if better and q.slots.get("noun", better) != better:
        v.ungrammatical("noun_of_category")


def judge_said_attributes(q: Question, v: Verdict, said: list[str], asked: frozenset[str]) -> None:
    """Demand that an open answer names all of the attributes that are asked, and nothing else."""
    words = q.words
    if not all(any(words.one_attribute(a, s) for a in asked) for s in said):
        v.wrong("attribute_false")
    if not all(any(words.one_attribute(a, s) for s in said) for a in asked):
        v.wrong("answer_incomplete")
    if len(said) > len(set(said)):
        v.ungrammatical("doubled_item")
    clash = {a for a in asked if words.attribute[a].category != "color" and asked & words.contradicting.get(a, NOTHING)}
    if clash:
        v.ambiguous("contradicting_attributes")


def judge_attribute_options(
    q: Question, v: Verdict, held: frozenset[str], *, asked: frozenset[str], categories: frozenset[str] | None
) -> None:
    """Demand that one option is an attribute that is asked, and the others are provably not the object's."""
    words, complete = q.words, q.picture.complete_attributes

    def holds(option: str) -> Truth:
        truth = has_attribute(words, held, option, complete=complete)
        return truth if truth is not True or any(words.one_attribute(option, a) for a in asked) else False

    judge_options(q, v, holds)
    kinds = {words.attribute[o].category for o in q.options if o in words.attribute}
    if len(kinds) > 1:
        v.leaking("options_of_several_categories")
    if categories is not None and not kinds <= categories:
        v.wrong("options_of_another_category")
