"""Proof that a mix shows no held-out picture: by image id, by the bytes of the file, and by how pictures look."""

from pathlib import Path

import polars as pl

from provision_dagster.filters.contamination.pictures import contaminated_pictures
from provision_dagster.filters.duplicate_config import BenchmarkConfig
from provision_dagster.filters.schema import BENCHMARK_ITEMS

OVERLAPS: dict[str, pl.DataType] = {
    "method": pl.String(),
    "image_id": pl.String(),
    "of": pl.String(),
    "score": pl.Float64(),
}
"""Pictures of a mix that are held out (`image_id`), or the same file (`sha256`) or look (`phash`) as one that is."""


FOUND: dict[str, pl.DataType] = {"rule": pl.String(), "rows": pl.Int64(), "example": pl.String()}
"""Rows of a mix that must not be there, as checks tell of them: rule, how many, and one of them."""


def overlaps(shown: pl.DataFrame, *, pictures: pl.DataFrame, max_distance: int) -> pl.DataFrame:
    """Find pictures that are held out, or like one that is.

    Parameters
    ----------
    shown
        Pictures of a mix: shard, image_id, sha256 and phash, as in IMAGES.
    pictures
        Schema HELD_OUT_PICTURES.
    max_distance
        Bits of 64 by which perceptual hashes of pictures that are alike differ at most.

    Returns
    -------
    pl.DataFrame
        Schema OVERLAPS, sorted; empty: the two are disjoint.
    """
    same = shown.join(pictures.select("image_id").unique(), on="image_id", how="semi")
    by_id = same.select("image_id", method=pl.lit("image_id"), of="image_id", score=pl.lit(1.0))
    # a path must be given for pictures to be compared; it is read nowhere but in `benchmark_items`
    benchmark = BenchmarkConfig(name="held_out", images=Path("held_out_pictures"), max_phash_distance=max_distance)
    like = contaminated_pictures(shown, items=_items(pictures), benchmarks=[benchmark])
    found = [frame.select(list(OVERLAPS)) for frame in (by_id, like.rename({"id": "image_id", "item": "of"}))]
    return pl.concat(found).unique().sort(list(OVERLAPS))


def _items(pictures: pl.DataFrame) -> pl.DataFrame:
    """Held-out pictures as those of a benchmark."""
    named = pictures.with_columns(benchmark=pl.lit("held_out"), kind=pl.lit("picture"), item="image_id")
    missing = [pl.lit(None, dtype=pl.String).alias(name) for name in BENCHMARK_ITEMS if name not in named.columns]
    return named.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in BENCHMARK_ITEMS.items())


def pictures_of(mix: pl.LazyFrame, *, images: pl.LazyFrame) -> pl.DataFrame:
    """Look up the pictures that the generated rows of a mix show.

    Returns
    -------
    pl.DataFrame
        shard, image_id, sha256, phash; one row for each place where the picture stands. A picture that is in no shard
        has a null shard: nothing can be proved of it.
    """
    shown = mix.select(image_id=pl.col("image_ids").explode()).drop_nulls().unique().collect()
    known = images.select("shard", "image_id", "sha256", "phash").filter(pl.col("image_id").is_not_null())
    found = known.join(shown.lazy(), on="image_id", how="semi").unique().collect()
    return shown.join(found, on="image_id", how="left").select("shard", "image_id", "sha256", "phash")


def rows_that_show(mix: pl.LazyFrame, *, hits: pl.DataFrame) -> pl.DataFrame:
    """Count the rows of a mix that show what `overlaps` found.

    Returns
    -------
    pl.DataFrame
        Schema FOUND: per method the number of rows, with the first picture and the held-out one that it is like.
    """
    if hits.is_empty():
        return pl.DataFrame(schema=FOUND)
    shown = mix.select("id", image_id=pl.col("image_ids")).explode("image_id")
    rows = shown.join(hits.lazy(), on="image_id", how="inner").select("id", "method", "image_id", "of").collect()
    told = rows.sort("method", "image_id", "of").group_by("method", maintain_order=True)
    return told.agg(
        rows=pl.col("id").n_unique().cast(pl.Int64),
        example=pl.format("{} is like {}", "image_id", "of").first(),
    ).select(pl.format("held_out_by_{}", "method").alias("rule"), "rows", "example")
