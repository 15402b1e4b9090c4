"""How much of a vocabulary the lexicon knows, and what it should learn next."""

from dataclasses import dataclass

import polars as pl

COVERAGE_COLUMNS: dict[str, pl.DataType] = {
    "kind": pl.String(),  # label | attribute | predicate
    "values": pl.Int64(),  # distinct
    "mentions": pl.Int64(),
    "known_mentions": pl.Int64(),
    "usable_mentions": pl.Int64(),  # known and fit for a sentence
    "share": pl.Float64(),  # known_mentions / mentions
}


@dataclass(frozen=True, eq=False)
class Coverage:
    """Share of known mentions per kind, and the most frequent unknown values."""

    shares: pl.DataFrame  # COVERAGE_COLUMNS
    unknown: pl.DataFrame  # kind, value, count; most frequent first


def measure(mentions: pl.DataFrame, *, resolved: dict[str, pl.DataFrame], top: int) -> Coverage:
    """Compare counted mentions [kind, value, count] with what each kind resolved [value, known, usable]."""
    parts = [frame.with_columns(kind=pl.lit(kind)) for kind, frame in resolved.items()]
    totals = mentions.group_by("kind", "value").agg(pl.col("count").sum().cast(pl.Int64))
    rows = totals.join(pl.concat(parts, how="vertical"), on=["kind", "value"])
    shares = rows.group_by("kind").agg(
        values=pl.len().cast(pl.Int64),
        mentions=pl.col("count").sum(),
        known_mentions=pl.col("count").filter(pl.col("known")).sum(),
        usable_mentions=pl.col("count").filter(pl.col("known") & pl.col("usable")).sum(),
    )
    shares = shares.with_columns(share=pl.col("known_mentions") / pl.col("mentions")).sort("kind")
    order = {"kind": False, "count": True, "value": False}
    unknown = rows.filter(~pl.col("known")).select("kind", "value", "count")
    unknown = unknown.sort(*order, descending=list(order.values())).group_by("kind", maintain_order=True).head(top)
    return Coverage(shares=shares.select(*COVERAGE_COLUMNS), unknown=unknown)
