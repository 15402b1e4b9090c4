"""Pictures that an image set holds twice, in different shards."""

import polars as pl

from provision_dagster.image_sets.schema import REPEATED_PICTURES


def repeated_images(images: pl.LazyFrame) -> pl.DataFrame:
    """Find usable pictures whose pixels occur at an earlier position of their image set.

    Parameters
    ----------
    images
        Schema IMAGES, all shards.

    Returns
    -------
    pl.DataFrame
        Schema REPEATED_PICTURES, sorted by image set and position.
    """
    group = ["image_set", "image_id"]
    usable = images.filter(pl.col("status") == "ok").select("shard", *group, "image_key", "position")
    judged = usable.with_columns(
        first_image_key=pl.col("image_key").sort_by("position").first().over(group),
        again=pl.col("position") > pl.col("position").min().over(group),
    )
    return judged.filter("again").sort("image_set", "position").select(list(REPEATED_PICTURES)).collect()
