"""Pictures of a benchmark among the data: the same file, or nearly the same picture."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from provision_dagster.filters.duplicate_config import BenchmarkConfig
from provision_dagster.filters.duplicates.hamming import BITS, near_hashes
from provision_dagster.filters.duplicates.pictures import HEX_DIGITS, hash_numbers
from provision_dagster.filters.schema import CONTAMINATION

MIN_BITS = 24
"""Set and unset bits of a perceptual hash that says something: those of plain colours are all the same."""


def contaminated_pictures(
    images: pl.DataFrame, *, items: pl.DataFrame, benchmarks: Sequence[BenchmarkConfig]
) -> pl.DataFrame:
    """Find pictures that a benchmark holds.

    Parameters
    ----------
    images
        At least shard, image_id, sha256 and phash; rows without an id are left out.
    items
        Schema BENCHMARK_ITEMS.
    benchmarks
        Bounds; items of other benchmarks are left out.

    Returns
    -------
    pl.DataFrame
        Schema CONTAMINATION, at most a row per picture, benchmark and method: the best match, the first of several.
        Score: 1 (`sha256`) or the share of equal bits (`phash`).
    """
    known = images.filter(pl.col("image_id").is_not_null()).select("shard", "image_id", "sha256", "phash")
    found = [pl.DataFrame(schema=CONTAMINATION)]
    for benchmark in benchmarks:
        own = items.filter((pl.col("benchmark") == benchmark.name) & (pl.col("kind") == "picture"))
        found += [
            _rows(_by_file(known, own), benchmark.name, "sha256"),
            _rows(_by_hash(known, own, benchmark.max_phash_distance), benchmark.name, "phash"),
        ]
    return pl.concat(found)


def _by_file(images: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    first = items.filter(pl.col("sha256").is_not_null()).unique("sha256", keep="first", maintain_order=True)
    return images.join(first.select("sha256", "item"), on="sha256").with_columns(score=pl.lit(1.0))


def _by_hash(images: pl.DataFrame, items: pl.DataFrame, max_distance: int) -> pl.DataFrame:
    mine, theirs = _telling(images), _telling(items)
    near = near_hashes(hash_numbers(mine["phash"]), right=hash_numbers(theirs["phash"]), max_distance=max_distance)
    best = pl.DataFrame(
        {
            "phash": mine["phash"].gather(near.first),
            "item": theirs["item"].gather(near.second),
            "score": 1.0 - near.distance / BITS,
        }
    ).with_columns(place=near.second)
    best = best.sort("score", "place", descending=[True, False]).unique("phash", keep="first", maintain_order=True)
    return images.join(best, on="phash")


def _telling(rows: pl.DataFrame) -> pl.DataFrame:
    """Distinct hashes with enough set and unset bits, in the order of the rows."""
    known = rows.filter(pl.col("phash").str.len_chars() == HEX_DIGITS)
    known = known.unique("phash", keep="first", maintain_order=True)
    bits = np.bitwise_count(hash_numbers(known["phash"]))
    return known.filter((bits >= MIN_BITS) & (bits <= BITS - MIN_BITS))


def _rows(found: pl.DataFrame, benchmark: str, method: str) -> pl.DataFrame:
    return (
        found.select(
            pl.lit("picture").alias("kind"),
            "shard",
            pl.col("image_id").alias("id"),
            pl.lit(benchmark).alias("benchmark"),
            pl.lit(method).alias("method"),
            "score",
            "item",
        )
        .unique(["shard", "id"], keep="first", maintain_order=True)
        .sort("shard", "id")
        .select(pl.col(name).cast(dtype) for name, dtype in CONTAMINATION.items())
    )
