"""Rows to the bytes of one Parquet file: the same rows give the same bytes, on all cores."""

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from provision_dagster.storage.stored_types import stored_schema
from provision_dagster.storage.tables import TableSpec

ROWS_PER_FILE = 1 << 16
"""A write of more rows makes several files: about 30 MB of question-answer pairs in memory, 4 MB on disk. Small
enough that encoding begins while rows are still being made."""

_ROWS_PER_GROUP = 1 << 17

_PAGE_BYTES = 1 << 29
"""One page per column and row group. Polars cuts pages by the memory a column takes, which differs between equal
rows (offsets, values hidden under nulls): with one page it does not matter. Parquet's limit is 2^31."""

_LONGEST_STATISTIC = 128
"""Characters; longer texts bound nothing that a reader asks for, and statistics are in every copy of the log."""


@dataclass(frozen=True)
class Encoded:
    """One Parquet file in memory.

    Attributes
    ----------
    data
        The file.
    rows
        How many rows it has.
    statistics
        JSON object as Delta keeps it with each file: number of rows; bounds and nulls of the key columns.
    digest
        32 hex digits of the file's bytes.
    """

    data: bytes
    rows: int
    statistics: str
    digest: str


def encode(rows: pl.DataFrame, *, spec: TableSpec) -> Encoded:
    """Encode rows, without their partition columns, as one Parquet file.

    Parameters
    ----------
    rows
        With the declared columns and types, at most `ROWS_PER_FILE`.
    spec
        Their table.

    Returns
    -------
    Encoded
        The same for equal rows in the same order, however they lie in memory; another release of polars may
        give other bytes.
    """
    stored = rows.drop(spec.replace_by).cast(pl.Schema(_file_schema(spec)))
    buffer = io.BytesIO()
    stored.write_parquet(
        buffer,
        compression="zstd",
        compression_level=1,  # 40 % smaller than LZ4 or Snappy for 10 % more time; level 3 gains 1 % more
        statistics=False,  # Delta's own, per file, are what scans prune by
        row_group_size=_ROWS_PER_GROUP,
        data_page_size=_PAGE_BYTES,
    )
    data = buffer.getvalue()
    return Encoded(data, rows.height, _statistics(stored, spec=spec), hashlib.sha256(data).hexdigest()[:32])


def statistics_columns(spec: TableSpec) -> list[str]:
    """Return the columns whose bounds are kept per file: only where they help a scan.

    Not those whose stored type is another: delta-rs 1.6 cuts bounds of 20-digit decimals at 2^63.
    """
    flat = [c for c in dict.fromkeys((*spec.key, *spec.sort_by)) if c not in spec.replace_by]
    return [c for c in flat if stored_schema(spec.schema)[c] == spec.schema[c]] or [next(iter(spec.schema))]


def _file_schema(spec: TableSpec) -> dict[str, pl.DataType]:
    return {name: dtype for name, dtype in stored_schema(spec.schema).items() if name not in spec.replace_by}


def _statistics(stored: pl.DataFrame, *, spec: TableSpec) -> str:
    names = [c for c in statistics_columns(spec) if c in stored.columns]
    bounded = [c for c in names if stored.schema[c] == pl.String or stored.schema[c].is_integer()]
    low = stored.select(pl.col(bounded).min()).to_dicts()[0] if bounded else {}
    high = stored.select(pl.col(bounded).max()).to_dicts()[0] if bounded else {}
    nulls = {c: stored[c].null_count() for c in names}
    found = {"numRecords": stored.height, "minValues": _short(low), "maxValues": _short(high), "nullCount": nulls}
    return json.dumps(found)


def _short(bounds: dict[str, Any]) -> dict[str, Any]:
    known = {c: v for c, v in bounds.items() if v is not None}
    return {c: v for c, v in known.items() if not isinstance(v, str) or len(v) <= _LONGEST_STATISTIC}
