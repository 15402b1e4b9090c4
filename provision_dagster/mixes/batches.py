"""Rows of a mix in portions of a fixed size, so that files do not depend on how they were read."""

from collections.abc import Iterator

import polars as pl

BATCH = 50_000
"""Rows held in memory while a file is written, and rows of a Parquet row group."""

Frame = pl.DataFrame | pl.LazyFrame


def batches(rows: Frame) -> Iterator[pl.DataFrame]:
    """Yield rows by position in frames of exactly `BATCH` rows (the last may be shorter)."""
    rest: pl.DataFrame | None = None
    for found in rows.lazy().sort("position").collect_batches(chunk_size=BATCH, maintain_order=True):
        rest = found if rest is None else pl.concat([rest, found])
        while len(rest) >= BATCH:
            yield rest.head(BATCH)
            rest = rest.slice(BATCH)
    if rest is not None and len(rest):
        yield rest
