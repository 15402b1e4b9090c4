"""What a mix has reached: rows, tokens, coverage of concepts, and the share of the size that was published."""

from collections.abc import Mapping
from typing import TypedDict

import polars as pl

from provision_dagster.mixes.concepts import ConceptSet
from provision_dagster.mixes.recipe import Recipe


class Reached(TypedDict):
    """Rows of a mix; `target_rows` and `target_share` are null without a published size."""

    rows: int
    generated_rows: int
    base_rows: int
    target_rows: int | None
    target_share: float | None


def reached(recipe: Recipe, *, mix: pl.DataFrame | pl.LazyFrame) -> Reached:
    """Count the rows of a mix (schema MIX; only `origin` is read) and compare them with the published size."""
    counts = mix.lazy().group_by("origin").len().collect(engine="streaming")
    return compared(recipe, counts=dict(counts.iter_rows()))


class Figures:
    """Figures of a mix, gathered block by block.

    Attributes
    ----------
    rows
        Rows so far.
    tokens
        Tokens of all rows; None without a budget.
    base_rows_held_out
        Rows of the base set that were left out because they show a held-out picture.
    available
        Rows of the pool per concept, as from `ConceptSet.counts`; None without concepts.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.rows = 0
        self.tokens: int | None = None
        self.base_rows_held_out = 0
        self.available: pl.DataFrame | None = None
        self._concepts: ConceptSet | None = None
        self._used: list[pl.DataFrame] = []
        self._counts: list[pl.DataFrame] = []

    def add(self, block: pl.DataFrame, *, concepts: ConceptSet | None) -> None:
        """Count the rows of a block (schema MIX), and which concepts generated ones touch."""
        self.rows += block.height
        self._counts.append(block.group_by("origin", "source", "generator", "form").agg(examples=pl.len()))
        if concepts is not None:
            self._concepts = concepts
            generated = block.filter(pl.col("origin") == "generated")
            self._used.append(concepts.counts(generated.select(concepts.found_in("question", "answer")).to_series()))

    @property
    def examples(self) -> pl.DataFrame:
        """Number of rows (`examples`) by `generator` and `form`."""
        counts = pl.concat(self._counts).group_by("generator", "form").agg(pl.col("examples").sum())
        return counts.sort("generator", "form")

    @property
    def coverage(self) -> pl.DataFrame | None:
        """Rows per concept (schema COVERAGE); None without concepts."""
        if self._concepts is None or self.available is None or self.recipe.concepts is None:
            return None
        used = pl.concat(self._used).group_by("place").agg(pl.col("rows").sum())
        return self._concepts.coverage(available=self.available, used=used, min_count=self.recipe.concepts.min_count)

    @property
    def reached(self) -> Reached:
        """Rows by origin, and the share of the published size."""
        counts = pl.concat(self._counts).group_by("origin").agg(pl.col("examples").sum())
        return compared(self.recipe, counts=dict(counts.iter_rows()))


def compared(recipe: Recipe, *, counts: Mapping[str, int]) -> Reached:
    """Compare the rows of a mix by origin with the published size."""
    rows = sum(counts.values())
    target = recipe.target.rows if recipe.target else None
    return {
        "rows": rows,
        "generated_rows": counts.get("generated", 0),
        "base_rows": counts.get("base", 0),
        "target_rows": target,
        "target_share": None if target is None else round(rows / target, 6),
    }
