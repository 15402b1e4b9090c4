"""Noun phrases made of attributes and labels."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ragged
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.words import Words

ORDER = (
    "quality", "mood", "size", "build", "age", "state", "activity", "posture", "expression", "shape", "hair", "skin",
    "gender",
    "shade", "color", "origin", "pattern", "texture", "material",
)  # fmt: skip
"""Usual order of English adjectives before a noun, by category; others come first."""


@dataclass(frozen=True)
class Adjectives:
    """What a set of attributes puts around a noun: `before` ("small red "), `behind` (" that are sitting"), or "".

    `behind_is` is `behind` for a singular noun (" that is sitting").
    """

    before: pl.Series
    behind: pl.Series
    behind_is: pl.Series


def set_hashes(lists: Ragged, words: Words) -> U64:
    """Hash each list of attributes, whatever its order, shape (n,)."""
    scrambled = mix(words.attributes.hashes[lists.values], 1)
    sums = np.zeros(len(lists.sizes), dtype=np.uint64)
    np.add.at(sums, lists.rows, scrambled)
    return sums


def adjectives(lists: Ragged, words: Words) -> Adjectives:
    """Put attributes around a noun as English does: "small red wooden ", " that are sitting", "black and white ".

    Adjectives stand before the noun in the usual order of English (size, age, shape, color, pattern, material);
    those that cannot ("made of bricks") follow in a relative clause. Values of one category are joined by "and".

    Parameters
    ----------
    lists
        Codes of attributes, shape (n lists).
    """
    _, example, place = np.unique(set_hashes(lists, words), return_index=True, return_inverse=True)
    first, size = lists.offsets[example], lists.sizes[example]
    distinct = Ragged.slices(lists.values, first=first, size=size)
    texts = _texts(distinct, words)
    return Adjectives(*(texts[name].gather(place) for name in ("before", "behind", "behind_is")))


def _texts(lists: Ragged, words: Words) -> pl.DataFrame:
    known = words.attributes.words.select("attribute", "canonical", "category", "position")
    order = pl.DataFrame({"category": ORDER, "order": range(len(ORDER))})
    rows = pl.DataFrame({"row": lists.rows}).with_columns(known.select(pl.all().gather(lists.values)).get_columns())
    once = rows.sort("row", "attribute").unique(["row", "canonical"], keep="first", maintain_order=True)
    groups = (
        once.join(order, on="category", how="left")
        .with_columns(after=pl.col("position") == "predicative", order=pl.col("order").fill_null(-1))
        .sort("row", "after", "order", "category", "attribute")
        .group_by("row", "after", "order", "category", maintain_order=True)
        .agg(text=pl.col("attribute").str.join(" and "))
    )
    before = groups.filter(~pl.col("after")).group_by("row").agg(before=pl.col("text").str.join(" ") + " ")
    behind = groups.filter("after").group_by("row").agg(clause=pl.col("text").str.join(" and "))
    return (
        pl.DataFrame({"row": np.arange(len(lists.sizes))})
        .join(before, on="row", how="left", maintain_order="left")
        .join(behind, on="row", how="left", maintain_order="left")
        .select(
            pl.col("before").fill_null(""),
            behind=(" that are " + pl.col("clause")).fill_null(""),
            behind_is=(" that is " + pl.col("clause")).fill_null(""),
        )
    )


def around(noun: pl.Series, *, before: pl.Series, behind: pl.Series) -> pl.Series:
    """Put texts around nouns."""
    return pl.DataFrame({"a": before, "n": noun, "b": behind}).select(pl.concat_str("a", "n", "b")).to_series()
