"""The predicate in the answer of a vision-language model. Pure functions of text."""

import json
import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from provision_dagster.scene_graphs.annotators.answer_text import (
    BULLET,
    DENIED,
    MARKUP,
    NAMED,
    plain_text,
    strings_of,
    words_of,
)


@dataclass(frozen=True)
class Predicate:
    """What an answer says of two things; `turned` when it says it of the object: "the table is under the cat"."""

    text: str
    turned: bool = False


_MOST_WORDS = 6
"""A predicate of more words is a sentence that was not understood."""

_BOX = re.compile(
    r" *\(?\b(?:(?:in|inside|within|by|with|of|marked|outlined|highlighted|shown) )+(?:the |a )?(?:red|blue)"
    r"(?: bounding)?(?: box| rectangle)?\)?| *\((?:red|blue)(?: bounding)?(?: box)?\)"
)
_BETWEEN = re.compile(r" *(?:->|-->|→|=>|\||,|—| - |--) *")
_VERB_LEAD = re.compile(
    r"^(?:(?:that|which|who|is|are|was|were|be|being|it|he|she|they|relation|predicate|directly|currently|also|just"
    r"|partially|partly|slightly|clearly|appears? to be|seems? to be) )+"
)
_ARTICLE_TAIL = re.compile(r"(?: (?:the|a|an|it|them|him|its|his|her|their|each other|one another))+$")
_KEYS = ("predicate", "relation", "relationship", "answer")


def parse_predicate(
    text: str, *, subject: str, object: str, complete: bool = True, words: Container[str] = frozenset()
) -> Predicate | None:
    """
    Read the predicate that an answer gives.

    Parameters
    ----------
    text
        The answer: the predicate alone, a sentence ("the cat is on the table"), a triple or JSON.
    subject, object
        Names of the two things.
    complete
        False for an answer that was cut off, which says nothing for certain.
    words
        Predicates that are taken as they stand ("has", "without").

    Returns
    -------
    Predicate or None
        Lower case, without names, articles and forms of "to be"; null where the answer says that there is no
        relation, or is not understood.
    """
    line = _predicate_line(plain_text(text))
    if complete and words_of(line) in words:
        return Predicate(words_of(line))
    if not line or not complete or DENIED.search(line):
        return None
    names = (_names(subject, "red box", "subject"), _names(object, "blue box", "object"))
    predicate = _of_triple(line, names) or _of_sentence(line, names)
    if predicate is None:
        return None
    found = words_of(_ARTICLE_TAIL.sub("", _VERB_LEAD.sub("", words_of(predicate.text) + " ").strip()))
    legible = found and len(found.split()) <= _MOST_WORDS and all(c.isalpha() or c in " -'’" for c in found)
    return Predicate(found, predicate.turned) if legible else None


def _predicate_line(text: str) -> str:
    """First sentence of an answer, lower case; triples of JSON as "a | b | c"."""
    value = _json_value(text)
    if isinstance(value, dict):
        value = next((value[key] for key in _KEYS if key in value), value)
    if value is not None:
        strings = strings_of(value)
        text = " | ".join(strings) if len(strings) == 3 else next(iter(strings), "")
    lines = [NAMED.sub("", MARKUP.sub(" ", BULLET.sub("", line.lower())).strip()) for line in text.splitlines()]
    first = next((line.strip() for line in lines if line.strip(" .:")), "")
    return _BOX.sub("", re.split(r"(?<=[.!?])\s|;", first)[0]).strip()


def _json_value(text: str) -> Any:
    """The value of an answer that is JSON; null for other answers."""
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _names(*names: str) -> str:
    """Pattern of a thing's names, with article or without, also in the plural; longest first."""
    known = sorted({re.escape(words_of(name)) for name in names if words_of(name)}, key=len, reverse=True)
    return rf"(?:(?:the|a|an|this|that|his|her|its|their|some) )?(?:{'|'.join(known)})(?:e?s)?"


def _of_triple(line: str, names: tuple[str, str]) -> Predicate | None:
    """Read "cat -> on -> table" and "(cat, on, table)"."""
    parts = [words_of(part) for part in _BETWEEN.split(line)]
    if len(parts) != 3:
        return None
    ends = [[re.fullmatch(name, part) is not None for name in names] for part in (parts[0], parts[2])]
    if ends[0][0] and ends[1][1]:
        return Predicate(parts[1])
    return Predicate(parts[1], turned=True) if ends[0][1] and ends[1][0] else None


def _of_sentence(line: str, names: tuple[str, str]) -> Predicate | None:
    """Read "the cat is on the table" and parts of it; null where the names stand as they should not."""
    clause = words_of(line.split(",")[0])
    subject, other = names
    for first, last, turned in ((subject, other, False), (other, subject, True)):
        if re.match(rf"{first} ", clause) and re.search(rf" {last}$", clause):
            return Predicate(_cut(clause, first, last), turned)
    # one name alone says which way round it is only where it stands in its own place
    if _misplaced(clause, subject=subject, other=other):
        return None
    return Predicate(_cut(clause, subject, other))


def _misplaced(clause: str, *, subject: str, other: str) -> bool:
    """Whether the clause begins with the object's name or ends with the subject's."""
    begins = re.match(rf"{other}(?: |$)", clause) and not re.match(rf"{subject}(?: |$)", clause)
    ends = re.search(rf"(?:^| ){subject}$", clause) and not re.search(rf"(?:^| ){other}$", clause)
    return bool(begins or ends)


def _cut(clause: str, first: str, last: str) -> str:
    return re.sub(rf"(?:^| ){last}$", "", re.sub(rf"^{first}(?: |$)", "", clause))
