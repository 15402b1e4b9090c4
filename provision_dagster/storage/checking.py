"""What a frame must fulfil before it is written."""

from collections.abc import Mapping

import polars as pl

from provision_dagster.errors import InputError, SchemaError
from provision_dagster.storage.stored_types import fits
from provision_dagster.storage.tables import TableSpec


def conform(df: pl.DataFrame, *, spec: TableSpec) -> pl.DataFrame:
    """Return the frame with exactly the declared columns, types and order.

    Parameters
    ----------
    df
        Any frame.
    spec
        The table it is meant for.

    Returns
    -------
    pl.DataFrame
        The same rows; columns without any value take their declared type.

    Raises
    ------
    SchemaError
        If a column is missing, unknown or of another type.
    """
    missing = [name for name in spec.schema if name not in df.columns]
    unknown = [name for name in df.columns if name not in spec.schema]
    if missing or unknown:
        raise SchemaError(
            f"table `{spec.name}`: missing columns {missing}, unknown columns {unknown}; "
            f"expected exactly {list(spec.schema)}, got {df.columns}"
        )
    wrong = [name for name, dtype in spec.schema.items() if not fits(df.schema[name], dtype)]
    if wrong:
        details = "; ".join(f"column `{n}`: expected {spec.schema[n]}, got {df.schema[n]}" for n in wrong)
        raise SchemaError(f"table `{spec.name}`: {details}")
    return df.select(pl.col(name).cast(dtype) for name, dtype in spec.schema.items())


def slice_key(key: str | Mapping[str, str] | None, *, spec: TableSpec) -> dict[str, str]:
    """Return the key of one write as a value for each column of `spec.replace_by`.

    Raises
    ------
    InputError
        If the key names other columns, or a value is not a non-empty string.
    """
    if key is None:
        found: dict[str, str] = {}
    elif isinstance(key, str):
        found = {spec.replace_by[0]: key} if spec.replace_by else {"": key}
    else:
        found = dict(key)
    if set(found) != set(spec.replace_by):
        raise InputError(f"table `{spec.name}`: `key` must name {list(spec.replace_by)}, got {key!r}")
    for column in spec.replace_by:
        if not isinstance(found[column], str) or not found[column]:
            raise InputError(f"table `{spec.name}`: `key` needs text for `{column}`, got {found[column]!r}")
    return {column: found[column] for column in spec.replace_by}


def check_belongs(df: pl.DataFrame, *, key: Mapping[str, str], spec: TableSpec) -> None:
    """Raise `InputError` unless every row belongs to the slice that `key` names."""
    for column, value in key.items():
        strays = df.filter(pl.col(column).ne_missing(value))[column]
        if len(strays):
            others = strays.unique().sort().head(3).to_list()
            raise InputError(
                f"table `{spec.name}`: {len(strays)} of {len(df)} rows do not belong to the partition: "
                f"`{column}` must be {value!r}, got {others}"
            )
