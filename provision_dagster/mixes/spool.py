"""Rows that come in any order and are wanted by position: sorted through files, so that memory stays bounded."""

import math
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa

BLOCK = 50_000
"""Rows that are held in memory at once."""

MOST = 64
"""Files at most: of more rows than both allow, blocks are larger."""


class Spool:
    """Files of rows by position: block `n` has the positions from `n * block` on.

    Parameters
    ----------
    folder
        For the files; the caller removes it.
    rows
        Positions are 0 .. rows - 1.
    """

    def __init__(self, folder: Path, *, rows: int) -> None:
        self.folder = folder
        self.block = max(BLOCK, math.ceil(rows / MOST))
        self.blocks = math.ceil(rows / self.block)
        self._writers: dict[tuple[str, int], pa.ipc.RecordBatchFileWriter] = {}
        self._ended = False

    def add(self, rows: pl.DataFrame, *, kind: str) -> None:
        """Take rows of one kind (with `position`); rows of a kind have the same columns."""
        for part in rows.with_columns(_block=pl.col("position") // self.block).partition_by("_block"):
            table = part.drop("_block").to_arrow(compat_level=pl.CompatLevel.oldest())
            self._writer(kind, int(part["_block"][0]), table.schema).write_table(table)

    def read(self, number: int, *, kind: str) -> pl.DataFrame | None:
        """Return the rows of one kind in a block, by position; None when there are none. Nothing is added any more."""
        if not self._ended:
            for writer in self._writers.values():
                writer.close()
            self._ended = True
        if (kind, number) not in self._writers:
            return None
        return pl.read_ipc(self._file(kind, number)).sort("position")

    def _writer(self, kind: str, number: int, schema: pa.Schema) -> pa.ipc.RecordBatchFileWriter:
        if (kind, number) not in self._writers:
            file = self._file(kind, number)
            self._writers[kind, number] = pa.ipc.new_file(
                str(file), schema, options=pa.ipc.IpcWriteOptions(compression="lz4")
            )
        return self._writers[kind, number]

    def _file(self, kind: str, number: int) -> Path:
        return self.folder / f"{kind}-{number:04d}.arrow"


def streamed(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of a query in portions, in whatever order is cheapest."""
    yield from rows.collect_batches(chunk_size=BLOCK, maintain_order=False)
