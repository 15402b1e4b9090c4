"""What is said of an object of a rendered scene ("small red striped cup"), and what is false of it by one word."""

import random
from dataclasses import dataclass

from provision_dagster.samples.rendering import LABELS
from provision_dagster.samples.rendering.palette import COLOR_NAMES
from provision_dagster.samples.rendering.stage import SIZES, Item
from provision_dagster.samples.rendering.truth import attributes_of

Terms = tuple[str, ...]

KINDS_OF_WORD: dict[str, tuple[str, ...]] = {
    "size": SIZES,
    "posture": ("standing", "walking", "sitting"),
    "shape": ("round", "square", "triangular"),
    "color": COLOR_NAMES,
    "pattern": ("striped", "dotted", "spotted"),
    "material": ("wooden", "brick", "metal", "plastic"),
    "label": LABELS,
}
"""By kind of word, in the order in which they are said."""
TERMS: tuple[str, ...] = tuple(word for words in KINDS_OF_WORD.values() for word in words)
KIND_OF: dict[str, str] = {word: kind for kind, words in KINDS_OF_WORD.items() for word in words}
SEEN = ("posture", "shape", "color", "pattern", "material", "label")
"""What a part of a picture shows by itself; how large a thing is, it does not."""


@dataclass(frozen=True)
class Corrupted:
    """An expression that is false of an object: one of its words has been changed."""

    terms: Terms
    kind: str


def terms_of(item: Item) -> Terms:
    """All that is true of an object: its attributes in the usual order of English, then its label."""
    return in_order((*attributes_of(item), item.kind.label))


def in_order(terms: Terms) -> Terms:
    """Sort terms as English does."""
    return tuple(sorted(terms, key=TERMS.index))


def some_of(terms: Terms, rng: random.Random, *, share: float = 0.6) -> Terms:
    """Say the label and each attribute with a chance of `share`, but at least one."""
    *attributes, label = terms
    kept = [word for word in attributes if rng.random() < share] or [rng.choice(attributes)]
    return (*kept, label)


def corrupted(terms: Terms, rng: random.Random) -> Corrupted:
    """Change one word that a part of the picture shows, for another of its kind."""
    place = rng.choice([place for place, word in enumerate(terms) if KIND_OF[word] in SEEN])
    kind = KIND_OF[terms[place]]
    other = rng.choice([word for word in KINDS_OF_WORD[kind] if word != terms[place]])
    return Corrupted((*terms[:place], other, *terms[place + 1 :]), kind)


def text_of(terms: Terms) -> str:
    """Write an expression down."""
    return " ".join(terms)


def wording_of(terms: Terms, rng: random.Random) -> str:
    """Write an expression down in one of the ways in which questions and answers do."""
    *attributes, label = terms
    way = rng.random()
    if way < 0.5:
        return text_of(terms)
    rng.shuffle(attributes)
    listed = " and ".join(part for part in (", ".join(attributes[:-1]), attributes[-1]) if part)
    return f"{listed} {label}" if way < 0.85 else f"{label} that is {listed}"
