"""One or two true sentences about a scene."""

from collections import Counter
from collections.abc import Sequence
from functools import cache

from provision_dagster.english import inflect_engine

PLACES = {"street": "A street", "park": "A park", "room": "A room", "tabletop": "A room"}
_TOLD = ("holding", "wearing", "on", "next to", "in front of")
"""Predicates worth a sentence, the most telling first."""


def write_captions(
    view: str,
    labels: Sequence[str],
    attributes: Sequence[Sequence[str]],
    relations: Sequence[tuple[int, str, int]],
) -> list[str]:
    """Return what is in the scene, and one relation when there is one.

    Parameters
    ----------
    view
        street, park, room or tabletop.
    labels, attributes
        One entry per object; colour and size come first among the attributes.
    relations
        True relations by place in `labels`.
    """
    words, counts = inflect_engine(), Counter(labels)
    parts = []
    for label, count in counts.items():
        if count > 1:
            parts.append(f"{words.number_to_words(str(count))} {_plural(label)}")
        else:
            parts.append(_phrase(label, attributes[labels.index(label)], with_size=False))
    captions = [f"{PLACES[view]} with {words.join(parts)}."]
    told = [r for predicate in _TOLD for r in relations if r[1] == predicate]
    if told:
        subject, predicate, other = told[0]
        first = _phrase(labels[subject], attributes[subject])
        second = _phrase(labels[other], attributes[other])
        captions.append(f"{first[0].upper()}{first[1:]} is {predicate} {second}.")
    return captions


def _phrase(label: str, attributes: Sequence[str], *, with_size: bool = True) -> str:
    """A noun phrase with article: "a small red car", "a person dressed in blue"."""
    color, size = attributes[:2]
    head = f"{size} " if with_size else ""
    if label == "person":
        return f"{_article(f'{head}person')} dressed in {color}"
    return _article(f"{head}{color} {label}")


@cache
def _plural(label: str) -> str:
    return str(inflect_engine().plural(label))


@cache
def _article(phrase: str) -> str:
    return str(inflect_engine().a(phrase))
