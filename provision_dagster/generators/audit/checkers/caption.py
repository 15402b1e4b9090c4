"""Captions: everything that is said must hold of objects of the picture, all at once."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations

from provision_dagster.generators.audit.captions import CaptionReader, Named, Told, carries
from provision_dagster.generators.audit.grammar import text_faults
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.registry import checks
from provision_dagster.generators.audit.verdict import Question, Verdict, check_rests_on
from provision_dagster.generators.audit.words import NOTHING, Words

SIDE_MARGIN = 0.05
"""The middles of a left and a right thing are this share of the width apart (T6)."""

DIRECTIONS = ("left", "right", "front", "behind", "above", "below")
"""Classes of predicates that say where a thing is, but not that it is near."""

MOST_STEPS = 200_000
"""Steps of the search for the objects that a caption speaks of; a caption that needs more counts as ambiguous."""

Key = tuple[str, str]


@dataclass
class Story:
    """The things that a caption speaks of, each under a key of its own, with what is said of them."""

    readings: dict[Key, list[tuple[tuple[str, frozenset[str]], ...]]] = field(default_factory=dict)
    attributes: dict[Key, set[str]] = field(default_factory=dict)
    relations: list[tuple[Key, frozenset[str], Key]] = field(default_factory=list)

    def key(self, named: Named) -> Key:
        """Find out of whom a name speaks: "the car" is the car that was there before, "a car" a new one."""
        told_apart = named.order or named.side
        key = (named.label, told_apart)
        if not named.definite and key in self.readings:
            key = (named.label, f"again {len(self.readings)}")
        self.readings.setdefault(key, []).append(named.readings)
        self.attributes.setdefault(key, set())
        return key


@checks("SceneGraphCaption", options="statement")
def caption(q: Question, v: Verdict) -> None:
    """Look for objects of which everything holds that the caption says."""
    picture = q.picture
    for fault in text_faults(q.answer):
        v.ungrammatical(f"caption_{fault}")
    told = CaptionReader(picture).read(q.answer)
    if told.unread or not (told.said or told.there):
        v.wrong("caption_unreadable")
        return
    story = _story(told, picture, v)
    _judge_repetition(picture, told, story, v)
    _judge_counts(picture, told, story, v)
    _judge_doubts(picture, told, v)
    if not _holds(picture, story, v):
        v.wrong("caption_false")
    check_rests_on(q, v, needed=[], allowed=[(0, p) for p in range(len(picture.labels))])
    labels = {picture.labels[place] for _, place in q.shown}
    if set(q.metadata["objects"]) != labels or not labels >= {label for label, _ in story.readings}:
        v.wrong("metadata_objects")


def _story(told: Told, picture: Picture, v: Verdict) -> Story:
    story, words = Story(), picture.words
    subjects: dict[Named, Key] = {}
    last: Named | None = None
    for subject, clause in told.said:
        if subject is not last:
            subjects[subject] = story.key(subject)
            last = subject
        key = subjects[subject]
        story.attributes[key].update(clause.attributes)
        forms = words.predicates_of_plural_verb if words.label[subject.label].is_plural else words.predicates_of_verb
        plural = words.label[subject.label].is_plural
        if (clause.verb not in forms) if clause.objects else (clause.verb == "are") is not plural:
            v.ungrammatical("caption_agreement")
        meant = words.predicates_of_verb.get(clause.verb, NOTHING) | words.predicates_of_plural_verb.get(
            clause.verb, NOTHING
        )
        for named in clause.objects:
            story.relations.append((key, meant, story.key(named)))
    return story


def _judge_repetition(picture: Picture, told: Told, story: Story, v: Verdict) -> None:
    """Demand that nothing is said twice of one pair, in whatever words, nor of one thing as attribute and as verb."""
    words = picture.words
    pairs: dict[tuple[Key, Key], list[frozenset[str]]] = {}
    for one, predicates, two in story.relations:
        pairs.setdefault((one, two), []).append(predicates)
    for said in pairs.values():
        for one_, other in combinations(said, 2):
            if _implied_by(words, one_, other) or _implied_by(words, other, one_):
                v.ungrammatical("caption_says_it_twice")
    for subject, clause in told.said:
        held = frozenset.intersection(*(attributes for _, attributes in subject.readings))
        verb = clause.verb.removeprefix("is ").removeprefix("are ") + " "
        if clause.objects and any(verb.startswith(value + " ") for value in held):
            v.ungrammatical("caption_says_it_twice")
        if clause.verb in ("is with", "are with"):
            names = {subject.label, *(named.label for named in clause.objects)}
            if not names <= words.animate:
                v.ungrammatical("caption_with_as_a_verb")


def _implied_by(words: Words, one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether a verb of vague meaning, or of the same class, is said beside one that implies it."""
    if not one or not other:
        return False
    a, b = min(one), min(other)
    implied = b in words.implied_predicates.get(a, NOTHING)
    if words.predicate[a].kind in DIRECTIONS and _vagueness(words, b) == 1:
        return False  # what is behind a thing need not be near it
    return implied and _vagueness(words, b) >= _vagueness(words, a)


def _vagueness(words: Words, predicate: str) -> int:
    kind = words.predicate[predicate].kind
    return 2 if kind in ("accompany", "has") else 1 if kind.startswith("proximity") else 0


def _judge_counts(picture: Picture, told: Told, story: Story, v: Verdict) -> None:
    """Demand that no more things of a label are named than there are boxes of it."""
    sure = [key for key, said in story.readings.items() if len({label for label, _ in chain(*said)}) == 1]
    named = Counter(label for label, name in sure if not name.startswith("again"))
    for thing in told.there:
        if len({label for label, _ in thing.readings}) == 1:  # a "black sign" may be a sign that is black
            named[thing.label] += thing.count
    if any(count > len(picture.by_label[label]) for label, count in named.items()):
        v.wrong("caption_counts_too_many")


def _judge_doubts(picture: Picture, told: Told, v: Verdict) -> None:
    """Demand that nothing is counted of which there may be more: neither "two cars" nor "the car on the left"."""
    named = [*told.there, *(thing for subject, clause in told.said for thing in (subject, *clause.objects))]
    counted = [thing for thing in named if (thing.count > 1 and not thing.at_least) or thing.side]
    if any(all(picture.may_hide(label) for label, _ in thing.readings) for thing in counted):
        v.ambiguous("doubtful_label")


def _holds(picture: Picture, story: Story, v: Verdict) -> bool:
    """Search for an object for each thing, such that all relations hold; things told apart are different ones."""
    choices = {
        key: [p for p in range(len(picture.labels)) if _may_be(picture, p, named, story.attributes[key])]
        for key, named in story.readings.items()
    }
    links: dict[Key, list[tuple[frozenset[str], Key, bool]]] = {key: [] for key in choices}
    for one, predicates, two in story.relations:
        links[one].append((predicates, two, True))
        links[two].append((predicates, one, False))
    order = _order(choices, links)
    steps = [0]

    def fill(number: int, chosen: dict[Key, int]) -> bool:
        if number == len(order):
            return _sides_hold(picture, chosen)
        key = order[number]
        for place in choices[key]:
            steps[0] += 1
            if steps[0] > MOST_STEPS:
                return False
            if _free(key, place, chosen) and _linked(picture, links[key], place, chosen):
                chosen[key] = place
                if fill(number + 1, chosen):
                    return True
                del chosen[key]
        return False

    found = fill(0, {})
    if not found and steps[0] > MOST_STEPS:
        v.ambiguous("caption_too_long_to_check")
        return True
    return found


def _may_be(
    picture: Picture, place: int, named: list[tuple[tuple[str, frozenset[str]], ...]], wanted: set[str]
) -> bool:
    """Whether an object is what each of the names says, in one of its readings, and has what is said of it."""
    label = picture.labels[place]
    fitting = (any(x == label and carries(picture, place, a) for x, a in readings) for readings in named)
    return carries(picture, place, wanted) and all(fitting)


def _order(choices: dict[Key, list[int]], links: dict[Key, list[tuple[frozenset[str], Key, bool]]]) -> list[Key]:
    """Begin where there is least to choose, and go on with what is linked most to what is chosen."""
    order: list[Key] = []
    left = set(choices)
    while left:
        tied = {key: sum(other in order for _, other, _ in links[key]) for key in left}
        order.append(min(left, key=lambda key: (-tied[key], len(choices[key]), key)))
        left.remove(order[-1])
    return order


def _free(key: Key, place: int, chosen: Mapping[Key, int]) -> bool:
    """Whether an object is not another thing already; a thing named again by "a" or "some" may be any."""
    if key[1].startswith("again"):
        return True
    return all(other != place or k[1].startswith("again") for k, other in chosen.items())


def _linked(
    picture: Picture, links: list[tuple[frozenset[str], Key, bool]], place: int, chosen: Mapping[Key, int]
) -> bool:
    words = picture.words
    for predicates, key, forward in links:
        if key not in chosen:
            continue
        pair = (place, chosen[key]) if forward else (chosen[key], place)
        said = picture.relations.get(pair, NOTHING)
        if not any(words.one_predicate(p, asked) for p in said for asked in predicates):
            return False
    return True


def _sides_hold(picture: Picture, chosen: Mapping[Key, int]) -> bool:
    for (label, side), place in chosen.items():
        other = chosen.get((label, "right"))
        if side == "left" and other is not None:
            middles = [(picture.boxes[p][0] + picture.boxes[p][2]) / 2 for p in (place, other)]
            if middles[1] - middles[0] < SIDE_MARGIN * picture.width - 1e-9:
                return False
    return True
