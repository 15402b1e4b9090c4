"""What a predicate says: its grammatical forms, and which predicates it implies or excludes."""

from functools import cached_property

import polars as pl

from provision_dagster.lexicon.closure import symmetric
from provision_dagster.lexicon.references import Tables
from provision_dagster.lexicon.tables import fail

PREDICATE_COLUMNS: dict[str, pl.DataType] = {
    "predicate": pl.String(),
    "canonical": pl.String(),
    "class": pl.String(),
    "is_form": pl.String(),  # verb phrase after a singular subject: "is on", "wears", "has"
    "are_form": pl.String(),  # after a plural subject
    "option": pl.String(),  # the short phrase that is shown as an answer: "on", "wearing", "has"
    "requires_contact": pl.Boolean(),  # disjoint boxes prove it false
    "inverse": pl.String(),  # A predicate B says B inverse A; null when there is none
    "usable": pl.Boolean(),  # false: makes no grammatical sentence ("a", "of", "black")
    "known": pl.Boolean(),
}

_BE = r"^(?:that )?(?:is|are|was|were|be|being) "
_ARTICLE = r" (?:a|an|the|his|her|its)$"


class PredicateIndex:
    """Lookup of predicates in the merged tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @cached_property
    def canonical_rows(self) -> pl.DataFrame:
        """The rows of `predicates.csv` that are their own canonical form."""
        return self._tables["predicates"].filter(pl.col("predicate") == pl.col("canonical"))

    @cached_property
    def names(self) -> pl.DataFrame:
        """Pairs [predicate, canonical] of every predicate in the tables."""
        return self._tables["predicates"].select("predicate", "canonical")

    @cached_property
    def implied_pairs(self) -> pl.DataFrame:
        """Pairs [canonical, other] of different predicates of which the first implies, or may go with, the second."""
        rows = self.canonical_rows.explode("implies").drop_nulls("implies")
        rows = rows.join(self.names, left_on="implies", right_on="predicate", suffix="_implied")
        pairs = rows.select("canonical", other="canonical_implied").unique()
        return pairs.filter(pl.col("canonical") != pl.col("other")).sort("canonical", "other")

    @cached_property
    def compatible_pairs(self) -> pl.DataFrame:
        """The same in both orders."""
        return symmetric(self.implied_pairs)

    @cached_property
    def exclusive_pairs(self) -> pl.DataFrame:
        """Pairs [canonical, other, unless]: when the first holds of (A, B), the second does not.

        `unless` lists labels; the pair says nothing about an A or B of these kinds.
        """
        rows = self._tables["predicate_exclusive"]
        sides = self._selected()
        pairs = rows.join(sides, left_on="first", right_on="selector").join(
            sides, left_on="second", right_on="selector", suffix="_other"
        )
        pairs = pairs.select(
            "first", "second", "unless", "canonical", other="canonical_other", _row="_row", _file="_file"
        )
        stated = pairs.filter((pl.col("first") == pl.col("canonical")) & (pl.col("second") == pl.col("other")))
        clash = stated.join(self.compatible_pairs, on=["canonical", "other"], how="semi")
        fail(
            clash,
            column="second",
            problem="must not be implied by, or imply, column `first` in predicates.csv",
        )
        turned = pairs.select("unless", canonical="other", other="canonical")
        both = pl.concat([pairs.select("unless", "canonical", "other"), turned])
        both = both.filter(pl.col("canonical") != pl.col("other"))
        both = both.join(self.compatible_pairs, on=["canonical", "other"], how="anti")
        return both.group_by("canonical", "other").agg(_weakest("unless")).sort("canonical", "other")

    def resolve(self, values: pl.Series) -> pl.DataFrame:
        """One row per distinct value, in order of first occurrence, columns `PREDICATE_COLUMNS`."""
        rows = self._found(values).join(
            self.canonical_rows.drop("predicate", "posture", "implies", "_row", "_file"),
            on="canonical", how="left", maintain_order="left",
        )  # fmt: skip
        return rows.select(
            "predicate",
            pl.col("canonical").fill_null(pl.col("key")),
            pl.col("class").fill_null("other"),
            pl.col("singular").fill_null("").alias("is_form"),
            pl.col("plural").fill_null("").alias("are_form"),
            pl.col("option").fill_null(pl.col("key")),
            pl.col("requires_contact").fill_null(False),
            pl.when(pl.col("inverse") != "").then("inverse").alias("inverse"),
            pl.col("usable").fill_null(False),
            pl.col("canonical").is_not_null().alias("known"),
        )

    def pairs(self, values: pl.Series, *, of: pl.DataFrame) -> pl.DataFrame:
        """Rows of a table [canonical, other, ...] for the given predicates, as [predicate, other, ...]."""
        rows = self._found(values).select("predicate", "canonical").drop_nulls()
        found = of.join(rows, on="canonical").join(rows, left_on="other", right_on="canonical", suffix="_other")
        rest = [c for c in of.columns if c not in ("canonical", "other")]
        return found.select("predicate", pl.col("predicate_other").alias("other"), *rest).sort("predicate", "other")

    def synonyms(self, values: pl.Series) -> pl.DataFrame:
        """Ordered pairs [predicate, other] of different predicates with one canonical form."""
        rows = self._found(values).select("predicate", "canonical").drop_nulls()
        pairs = rows.join(rows, on="canonical", suffix="_other").select("predicate", other="predicate_other")
        return symmetric(pairs)

    def _found(self, values: pl.Series) -> pl.DataFrame:
        """Columns [predicate, key, canonical]; canonical is null for an unknown predicate."""
        asked = values.cast(pl.String).drop_nulls().unique(maintain_order=True).alias("predicate").to_frame()
        text = pl.col("predicate").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" .,")
        asked = asked.with_columns(key=text)
        bare = pl.col("key").str.replace(_BE, "").str.replace(_ARTICLE, "")
        forms = [asked.select(f) for f in (pl.col("key"), bare)] + [self._participle(asked, bare)]
        canonical = [
            f.join(self.names, left_on="key", right_on="predicate", how="left", maintain_order="left") for f in forms
        ]
        return asked.with_columns(canonical=pl.coalesce(c["canonical"] for c in canonical))

    def _participle(self, asked: pl.DataFrame, bare: pl.Expr) -> pl.DataFrame:
        """ "sits on" and "sit on" -> "sitting on"."""
        verbs = self._tables["verbs"]
        known = pl.concat([verbs.select(form=c, participle="participle") for c in ("base", "third_person")]).unique(
            "form"
        )
        words = asked.select(key=bare).select(pl.col("key").str.splitn(" ", 2)).unnest("key")
        verb = pl.col("field_0").replace_strict(known["form"], known["participle"], default=pl.col("field_0"))
        return words.select(key=pl.concat_str([verb, "field_1"], separator=" ", ignore_nulls=True))

    def _selected(self) -> pl.DataFrame:
        """Pairs [selector, canonical]: what each name in `predicate_exclusive.csv` stands for."""
        own = self.canonical_rows
        named = self.names.select(selector="predicate", canonical="canonical")
        by = [
            own.filter(pl.col(c) != "").select(selector=f"{c}:" + pl.col(c), canonical="canonical")
            for c in ("class", "posture")
        ]
        return pl.concat([named, *by])


def _weakest(column: str) -> pl.Expr:
    """No condition if any row has none, else all conditions together."""
    lists = pl.col(column)
    free = (lists.list.len() == 0).any()
    return (
        pl.when(free)
        .then(pl.lit([], pl.List(pl.String)))
        .otherwise(lists.list.explode().unique().sort().implode())
        .alias(column)
    )
