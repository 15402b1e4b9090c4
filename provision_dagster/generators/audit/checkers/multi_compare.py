"""Questions about what differs from image to image; answers and options are statements."""

import re
from collections.abc import Callable, Collection

from provision_dagster.generators.audit.checkers.attribute import has_attribute, judge_noun, judge_sizes
from provision_dagster.generators.audit.checkers.multi_aggregate import judge_images_slot
from provision_dagster.generators.audit.checkers.object import judge_name
from provision_dagster.generators.audit.checkers.relation import is_related
from provision_dagster.generators.audit.english import items_of
from provision_dagster.generators.audit.grammar import text_faults
from provision_dagster.generators.audit.registry import checks
from provision_dagster.generators.audit.verdict import (
    Question,
    Truth,
    Verdict,
    check_metadata,
    check_rests_on,
    judge_options,
)
from provision_dagster.generators.audit.words import NOTHING

_PART = re.compile(r"(.+?) in Image (\d+)(?:, and |, | and |\.$)")

Said = dict[int, list[str]]
"""What a statement says of each image, by its place."""


def read_statement(text: str, *, known: Collection[str], opening: re.Pattern[str]) -> Said | None:
    """Read "The car is red in Image 1 and blue in Image 2."; null when it is no such statement."""
    parts = _PART.findall(text)
    match = opening.match(text)
    if match is None or "".join(f"{a} in Image {b}" for a, b in parts)[: match.end()] != match[0]:
        return None
    found: Said = {}
    for number, (values, image) in enumerate(parts):
        said = values[match.end() :] if number == 0 else values
        found[int(image) - 1] = items_of(said, known=known)
    return found


def judge_statements(q: Question, v: Verdict, holds: Callable[[str], Truth]) -> None:
    """Demand that the answer is a true statement, and that of the options no other is."""
    if holds(q.answer) is not True:
        (v.wrong if holds(q.answer) is False else v.ambiguous)("statement_not_true")
    judge_options(q, v, holds)
    if q.options:
        judge_name(q, v)
    for fault in {fault for text in (q.answer, *q.options) for fault in text_faults(text)}:
        v.ungrammatical(f"statement_{fault}")


def _referents(q: Question, v: Verdict, label: str) -> list[int] | None:
    found = [p.referent(label) for p in q.pictures]
    for reason in {reason for _, reason in found} - {None}:
        v.ambiguous(str(reason))
    places = [place for place, _ in found if place is not None]
    if len(places) < len(found):
        v.wrong("nothing_of_that_name")
        return None
    return places


def _all(truths: list[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


@checks("CompareAttribute", options="statement")
def compare_attribute(q: Question, v: Verdict) -> None:
    """Check what each statement says of the thing in each image; the answer must say all of the category."""
    label, words = q.slots["label"], q.words
    judge_images_slot(q, v)
    places = _referents(q, v, label)
    if places is None:
        return
    held = [p.attributes[place] for p, place in zip(q.pictures, places, strict=True)]
    known = frozenset().union(*held)
    opening = re.compile(rf"The (?:[\w ]+ of the )?{re.escape(label)} (?:is|are) ")

    def holds(text: str) -> Truth:
        said = read_statement(text, known=known, opening=opening)
        if said is None or set(said) != set(range(len(held))):
            v.wrong("statement_unreadable")
            return None
        pairs = [(n, a) for n, values in said.items() for a in values]
        complete = [p.complete_attributes for p in q.pictures]
        return _all([has_attribute(words, held[n], a, complete=complete[n]) for n, a in pairs])

    judge_statements(q, v, holds)
    categories = words.categories_of_noun.get(q.slots["noun"], NOTHING)
    said = read_statement(q.answer, known=known, opening=opening) or {}
    for n, carried in enumerate(held):
        asked = [a for a in carried if words.attribute[a].category in categories]
        judge_sizes(v, q.pictures[n], label, asked)
        if not all(any(words.one_attribute(a, s) for s in said.get(n, ())) for a in asked):
            v.wrong("answer_incomplete")
        if any(words.attribute[s].category not in categories for s in said.get(n, ()) if s in words.attribute):
            v.wrong("attribute_of_another_category")
    asked_all = {a for carried in held for a in carried if words.attribute[a].category in categories}
    judge_noun(q, v, label, asked_all)
    check_metadata(q, v, objects=[label])
    check_rests_on(q, v, needed=list(enumerate(places)))


@checks("CompareRelation", options="statement")
def compare_relation(q: Question, v: Verdict) -> None:
    """Check what each statement says of the pair in each image."""
    one, two = q.slots["subject_label"], q.slots["object_label"]
    judge_images_slot(q, v)
    subjects, objects = _referents(q, v, one), _referents(q, v, two)
    if subjects is None or objects is None:
        return
    pairs = list(zip(q.pictures, subjects, objects, strict=True))
    opening = re.compile(rf"The {re.escape(one)} (?=\w)")

    def predicates(text: str) -> frozenset[str]:
        verb = text.removesuffix(f" the {two}").removesuffix(" it").removesuffix(" them")
        meant = q.words.predicates_of_verb.get(verb, NOTHING) | q.words.predicates_of_plural_verb.get(verb, NOTHING)
        return meant or frozenset({verb} & q.words.predicate.keys())

    def holds(text: str) -> Truth:
        said = read_statement(text, known=(), opening=opening)
        if said is None or set(said) != set(range(len(pairs))):
            v.wrong("statement_unreadable")
            return None
        truths: list[Truth] = []
        for n, values in said.items():
            for value in values:
                meant = predicates(value)
                if not meant:
                    v.wrong("statement_unreadable")
                picture, s, o = pairs[n]
                found = {is_related(picture, s, p, o) for p in meant}
                truths.append(True if True in found else None if None in found else False)
        return _all(truths)

    judge_statements(q, v, holds)
    check_metadata(q, v, objects=[one, two])
    every = [(n, place) for n, (_, s, o) in enumerate(pairs) for place in (s, o)]
    check_rests_on(q, v, needed=every)
