"""What an attribute says: its category, and which attributes contradict it or say the same."""

from functools import cached_property

import polars as pl

from provision_dagster.lexicon.closure import ancestors, symmetric
from provision_dagster.lexicon.references import Tables

ATTRIBUTE_COLUMNS: dict[str, pl.DataType] = {
    "attribute": pl.String(),
    "canonical": pl.String(),
    "category": pl.String(),
    "exclusive_group": pl.String(),  # "" = contradicted by nothing
    "position": pl.String(),  # attributive ("wooden table") | predicative ("table made of bricks") | both
    "known": pl.Boolean(),
}

_LEAD = r"^(?:(?:is|are|was|being|colored|a|an|the) )+"
_COLORED = r"[ -]colou?r(?:ed)?$"
_MADE_OF = r"^made (?:out )?(?:of|from) "
_COLOR = "color"


class AttributeIndex:
    """Lookup of attributes in the merged tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @cached_property
    def kinds(self) -> pl.DataFrame:
        """Pairs [node, ancestor] of attributes: "light blue" is a kind of "blue"."""
        edges = self._tables["attributes"].explode("parent").drop_nulls("parent")
        return ancestors(edges.select(node="attribute", parent="parent"), what="attributes.csv")

    def resolve(self, values: pl.Series) -> pl.DataFrame:
        """One row per distinct value, in order of first occurrence, columns `ATTRIBUTE_COLUMNS`."""
        return self._found(values).select(*ATTRIBUTE_COLUMNS)

    def contradictions(self, values: pl.Series) -> pl.DataFrame:
        """Ordered pairs [attribute, other] that cannot both be said of one thing."""
        rows = self._found(values)
        own = rows.filter(pl.col("exclusive_group") != "").select("attribute", "exclusive_group")
        pairs = own.join(own, on="exclusive_group", suffix="_other").select("attribute", other="attribute_other")
        agreeing = pl.concat([self._same(rows), self._compatible(rows)])
        return symmetric(pairs.join(agreeing, on=["attribute", "other"], how="anti"))

    def same(self, values: pl.Series) -> pl.DataFrame:
        """Ordered pairs [attribute, other] where one is a synonym or a kind of the other."""
        return symmetric(self._same(self._found(values)))

    def _same(self, rows: pl.DataFrame) -> pl.DataFrame:
        kin = self._kin(rows)
        links = kin.join(rows, left_on="kin", right_on="canonical", suffix="_other")
        return symmetric(links.select("attribute", other="attribute_other")).vstack(
            rows.select("attribute", other="attribute")
        )

    def _compatible(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Pairs that share a kind, or have kinds that are listed as compatible."""
        kin = self._kin(rows)
        listed = self._tables["attribute_compatible"].explode("compatible")
        listed = symmetric(listed.select(kin="attribute", other_kin="compatible"))
        own = kin.select("kin", other_kin="kin").unique()
        links = pl.concat([listed, own]).join(kin, on="kin")
        links = links.join(kin, left_on="other_kin", right_on="kin", suffix="_other")
        return links.select("attribute", other="attribute_other").unique()

    def _kin(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Pairs [attribute, kin]: the canonical form and everything that it is a kind of."""
        own = rows.select("attribute", kin="canonical")
        base = rows.select("attribute", kin="parent").drop_nulls()
        direct = pl.concat([own, base])
        above = direct.join(self.kinds, left_on="kin", right_on="node").select("attribute", kin="ancestor")
        return pl.concat([direct, above]).unique()

    def _found(self, values: pl.Series) -> pl.DataFrame:
        """`resolve` plus `parent`: what a derived form ("bright teal") is a kind of."""
        asked = values.cast(pl.String).drop_nulls().unique(maintain_order=True).alias("attribute").to_frame()
        text = pl.col("attribute").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars(" .,")
        asked = asked.with_columns(key=text.str.replace_all(r"\bgrey\b", "gray"))
        table = self._tables["attributes"].select("attribute", "canonical", "category", "exclusive_group", "position")
        table = table.rename({"attribute": "key"})
        for step in (pl.col("key"), _plain("key"), _plain("key").str.replace_all("-", " ")):
            hits = asked.with_columns(key=step).join(table, on="key", how="left", maintain_order="left")
            asked = hits if "canonical" not in asked.columns else _coalesced(asked, hits)
        return (
            self._modified(asked, table)
            .with_columns(known=pl.col("canonical").is_not_null())
            .with_columns(
                pl.col("canonical").fill_null(pl.col("key")),
                pl.col("category").fill_null("other"),
                pl.col("exclusive_group").fill_null(""),
                pl.col("position").fill_null("both"),
            )
        )

    def _modified(self, rows: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
        """Unknown "bright teal" is a kind of "teal"; "very tall" says "tall" and more."""
        modifiers = self._tables["attribute_modifiers"].rename({"category": "only"})
        words = _plain("key").str.splitn(" ", 2)
        parts = rows.with_columns(modifier=words.struct.field("field_0"), rest=words.struct.field("field_1"))
        base = table.rename({"key": "rest", "canonical": "base"})
        hit = parts.join(modifiers, on="modifier").join(base, on="rest", suffix="_base")
        hit = hit.filter((pl.col("only") == "") | (pl.col("only") == pl.col("category_base")))
        hit = hit.select("attribute", "base", "category_base", "exclusive_group_base", "position_base")
        rows = rows.join(hit, on="attribute", how="left", maintain_order="left")
        fresh = pl.col("canonical").is_null() & pl.col("base").is_not_null()
        return rows.with_columns(
            parent=pl.when(fresh).then("base"),
            canonical=pl.when(fresh).then("key").otherwise("canonical"),
            category=pl.coalesce("category", "category_base"),
            exclusive_group=pl.coalesce("exclusive_group", "exclusive_group_base"),
            position=pl.coalesce("position", "position_base"),
        )


def _plain(column: str) -> pl.Expr:
    """Without "is", "made of", "-colored": "made of bricks" -> "bricks", "cream-colored" -> "cream"."""
    return pl.col(column).str.replace(_LEAD, "").str.replace(_MADE_OF, "").str.replace(_COLORED, "")


def _coalesced(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    names = ("canonical", "category", "exclusive_group", "position")
    fill = second.select(pl.col(n).alias(f"{n}_next") for n in names)
    both = pl.concat([first, fill], how="horizontal")
    return both.with_columns(pl.coalesce(n, f"{n}_next").alias(n) for n in names).drop(fill.columns)
