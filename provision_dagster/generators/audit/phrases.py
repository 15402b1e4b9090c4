"""Noun phrases, clauses and names of images, read back."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from provision_dagster.generators.audit.words import NOTHING, Words

_RELATIVE = re.compile(r" (?:that|who|which) (?:is|are) ")
_ARTICLE = re.compile(r"(?:a|an|the|some) ")
_IMAGE = re.compile(r"Image (\d+)")


def read_noun_phrase(
    phrase: str, *, nouns: Mapping[str, str], values: frozenset[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Read "small red cars that are parked" as a label and attributes, in every way that is possible.

    Parameters
    ----------
    phrase
        Without an article.
    nouns
        Labels, and the form in which each would stand here ("car": "cars").
    values
        Attributes that may be meant.
    """
    head, *tail = _RELATIVE.split(phrase, maxsplit=1)
    behind = tail[0] if tail else ""
    for label, noun in nouns.items():
        if head == noun or head.endswith(" " + noun):
            before = head[: -len(noun)].strip()
            for one in attribute_lists(before, values):
                for two in attribute_lists(behind, values):
                    yield label, one | two


def attribute_lists(text: str, values: frozenset[str]) -> Iterator[frozenset[str]]:
    """Cut a text into known attributes that stand next to each other or are joined by "and" or a comma."""
    if not text:
        yield NOTHING
        return
    parts = text.split(" ")
    for size in range(len(parts), 0, -1):
        first = " ".join(parts[:size])
        if first.removesuffix(",") in values or first in values:
            for rest in attribute_lists(" ".join(parts[size:]).removeprefix("and "), values):
                yield rest | {first if first in values else first.removesuffix(",")}


def article_of(phrase: str) -> tuple[str, str]:
    """Split an article off: "a red car" -> ("a", "red car")."""
    match = _ARTICLE.match(phrase)
    return (match[0].strip(), phrase[match.end() :]) if match else ("", phrase)


def image_number(text: str, *, images: int) -> int | None:
    """Place of the image that "Image 2" names, if there are so many."""
    match = _IMAGE.fullmatch(text)
    place = int(match[1]) - 1 if match else -1
    return place if 0 <= place < images else None


def images_named(text: str) -> list[int]:
    """Places of all images that a text names, in order."""
    return [int(n) - 1 for n in _IMAGE.findall(text)]


def read_clause(
    clause: str, *, labels: Collection[str], words: Words
) -> Iterator[tuple[str, frozenset[str], str, frozenset[str]]]:
    """Read "the man is riding a horse": subject label, predicates, object label, and the articles used.

    A negation ("is not riding", "does not cover") is read as what it denies.
    """
    first, rest = article_of(clause)
    for subject in _starting(rest, labels):
        tail = rest[len(subject) + 1 :]
        for object in labels:
            if not tail.endswith(" " + object):
                continue
            said = tail[: -len(object) - 1]
            for article in ("", " a", " an", " the", " some"):
                if said.endswith(article):
                    verb = said[: len(said) - len(article)]
                    meant = _predicates(verb, words)
                    if meant:
                        yield subject, meant, object, frozenset((first, article.strip()))


def _starting(text: str, labels: Iterable[str]) -> list[str]:
    return [label for label in labels if text.startswith(label + " ")]


def _predicates(verb: str, words: Words) -> frozenset[str]:
    plain = affirmed(verb, words)
    return words.predicates_of_verb.get(plain, NOTHING) | words.predicates_of_plural_verb.get(plain, NOTHING)


def affirmed(verb: str, words: Words) -> str:
    """Undo a negation: "is not on" -> "is on", "does not cover" -> "covers", "do not cover" -> "cover"."""
    for be in ("is", "are"):
        if verb.startswith(f"{be} not "):
            return f"{be} " + verb[len(be) + 5 :]
    if verb.startswith("does not "):
        base, *rest = verb.removeprefix("does not ").split(" ")
        third = "has" if base == "have" else words.base_of_verb.get(base, base + "s")
        return " ".join([third, *rest])
    return verb.removeprefix("do not ")
