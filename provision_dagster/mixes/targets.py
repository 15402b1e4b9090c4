"""What a mix has reached of the size that was published."""

from typing import TypedDict

import polars as pl

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
    counts = dict(mix.lazy().group_by("origin").len().collect().iter_rows())
    rows = sum(counts.values())
    target = recipe.target.rows if recipe.target else None
    return {
        "rows": rows,
        "generated_rows": counts.get("generated", 0),
        "base_rows": counts.get("base", 0),
        "target_rows": target,
        "target_share": None if target is None else round(rows / target, 6),
    }
