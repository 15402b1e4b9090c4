"""Questions about relations between two objects."""

from provision_dagster.generators.audit.checkers.attribute import object_in_box
from provision_dagster.generators.audit.checkers.object import candidates, judge_choice
from provision_dagster.generators.audit.english import items_of
from provision_dagster.generators.audit.picture import Picture, gap
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


def is_related(picture: Picture, subject: int, predicate: str, object: int) -> Truth:
    """Say whether an object stands in a relation to another (T2).

    True: annotated, under any of its names, or as the inverse. False: it needs contact and the boxes lie apart,
    something annotated excludes it, or all relations are listed; unless it may go with something that is annotated.
    """
    words = picture.words
    word = words.predicate.get(predicate)
    if word is None:
        return None
    said = picture.relations.get((subject, object), NOTHING)
    turned = {inverse for p in picture.relations.get((object, subject), NOTHING) if (inverse := words.inverse(p))}
    if any(words.one_predicate(p, predicate) for p in said | turned):
        return True
    if any(predicate in words.compatible.get(p, NOTHING) for p in said):
        return None
    if word.contact and gap(picture.boxes[subject], picture.boxes[object]) > 0:
        return False
    if any(_denies(picture, p, predicate, subject, object) for p in said):
        return False
    if picture.complete_relations and word.known:
        return False
    return None


_HEIGHT = ("support", "above", "below", "over", "hang", "attachment")


def _denies(picture: Picture, said: str, other: str, subject: int, object: int) -> bool:
    """Whether what is said of two objects makes another relation between them impossible.

    Of a part and its whole "on" and "under" may both be said ("wheel on car"), so that is no proof.
    """
    words = picture.words
    one, two = picture.labels[subject], picture.labels[object]
    if not words.excludes(said, other, subject=one, object=two):
        return False
    joined = two in words.wholes.get(one, NOTHING) or one in words.wholes.get(two, NOTHING)
    return not (joined and all(any(h in words.predicate[p].kind for h in _HEIGHT) for p in (said, other)))


def judge_said_predicates(q: Question, v: Verdict, subject: int, object: int) -> list[str]:
    """Demand that an open answer names all predicates of a pair; "sitting on" also says "on"."""
    words = q.words
    said = q.picture.relations[subject, object]
    answers = items_of(q.answer, known=said | words.predicate.keys())
    if not all(any(words.one_predicate(p, a) for p in said) for a in answers):
        v.wrong("relation_false")
    missing = [p for p in said if not any(words.one_predicate(p, a) for a in answers)]
    if any(not _says(p, answers, q) for p in missing):
        v.wrong("answer_incomplete")
    if any(_denies(q.picture, p, other, subject, object) for p in said for other in said):
        v.ambiguous("contradicting_predicates")
    if not all(words.predicate[p].usable for p in said):
        v.ambiguous("unusable_predicate")
    return answers


def _says(predicate: str, answers: list[str], q: Question) -> bool:
    """Whether one of the answers ends in the predicate's own words: "sitting on" for "on"."""
    short = q.words.predicate[predicate].canonical
    return any(a.endswith((f" {short}", f" {predicate}")) for a in answers)


@checks("ExistsRelation", "RelationBBox", options="predicate")
def pair_relation(q: Question, v: Verdict) -> None:
    """Compare the answer with everything said of an ordered pair."""
    picture = q.picture
    ends = [_by_box(q, v, f"{end}_box") or _by_name(q, v, f"{end}_label") for end in ("subject", "object")]
    if ends[0] is None or ends[1] is None:
        return
    subject, object = ends[0][0], ends[1][0]
    said = picture.relations.get((subject, object), NOTHING)
    if not said:
        v.wrong("not_related")
        return
    answers = judge_said_predicates(q, v, subject, object)
    judge_predicate_options(q, v, subject, object)
    check_leak(q, v, answers, slots=("subject_label", "object_label"))
    check_metadata(q, v, objects=[picture.labels[subject], picture.labels[object]], relations=said)
    check_rests_on(q, v, needed=[(0, subject), (0, object)])


def judge_predicate_options(q: Question, v: Verdict, subject: int, object: int) -> None:
    """Demand that one option is said of the pair, and that none is its inverse."""
    words = q.words
    judge_options(q, v, lambda option: is_related(q.picture, subject, option, object))
    turned = words.inverse(q.chosen) if q.chosen else None
    if turned and any(words.one_predicate(o, turned) for o in q.options if o != q.chosen):
        v.ambiguous("inverse_among_options")


def _by_box(q: Question, v: Verdict, slot: str) -> tuple[int] | None:
    if slot not in q.slots:
        return None
    place = object_in_box(q, v, label=None, box=q.slots[slot])
    return None if place is None else (place,)


def _by_name(q: Question, v: Verdict, slot: str) -> tuple[int] | None:
    if slot not in q.slots:
        return None
    place, unclear = q.picture.referent(q.slots[slot])
    if place is None:
        v.wrong("nothing_of_that_name")
        return None
    if unclear:
        v.ambiguous(unclear)
    return (place,)


@checks("HeadRelation", options="label")
def head_relation(q: Question, v: Verdict) -> None:
    """Find the options that stand in the relation to the one thing that is named."""
    picture, words = q.picture, q.words
    named = _by_name(q, v, "object_label")
    asked = words.predicates_of_verb.get(q.slots["verb"], NOTHING)
    if not asked:
        v.wrong("unknown_relation")
    if named is None or not asked:
        return
    target = named[0]
    names = candidates(q, v)
    truths = {o: _label_is_related(picture, o, asked, target) for o in {*names, q.answer}}
    if truths[q.answer] is not True:
        v.wrong("relation_false")
    heads = {o for o, truth in truths.items() if truth}
    near = {o for o in names if truths[o] is False and any(words.may_be(o, head) for head in heads)}
    judge_choice(q, v, names, lambda o: None if o in near else truths[o])
    if q.answer == picture.labels[target]:
        v.ambiguous("head_is_target")
    check_leak(q, v, [q.answer], slots=["object_label", "verb"])
    check_metadata(q, v, objects=[q.answer, picture.labels[target]])
    if not set(q.metadata["relations"]) <= asked:
        v.wrong("metadata_relations")
    related = [
        (0, p) for p in picture.by_label.get(q.answer, ()) if picture.relations.get((p, target), NOTHING) & asked
    ]
    given = [p for p in related if p in q.shown]
    check_rests_on(q, v, needed=[(0, target), *(given[:1] or related[:1])], allowed=related)


def _label_is_related(picture: Picture, label: str, asked: frozenset[str], target: int) -> Truth:
    """Say whether some object of a label is related; false only if each is provably not, and there can be no more.

    Of a label that the picture was not searched for, nothing is known (T5).
    """
    if label not in picture.by_label:
        return False if label in picture.searched else None
    truths = {
        is_related(picture, place, predicate, target)
        for place in picture.by_label[label]
        for predicate in asked
        if place != target
    }
    if True in truths:
        return True
    return None if None in truths or picture.may_hide(label) else False
