"""Noun phrases made of attributes and labels."""

import polars as pl

from provision_dagster.lexicon import Lexicon

ORDER = (
    "quality", "mood", "size", "build", "age", "state", "activity", "posture", "expression", "shape", "hair", "skin",
    "gender",
    "shade", "color", "origin", "pattern", "texture", "material",
)  # fmt: skip
"""Usual order of English adjectives before a noun, by category; others come first."""


def attributed_plural(rows: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """Add `attributed_plural`: "small red wooden cars", "white dogs that are sitting", "black and white cats".

    Adjectives stand before the noun in the usual order of English (size, age, shape, color, pattern, material);
    those that
    cannot ("made of bricks") follow in a relative clause. Values of one category are joined by "and".

    Parameters
    ----------
    rows
        Rows with `row`, `attributes` (list) and `plural_form`.
    """
    words = rows.select("row", attribute="attributes").explode("attribute")
    known = lexicon.attributes(words["attribute"].unique().sort()).select(
        "attribute", "canonical", "category", "position"
    )
    order = pl.DataFrame({"category": ORDER, "order": range(len(ORDER))})
    once = (
        words.join(known, on="attribute")
        .sort("attribute")
        .unique(["row", "canonical"], keep="first", maintain_order=True)
    )
    placed = once.join(order, on="category", how="left")
    after = pl.col("position") == "predicative"
    groups = (
        placed.with_columns(after=after, order=pl.col("order").fill_null(-1))
        .sort("row", "after", "order", "category", "attribute")
        .group_by("row", "after", "order", "category", maintain_order=True)
        .agg(text=pl.col("attribute").str.join(" and "))
    )
    before = (
        groups.filter(~pl.col("after")).group_by("row", maintain_order=True).agg(before=pl.col("text").str.join(" "))
    )
    behind = groups.filter("after").group_by("row", maintain_order=True).agg(behind=pl.col("text").str.join(" and "))
    noun = pl.concat_str(pl.col("before") + " ", "plural_form", " that are " + pl.col("behind"), ignore_nulls=True)
    return (
        rows.join(before, on="row", how="left")
        .join(behind, on="row", how="left")
        .with_columns(attributed_plural=noun)
        .drop("before", "behind")
    )
