"""Questions that are answered by one of several images."""

from collections.abc import Callable, Iterator

from provision_dagster.generators.audit.checkers.attribute import judge_sizes
from provision_dagster.generators.audit.checkers.object import judge_name, judge_plural
from provision_dagster.generators.audit.checkers.presence import shows, shows_related, shows_with
from provision_dagster.generators.audit.phrases import article_of, image_number, read_clause, read_noun_phrase
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.registry import checks
from provision_dagster.generators.audit.verdict import Question, Truth, Verdict, check_rests_on, judge_options
from provision_dagster.generators.audit.words import NOTHING


def judge_images(q: Question, v: Verdict, holds: Callable[[Picture], Truth]) -> None:
    """Demand that the answer is the one image of which something holds, and that all images are offered."""
    numbers = {o: image_number(o, images=len(q.pictures)) for o in {*q.options, q.answer}}
    if None in numbers.values():
        v.wrong("no_such_image")
        return
    if q.options and sorted(q.options) != [f"Image {n}" for n in range(1, len(q.pictures) + 1)]:
        v.wrong("options_are_not_the_images")
    truths = {text: holds(q.pictures[n]) for text, n in numbers.items() if n is not None}
    if truths[q.answer] is not True:
        (v.wrong if truths[q.answer] is False else v.ambiguous)("image_not_right")
    judge_options(q, v, truths.__getitem__)
    if q.options:
        judge_name(q, v)
    others = [holds(p) for n, p in enumerate(q.pictures) if n != numbers[q.answer]]
    if not q.options and any(other is not False for other in others):
        v.ambiguous("another_image_may_be_right")


def labels_of(q: Question) -> frozenset[str]:
    """Labels of all pictures."""
    return frozenset(label for p in q.pictures for label in p.by_label)


def values_of(q: Question) -> frozenset[str]:
    """Attributes of all pictures."""
    return frozenset(a for p in q.pictures for held in p.attributes for a in held)


def read_thing(q: Question, v: Verdict) -> Iterator[tuple[str, frozenset[str]]]:
    """Read {thing} ("a red car") or {bare} ("red car"); "a" goes with what can be one."""
    bare = "bare" in q.slots and "thing" not in q.slots
    article, phrase = article_of(q.slots["bare" if bare else "thing"])
    nouns = {label: label for label in labels_of(q)}
    for label, wanted in read_noun_phrase(phrase, nouns=nouns, values=values_of(q)):
        if not bare and bool(article) != bool(q.words.label[label].singular_article):
            v.ungrammatical("article_missing" if not article else "article_before_plural_or_mass")
        yield label, wanted


_NEGATED = ("HasNotObject", "HasNotAttributedObject", "HasNotRelation")


def turned(q: Question, truth: Truth) -> Truth:
    """What is asked of an image: that it shows something, or that it does not."""
    return truth if truth is None or q.generator not in _NEGATED else not truth


@checks("HasObject", "HasNotObject", "HasAttributedObject", "HasNotAttributedObject", options="image")
def has_object(q: Question, v: Verdict) -> None:
    """Look for the thing in every image."""
    attributed = "Attributed" in q.generator
    readings = [r for r in read_thing(q, v) if bool(r[1]) == attributed]
    if not readings:
        v.wrong("nothing_of_that_name")
        return
    label, wanted = readings[0]
    judge_images(q, v, lambda p: turned(q, shows_with(p, label, wanted) if wanted else shows(p, label)))
    for picture in q.pictures:
        judge_sizes(v, picture, label, wanted)
    if attributed and not all(label in p.by_label for p in q.pictures):
        v.ambiguous("image_without_the_object")
    _judge_support(q, v, [label])
    if set(q.metadata["objects"]) != {label} or not set(q.metadata["attributes"]) <= wanted:
        v.wrong("metadata_objects")
    if len(readings) > 1:
        v.ambiguous("phrase_reads_in_two_ways")


def _judge_support(q: Question, v: Verdict, labels: list[str]) -> None:
    """Demand that the evidence are objects of the labels that are asked about."""
    allowed = {(n, place) for n, p in enumerate(q.pictures) for label in labels for place in p.by_label.get(label, ())}
    check_rests_on(q, v, needed=[], allowed=allowed)
    if not q.evidence:
        v.wrong("evidence_incomplete")


@checks("HasRelation", "HasNotRelation", options="image")
def has_relation(q: Question, v: Verdict) -> None:
    """Look for the relation in every image; "the man" must be the only one."""
    clause = q.slots.get("clause") or q.slots["negative_clause"]
    denied = "clause" not in q.slots
    readings = list(read_clause(clause, labels=labels_of(q), words=q.words))
    if denied and (" not " not in clause or q.generator != "HasNotRelation"):
        v.ungrammatical("negation_missing")
    if not denied and " not " in clause:
        v.wrong("clause_denied")
    if not readings:
        v.wrong("clause_unreadable")
        return
    subject, predicates, object, articles = readings[0]
    judge_images(q, v, lambda p: turned(q, shows_related(p, subject, predicates, object)))
    if not all(subject in p.by_label and object in p.by_label for p in q.pictures):
        v.ambiguous("image_without_the_objects")
    if "the" in articles:
        unclear = {p.referent(label)[1] for p in q.pictures for label in (subject, object)}
        for reason in unclear - {None}:
            v.ambiguous(str(reason))
    _judge_support(q, v, [subject, object])
    if not set(q.metadata["relations"]) <= predicates or set(q.metadata["objects"]) != {subject, object}:
        v.wrong("metadata_relations")


def count_of(picture: Picture, label: str) -> tuple[int, str | None]:
    """Count the boxes of a label, with the reason why that may not be the number of things."""
    if label in picture.by_label:
        return len(picture.by_label[label]), picture.uncountable(label)
    return 0, None if shows(picture, label) is False else "absence_not_proven"


@checks("HasMost", "HasLeast", options="image")
def has_most(q: Question, v: Verdict) -> None:
    """Compare the counts of a label over the images; all must be provable and the extreme strict."""
    labels = q.words.labels_of_plural.get(q.slots["plural"], NOTHING) & labels_of(q)
    if not labels:
        v.wrong("nothing_of_that_name")
        return
    judge_plural(q, v, q.slots["plural"], labels)
    totals: dict[str, int] = {}
    for picture in q.pictures:
        counted = [count_of(picture, label) for label in sorted(labels)]
        totals[picture.image_id] = sum(n for n, _ in counted)
        for reason in {reason for _, reason in counted} - {None}:
            v.ambiguous(str(reason))
    pick = max if q.generator == "HasMost" else min
    best = pick(totals.values())
    judge_images(q, v, lambda p: totals[p.image_id] == best)
    _judge_support(q, v, sorted(labels))
    if not set(q.metadata["objects"]) <= labels:
        v.wrong("metadata_objects")
    if not set(q.metadata["counts"]) <= set(totals.values()):
        v.wrong("metadata_counts")
