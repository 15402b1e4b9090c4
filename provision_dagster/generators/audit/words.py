"""What the lexicon says of the words of some scene graphs and questions, as dicts and sets for one-by-one lookups."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import polars as pl

from provision_dagster.lexicon import Lexicon

NOTHING: frozenset[str] = frozenset()


class LabelWord(NamedTuple):
    """A label: see `lexicon.labels.LABEL_COLUMNS`."""

    lemma: str
    plural: str
    singular_article: str
    is_plural: bool
    countable: bool
    kind: str
    usable: bool
    concept: str | None


class AttributeWord(NamedTuple):
    """An attribute: see `lexicon.attributes.ATTRIBUTE_COLUMNS`."""

    canonical: str
    category: str
    exclusive_group: str
    known: bool


class PredicateWord(NamedTuple):
    """A predicate: see `lexicon.predicates.PREDICATE_COLUMNS`."""

    canonical: str
    kind: str
    is_form: str
    are_form: str
    contact: bool
    inverse: str | None
    usable: bool
    known: bool


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Every label, attribute and predicate that graphs and options use."""

    labels: frozenset[str]
    attributes: frozenset[str]
    predicates: frozenset[str]

    def joined(self, other: "Vocabulary") -> "Vocabulary":
        """Words of both."""
        return Vocabulary(
            self.labels | other.labels, self.attributes | other.attributes, self.predicates | other.predicates
        )


class Words:
    """Lookups of single words; a word outside the vocabulary it was made for is unknown."""

    def __init__(self, lexicon: Lexicon, vocabulary: Vocabulary) -> None:
        self.label = _rows(lexicon.labels(sorted(vocabulary.labels)), LabelWord)
        self.attribute = _rows(lexicon.attributes(sorted(vocabulary.attributes)), AttributeWord)
        self.predicate = _predicates(lexicon, vocabulary.predicates)
        labels, attributes, predicates = (sorted(w) for w in (self.label, self.attribute, self.predicate))
        self.related = _sets(lexicon.related_labels(labels), "label", "other")
        self.implied = _sets(lexicon.implied_labels(labels), "label", "implied")
        self.synonyms = _sets(lexicon.synonym_labels(labels), "label", "other")
        self.wholes = _sets(lexicon.part_labels(labels), "part", "whole")
        self.contradicting = _sets(lexicon.contradictions(attributes), "attribute", "other")
        self.same = _sets(lexicon.same_attribute(attributes), "attribute", "other")
        self.compatible = _sets(lexicon.compatible_predicates(predicates), "predicate", "other")
        self.excluded = _conditions(lexicon.exclusive_predicates(predicates, conditional=True))
        self.base_of_verb = dict(lexicon.tables["verbs"].select("base", "third_person").iter_rows())
        special = lexicon.value_nouns(labels)
        nouns = pl.concat([lexicon.categories().select("noun", "category"), special.select("noun", "category")])
        self.categories_of_noun = _sets(nouns.unique(), "noun", "category")
        self.noun_of_values = {(group, label): noun for group, _, noun, label in special.iter_rows()}
        self.bunched = frozenset(lexicon.bunched_labels(labels))
        self.worn = frozenset(lexicon.worn_labels(labels))
        self.wearers = frozenset(lexicon.wearer_labels(labels))
        self.animate = frozenset(lexicon.animate_labels(labels))
        self.implied_predicates = _sets(lexicon.implied_predicates(predicates), "predicate", "other")

    @cached_property
    def labels_of_plural(self) -> Mapping[str, frozenset[str]]:
        """Labels that a plural noun names: those that it is the plural of, and itself."""
        found: dict[str, set[str]] = defaultdict(set)
        for label, word in self.label.items():
            found[word.plural].add(label)
            if word.is_plural:
                found[label].add(label)
        return {plural: frozenset(labels) for plural, labels in found.items()}

    @cached_property
    def predicates_of_verb(self) -> Mapping[str, frozenset[str]]:
        """Predicates that a finite verb phrase ("is on", "wears") states of one thing."""
        found: dict[str, set[str]] = defaultdict(set)
        for predicate, word in self.predicate.items():
            found[word.is_form or f"is {predicate}"].add(predicate)
        return {verb: frozenset(predicates) for verb, predicates in found.items()}

    @cached_property
    def predicates_of_plural_verb(self) -> Mapping[str, frozenset[str]]:
        """Predicates that a finite verb phrase ("are on", "wear") states of several things."""
        found: dict[str, set[str]] = defaultdict(set)
        for predicate, word in self.predicate.items():
            found[word.are_form or f"are {predicate}"].add(predicate)
        return {verb: frozenset(predicates) for verb, predicates in found.items()}

    def may_be(self, label: str, other: str) -> bool:
        """Whether two labels may name one thing: equal, synonyms, kinds of one another, singular and plural."""
        return label == other or other in self.related.get(label, NOTHING)

    def says(self, label: str, other: str) -> bool:
        """Whether who names a thing by the first label has said the other: a "poodle" is a dog, "trees" are a tree."""
        return label == other or other in self.implied.get(label, NOTHING)

    def noun_for(self, label: str, values: Iterable[str]) -> str | None:
        """What values of one category are called of a label in place of the category's noun: "length" of hair."""
        groups = {self.attribute[value].exclusive_group for value in values}
        group = groups.pop() if len(groups) == 1 else ""
        return self.noun_of_values.get((group, label)) or self.noun_of_values.get((group, None))

    def one_attribute(self, value: str, other: str) -> bool:
        """Whether two attributes are two words for one thing ("metal", "metallic")."""
        a, b = self.attribute.get(value), self.attribute.get(other)
        return value == other or (a is not None and b is not None and a.canonical == b.canonical)

    def one_predicate(self, value: str, other: str) -> bool:
        """Whether two predicates are two words for one relation ("sits on", "sitting on")."""
        a, b = self.predicate.get(value), self.predicate.get(other)
        return value == other or (a is not None and b is not None and a.canonical == b.canonical)

    def inverse(self, predicate: str) -> str | None:
        """What B is to A when A is `predicate` to B."""
        word = self.predicate.get(predicate)
        return word.inverse if word else None

    def excludes(self, predicate: str, other: str, *, subject: str, object: str) -> bool:
        """Whether A `predicate` B makes A `other` B certainly false, for an A and B of these labels."""
        unless = self.excluded.get(predicate, {}).get(other)
        if unless is None:
            return False
        concepts = {word.concept for word in (self.label.get(subject), self.label.get(object)) if word}
        return not concepts & unless


def vocabulary_of(scene_graphs: pl.DataFrame) -> Vocabulary:
    """Words of the scene graphs."""
    objects = scene_graphs.select(o="objects").explode("o").drop_nulls().unnest("o")
    relations = scene_graphs.select(r="relations").explode("r").drop_nulls().unnest("r")
    doubtful = pl.Series([], dtype=pl.String)
    if "doubtful_labels" in scene_graphs.columns:
        doubtful = scene_graphs["doubtful_labels"].explode().drop_nulls()
    return Vocabulary(
        frozenset(objects["label"].unique().to_list()) | frozenset(doubtful),
        frozenset(objects["attributes"].explode().drop_nulls().unique().to_list()),
        frozenset(relations["predicate"].unique().to_list()),
    )


def _rows(frame: pl.DataFrame, kind: Any) -> dict[str, Any]:
    """Map the first column to a tuple of the columns that `kind` names."""
    names = [name for name in kind._fields if name in frame.columns]
    return {row[0]: kind(*row[1:]) for row in frame.select(frame.columns[0], *names).iter_rows()}


def _predicates(lexicon: Lexicon, values: Iterable[str]) -> dict[str, PredicateWord]:
    """Look up predicates, with the inverses and the short forms of answers that they name."""
    asked = lexicon.predicates(sorted(values))
    named = pl.concat([asked[c] for c in ("predicate", "inverse", "option")]).drop_nulls().unique().sort()
    found = lexicon.predicates(named).rename({"class": "kind", "requires_contact": "contact"})
    rows: dict[str, PredicateWord] = _rows(found, PredicateWord)
    return rows


def _sets(pairs: pl.DataFrame, key: str, value: str) -> dict[str, frozenset[str]]:
    grouped = pairs.select(key, value).group_by(key).agg(value)
    return {name: frozenset(values) for name, values in grouped.iter_rows()}


def _conditions(pairs: pl.DataFrame) -> dict[str, dict[str, frozenset[str]]]:
    found: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    shared: dict[tuple[str, ...], frozenset[str]] = {}  # few different lists stand in very many rows
    for predicate, other, unless in pairs.select("predicate", "other", "unless").iter_rows():
        key = tuple(unless)
        found[predicate][other] = shared.setdefault(key, frozenset(key))
    return dict(found)
