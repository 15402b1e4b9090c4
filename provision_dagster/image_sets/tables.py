"""Check of a table against its declared columns."""

import polars as pl

from provision_dagster.errors import SchemaError


def check_columns(frame: pl.DataFrame, *, schema: dict[str, pl.DataType], table: str) -> pl.DataFrame:
    """Select and cast the columns of `schema`; a missing or unfit one raises SchemaError."""
    for name, dtype in schema.items():
        if name not in frame.columns:
            raise SchemaError(f"table `{table}` has no column `{name}`; expected {dtype}, found {frame.columns}")
        found = frame.schema[name]
        if found not in (dtype, pl.Null()) and not (dtype.is_integer() and found.is_integer()):
            raise SchemaError(f"table `{table}` column `{name}`: expected {dtype}, found {found}")
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
