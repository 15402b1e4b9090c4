"""Does a frame keep what its table declares? Keys are unique and set, text columns are not blank."""

import polars as pl

from provision_dagster.storage.tables import TableSpec

PROBLEMS: dict[str, pl.DataType] = {"rule": pl.String(), "rows": pl.Int64(), "example": pl.String()}
"""What a suite of checks finds: one row per broken rule, how many rows break it, and one of them."""


def contract_problems(frame: pl.DataFrame, *, spec: TableSpec) -> pl.DataFrame:
    """Find rows that break the declaration of a table.

    Returns
    -------
    pl.DataFrame
        Schema PROBLEMS; empty when all is well.
    """
    key = list(spec.key)
    name = pl.format(", ".join(["{}"] * len(key)), *(pl.col(k).cast(pl.String).fill_null("null") for k in key))
    rules = {"key_is_null": pl.any_horizontal(pl.col(k).is_null() for k in key)}
    if spec.name not in UNKEYED:
        rules["key_is_repeated"] = pl.struct(key).is_duplicated()
    return problems(frame, rules=rules, example=name)


UNKEYED = ("rejected_annotations", "rejected_evidence")
"""Ledgers: two items may be rejected for the same reason in the same words."""


def problems(frame: pl.DataFrame, *, rules: dict[str, pl.Expr], example: pl.Expr) -> pl.DataFrame:
    """Count the rows for which each rule's expression is true (that is: broken), with one example each."""
    found = [
        broken.select(rule=pl.lit(rule), rows=pl.len().cast(pl.Int64), example=example.first().cast(pl.String))
        for rule, expression in rules.items()
        # polars 2.1 panics when `format` reads a column that a filter left with an empty chunk
        if (broken := frame.filter(expression.fill_null(False)).rechunk()).height
    ]
    return pl.concat(found) if found else pl.DataFrame(schema=PROBLEMS)
