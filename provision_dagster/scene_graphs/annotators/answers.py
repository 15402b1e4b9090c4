"""What the answer of a vision-language model says: attributes, a predicate, or nothing. Pure functions of text.

Models answer with lists, JSON, bullets, sentences and excuses, whatever they were asked for. What is doubtful is left
out: a word in a denial ("not red", "it might be red"), and the last word of an answer that was cut off.
"""

import json
import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

_THOUGHT = re.compile(r"^.*</think>", re.DOTALL)
_FENCE = re.compile(r"```\w*")
_BULLET = re.compile(r"^\s*(?:[-*•–+]|\(?\d{1,2}[.):]|\(?[a-z][.)])\s+")
_MARKUP = re.compile(r"[*_`\"“”„«»]+")
_NAMED = re.compile(r"^[^:,]{1,40}:\s*")
_SENTENCES = re.compile(r"(?<=[.!?;])\s+")
_KEY = re.compile(r"(?:\"[^\"]*\"|'[^']*')\s*:")
_ITEMS = re.compile(r"[,;|]")
_JOINED = re.compile(r"/|\band\b|&|\+|\bbut\b|\bwith\b(?= )")
_DENIED = re.compile(
    r"\b(?:not|no|never|without|neither|nor|none|nothing|cannot|\w+n['’]t|sorry|unable|unclear|unknown|unsure|uncertain"
    r"|null|unrelated|undetermined|unspecified|n/a|maybe|perhaps|might|may|could|would|possibly|probably|whether|or|if)\b"
)
_LEAD = re.compile(
    r"^(?:(?:it|its|it['’]s|they['’]re|he|she|they|this|that|these|those|there|which|is|are|was|were|be|being|been|has|have|having|looks?"
    r"|looking|like|appears?|seems?|to|a|an|the|also|mostly|mainly|primarily|predominantly|clearly|visibly|some|color"
    r"|colour|shape|material|size|texture|pattern|object) +)+"
)
_TAIL = re.compile(r" +(?:in )?(?:color|colour|shape|size|texture|material|pattern|appearance|one|object|thing)$")
_ASIDE = re.compile(r"\([^)]*\)")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_SPACES = re.compile(r"\s+")
_GREY = re.compile(r"\bgrey(ish|s|er|est)?\b")


def parse_attributes(text: str, *, label: str, complete: bool = True, words: Container[str] = frozenset()) -> list[str]:
    """
    Read the attributes that an answer lists.

    Parameters
    ----------
    text
        The answer: words between commas, a JSON list or object, bullets, numbered lines or sentences.
    label
        Name of the object; it is no attribute of itself, and is taken off ("red car" of a car is "red").
    complete
        False for an answer that was cut off: its last item may be the beginning of another word.
    words
        Attributes that are taken as they stand ("bright and sunny", "looking up").

    Returns
    -------
    list of str
        Lower case, in the order of the answer, none twice. Words that are no attributes may be among them.
    """
    plain = _plain(text)
    items = _json_strings(plain)
    lines = plain.splitlines() if items is None else items
    sentences = [one for line in lines for one in _SENTENCES.split(_BULLET.sub("", line.lower()))]
    parts = [part for sentence in sentences for part in _stated(sentence, words)]
    if not complete and items is None:
        parts = parts[:-1]
    found = [_attribute(part, label=label, words=words) for part in parts]
    return list(dict.fromkeys(word for word in found if word))


def _plain(text: str) -> str:
    """Without what a model thought before it answered, and without marks of code."""
    return _FENCE.sub(" ", _THOUGHT.sub("", unicodedata.normalize("NFC", text))).strip()


def _json_strings(text: str) -> list[str] | None:
    """Strings in an answer that is JSON, or a list as Python writes it, even one that was cut off; else null."""
    start = min((at for at in (text.find("["), text.find("{")) if at >= 0), default=-1)
    if start < 0 or len(text[:start].split()) > 8:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return [double or single for double, single in _QUOTED.findall(_KEY.sub("", text[start:]))] or None
    return _strings(value)


def _strings(value: Any) -> list[str]:
    """Strings of JSON in their order: of an object its values, and the keys that are true."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in ([key] if one is True else _strings(one))]
    return []


def _stated(sentence: str, words: Container[str]) -> list[str]:
    """Parts of a sentence or line, up to the first that denies or doubts: what follows may be denied too."""
    line = _NAMED.sub("", _ASIDE.sub(" ", _MARKUP.sub(" ", sentence)).strip()).replace("n/a", "none")
    parts = []
    for item in _ITEMS.split(line):
        if _words(item) in words:
            parts.append(item)
            continue
        inside = _JOINED.split(item)
        denied = next((place for place, part in enumerate(inside) if _DENIED.search(part)), None)
        parts += inside[:denied]
        if denied is not None:
            break
    return parts


def _attribute(part: str, *, label: str, words: Container[str]) -> str:
    """The attribute alone: without "it is a ...", "... in color" and the name of the object."""
    whole, thing = _words(part), _words(label)
    if whole in words and whole != thing:
        return whole
    name = re.escape(thing)
    word = _LEAD.sub("", re.sub(rf"^(?:(?:the|a|an|this) )?{name}s? (?=\S)", "", whole) + " ").strip()
    word = _TAIL.sub("", re.sub(rf"(?:^| ){name}s?$", "", word))
    return "" if word == thing else word


def _words(text: str) -> str:
    """Lower case, single spaces, no punctuation at the ends, gray for grey."""
    plain = _SPACES.sub(" ", unicodedata.normalize("NFC", text.lower()))
    return _GREY.sub(r"gray\1", plain.strip(" .,;:!?()[]{}<>'’‘\"-–—_*"))


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
    line = _predicate_line(_plain(text))
    if complete and _words(line) in words:
        return Predicate(_words(line))
    if not line or not complete or _DENIED.search(line):
        return None
    names = (_names(subject, "red box", "subject"), _names(object, "blue box", "object"))
    predicate = _of_triple(line, names) or _of_sentence(line, names)
    if predicate is None:
        return None
    found = _words(_ARTICLE_TAIL.sub("", _VERB_LEAD.sub("", _words(predicate.text) + " ").strip()))
    legible = found and len(found.split()) <= _MOST_WORDS and all(c.isalpha() or c in " -'’" for c in found)
    return Predicate(found, predicate.turned) if legible else None


def _predicate_line(text: str) -> str:
    """First sentence of an answer, lower case; triples of JSON as "a | b | c"."""
    value = _json_value(text)
    if isinstance(value, dict):
        value = next((value[key] for key in _KEYS if key in value), value)
    if value is not None:
        strings = _strings(value)
        text = " | ".join(strings) if len(strings) == 3 else next(iter(strings), "")
    lines = [_NAMED.sub("", _MARKUP.sub(" ", _BULLET.sub("", line.lower())).strip()) for line in text.splitlines()]
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
    known = sorted({re.escape(_words(name)) for name in names if _words(name)}, key=len, reverse=True)
    return rf"(?:(?:the|a|an|this|that|his|her|its|their|some) )?(?:{'|'.join(known)})(?:e?s)?"


def _of_triple(line: str, names: tuple[str, str]) -> Predicate | None:
    """Read "cat -> on -> table" and "(cat, on, table)"."""
    parts = [_words(part) for part in _BETWEEN.split(line)]
    if len(parts) != 3:
        return None
    ends = [[re.fullmatch(name, part) is not None for name in names] for part in (parts[0], parts[2])]
    if ends[0][0] and ends[1][1]:
        return Predicate(parts[1])
    return Predicate(parts[1], turned=True) if ends[0][1] and ends[1][0] else None


def _of_sentence(line: str, names: tuple[str, str]) -> Predicate | None:
    """Read "the cat is on the table" and parts of it; null where the names stand as they should not."""
    clause = _words(line.split(",")[0])
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


def first_words(texts: Sequence[str], *, most: int = 500) -> list[str]:
    """Answers as they are kept: on one line, with `most` characters at most."""
    return [_SPACES.sub(" ", text).strip()[:most] for text in texts]
