"""Which labels may name the same thing, and which name a part of another."""

from functools import cached_property

import polars as pl

from provision_dagster.lexicon.closure import ancestors, symmetric
from provision_dagster.lexicon.labels import LabelIndex, normalized
from provision_dagster.lexicon.references import Tables

_ANYTHING = "thing"  # the concept that may name everything, with its synonyms
_LONGEST_NGRAM = 4


class LabelGraph:
    """Synonyms, kinds, confusable groups and parts over concepts."""

    def __init__(self, tables: Tables, index: LabelIndex) -> None:
        self._tables = tables
        self._index = index

    @cached_property
    def kinds(self) -> pl.DataFrame:
        """Pairs [node, ancestor] of concepts."""
        edges = self._tables["hypernyms"].explode("parents")
        edges = self._as_concepts(edges.select(pl.col("label").alias("node"), pl.col("parents").alias("parent")))
        return ancestors(edges.filter(pl.col("node") != pl.col("parent")), what="hypernyms.csv")

    @cached_property
    def concept_pairs(self) -> pl.DataFrame:
        """Pairs [concept, other] of different concepts that may name the same thing, both orders."""
        groups = self._members("synonyms", "labels")
        same = groups.join(groups, on="group", suffix="_other").select("concept", other="concept_other")
        kinds = self.kinds.select(concept="node", other="ancestor")
        led = self._tables["synonyms"].select("group", lead=pl.col("labels").list.first())
        leads = self._as_concepts(led.select("lead"), with_columns=led.select("group")).join(groups, on="group")
        synonym_of_kind = self.kinds.join(leads, left_on="ancestor", right_on="lead").select(
            pl.col("node").alias("concept"), pl.col("concept").alias("other")
        )
        return symmetric(pl.concat([same, kinds, synonym_of_kind, self._confusable()]))

    def related(self, values: pl.Series) -> pl.DataFrame:
        """Ordered pairs [label, other] among the values that may name the same or an overlapping thing."""
        rows = self._index.resolve(values).with_columns(key=normalized(pl.col("label")))
        found = [
            _same(rows, "lemma"),
            self._by_concept(rows),
            _by_head(rows),
            _by_words(rows),
            self._by_anything(rows),
        ]
        return symmetric(pl.concat(found))

    def implied(self, values: pl.Series) -> pl.DataFrame:
        """Ordered pairs [label, implied] among the values: what bears the first name may be called by the second.

        Unlike `related` this is strict: spellings and numbers of one noun, and kinds of it.
        """
        rows = self._index.resolve(values)
        heads = rows.filter(match="head").select("label", "lemma").join(_by_head(rows), on="label")
        above = self.kinds.rename({"node": "concept"})
        exact = rows.filter(match="exact").select(implied="label", ancestor="concept")
        kinds = rows.select("label", "concept").join(above, on="concept").join(exact, on="ancestor")
        of_head = rows.filter(match="head").join(exact, left_on="concept", right_on="ancestor")
        found = [
            *(_same(rows, column).rename({"other": "implied"}) for column in ("lemma", "plural")),
            heads.select("label", implied="other"),
            kinds.select("label", "implied"),
            of_head.select("label", "implied"),
            rows.select("label").join(exact.filter(ancestor=_ANYTHING).select("implied"), how="cross"),
        ]
        return pl.concat(found).filter(pl.col("label") != pl.col("implied")).unique().sort("label", "implied")

    def synonyms(self, values: pl.Series) -> pl.DataFrame:
        """Ordered pairs [label, other] that share a group of synonyms and are not of disjoint kinds.

        "desktop" may name a desk or a computer, but a desk is furniture and a computer is a device.
        """
        rows = self._index.resolve(values).select("label", "concept").drop_nulls()
        groups = self._members("synonyms", "labels").join(rows, on="concept")
        pairs = groups.join(groups, on="group", suffix="_other").select("label", other="label_other")
        pairs = pairs.filter(pl.col("label") != pl.col("other")).unique()
        kinds = rows.join(self.kinds, left_on="concept", right_on="node").group_by("label").agg("ancestor")
        both = pairs.join(kinds, on="label", how="left").join(
            kinds.rename({"label": "other"}), on="other", how="left", suffix="_other"
        )
        apart = pl.col("ancestor").list.set_intersection("ancestor_other").list.len() == 0
        return both.filter(~apart.fill_null(False)).select("label", "other").sort("label", "other")

    def parts(self, values: pl.Series) -> pl.DataFrame:
        """Pairs [part, whole] among the values; kinds of a part belong to all kinds of its wholes."""
        rows = self._index.resolve(values).select("label", "concept").drop_nulls()
        own = rows.select(node="concept", ancestor="concept").unique()
        above = self.kinds.filter(pl.col("node").is_in(own["node"].implode()))
        named = pl.concat([own, above]).join(rows, left_on="node", right_on="concept").select("ancestor", "label")
        pairs = self._tables["parts"].explode("wholes").select("part", whole="wholes")
        found = self._as_concepts(pairs).join(named, left_on="part", right_on="ancestor")
        found = found.join(named, left_on="whole", right_on="ancestor", suffix="_whole")
        found = found.select(part="label", whole="label_whole").filter(pl.col("part") != pl.col("whole"))
        return found.unique().sort("part", "whole")

    def descendants(self, labels: pl.Series) -> pl.DataFrame:
        """Pairs [label, concept]: each given label's concept and everything that is a kind of it."""
        own = self._as_concepts(labels.alias("concept").to_frame(), with_columns=labels.alias("label").to_frame())
        below = own.join(self.kinds, left_on="concept", right_on="ancestor").select("label", concept="node")
        return pl.concat([own.select("label", "concept"), below]).unique()

    def _by_concept(self, rows: pl.DataFrame) -> pl.DataFrame:
        known = rows.select("label", "concept").drop_nulls()
        here = known["concept"].unique()
        pairs = self.concept_pairs.filter(
            pl.col("concept").is_in(here.implode()) & pl.col("other").is_in(here.implode())
        )
        same = pl.DataFrame({"concept": here, "other": here})
        links = pl.concat([pairs, same]).join(known, on="concept")
        return links.join(known, left_on="other", right_on="concept", suffix="_other").select(
            "label", other="label_other"
        )

    def _by_anything(self, rows: pl.DataFrame) -> pl.DataFrame:
        named = self.concept_pairs.filter(pl.col("concept") == _ANYTHING)["other"].implode()
        vague = rows.filter((pl.col("concept") == _ANYTHING) | pl.col("concept").is_in(named)).select(other="label")
        return rows.select("label").join(vague, how="cross")

    def _confusable(self) -> pl.DataFrame:
        left, right = self._members("confusable", "labels"), self._members("confusable", "with")
        lone = left.join(right, on="group", how="anti")
        sides = [(lone, lone), (left.join(right, on="group", how="semi"), right)]
        return pl.concat(
            self._with_kinds(a).join(self._with_kinds(b), on="group", suffix="_b") for a, b in sides
        ).select("concept", other="concept_b")

    def _with_kinds(self, members: pl.DataFrame) -> pl.DataFrame:
        below = members.join(self.kinds, left_on="concept", right_on="ancestor").select("group", concept="node")
        return pl.concat([members, below]).unique()

    def _members(self, table: str, column: str) -> pl.DataFrame:
        rows = self._tables[table].select("group", pl.col(column).alias("concept")).explode("concept").drop_nulls()
        return self._as_concepts(rows.select("concept"), with_columns=rows.select("group")).unique()

    def _as_concepts(self, frame: pl.DataFrame, with_columns: pl.DataFrame | None = None) -> pl.DataFrame:
        names = self._index.concepts
        named = frame.with_columns(
            pl.col(c).replace_strict(names["label"], names["concept"], default=pl.col(c)) for c in frame.columns
        )
        return named if with_columns is None else pl.concat([with_columns, named], how="horizontal")


def _same(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    own = rows.select("label", column)
    return own.join(own, on=column, suffix="_other").select("label", other="label_other")


def _by_head(rows: pl.DataFrame) -> pl.DataFrame:
    """Labels whose last words are another label: "baseball player" and "player"."""
    words = pl.col("lemma").str.split(" ")
    own = rows.select("label", "lemma")
    tails = [own.with_columns(lemma=words.list.slice(n).list.join(" ")) for n in range(1, _LONGEST_NGRAM)]
    return (
        pl.concat(tails)
        .filter(pl.col("lemma") != "")
        .join(own, on="lemma", suffix="_other")
        .select("label", other="label_other")
    )


def _by_words(rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs with an unknown label or a sentence: one holds the other's words, or both end in one noun."""
    vague = (pl.col("match") == "none") | ~pl.col("usable")
    rows = rows.select("label", "key", "lemma", vague=vague)
    words = pl.col("key").str.split(" ")
    spans = [
        rows.select("label", "vague", key=words.list.slice(start, length).list.join(" "))
        for length in range(1, _LONGEST_NGRAM + 1)
        for start in range(2 * _LONGEST_NGRAM)
    ]
    inside = pl.concat(spans).filter(pl.col("key") != "").unique()
    inside = inside.join(rows.select("label", "vague", "key"), on="key", suffix="_other")
    last = rows.select("label", "vague", key=pl.col("lemma").str.split(" ").list.last())
    ends = last.join(last, on="key", suffix="_other")
    both = pl.concat([inside.select(ends.columns), ends])
    return both.filter(pl.col("vague") | pl.col("vague_other")).select("label", other="label_other")
