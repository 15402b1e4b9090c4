"""Reading, checking and merging of the lexicon files."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.lexicon.schema import TABLES, Column, LexiconTable

DATA = Path(__file__).parent / "data"
_ROW = "_row"  # line of the file, the header being line 1: for error messages
_FILE = "_file"


def read_folder(folder: Path) -> dict[str, pl.DataFrame]:
    """Read every lexicon file of a folder.

    Parameters
    ----------
    folder
        Holds any of the files of `TABLES`.

    Returns
    -------
    dict of str to DataFrame
        By table name; text columns, lists split, flags as booleans.

    Raises
    ------
    InputError
        The folder or a file cannot be used; the message names file, row, column and the allowed values.
    """
    if not folder.is_dir():
        raise InputError(f"lexicon folder `{folder}` does not exist or is not a folder")
    known = {t.file: t for t in TABLES.values()}
    found = sorted(p for p in folder.iterdir() if p.suffix == ".csv")
    for path in found:
        if path.name not in known:
            raise InputError(f"unknown lexicon file `{path}`; allowed: {', '.join(sorted(known))}")
    if not found:
        raise InputError(f"lexicon folder `{folder}` holds none of {', '.join(sorted(known))}")
    return {known[p.name].name: read_table(p, table=known[p.name]) for p in found}


def read_table(path: Path, *, table: LexiconTable) -> pl.DataFrame:
    """Read and check one lexicon file; blank cells take the column's default."""
    try:
        raw = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"lexicon file `{path}` cannot be read as UTF-8 CSV: {error}") from error
    unknown = [c for c in raw.columns if c not in table.header]
    missing = [c.name for c in table.columns if c.required and c.name not in raw.columns]
    if unknown or missing:
        what = f"unknown column `{unknown[0]}`" if unknown else f"missing column `{missing[0]}`"
        raise InputError(f"lexicon file `{path}`: {what}; allowed columns: {', '.join(table.header)}")
    frame = raw.with_columns(pl.lit(None, pl.String).alias(c) for c in table.header if c not in raw.columns)
    frame = frame.select(pl.col(c).str.strip_chars().fill_null("") for c in table.header)
    frame = frame.with_row_index(_ROW, offset=2).with_columns(pl.lit(str(path)).alias(_FILE))
    for column in table.columns:
        _check_column(frame, column=column, path=path)
    _check_unique(frame, table=table, path=path)
    return frame.with_columns(_typed(c) for c in table.columns)


def merge(tables: Sequence[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Lay folders over each other: rows of a later folder replace rows of equal key of an earlier one."""
    merged = dict(tables[0])
    for extra in tables[1:]:
        for name, frame in extra.items():
            key = list(TABLES[name].key)
            merged[name] = pl.concat([merged[name].join(frame, on=key, how="anti"), frame])
    return merged


@lru_cache(maxsize=1)
def base_tables() -> dict[str, pl.DataFrame]:
    """The tables that ship with the package, read once per process."""
    return read_folder(DATA)


def fail(frame: pl.DataFrame, *, column: str, problem: str, value: str | None = None) -> None:
    """Raise for the first row of `frame`, naming its file, row and column; nothing when there is no row."""
    if frame.height:
        row = frame.row(0, named=True)
        got = row[column] if value is None else row[value]
        raise InputError(f"lexicon file `{row[_FILE]}`, row {row[_ROW]}, column `{column}`: {problem}, got `{got}`")


def _typed(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    default = pl.col(column.default[1:-1]) if column.default.startswith("{") else pl.lit(column.default)
    value = pl.when(value == "").then(default).otherwise(value)
    if column.kind == "bool":
        return (value == "true").alias(column.name)
    if column.kind == "list":
        parts = pl.col(column.name).str.split(";").list.eval(pl.element().str.strip_chars())
        return parts.list.filter(pl.element() != "").alias(column.name)
    return value.alias(column.name)


def _check_column(frame: pl.DataFrame, *, column: Column, path: Path) -> None:
    value = pl.col(column.name)
    if column.required:
        fail(frame.filter(value == ""), column=column.name, problem="a value is required")
    if column.allowed:
        wrong = frame.filter((value != "") & ~value.is_in(column.allowed))
        fail(wrong, column=column.name, problem=f"allowed: {', '.join(column.allowed)}")


def _check_unique(frame: pl.DataFrame, *, table: LexiconTable, path: Path) -> None:
    repeated = frame.filter(pl.struct(table.key).is_duplicated())
    fail(repeated.tail(1), column=table.key[0], problem="a key may occur once in a file")
