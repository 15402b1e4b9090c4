"""Which pictures are held out: a hash of picture and seed decides, so that added data changes nothing."""

from fractions import Fraction

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.mixes.choose import hashed
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.grouping import alike_groups
from provision_dagster.mixes.held_out.schema import HELD_OUT_PICTURES


def held_out_pictures(
    images: pl.LazyFrame, *, duplicates: pl.LazyFrame | None = None, config: HeldOutConfig | None = None
) -> pl.DataFrame:
    """Choose the pictures that no mix may show.

    A picture is held out if the hash of its id and the seed is below the share, or if one that is like it is. So its
    side does not depend on any other picture, but for those that are like it; and a picture that is held out stays so
    whatever is added.

    Parameters
    ----------
    images
        Schema IMAGES, all shards of all image sets.
    duplicates
        Schema DUPLICATES: pictures that are alike by any method; None: none but those found here.
    config
        What to hold out; None: nothing.

    Returns
    -------
    pl.DataFrame
        Schema HELD_OUT_PICTURES, one row per shard and picture.

    Raises
    ------
    InputError
        If an image set of the configuration does not exist.
    """
    if config is None:
        return pl.DataFrame(schema=HELD_OUT_PICTURES)
    columns = ("shard", "image_set", "image_id", "sha256", "phash")
    known = images.filter(pl.col("image_id").is_not_null()).select(
        *columns, "image_key", again=pl.col("status") != "ok"
    )
    # a file that occurs twice has the same id twice: the one that was kept comes first
    best = known.sort("shard", "image_id", "again", "image_key").unique(
        ["shard", "image_id"], keep="first", maintain_order=True
    )
    rows = best.select(columns).collect()
    unknown = sorted(set(config.image_sets) - set(rows["image_set"]))
    if unknown:
        there = ", ".join(rows["image_set"].unique().sort()) or "none"
        raise InputError(f"`image_sets`: no picture of {unknown}; there are: {there}")
    sides = _sides(rows, alike=_pairs(duplicates), config=config)
    held = rows.join(sides, on="image_id", maintain_order="left")
    return held.select(pl.col(name).cast(dtype) for name, dtype in HELD_OUT_PICTURES.items())


def _pairs(duplicates: pl.LazyFrame | None) -> pl.DataFrame:
    if duplicates is None:
        return pl.DataFrame(schema={"id": pl.String, "of": pl.String})
    return duplicates.filter(pl.col("kind") == "picture").select("id", "of").collect()


def _sides(rows: pl.DataFrame, *, alike: pl.DataFrame, config: HeldOutConfig) -> pl.DataFrame:
    """Return the ids that are held out, with `group` and `drawn`."""
    may = pl.col("image_set").is_in(list(config.image_sets)) if config.image_sets else pl.lit(True)
    pictures = (
        rows.with_columns(may=may)
        .group_by("image_id")
        .agg(pl.col("phash").drop_nulls().first(), pl.col("may").any())
        .sort("image_id")
        .with_columns(place=pl.when("may").then(hashed("image_id", seed=config.seed, purpose="held out")))
    )
    below = pl.lit(int(Fraction(str(config.share)) * 2**64), dtype=pl.UInt64)
    numbers = alike_groups(pictures, alike=alike, max_distance=config.max_phash_distance)
    judged = pictures.with_columns(drawn=(pl.col("place") < below).fill_null(False), number=pl.Series(numbers))
    first = pl.col("image_id").sort_by("place", nulls_last=True).first().over("number")
    judged = judged.with_columns(group=first, held=pl.col("drawn").any().over("number"))
    return judged.filter("held").select("image_id", "group", "drawn")
