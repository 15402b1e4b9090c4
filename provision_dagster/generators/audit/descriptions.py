"""Descriptions such as "small red object that is on the white table", read back and looked up."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from provision_dagster.generators.audit.phrases import article_of, attribute_lists, read_noun_phrase
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.verdict import Truth
from provision_dagster.generators.audit.words import NOTHING, Words

_FIRST = re.compile(r" (?:that|which|who) ")
_FURTHER = re.compile(r" and (?:that|which|who) ")  # without "and", a clause belongs to the thing named before it
_BE = re.compile(r"(?:is|are) ")


@dataclass(frozen=True)
class Neighbor:
    """What a description says of another thing: its name, its attributes and the relation."""

    label: str
    attributes: frozenset[str]
    predicates: frozenset[str]
    forward: bool
    """Whether the described thing is the subject ("object that is on the table")."""
    article: str


@dataclass(frozen=True)
class Description:
    """What a description says."""

    attributes: frozenset[str]
    neighbors: tuple[Neighbor, ...]


def read_description(text: str, picture: Picture) -> list[Description]:
    """Read a description in every way that fits the words of the picture."""
    head, *rest = _FIRST.split(text, maxsplit=1)
    clauses = _FURTHER.split(rest[0]) if rest else []
    if head != "object" and not head.endswith(" object"):
        return []
    values = frozenset().union(*picture.attributes)
    found = [Description(own, ()) for own in attribute_lists(head.removesuffix("object").strip(), values)]
    for clause in clauses:
        found = [more for said in found for more in _with_clause(said, clause, picture, values)]
    return list(dict.fromkeys(found))


def _with_clause(said: Description, clause: str, picture: Picture, values: frozenset[str]) -> Iterator[Description]:
    match = _BE.match(clause)
    if match:
        for more in attribute_lists(clause[match.end() :], values):
            yield Description(said.attributes | more, said.neighbors)
    for neighbor in _neighbors(clause, picture, values):
        yield Description(said.attributes, (*said.neighbors, neighbor))


def _neighbors(clause: str, picture: Picture, values: frozenset[str]) -> Iterator[Neighbor]:
    """Read "is on the white table" and "the tall man is wearing" by trying where the verb ends or begins."""
    words = clause.split(" ")
    for cut in range(1, len(words)):
        first, last = " ".join(words[:cut]), " ".join(words[cut:])
        for verb, phrase, forward in ((first, last, True), (last, first, False)):
            predicates = _predicates(verb, picture.words)
            if predicates:
                article, bare = article_of(phrase)
                nouns = {label: label for label in picture.by_label}
                for label, attributes in read_noun_phrase(bare, nouns=nouns, values=values):
                    yield Neighbor(label, attributes, predicates, forward, article)


def _predicates(verb: str, words: Words) -> frozenset[str]:
    return words.predicates_of_verb.get(verb, NOTHING) | words.predicates_of_plural_verb.get(verb, NOTHING)


def fits(picture: Picture, place: int, said: Description) -> Truth:
    """Say whether an object fits a description by what is annotated.

    True: all that is said is annotated of it. Neither true nor false: it is annotated with something that may mean the
    same ("light blue" for "blue", "sitting on" for "on"). What is not annotated counts as not so.
    """
    truths = [_carries(picture, place, a) for a in said.attributes]
    truths += [_has_neighbor(picture, place, n) for n in said.neighbors]
    if False in truths:
        return False
    return None if None in truths else True


def _carries(picture: Picture, place: int, wanted: str) -> Truth:
    held, words = picture.attributes[place], picture.words
    if any(words.one_attribute(a, wanted) for a in held):
        return True
    return None if held & words.same.get(wanted, NOTHING) else False


def _has_neighbor(picture: Picture, place: int, n: Neighbor) -> Truth:
    found: Truth = False
    for other, label in enumerate(picture.labels):
        if other == place or not picture.words.may_be(n.label, label):
            continue
        subject, object = (place, other) if n.forward else (other, place)
        truths = [_said(picture, subject, n.predicates, object), label == n.label or None]
        truths += [_carries(picture, other, a) for a in n.attributes]
        if all(truths):
            return True
        if False not in truths:
            found = None
    return found


def _said(picture: Picture, subject: int, predicates: frozenset[str], object: int) -> Truth:
    words = picture.words
    said = picture.relations.get((subject, object), NOTHING)
    turned = {i for p in picture.relations.get((object, subject), NOTHING) if (i := words.inverse(p))}
    if any(words.one_predicate(p, asked) for p in said | turned for asked in predicates):
        return True
    near = any(asked in words.compatible.get(p, NOTHING) for p in said | turned for asked in predicates)
    return None if near else False


def neighbors_of(picture: Picture, place: int, said: Description) -> frozenset[int]:
    """Objects that the description's neighbors may be."""
    found = set()
    for n in said.neighbors:
        for other in picture.by_label.get(n.label, ()):
            subject, object = (place, other) if n.forward else (other, place)
            carried = all(_carries(picture, other, a) for a in n.attributes)
            if other != place and carried and _said(picture, subject, n.predicates, object):
                found.add(other)
    return frozenset(found)
