"""Attributes in the answer of a vision-language model. Pure functions of text.

Models answer with lists, JSON, bullets, sentences and excuses, whatever they were asked for. What is doubtful is left
out: a word in a denial ("not red", "it might be red"), and the last word of an answer that was cut off.
"""

import json
import re
from collections.abc import Container

from provision_dagster.scene_graphs.annotators.answer_text import (
    BULLET,
    DENIED,
    MARKUP,
    NAMED,
    plain_text,
    strings_of,
    words_of,
)

_SENTENCES = re.compile(r"(?<=[.!?;])\s+")
_KEY = re.compile(r"(?:\"[^\"]*\"|'[^']*')\s*:")
_ITEMS = re.compile(r"[,;|]")
_JOINED = re.compile(r"/|\band\b|&|\+|\bbut\b|\bwith\b(?= )")
_LEAD = re.compile(
    r"^(?:(?:it|its|it['’]s|they['’]re|he|she|they|this|that|these|those|there|which"
    r"|is|are|was|were|be|being|been|has|have|having|looks?|looking|like|appears?|seems?|to|a|an|the|also|mostly|mainly|primarily|predominantly|clearly|visibly|some|color"
    r"|colour|shape|material|size|texture|pattern|object) +)+"
)
_TAIL = re.compile(r" +(?:in )?(?:color|colour|shape|size|texture|material|pattern|appearance|one|object|thing)$")
_ASIDE = re.compile(r"\([^)]*\)")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")


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
    plain = plain_text(text)
    items = _json_strings(plain)
    lines = plain.splitlines() if items is None else items
    sentences = [one for line in lines for one in _SENTENCES.split(BULLET.sub("", line.lower()))]
    parts = [part for sentence in sentences for part in _stated(sentence, words)]
    if not complete and items is None:
        parts = parts[:-1]
    found = [_attribute(part, label=label, words=words) for part in parts]
    return list(dict.fromkeys(word for word in found if word))


def _json_strings(text: str) -> list[str] | None:
    """Strings in an answer that is JSON, or a list as Python writes it, even one that was cut off; else null."""
    start = min((at for at in (text.find("["), text.find("{")) if at >= 0), default=-1)
    if start < 0 or len(text[:start].split()) > 8:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return [double or single for double, single in _QUOTED.findall(_KEY.sub("", text[start:]))] or None
    return strings_of(value)


def _stated(sentence: str, words: Container[str]) -> list[str]:
    """Parts of a sentence or line, up to the first that denies or doubts: what follows may be denied too."""
    line = NAMED.sub("", _ASIDE.sub(" ", MARKUP.sub(" ", sentence)).strip()).replace("n/a", "none")
    parts = []
    for item in _ITEMS.split(line):
        if words_of(item) in words:
            parts.append(item)
            continue
        inside = _JOINED.split(item)
        denied = next((place for place, part in enumerate(inside) if DENIED.search(part)), None)
        parts += inside[:denied]
        if denied is not None:
            break
    return parts


def _attribute(part: str, *, label: str, words: Container[str]) -> str:
    """The attribute alone: without "it is a ...", "... in color" and the name of the object."""
    whole, thing = words_of(part), words_of(label)
    if whole in words and whole != thing:
        return whole
    name = re.escape(thing)
    word = _LEAD.sub("", re.sub(rf"^(?:(?:the|a|an|this) )?{name}s? (?=\S)", "", whole) + " ").strip()
    word = _TAIL.sub("", re.sub(rf"(?:^| ){name}s?$", "", word))
    return "" if word == thing else word
