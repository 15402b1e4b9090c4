"""Rules that send rows to REJECTED_ANNOTATIONS, applied to whole columns."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from provision_dagster.scene_graphs.schema import REJECTED_ANNOTATIONS


class Rule(NamedTuple):
    """A reason against a row: when it applies, the field at fault and a sentence with the value."""

    reason: str
    when: pl.Expr
    field: str
    detail: pl.Expr


def judge(frame: pl.DataFrame, rules: Sequence[Rule], *, part: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """
    Divide rows into those that no rule applies to and the rejected.

    Parameters
    ----------
    frame
        Rows with the columns `shard`, `image_set`, `image_key`, `file`, `item` and those that the rules name.
    rules
        The first that applies gives the reason.
    part
        `part` of REJECTED_ANNOTATIONS.

    Returns
    -------
    tuple of polars.DataFrame
        The kept rows as they were, and rows of REJECTED_ANNOTATIONS.
    """
    which = pl.coalesce(
        [pl.when(rule.when.fill_null(value=False)).then(pl.lit(place)) for place, rule in enumerate(rules)]
    )
    judged = frame.with_columns(which.cast(pl.Int32).alias("_rule"))
    kept = judged.filter(pl.col("_rule").is_null()).drop("_rule")
    return kept, _as_rejected(judged.filter(pl.col("_rule").is_not_null()), rules, part=part)


def _as_rejected(rows: pl.DataFrame, rules: Sequence[Rule], *, part: str) -> pl.DataFrame:
    def choice(values: list[pl.Expr]) -> pl.Expr:
        return pl.coalesce([pl.when(pl.col("_rule") == place).then(value) for place, value in enumerate(values)]).cast(
            pl.String
        )

    return rows.select(
        "shard",
        "image_set",
        "image_key",
        "file",
        pl.lit(part).alias("part"),
        "item",
        choice([pl.lit(rule.field) for rule in rules]).alias("field"),
        choice([pl.lit(rule.reason) for rule in rules]).alias("reason"),
        choice([rule.detail for rule in rules]).alias("detail"),
    ).match_to_schema(REJECTED_ANNOTATIONS)


def distinct_rows(rejected: pl.DataFrame) -> pl.DataFrame:
    """Give rejected rows that are equal in every column an item of their own: `7`, `7#2`."""
    again = pl.int_range(pl.len()).over(list(REJECTED_ANNOTATIONS))
    item = pl.when(again == 0).then("item").otherwise(pl.format("{}#{}", pl.col("item").fill_null(""), again + 1))
    return rejected.with_columns(item.alias("item"))
