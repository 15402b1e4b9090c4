"""Rows of a mix in portions of a fixed size, so that files do not depend on how they were read."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from provision_dagster.mixes.spool import Spool, streamed

BATCH = 50_000
"""Rows held in memory while files are written, and rows of a Parquet row group."""

Frame = pl.DataFrame | pl.LazyFrame

Rows = Frame | Iterable[pl.DataFrame]
"""A mix, or its blocks in order."""


class Portions:
    """Cuts what comes in any portions into portions of one size."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest: pl.DataFrame | None = None

    def add(self, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield the portions that are full now."""
        held = rows if self._rest is None else pl.concat([self._rest, rows])
        while len(held) >= self._size:
            yield held.head(self._size)
            held = held.slice(self._size)
        self._rest = held

    def rest(self) -> Iterator[pl.DataFrame]:
        """Yield what is left, if anything is."""
        if self._rest is not None and len(self._rest):
            yield self._rest
        self._rest = None


def batches(rows: Rows) -> Iterator[pl.DataFrame]:
    """Yield rows by position in frames of exactly `BATCH` rows (the last may be shorter).

    Blocks, and a table whose rows come in order, are streamed; another table is sorted through files.
    """
    portions = Portions(BATCH)
    for found in _in_order(rows):
        yield from portions.add(found)
    yield from portions.rest()


def _in_order(rows: Rows) -> Iterable[pl.DataFrame]:
    if isinstance(rows, pl.DataFrame):
        return [rows.sort("position")]
    if not isinstance(rows, pl.LazyFrame):
        return rows
    places = rows.select("position").collect(engine="streaming").to_series()
    if places.is_sorted():
        return rows.collect_batches(chunk_size=BATCH, maintain_order=True)
    last: int = places.max()  # type: ignore[assignment]
    return _sorted(rows, positions=last + 1)


def _sorted(rows: pl.LazyFrame, *, positions: int) -> Iterator[pl.DataFrame]:
    """Yield rows by position in blocks; they wait in temporary files."""
    with tempfile.TemporaryDirectory(prefix="mix-") as folder:
        spool = Spool(Path(folder), rows=positions)
        for found in streamed(rows):
            spool.add(found, kind="rows")
        for number in range(spool.blocks):
            block = spool.read(number, kind="rows")
            if block is not None:
                yield block
