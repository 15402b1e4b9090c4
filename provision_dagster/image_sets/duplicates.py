"""Pictures that a set holds twice."""

import polars as pl

from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.image_sets.tables import check_columns


def mark_duplicates(images: pl.DataFrame) -> pl.DataFrame:
    """
    Give every picture whose pixels occur earlier in its image set the status `duplicate`.

    Parameters
    ----------
    images
        Schema IMAGES; of one shard, one set or several sets, in any order. Duplicates are judged anew.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order. The first by position stays `ok`; the others name its `image_key`.
    """
    images = check_columns(images, schema=IMAGES, table="images")
    # A key that is listed twice is a duplicate too, but has no image_id: it was never opened.
    judged = pl.col("status").is_in(["ok", "duplicate"]) & pl.col("image_id").is_not_null()
    group = pl.struct("image_set", "image_id", judged)
    first = pl.col("position") == pl.col("position").min().over(group)
    first_key = pl.col("image_key").sort_by("position").first().over(group)
    place = pl.concat_str(pl.format("`{}`", "uri"), pl.format(" member `{}`", "member"), ignore_nulls=True)
    error = pl.format("{} has the same pixels as `{}`, which comes first", place, first_key)
    return images.with_columns(
        pl.when(~judged).then("status").when(first).then(pl.lit("ok")).otherwise(pl.lit("duplicate")).alias("status"),
        pl.when(~judged).then("error").when(first).then(None).otherwise(error).alias("error"),
    )
