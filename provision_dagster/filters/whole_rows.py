"""Kept and rejected rows, whole: DuckDB says which, polars puts their columns together."""

import polars as pl
import sqlglot
from sqlglot import exp

from provision_dagster.filters.models import load_models
from provision_dagster.filters.run_sql import run_models
from provision_dagster.filters.sql_config import SqlConfig
from provision_dagster.generators.schema import RAW_QA

MARTS = ("filtered_qa", "rejected_qa")

PLACE = "place_of_row"
"""Column that stands for all others of a row while DuckDB joins: its number."""


def whole_rows(
    raw: pl.DataFrame, *, order: pl.Series, verdicts: pl.DataFrame, limits: SqlConfig
) -> dict[str, pl.DataFrame]:
    """Run the marts that pass whole rows of raw QA on.

    One that names none of its columns but `row` gets the number of each row in place of them, and polars looks the
    columns up: texts, boxes and metadata go through no join. One that names a column gets them all.

    Parameters
    ----------
    raw
        Schema RAW_QA.
    order
        The places of its rows in the order in which `row` counts them.
    verdicts
        The model `int_verdicts`.
    limits
        What DuckDB may take.

    Returns
    -------
    dict of str to pl.DataFrame
        Both marts, in the order of rows.
    """
    numbered = pl.DataFrame({"row": pl.int_range(raw.height, dtype=pl.UInt32, eager=True)})
    if any(_looks_into_rows(load_models()[name].sql) for name in MARTS):
        source = pl.concat([numbered.with_columns(pl.col("row").alias(PLACE)), raw[order]], how="horizontal")
    else:
        source = numbered.with_columns(pl.col("row").alias(PLACE))
    found = run_models({"raw_qa": source, "int_verdicts": verdicts}, targets=MARTS, limits=limits)
    return {name: _with_columns(frame.sort(PLACE), raw=raw, order=order) for name, frame in found.items()}


def _with_columns(frame: pl.DataFrame, *, raw: pl.DataFrame, order: pl.Series) -> pl.DataFrame:
    """Look up the columns of raw QA that are not there."""
    missing = [name for name in raw.columns if name not in frame.columns]
    rows = raw.select(pl.col(missing).gather(order.gather(frame[PLACE])))
    return pl.concat([rows, frame.drop(PLACE)], how="horizontal")


def _looks_into_rows(sql: str) -> bool:
    named = {column.name for column in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Column)}
    return not named.isdisjoint(RAW_QA)
