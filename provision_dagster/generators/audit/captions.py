"""Captions, read back: who is said to be there, what they are like, and how they are related."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from provision_dagster.generators.audit.english import number
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.words import NOTHING

_SIDE = re.compile(r" on the (left|right)")
_ORDINAL = (
    r"first|second|third|\w+ty-(?:first|second|third)|(?:\w+-)?(?:four|fif|six|seven|eigh|nin)th"
    r"|(?:ten|eleven|twelf|\w+teen|\w+tie)th"
)
_DETERMINER = re.compile(rf"(?:(another|an|a|some)|the(?: ({_ORDINAL}))?|(at least )?([a-z-]+)( more)?) ")
_SHOWS = re.compile(r"The image (?:also )?shows ")


@dataclass(frozen=True)
class Named:
    """A thing as the caption names it.

    `readings`: labels with attributes: "black sign" may be the label, or a sign that is black. `count`: how many are
    named together, or (`at_least`) there may be more. `order`, `side`: what tells it apart from others of its label.
    """

    readings: tuple[tuple[str, frozenset[str]], ...]
    definite: bool
    order: str = ""
    side: str = ""
    count: int = 1
    at_least: bool = False

    @property
    def label(self) -> str:
        """The longest label that it may have."""
        return max((label for label, _ in self.readings), key=lambda label: (len(label), label))


@dataclass(frozen=True)
class Clause:
    """What is said of a subject: it is related to things, or has attributes."""

    verb: str
    objects: tuple[Named, ...] = ()
    attributes: frozenset[str] = NOTHING


@dataclass
class Told:
    """What a caption says: clauses by subject, and things that are only there; null if a sentence was not read."""

    said: list[tuple[Named, Clause]] = field(default_factory=list)
    there: list[Named] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


class CaptionReader:
    """Reads the sentences of one picture's caption, in its own words."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        words = picture.words
        self._labels = _longest_first((label, label) for label in picture.by_label)
        self._plurals = _longest_first((words.label[x].plural, x) for x in picture.by_label if x in words.label)
        predicates = {p for said in picture.relations.values() for p in said}
        forms = {w.is_form or f"is {p}" for p in predicates if (w := words.predicate.get(p))}
        forms |= {w.are_form or f"are {p}" for p in predicates if (w := words.predicate.get(p))}
        self._verbs = sorted(forms, key=len, reverse=True)

    @cached_property
    def _values(self) -> list[str]:
        return sorted(frozenset().union(*self._picture.attributes), key=len, reverse=True)

    def read(self, caption: str) -> Told:
        """Read every sentence; those that cannot be read are listed."""
        told, rest = Told(), caption
        while rest:
            for sentence, after in _sentences(rest):
                if self._sentence(sentence, told):
                    rest = after
                    break
            else:
                told.unread.append(rest[:200])
                return told
        return told

    def _sentence(self, text: str, told: Told) -> bool:
        match = _SHOWS.match(text)
        if match:
            for things, end in self._list(text, match.end()):
                if text[end:] == ".":
                    told.there += things
                    return True
            return False
        text = text[:1].lower() + text[1:]
        for subject, end in self._thing(text, 0):
            for clauses in self._clauses(text, end, ""):
                told.said += [(subject, clause) for clause in clauses]
                return True
        return False

    def _clauses(self, text: str, start: int, seam: str) -> Iterator[list[Clause]]:
        """Read ", is tall, has a hat, and is on the table." from `start`."""
        for lead in (" ",) if not seam else (", and ", ", ", " and "):
            if not text.startswith(lead, start):
                continue
            for clause, end in self._clause(text, start + len(lead)):
                if text[end:] == ".":
                    yield [clause]
                else:
                    yield from ([clause, *more] for more in self._clauses(text, end, "more"))

    def _clause(self, text: str, start: int) -> Iterator[tuple[Clause, int]]:
        for verb in self._verbs:
            if text.startswith(verb + " ", start):
                for things, end in self._list(text, start + len(verb) + 1):
                    yield Clause(verb, tuple(things)), end
        for be in ("is", "are"):
            if text.startswith(be + " ", start):
                for values, end in self._attributes(text, start + len(be) + 1):
                    yield Clause(be, attributes=values), end

    def _list(self, text: str, start: int) -> Iterator[tuple[list[Named], int]]:
        """Read "a car, two dogs and the tree": the longest list first."""
        for thing, end in self._thing(text, start):
            for seam in (", and ", ", ", " and "):
                if text.startswith(seam, end):
                    for more, last in self._list(text, end + len(seam)):
                        yield [thing, *more], last
            yield [thing], end

    def _thing(self, text: str, start: int) -> Iterator[tuple[Named, int]]:
        """Read a name, the longest first; each with all labels and attributes that fit the picture."""
        match = _DETERMINER.match(text, start)
        if match is None:
            return
        indefinite, order, least, counted, _ = match.groups()
        count = number(counted) if counted else 1
        if count is None:
            return
        found: dict[tuple[int, str], list[tuple[str, frozenset[str]]]] = {}
        for label, attributes, side, end in self._nouns(text, match.end(), many=count > 1):
            if self._how_many(label, attributes) >= count and (label, attributes) not in found.get((end, side), []):
                found.setdefault((end, side), []).append((label, attributes))
        definite = not indefinite and not counted
        for (end, side), readings in sorted(found.items(), reverse=True):
            yield Named(tuple(readings), definite, order or "", side, count, bool(least)), end

    def _nouns(self, text: str, start: int, *, many: bool) -> Iterator[tuple[str, frozenset[str], str, int]]:
        nouns = self._plurals if many else self._labels
        for before, end in [*self._attributes(text, start, before=True), (NOTHING, start)]:
            for noun, label in nouns:
                if not text.startswith(noun, end):
                    continue
                last = end + len(noun)
                side = _SIDE.match(text, last)
                for where, stop in [*([(side.group(1), side.end())] if side else []), ("", last)]:
                    for behind, close in self._behind(text, stop):
                        yield label, before | behind, where, close

    def _how_many(self, label: str, attributes: frozenset[str]) -> int:
        places = self._picture.by_label[label]
        if self._picture.groups.intersection(places):
            return 0  # one box round several: their number is not known
        return sum(carries(self._picture, place, attributes) for place in places)

    def _behind(self, text: str, start: int) -> Iterator[tuple[frozenset[str], int]]:
        for lead in (" that is ", " that are "):
            if text.startswith(lead, start):
                yield from self._attributes(text, start + len(lead))
        yield NOTHING, start

    def _attributes(self, text: str, start: int, *, before: bool = False) -> Iterator[tuple[frozenset[str], int]]:
        """Read attributes joined by spaces (before a noun), commas and "and"; the longest list first."""
        for value in self._values:
            if not text.startswith(value, start):
                continue
            end = start + len(value)
            for seam in (" and ", ", and ", ", ", *([" "] if before else [])):
                if text.startswith(seam, end):
                    for more, last in self._attributes(text, end + len(seam), before=before):
                        yield more | {value}, last
            if not before:
                yield frozenset({value}), end
            elif text.startswith(" ", end):
                yield frozenset({value}), end + 1


def carries(picture: Picture, place: int, wanted: Iterable[str]) -> bool:
    """Whether an object has all of the attributes, under any of their names."""
    held = picture.attributes[place]
    return all(any(picture.words.one_attribute(a, w) for a in held) for w in wanted)


def _longest_first(nouns: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sort (noun, label)."""
    return sorted(nouns, key=lambda pair: (-len(pair[0]), pair))


def _sentences(text: str) -> Iterator[tuple[str, str]]:
    """Split off the first sentence, at each full stop that may end it."""
    for match in re.finditer(r"\.(?: (?=[A-Z])|$)", text):
        yield text[: match.start() + 1], text[match.end() :]
