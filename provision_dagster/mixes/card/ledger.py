"""The licence ledger: every picture of a mix with its licence and whom that wants to be named."""

import polars as pl

from provision_dagster.mixes.base_set import BASE
from provision_dagster.mixes.shown import licensed, shown_pictures

NAMES_SHOWN = 3
"""Names of authors in a row of the summary; all are in the ledger."""


def ledger(mix: pl.LazyFrame, *, images: pl.LazyFrame) -> pl.DataFrame:
    """List the pictures of a mix.

    Parameters
    ----------
    mix
        Schema MIX.
    images
        Schema IMAGES.

    Returns
    -------
    pl.DataFrame
        `image_set`, `image_key`, `image_id`, `license`, `attribution`, `examples`: one row per picture. Pictures of a
        base set have the image set "base" and their path as key.
    """
    theirs = pl.col("shard") == ""
    named = licensed(shown_pictures(mix), images=images).with_columns(
        image_set=pl.when(theirs).then(pl.lit(BASE)).otherwise("image_set"),
        image_key=pl.when(theirs).then("image_id").otherwise("image_key"),
        image_id=pl.when(~theirs).then("image_id"),
    )
    first = pl.col("image_id", "license", "attribution").min()
    told = named.group_by("image_set", "image_key").agg(first, pl.col("examples").sum())
    columns = ("image_set", "image_key", "image_id", "license", "attribution", "examples")
    return told.select(columns).sort("image_set", "image_key").collect(engine="streaming")


def summary(pictures: pl.DataFrame) -> pl.DataFrame:
    """Count the pictures of a ledger by image set and licence.

    Returns
    -------
    pl.DataFrame
        `image_set`, `license`, `pictures`, `examples` (an example counts for each of its pictures), `authors` (distinct
        attributions) and `named`, the first of these.
    """
    authors = pl.col("attribution").drop_nulls().unique().sort()
    return (
        pictures.group_by("image_set", "license")
        .agg(
            pictures=pl.len(),
            examples=pl.col("examples").sum(),
            authors=pl.col("attribution").drop_nulls().n_unique(),
            named=authors.head(NAMES_SHOWN).str.join("; "),
        )
        .sort("image_set", "license")
    )
