"""Questions about totals over several images, and about what they have in common."""

from itertools import combinations, product

from provision_dagster.generators.audit.checkers.attribute import has_attribute, judge_sizes
from provision_dagster.generators.audit.checkers.multi_select import count_of, labels_of, values_of
from provision_dagster.generators.audit.checkers.object import judge_count, judge_plural
from provision_dagster.generators.audit.checkers.presence import shows
from provision_dagster.generators.audit.english import items_of
from provision_dagster.generators.audit.phrases import images_named, read_noun_phrase
from provision_dagster.generators.audit.picture import SAME_THING_IOU, Picture, iou
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
from provision_dagster.generators.audit.words import NOTHING


def judge_images_slot(q: Question, v: Verdict) -> None:
    """Demand that {images} names all images in the order of the record (T8)."""
    if "images" in q.slots and images_named(q.slots["images"]) != list(range(len(q.pictures))):
        v.wrong("images_misnamed")


@checks("CountObject", options="number")
def count_object(q: Question, v: Verdict) -> None:
    """Add up the counts of a label."""
    labels = q.words.labels_of_plural.get(q.slots["plural"], NOTHING) & labels_of(q)
    judge_images_slot(q, v)
    if not labels:
        v.wrong("nothing_of_that_name")
        return
    judge_plural(q, v, q.slots["plural"], labels)
    counted = [count_of(picture, label) for picture in q.pictures for label in sorted(labels)]
    for reason in {reason for _, reason in counted} - {None}:
        v.ambiguous(str(reason))
    judge_count(q, v, true=sum(n for n, _ in counted))
    check_metadata(q, v, objects=labels)
    check_rests_on(q, v, needed=_places(q, labels))


def _places(q: Question, labels: frozenset[str]) -> list[tuple[int, int]]:
    return [(n, place) for n, p in enumerate(q.pictures) for x in labels for place in p.by_label.get(x, ())]


@checks("CountAttributeObject", options="number")
def count_attribute_object(q: Question, v: Verdict) -> None:
    """Add up the numbers of objects of a label that have all of the attributes."""
    judge_images_slot(q, v)
    nouns = {label: q.words.label[label].plural for label in labels_of(q)}
    phrase = read_noun_phrase(q.slots["attributed_plural"], nouns=nouns, values=values_of(q))
    readings = {r for r in phrase if r[1]}
    if not readings:
        v.wrong("nothing_of_that_name")
        return
    if len(readings) > 1:
        v.ambiguous("phrase_reads_in_two_ways")
    label, wanted = min(readings, key=lambda r: (r[0], sorted(r[1])))
    having = []
    for number, picture in enumerate(q.pictures):
        if label in picture.by_label:
            judge_sizes(v, picture, label, wanted)
        if reason := count_of(picture, label)[1]:
            v.ambiguous(reason)
        for place in picture.by_label.get(label, ()):
            held, complete = picture.attributes[place], picture.complete_attributes
            truths = [has_attribute(q.words, held, a, complete=complete) for a in wanted]
            if all(truths):
                having.append((number, place))
            elif False not in truths:
                v.ambiguous("attribute_of_other_objects_unknown")
    judge_count(q, v, true=len(having))
    check_leak(q, v, [q.answer], slots=["attributed_plural"])
    check_metadata(q, v, objects=[label])
    check_rests_on(q, v, needed=having)


@checks("CommonObject", options="label")
def common_object(q: Question, v: Verdict) -> None:
    """Compare the answer with the labels that every image has."""
    judge_images_slot(q, v)
    common = frozenset.intersection(*(frozenset(p.by_label) for p in q.pictures))
    said = items_of(q.answer, known=common)
    if not set(said) <= common:
        v.wrong("object_not_common")
    listed = [label for label in common if q.words.label[label].usable and q.words.label[label].kind != "abstract"]
    if not all(any(q.words.says(s, label) for s in said) for label in listed):
        v.wrong("answer_incomplete")
    if any(_may_be_common(q, label) for p in q.pictures for label in p.by_label.keys() - common):
        v.ambiguous("doubtful_label")
    judge_names(q, v, said)

    def holds(option: str) -> Truth:
        truths = [shows(p, option) for p in q.pictures]
        return False if False in truths else None if None in truths else True

    judge_options(q, v, holds)
    if q.chosen is not None and q.chosen not in said:
        v.wrong("forms_differ")
    if not set(q.metadata["objects"]) <= common:
        v.wrong("metadata_objects")
    check_rests_on(q, v, needed=[], allowed=_places(q, common))


def _may_be_common(q: Question, label: str) -> bool:
    """Whether a label that some picture shows may be in all the others unmarked."""
    word = q.words.label[label]
    sayable = word.usable and word.kind != "abstract"
    return sayable and all(label in p.by_label or p.may_hide(label) for p in q.pictures)


def judge_names(q: Question, v: Verdict, said: list[str]) -> None:
    """Demand that a list names nothing twice, under one word or under two."""
    for one, two in combinations(said, 2):
        if q.words.says(one, two) or q.words.says(two, one):
            v.ungrammatical("thing_named_twice")
        elif two in q.words.synonyms.get(one, NOTHING) or (
            q.words.may_be(one, two) and any(_one_place(p, one, two) for p in q.pictures)
        ):
            v.ambiguous("one_thing_two_names")


def _one_place(picture: Picture, label: str, other: str) -> bool:
    """Whether a box of one label and a box of another cover nearly the same place."""
    pairs = product(picture.by_label.get(label, ()), picture.by_label.get(other, ()))
    return any(iou(picture.boxes[a], picture.boxes[b]) > SAME_THING_IOU for a, b in pairs)


@checks("CommonAttribute", options="attribute")
def common_attribute(q: Question, v: Verdict) -> None:
    """Compare the answer with the attributes that the thing has in every image."""
    label, words = q.slots["label"], q.words
    judge_images_slot(q, v)
    found = [p.referent(label) for p in q.pictures]
    if any(place is None for place, _ in found):
        v.wrong("nothing_of_that_name")
        return
    for reason in {reason for _, reason in found} - {None}:
        v.ambiguous(str(reason))
    places = [(n, place) for n, (place, _) in enumerate(found) if place is not None]
    held = [q.pictures[n].attributes[place] for n, place in places]

    def holds(value: str) -> Truth:
        pairs = zip(held, q.pictures, strict=True)
        truths = [has_attribute(words, h, value, complete=p.complete_attributes) for h, p in pairs]
        return False if False in truths else None if None in truths else True

    said = items_of(q.answer, known=frozenset().union(*held))
    if not all(holds(a) for a in said):
        v.wrong("attribute_false")
    common = [a for a in held[0] if holds(a)]
    if not all(any(words.one_attribute(a, s) for s in said) for a in common):
        v.wrong("answer_incomplete")
    for picture in q.pictures:
        judge_sizes(v, picture, label, common)
    judge_options(q, v, holds)
    if len({words.attribute[o].category for o in q.options if o in words.attribute}) > 1:
        v.leaking("options_of_several_categories")
    check_leak(q, v, said, slots=["label"])
    check_metadata(q, v, objects=[label])
    check_rests_on(q, v, needed=[], allowed=places)
