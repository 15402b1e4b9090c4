"""Which row has which fault, and which rows are still as they were made."""

import numpy as np
import polars as pl

LEDGER: dict[str, pl.DataType] = {
    "id": pl.String(),
    "fault": pl.String(),
    "of": pl.String(),
}
"""One row per question with a fault; `of`: the question that it is a copy of."""


def shuffled(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Bring rows with an `id` into an order that depends on the ids and the generator alone."""
    order = rng.permutation(rows.height)
    return rows.sort("id").select(pl.all().gather(order))


def drawn(rows: pl.DataFrame, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Draw a share of rows, at least one where there are any."""
    return shuffled(rows, rng).head(max(1, round(share * rows.height)))


def entries(rows: pl.DataFrame, fault: str) -> pl.DataFrame:
    """Enter rows, which may have a column `of`, into a ledger."""
    of = pl.col("of") if "of" in rows.columns else pl.lit(None, dtype=pl.String)
    return rows.select("id", fault=pl.lit(fault, dtype=pl.String), of=of)


def without(rows: pl.DataFrame, *ledgers: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows that are in a ledger, as faulty or as what a copy was made of."""
    taken = pl.concat([part.select(name) for part in ledgers for name in (pl.col("id"), pl.col("of").alias("id"))])
    return rows.join(taken, on="id", how="anti", maintain_order="left")


def replaced(rows: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """Put changed rows in the place of those with their ids."""
    kept = rows.join(changed, on="id", how="anti", maintain_order="left")
    return pl.concat([kept, changed.select(rows.columns)])
