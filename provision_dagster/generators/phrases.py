"""Noun phrases made of attributes and labels."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, bools, ints, list_series, offsets_of, runs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.words import Words

ORDER = (
    "quality", "mood", "size", "build", "age", "state", "activity", "posture", "expression", "shape", "hair", "skin",
    "gender",
    "texture", "shade", "color", "origin", "pattern", "material",
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


@dataclass(frozen=True)
class _Order:
    """By attribute: `rank` in a phrase, `group` (values of one are joined by "and"), `after` the noun, `canonical`."""

    rank: Ints
    group: Ints
    after: Bools
    canonical: Ints


def _order(words: Words) -> _Order:
    order = pl.DataFrame({"category": ORDER, "order": range(len(ORDER))})
    known = words.attributes.words.select(
        "attribute", "canonical", "category", after=pl.col("position") == "predicative"
    )
    ranked = known.join(order, on="category", how="left", maintain_order="left").with_columns(
        pl.col("order").fill_null(-1), pl.col("category").fill_null("")
    )
    codes = ranked.select(
        "after",
        rank=pl.struct("after", "order", "category", "attribute").rank("ordinal").cast(pl.Int64),
        group=pl.struct("after", "order", "category").rank("dense").cast(pl.Int64),
        canonical=pl.col("canonical").rank("dense").cast(pl.Int64),
    )
    return _Order(ints(codes["rank"]), ints(codes["group"]), bools(codes["after"]), ints(codes["canonical"]))


def _texts(lists: Ragged, words: Words) -> pl.DataFrame:
    order = words.once("adjective_order", lambda: _order(words))
    row, value = _said_once(lists.rows, lists.values, order)
    best = np.lexsort((order.rank[value], row))
    row, value = row[best], value[best]
    after = order.after[value]
    before = _joined(row[~after], value[~after], order.group[value[~after]], words, rows=len(lists.sizes))
    behind = _joined(row[after], value[after], np.zeros(after.sum(), dtype=np.int64), words, rows=len(lists.sizes))
    empty, clause = pl.lit(""), pl.col("behind")
    return pl.DataFrame({"before": before, "behind": behind}).select(
        before=pl.when(pl.col("before") == "").then(empty).otherwise(pl.col("before") + " "),
        behind=pl.when(clause == "").then(empty).otherwise(" that are " + clause),
        behind_is=pl.when(clause == "").then(empty).otherwise(" that is " + clause),
    )


def _said_once(row: Ints, value: Ints, order: _Order) -> tuple[Ints, Ints]:
    """Of attributes that say the same ("metal", "metallic") keep the first by name."""
    place = np.lexsort((value, order.canonical[value], row))
    row, value = row[place], value[place]
    first, _ = runs(row, order.canonical[value])
    return row[first], value[first]


def _joined(row: Ints, value: Ints, group: Ints, words: Words, *, rows: int) -> pl.Series:
    """Join the attributes of each row by spaces, those of one group as a list: "red", "red and blue", "a, b and c"."""
    joint = np.zeros(len(row) + 1, dtype=bool)
    joint[1:-1] = (row[1:] == row[:-1]) & (group[1:] == group[:-1])
    follows = np.zeros(len(row), dtype=bool)
    follows[1:] = row[1:] == row[:-1]
    # 0 first of its row, 1 first of its group, 2 last of its group, 3 between these
    link = np.where(joint[:-1], np.where(joint[1:], 3, 2), follows)
    pieces = pl.DataFrame(
        {"j": pl.Series(["", " ", " and ", ", "]).gather(link), "a": words.attributes.text.gather(value)}
    )
    flat = pieces.select(pl.concat_str("j", "a")).to_series()
    return list_series(flat, offsets_of(np.bincount(row, minlength=rows))).list.join("")


def around(noun: pl.Series, *, before: pl.Series, behind: pl.Series) -> pl.Series:
    """Put texts around nouns."""
    return pl.DataFrame({"a": before, "n": noun, "b": behind}).select(pl.concat_str("a", "n", "b")).to_series()
