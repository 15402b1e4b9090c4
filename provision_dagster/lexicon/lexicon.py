"""The words of scene graphs: what they name, how they inflect, which contradict each other.

All knowledge is data in `lexicon/data/*.csv` (see the README there). A word that the data does not hold is
never guessed to be safe: it comes back with `known = False`, is never countable and contradicts nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.lexicon.attributes import AttributeIndex
from provision_dagster.lexicon.coverage import Coverage, measure
from provision_dagster.lexicon.labels import LabelIndex
from provision_dagster.lexicon.overrides import apply_vocabulary
from provision_dagster.lexicon.predicates import PredicateIndex
from provision_dagster.lexicon.references import check_references
from provision_dagster.lexicon.related import LabelGraph
from provision_dagster.lexicon.tables import base_tables, merge, read_folder

Values = pl.Series | Sequence[str]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Lookups over the lexicon tables: each takes many values at once and answers with a frame."""

    tables: Mapping[str, pl.DataFrame] = field(repr=False)

    @staticmethod
    def load(extra: Path | Sequence[Path] | None = None, *, vocabulary: Path | None = None) -> "Lexicon":
        """Load the shipped lexicon, with a user's folders and vocabulary file laid over it.

        Parameters
        ----------
        extra
            Folders with files named as in `lexicon/data`; their rows add to or replace shipped rows.
        vocabulary
            JSON {countable_labels, uncountable_labels, attribute_category}: decides these two.

        Raises
        ------
        InputError
            A file is unusable; the message names file, row, column, the allowed values and what was got.
        """
        folders = [] if extra is None else [extra] if isinstance(extra, Path) else list(extra)
        if not folders and vocabulary is None:
            return _shipped()
        tables = merge([base_tables(), *(read_folder(Path(f)) for f in folders)])
        if vocabulary is not None:
            tables = apply_vocabulary(tables, vocabulary=Path(vocabulary))
        return _checked(tables)

    def labels(self, values: Values) -> pl.DataFrame:
        """One row per distinct label: `LABEL_COLUMNS` (lemma, number, countable, plural, ...)."""
        return self._labels.resolve(_series(values))

    def related_labels(self, values: Values) -> pl.DataFrame:
        """Ordered pairs [label, other] of values that may denote the same or an overlapping thing."""
        return self._graph.related(_series(values))

    def implied_labels(self, values: Values) -> pl.DataFrame:
        """Ordered pairs [label, implied] of values: what bears the first name may be called by the second.

        Spellings and numbers of one noun, both orders; kinds ("poodle", "dog"), one order. "dog" does not imply
        "poodle", and words that are only mixed up ("table", "desk") imply nothing.
        """
        return self._graph.implied(_series(values))

    def synonym_labels(self, values: Values) -> pl.DataFrame:
        """Ordered pairs [label, other] of values that are two words for one kind of thing: "couch" and "sofa"."""
        return self._graph.synonyms(_series(values))

    def bunched_labels(self, values: Values) -> pl.Series:
        """Values of which annotators often mark several as one: a row of books, a bunch of bananas."""
        return self._of_kinds(values, self.tables["bunched"]["label"])

    def worn_labels(self, values: Values) -> pl.Series:
        """Values that people wear, and that annotators need not mark: clothing and what is like it."""
        clothing = self.labels(values).filter(kind="clothing")["label"]
        return pl.concat([clothing, self._of_kinds(values, self.tables["worn"]["label"])]).unique().sort()

    def wearer_labels(self, values: Values) -> pl.Series:
        """Values that name people, one or several."""
        return self._of_kinds(values, pl.Series(["person", "people"]))

    def animate_labels(self, values: Values) -> pl.Series:
        """Values that name people or animals."""
        return self._of_kinds(values, pl.Series(["person", "people", "animal"]))

    def part_labels(self, values: Values) -> pl.DataFrame:
        """Pairs [part, whole] among the values: "arm" of "man", "wheel" of "car"."""
        return self._graph.parts(_series(values))

    def attributes(self, values: Values) -> pl.DataFrame:
        """One row per distinct attribute: `ATTRIBUTE_COLUMNS`."""
        return self._attributes.resolve(_series(values))

    def contradictions(self, values: Values) -> pl.DataFrame:
        """Ordered pairs [attribute, other] that cannot both be said of one thing."""
        return self._attributes.contradictions(_series(values))

    def same_attribute(self, values: Values) -> pl.DataFrame:
        """Ordered pairs [attribute, other] where one is a synonym or a kind of the other."""
        return self._attributes.same(_series(values))

    def categories(self) -> pl.DataFrame:
        """Columns [category, noun, askable]: "What is the `noun` of the car?" is sensible if askable."""
        return self.tables["categories"].select("category", "noun", "askable")

    def value_nouns(self, values: Values) -> pl.DataFrame:
        """Columns [exclusive_group, category, noun, label]: what the category is called for values of one group.

        "long" and "short" are the length of hair, and not its size. A null label stands for all labels.

        Parameters
        ----------
        values
            Labels.
        """
        table = self.tables["value_nouns"].select("exclusive_group", "category", "noun", "labels")
        named = table.explode("labels")
        below = self._graph.descendants(named["labels"].drop_nulls().unique().sort())
        kinds = named.join(below, left_on="labels", right_on="label")
        rows = self.labels(values).select("label", "concept").join(kinds, on="concept")
        every = table.filter(pl.col("labels").list.len() == 0).with_columns(label=pl.lit(None, pl.String))
        columns = ["exclusive_group", "category", "noun", "label"]
        return pl.concat([rows.select(columns), every.select(columns)]).unique().sort(columns)

    def predicates(self, values: Values) -> pl.DataFrame:
        """One row per distinct predicate: `PREDICATE_COLUMNS`."""
        return self._predicates.resolve(_series(values))

    def compatible_predicates(self, values: Values) -> pl.DataFrame:
        """Ordered pairs [predicate, other]: synonyms, and where one implies or may go with the other."""
        series = _series(values)
        pairs = self._predicates.pairs(series, of=self._predicates.compatible_pairs)
        return pl.concat([pairs, self._predicates.synonyms(series)]).unique().sort("predicate", "other")

    def implied_predicates(self, values: Values) -> pl.DataFrame:
        """Ordered pairs [predicate, other]: when the first holds, the second holds or may well hold too."""
        series = _series(values)
        pairs = self._predicates.pairs(series, of=self._predicates.implied_pairs)
        return pl.concat([pairs, self._predicates.synonyms(series)]).unique().sort("predicate", "other")

    def exclusive_predicates(self, values: Values, *, conditional: bool = False) -> pl.DataFrame:
        """Ordered pairs [predicate, other]: when the first holds of (A, B), the second certainly does not.

        Parameters
        ----------
        values
            Predicates.
        conditional
            Also return pairs that fail for some labels, with column `unless`: the list of their concepts
            (see `labels`). Such a pair holds only if the concept of neither A nor B is in the list;
            an empty list is no condition.
        """
        pairs = self._predicates.pairs(_series(values), of=self._predicates.exclusive_pairs)
        if not conditional:
            return pairs.filter(pl.col("unless").list.len() == 0).select("predicate", "other")
        return self._with_kinds(pairs)

    def coverage(self, vocabulary: pl.DataFrame, *, top: int = 50) -> Coverage:
        """Share of mentions known per kind, and the `top` most frequent unknown values of each kind.

        Parameters
        ----------
        vocabulary
            Columns kind (label | attribute | predicate), value, count; as `count_vocabulary` returns them.
        top
            How many unknown values per kind.
        """
        missing = {"kind", "value", "count"} - set(vocabulary.columns)
        if missing:
            raise InputError(f"vocabulary frame: missing column `{min(missing)}`, got {vocabulary.columns}")
        lookups = {"label": self.labels, "attribute": self.attributes, "predicate": self.predicates}
        resolved = {}
        for kind, lookup in lookups.items():
            frame = lookup(vocabulary.filter(pl.col("kind") == kind)["value"])
            usable = pl.col("usable") if "usable" in frame.columns else pl.lit(True)
            resolved[kind] = frame.select(pl.col(kind).alias("value"), "known", usable.alias("usable"))
        return measure(vocabulary, resolved=resolved, top=top)

    @cached_property
    def _labels(self) -> LabelIndex:
        return LabelIndex(self.tables["labels"])

    @cached_property
    def _graph(self) -> LabelGraph:
        return LabelGraph(self.tables, self._labels)

    @cached_property
    def _attributes(self) -> AttributeIndex:
        return AttributeIndex(self.tables)

    @cached_property
    def _predicates(self) -> PredicateIndex:
        return PredicateIndex(self.tables)

    def _of_kinds(self, values: Values, kinds: pl.Series) -> pl.Series:
        """Values that are of the given kinds, or of kinds of them."""
        concepts = self._graph.descendants(kinds)["concept"]
        return self.labels(values).filter(pl.col("concept").is_in(concepts.implode()))["label"]

    def _with_kinds(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Lengthen the labels of `unless` by everything that is a kind of them."""
        named = pairs["unless"].explode().drop_nulls().unique().sort()
        below = self._graph.descendants(named)
        rows = pairs.with_row_index("_pair").explode("unless")
        kinds = (
            rows.join(below, left_on="unless", right_on="label")
            .group_by("_pair")
            .agg(pl.col("concept").unique().sort())
        )
        joined = pairs.with_row_index("_pair").join(kinds, on="_pair", how="left", maintain_order="left")
        empty = pl.lit([], pl.List(pl.String))
        return joined.select("predicate", "other", pl.col("concept").fill_null(empty).alias("unless"))


@lru_cache(maxsize=1)
def _shipped() -> Lexicon:
    return Lexicon(base_tables())  # the package's own tables are checked by its tests


def _checked(tables: Mapping[str, pl.DataFrame]) -> Lexicon:
    """A lexicon whose files agree with each other, down to cycles and contradictory rows."""
    check_references(tables)
    lexicon = Lexicon(tables)
    _ = lexicon._graph.kinds, lexicon._attributes.kinds, lexicon._predicates.exclusive_pairs
    return lexicon


def _series(values: Values) -> pl.Series:
    if isinstance(values, pl.Series):
        return values
    return pl.Series("value", list(values), dtype=pl.String)
