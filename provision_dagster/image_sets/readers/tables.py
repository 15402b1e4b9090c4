"""Rows of a CSV, TSV, JSONL or Parquet file, one by one: a damaged row is reported and the rest goes on."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.image_sets.paths import shown, utf8


class Row(NamedTuple):
    """A row of a table; `number` counts from 1 without the header. `error` says why it has no values."""

    number: int
    values: Mapping[str, object]
    error: str | None = None


SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")


def read_rows(
    path: Path, *, wanted: frozenset[str], one_of: tuple[str, str], field: str = "path", holds: str = "file list"
) -> Iterator[Row]:
    """
    Read the wanted columns of a table.

    Parameters
    ----------
    path
        File; its suffix names the format.
    wanted
        Columns to read where they exist.
    one_of
        Columns of which at least one must exist.
    field, holds
        For messages: which field of the image set names the file, and what the file is.

    Raises
    ------
    InputError
        When the file cannot be read at all, or lacks both columns of `one_of`.
    """
    if not path.is_file():
        got = "a folder" if path.is_dir() else "nothing"
        raise InputError(f"field `{field}`: expected a {holds} at `{path}`, got {got}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"`{path}`: a {holds} must end in {', '.join(SUFFIXES)}, got `{path.suffix}`")
    try:
        if suffix == ".parquet":
            yield from _parquet(path, wanted=wanted, one_of=one_of)
        elif suffix in (".csv", ".tsv"):
            yield from _csv(path, delimiter="\t" if suffix == ".tsv" else ",", one_of=one_of)
        else:
            yield from _jsonl(path)
    except OSError as error:
        raise InputError(f"`{path}` cannot be read: {error.strerror or error}") from error


def _check_header(path: Path, *, header: list[str], one_of: tuple[str, str]) -> None:
    repeated = {name for name in header if header.count(name) > 1}
    if repeated:
        raise InputError(f"`{path}` repeats column {', '.join(f'`{name}`' for name in sorted(repeated))}")
    if not set(one_of) & set(header):
        got = ", ".join(f"`{name}`" for name in header[:20]) or "no columns"
        raise InputError(f"`{path}` has no column `{one_of[0]}` or `{one_of[1]}`; got {got}")


def _csv(path: Path, *, delimiter: str, one_of: tuple[str, str]) -> Iterator[Row]:
    # File names need not be UTF-8: their bytes pass through.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        header = next(reader, [])
        _check_header(path, header=header, one_of=one_of)
        number = 0
        while True:
            number += 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(number, {}, f"is not valid CSV at line {reader.line_num}: {error}")
                continue
            if not values:
                number -= 1
            elif len(values) != len(header):
                yield Row(number, {}, f"has {len(values)} fields; expected {len(header)} as in the header")
            else:
                yield Row(number, dict(zip(header, values, strict=True)))


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        number = 0
        for line in file:
            if not line.strip():
                continue
            number += 1
            try:
                values = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Row(number, {}, f"is not valid JSON: {error}")
                continue
            if isinstance(values, dict):
                yield Row(number, values)
            else:
                yield Row(number, {}, f"must be a JSON object, got {type(values).__name__}")


def _parquet(path: Path, *, wanted: frozenset[str], one_of: tuple[str, str]) -> Iterator[Row]:
    try:
        schema = pl.read_parquet_schema(path)
        _check_header(path, header=list(schema), one_of=one_of)
        frame = pl.read_parquet(path, columns=[name for name in schema if name in wanted])
    except pl.exceptions.PolarsError as error:
        raise InputError(f"`{path}` is not a readable Parquet file: {error}") from error
    for number, values in enumerate(frame.iter_rows(named=True), start=1):
        yield Row(number, values)


def text_of(row: Row, name: str) -> str | None:
    """Value of a field as text; null when it is empty."""
    value = row.values.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is not None and not isinstance(value, str):
        raise InputError(f"field `{name}` must be text, got {shown(utf8(repr(value))[:100])}")
    return value if value and value.strip() else None
