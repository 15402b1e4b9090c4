"""Questions about objects: how many, which is most or least frequent, which is furthest to one side."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from provision_dagster.generators.audit.english import candidates_of, number
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
from provision_dagster.generators.audit.words import NOTHING

SIDE_MARGIN = 0.05
"""The extreme edge must lead the next one by this share of the picture's side (T6)."""


def judge_count(q: Question, v: Verdict, *, true: int) -> None:
    """Compare a counting QA with the true number; "two" and "2" are one answer."""
    if number(q.answer) != true:
        v.wrong("count_differs")
    judge_options(q, v, lambda option: number(option) == true)
    if q.chosen is not None and number(q.chosen) != number(q.answer):
        v.wrong("forms_differ")
    check_metadata(q, v, counts=[true])


def judge_plural(q: Question, v: Verdict, plural: str, labels: frozenset[str]) -> None:
    """Demand that things are counted in the plural (T3)."""
    words = [q.words.label[label] for label in labels]
    if not any(w.is_plural or plural == w.plural for w in words):
        v.leaking("singular_asked_for_a_count")


@checks("ExistsObject", options="number")
def exists_object(q: Question, v: Verdict) -> None:
    """Count the boxes of the labels that the plural names."""
    picture, plural = q.picture, q.slots["plural"]
    named = q.words.labels_of_plural.get(plural, NOTHING)
    labels = named & picture.by_label.keys()
    if not labels and plural not in picture.by_label:
        v.wrong("nothing_of_that_name")
        return
    labels = labels or frozenset({plural})
    places = [p for label in labels for p in picture.by_label[label]]
    for reason in {picture.uncountable(label) for label in labels} - {None}:
        v.ambiguous(str(reason))
    judge_plural(q, v, plural, labels)
    judge_count(q, v, true=len(places))
    check_leak(q, v, [q.answer], slots=["plural"])
    check_metadata(q, v, objects=labels)
    check_rests_on(q, v, needed=[(0, p) for p in places])


def candidates(q: Question, v: Verdict) -> list[str]:
    """Read the names that the open form offers; the options, if there are any, must be the same."""
    said = candidates_of(q.slots["candidates"])
    if q.options and said != list(q.options):
        v.wrong("candidates_are_not_the_options")
    if len(said) < 2 or len({name.casefold() for name in said}) < len(said):
        v.ambiguous("options_repeat")
    return said


def judge_choice(q: Question, v: Verdict, names: list[str], holds: Callable[[str], Truth]) -> None:
    """Demand that of the names on offer the answer alone is true, in the open form and among the options."""
    if q.answer not in names:
        v.wrong("answer_not_on_offer")
        return
    truths = {name: holds(name) for name in names}
    if q.options:
        judge_options(q, v, lambda option: truths.get(option, False))
        judge_name(q, v)
    else:
        place = names.index(q.answer)
        judge_options(replace(q, options=names, answer_index=place), v, truths.__getitem__)


def judge_name(q: Question, v: Verdict) -> None:
    """Demand that the open answer is the chosen option."""
    if q.answer != q.chosen:
        v.wrong("forms_differ")


@checks("MostObject", "LeastObject", options="label")
def most_object(q: Question, v: Verdict) -> None:
    """Compare how many boxes each option has; all must be countable and the extreme strict."""
    picture, sign = q.picture, 1 if q.generator == "MostObject" else -1
    names = candidates(q, v)
    for reason in {picture.uncountable(o) for o in names if o in picture.by_label} - {None}:
        v.ambiguous(str(reason))
    counts = {o: sign * len(picture.by_label.get(o, ())) for o in names}
    if 0 in counts.values():
        v.wrong("nothing_of_that_name")
    peak = max(counts.values(), default=0)
    judge_choice(q, v, names, lambda option: counts[option] == peak)
    places = [(0, p) for o in names for p in picture.by_label.get(o, ())]
    check_rests_on(q, v, needed=places, allowed=[(0, p) for p in range(len(picture.labels))])
    check_metadata(q, v, objects=names, counts=[abs(counts.get(q.answer, 0))])


_EDGES = {"LeftMostObject": (0, 1), "TopMostObject": (1, 1), "RightMostObject": (2, -1), "BottomMostObject": (3, -1)}
"""Side of the box by place in (x1, y1, x2, y2), and whether the smallest (1) or the largest (-1) wins."""


@checks(*_EDGES, options="label")
def side_most_object(q: Question, v: Verdict) -> None:
    """Compare one side of the boxes of three things, each the only one of its name."""
    picture, names = q.picture, candidates(q, v)
    found = {o: picture.referent(o) for o in names}
    for reason in {reason for _, reason in found.values()} - {None}:
        v.ambiguous(str(reason))
    places = [place for place, _ in found.values() if place is not None]
    if len(places) != 3:
        v.wrong("nothing_of_that_name" if len(places) < len(names) else "number_of_options")
        return
    side, sign = _EDGES[q.generator]
    edges = {o: sign * picture.boxes[place][side] for o, place in zip(found, places, strict=True)}
    best = min(edges.values())
    judge_choice(q, v, names, lambda option: edges[option] == best)
    _judge_geometry(v, picture, places, axis=side % 2, edges=sorted(edges.values()))
    check_rests_on(q, v, needed=[(0, p) for p in places])
    check_metadata(q, v, objects=names)


def _judge_geometry(v: Verdict, picture: Picture, places: list[int], *, axis: int, edges: list[float]) -> None:
    """Demand disjoint boxes on the axis, and a lead of the first edge (T6)."""
    spans = sorted((picture.boxes[p][axis], picture.boxes[p][axis + 2]) for p in places)
    if any(b[0] < a[1] for a, b in pairwise(spans)):
        v.ambiguous("boxes_overlap")
    length = (picture.width, picture.height)[axis]
    if edges[1] - edges[0] < SIDE_MARGIN * length - 1e-9:
        v.ambiguous("margin")
