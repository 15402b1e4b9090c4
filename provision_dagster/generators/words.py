"""The words of an image set as codes: looked up in the lexicon once; pairs of words are pairs of numbers."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Pairs, Ragged, bools, ints
from provision_dagster.generators.hashing import U64, column_hash
from provision_dagster.generators.once import Once
from provision_dagster.lexicon import Lexicon

T = TypeVar("T")
Floats = npt.NDArray[np.float64]

KINDS = ("label", "attribute", "predicate")


@dataclass(frozen=True)
class Table:
    """Words of one kind, sorted; a word's code is its row.

    Parameters
    ----------
    kind
        "label", "attribute" or "predicate".
    words
        What the lexicon says of each (columns of `LABEL_COLUMNS`, ...), with `hash` (64 bits) and `count` (mentions in
        the image set).
    """

    kind: str
    words: pl.DataFrame

    @property
    def text(self) -> pl.Series:
        """The words themselves."""
        return self.words[self.kind]

    @cached_property
    def hashes(self) -> U64:
        """64-bit hash of each word: unlike codes, the same in every image set."""
        return np.asarray(self.words["hash"].to_numpy(), dtype=np.uint64)

    @cached_property
    def counts(self) -> Floats:
        """Mentions in the image set, at least 1."""
        return np.asarray(np.maximum(self.words["count"].to_numpy(), 1), dtype=np.float64)

    def flag(self, column: str) -> Bools:
        """Return a boolean column by code."""
        return bools(self.words[column])

    def codes(self, column: pl.Series) -> Ints:
        """Return the codes of words that are all in the table."""
        return ints(column.cast(pl.Enum(self.text)).to_physical())


@dataclass(frozen=True)
class Words:
    """All words of an image set, and how they exclude or imply each other."""

    labels: Table
    attributes: Table
    predicates: Table
    lexicon: Lexicon
    vocabulary: pl.DataFrame
    _made: Once = field(default_factory=Once, repr=False, compare=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gives, made once per set of words."""
        return self._made.get(key, make)

    @staticmethod
    def of(vocabulary: pl.DataFrame, *, lexicon: Lexicon, also: Sequence[pl.Series] = ()) -> "Words":
        """Collect the words of an image set.

        Parameters
        ----------
        vocabulary
            Frequencies of the whole image set (schema `VOCABULARY`).
        also
            Labels, attributes and predicates in use, in this order; those that the vocabulary lacks count once.
        """
        counted = vocabulary.group_by("kind", "value").agg(pl.col("count").sum()).sort("kind", "value")
        tables = []
        for kind, seen in zip(KINDS, also or [pl.Series([], dtype=pl.String)] * 3, strict=True):
            known = counted.filter(kind=kind).select(pl.col("value").alias(kind), "count")
            extra = seen.unique().drop_nulls().alias(kind).to_frame().join(known, on=kind, how="anti")
            both = pl.concat([known, extra.with_columns(count=pl.lit(1, dtype=pl.Int64))]).sort(kind)
            tables.append(_table(both, kind=kind, lexicon=lexicon))
        labels, attributes, predicates = tables
        return Words(labels, attributes, predicates, lexicon, vocabulary)

    @cached_property
    def categories(self) -> pl.DataFrame:
        """Categories of attributes in use, sorted; a category's code is its row: `category`, `noun`, `askable`."""
        used = self.attributes.words.select(pl.col("category").drop_nulls().unique().sort())
        said = used.join(self.lexicon.categories(), on="category", how="left", maintain_order="left")
        named = said.with_columns(pl.col("noun").fill_null(pl.col("category")), pl.col("askable").fill_null(False))
        return named.with_columns(pl.Series("hash", column_hash(named["category"]), dtype=pl.UInt64))

    @cached_property
    def category(self) -> Ints:
        """Category code of each attribute, -1 without one."""
        column = self.attributes.words["category"].cast(pl.Enum(self.categories["category"])).to_physical()
        return ints(column.cast(pl.Int64).fill_null(-1))

    def category_code(self, name: str) -> int:
        """Return the code of a category, -2 if no attribute in use has it."""
        found = self.categories["category"].index_of(name)
        return -2 if found is None else int(found)

    @cached_property
    def nouns(self) -> pl.Series:
        """What categories are called: first by category code, then what only some of their values are called."""
        special = self.lexicon.tables["value_nouns"]["noun"].unique().sort()
        return pl.concat([self.categories["noun"], special])

    def noun_codes(self, label: Ints, category: Ints, values: Ragged) -> Ints:
        """Choose the noun (place in `nouns`) for lists of values of a category, said of a label: "length" of hair."""
        group, nouns = self._value_nouns
        found = category.copy()
        some = np.flatnonzero(values.sizes)
        low = np.minimum.reduceat(group[values.values], values.offsets[some]) if len(some) else some
        high = np.maximum.reduceat(group[values.values], values.offsets[some]) if len(some) else some
        one = (low == high) & (low >= 0)
        some, low = some[one], low[one]
        special = nouns[low, label[some], :] if len(some) else np.zeros((0, 2), dtype=np.int64)
        fit = special[:, 0] == category[some]
        found[some[fit]] = special[fit, 1]
        return found

    @cached_property
    def _value_nouns(self) -> tuple[Ints, Ints]:
        """Row of each attribute's group, -1 without one; (category, noun) by row and label, shape (rows, labels, 2)."""
        table = self.lexicon.tables["value_nouns"].select("exclusive_group").with_row_index("row")
        attributes = self.attributes.words.select("exclusive_group")
        rows = attributes.join(table, on="exclusive_group", how="left", maintain_order="left")["row"]
        found = np.full((table.height, self.labels.words.height, 2), -3, dtype=np.int64)
        named = self.lexicon.value_nouns(self.labels.text).join(table, on="exclusive_group")
        codes = dict(zip(self.labels.text, range(self.labels.words.height), strict=True))
        start = self.categories.height
        special = {noun: start + n for n, noun in enumerate(self.nouns[start:])}
        for row, category, noun, label in named.select("row", "category", "noun", "label").iter_rows():
            place = slice(None) if label is None else codes[label]
            found[row, place] = (self.category_code(category), special[noun])
        return ints(rows.cast(pl.Int64).fill_null(-1)), found

    @cached_property
    def related_labels(self) -> Pairs:
        """Labels that may name the same or an overlapping thing."""
        related = self._pairs(self.lexicon.related_labels(self.labels.text), of=self.labels)
        # "wheel" and "wheels": a question in the plural names both
        plurals = self.labels.words.select("plural", code=pl.int_range(pl.len()))
        alike = plurals.join(plurals, on="plural", suffix="_b").filter(pl.col("code") != pl.col("code_b"))
        first = np.append(related.keys >> 32, ints(alike["code"]))
        second = np.append(related.keys & 0xFFFFFFFF, ints(alike["code_b"]))
        return Pairs.of(first, second, codes=self.labels.words.height)

    @cached_property
    def implied_labels(self) -> Pairs:
        """(label, what else its thing may be called): other spellings and numbers, and what it is a kind of."""
        return self._pairs(self.lexicon.implied_labels(self.labels.text), of=self.labels)

    @cached_property
    def synonym_labels(self) -> Pairs:
        """Labels that are two words for one kind of thing."""
        return self._pairs(self.lexicon.synonym_labels(self.labels.text), of=self.labels)

    @cached_property
    def bunched(self) -> Bools:
        """Labels of which one mask often holds several things."""
        return self._marked(self.lexicon.bunched_labels(self.labels.text))

    @cached_property
    def worn(self) -> Bools:
        """Labels of what people wear."""
        return self._marked(self.lexicon.worn_labels(self.labels.text))

    @cached_property
    def wearers(self) -> Bools:
        """Labels of people."""
        return self._marked(self.lexicon.wearer_labels(self.labels.text))

    @cached_property
    def animate(self) -> Bools:
        """Labels of people and animals."""
        return self._marked(self.lexicon.animate_labels(self.labels.text))

    @cached_property
    def part_labels(self) -> Pairs:
        """(part, whole)."""
        return self._pairs(self.lexicon.part_labels(self.labels.text), of=self.labels)

    @cached_property
    def contradictions(self) -> Pairs:
        """Attributes that cannot both be said of one thing."""
        return self._pairs(self.lexicon.contradictions(self.attributes.text), of=self.attributes)

    @cached_property
    def same_attribute(self) -> Pairs:
        """Attributes of which one is a synonym or a kind of the other."""
        return self._pairs(self.lexicon.same_attribute(self.attributes.text), of=self.attributes)

    @cached_property
    def compatible(self) -> Pairs:
        """Predicates that may hold together: synonyms, or one implies the other."""
        return self._pairs(self.lexicon.compatible_predicates(self.predicates.text), of=self.predicates)

    @cached_property
    def implied_predicates(self) -> Pairs:
        """(predicate, what holds or may well hold too)."""
        return self._pairs(self.lexicon.implied_predicates(self.predicates.text), of=self.predicates)

    @cached_property
    def exclusive(self) -> Pairs:
        """Predicates of which one excludes the other, whatever the things are."""
        return self._pairs(self.lexicon.exclusive_predicates(self.predicates.text), of=self.predicates)

    @cached_property
    def conditional(self) -> pl.DataFrame:
        """`predicate`, `other` (codes), `unless` (list of lemmas): excludes unless a label has one of the lemmas."""
        pairs = self.lexicon.exclusive_predicates(self.predicates.text, conditional=True)
        codes = {name: self.predicates.codes(pairs[name]) for name in ("predicate", "other")}
        return pairs.with_columns(**{name: pl.Series(values) for name, values in codes.items()}).sort(
            "predicate", "other"
        )

    @cached_property
    def maybe_exclusive(self) -> Pairs:
        """Predicates of which one excludes the other, for some labels at least."""
        first, second = (ints(self.conditional[c]) for c in ("predicate", "other"))
        both = np.concatenate([first, second]), np.concatenate([second, first])
        return Pairs.of(*both, codes=self.predicates.words.height)

    @cached_property
    def turned(self) -> Pairs:
        """(predicate, what it says of the pair in the other order): "left of" and "right of"."""
        names = self.predicates.words.select("canonical", "inverse", code=pl.int_range(pl.len()))
        pairs = names.join(names, left_on="inverse", right_on="canonical", suffix="_turned")
        return Pairs.of(ints(pairs["code"]), ints(pairs["code_turned"]), codes=names.height)

    @cached_property
    def of_height(self) -> Bools:
        """Predicates of height; between a thing and its part they prove nothing."""
        return bools(self.predicates.words["class"].str.contains("support|above|below|over|hang|attachment"))

    @cached_property
    def running_together(self) -> Pairs:
        """Attributes that side by side read as a third ("dark", "blue") or repeat a word ("light", "light blue")."""
        words = self.attributes.words.select(code=pl.int_range(pl.len()), word="attribute")
        parts = words.with_columns(word=pl.col("word").str.split(" ")).filter(pl.col("word").list.len() > 1)
        cuts = parts.with_columns(cut=pl.int_ranges(1, pl.col("word").list.len())).explode("cut")
        halves = cuts.select(
            "code",
            left=pl.col("word").list.head(pl.col("cut")).list.join(" "),
            right=pl.col("word").list.slice(pl.col("cut")).list.join(" "),
        )
        left = words.select(left_code="code", left="word")
        right = words.select(right_code="code", right="word")
        both = halves.join(left, on="left", how="left").join(right, on="right", how="left")
        pairs = [
            both.select(a=one, b=two).drop_nulls()
            for one, two in (("left_code", "right_code"), ("code", "left_code"), ("code", "right_code"))
        ]
        found = pl.concat([*pairs, *(p.select(a="b", b="a") for p in pairs)])
        return Pairs.of(ints(found["a"]), ints(found["b"]), codes=words.height)

    @cached_property
    def exclusive_group(self) -> Ints:
        """Number of each attribute's group of which a thing has one value, -1 without one."""
        groups = self.attributes.words["exclusive_group"].fill_null("")
        return np.where(bools(groups != ""), ints(groups.rank("dense").cast(pl.Int64)), -1)

    @cached_property
    def plural(self) -> Ints:
        """Number of each label's plural: labels of equal plural are counted together."""
        return ints(self.labels.words["plural"].rank("dense").cast(pl.Int64))

    @cached_property
    def lemma(self) -> Ints:
        """Number of each label's lemma: labels of equal lemma name the same kind of thing."""
        return ints(self.labels.words["lemma"].rank("dense").cast(pl.Int64))

    @cached_property
    def number_counts(self) -> Floats:
        """How often a label stands n times in an image, by n; larger numbers count as the last."""
        seen = (
            self.vocabulary.filter(kind="count").group_by(n=pl.col("value").cast(pl.Int64)).agg(pl.col("count").sum())
        )
        table = np.ones(int(seen["n"].max() or 0) + 2)  # type: ignore[arg-type]
        table[seen["n"].to_numpy()] = seen["count"].to_numpy()
        return table

    def _marked(self, labels: pl.Series) -> Bools:
        return bools(self.labels.text.is_in(labels.implode()))

    def _pairs(self, frame: pl.DataFrame, *, of: Table) -> Pairs:
        first, second = frame.columns[:2]
        return Pairs.of(of.codes(frame[first]), of.codes(frame[second]), codes=of.words.height)


def _table(counted: pl.DataFrame, *, kind: str, lexicon: Lexicon) -> Table:
    look_up = {"label": lexicon.labels, "attribute": lexicon.attributes, "predicate": lexicon.predicates}[kind]
    said = counted.join(look_up(counted[kind]), on=kind, how="left", maintain_order="left")
    return Table(kind, said.with_columns(pl.Series("hash", column_hash(said[kind]), dtype=pl.UInt64)))


_CACHED = 8


@lru_cache(maxsize=_CACHED)
def _cached(key: "_Key") -> Words:
    return Words.of(key.vocabulary, lexicon=key.lexicon, also=key.also)


@dataclass(frozen=True)
class _Key:
    """Makes a vocabulary hashable by its content."""

    content: int
    lexicon: Lexicon
    vocabulary: pl.DataFrame
    also: tuple[pl.Series, ...]

    def __hash__(self) -> int:
        return self.content

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Key)
            and self.lexicon is other.lexicon
            and self.vocabulary.equals(other.vocabulary)
            and all(a.equals(b) for a, b in zip(self.also, other.also, strict=True))
        )


def words_of(vocabulary: pl.DataFrame, *, lexicon: Lexicon, used: Sequence[pl.Series]) -> Words:
    """Return the words of an image set, from memory when the same vocabulary was asked for before.

    Parameters
    ----------
    used
        Labels, attributes and predicates of the shard.
    """
    known = {kind: vocabulary.filter(kind=kind)["value"].unique() for kind in KINDS}
    also = tuple(
        column.unique().drop_nulls().to_frame("w").join(known[kind].to_frame("w"), on="w", how="anti")["w"].sort()
        for kind, column in zip(KINDS, used, strict=True)
    )
    content = hash((vocabulary.height, vocabulary["count"].sum(), *(len(a) for a in also)))
    return _cached(_Key(content, lexicon, vocabulary, also))
