"""The licence ledger: every picture of a mix with its licence and whom that wants to be named."""

import polars as pl

UNKNOWN = "unknown"
NAMES_SHOWN = 3
"""Names of authors in a row of the summary; all are in the ledger."""

_PICTURE = ("shard", "image_id", "image_set", "image_key", "license", "attribution", "status")


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
    shown = mix.filter(pl.col("origin") == "generated").select("shard", image_id="image_ids").explode("image_id")
    used = shown.group_by("shard", "image_id").agg(examples=pl.len())
    known = images.select(_PICTURE).sort(pl.col("status") != "ok", "image_key")
    # a file that occurs twice has the same id twice: the one that was kept comes first
    best = known.unique(["shard", "image_id"], keep="first", maintain_order=True)
    ours = (
        used.join(best, on=["shard", "image_id"], how="left")
        .group_by("image_set", "image_key")
        .agg(pl.col("image_id", "license", "attribution").first(), pl.col("examples").sum())
    )
    base = mix.filter(pl.col("origin") == "base").select("license", image_key="image_uris").explode("image_key")
    theirs = base.drop_nulls("image_key").group_by("image_key").agg(pl.col("license").first(), examples=pl.len())
    both = pl.concat([ours, theirs.with_columns(image_set=pl.lit("base"))], how="diagonal_relaxed")
    columns = ("image_set", "image_key", "image_id", "license", "attribution", "examples")
    named = both.select(columns).with_columns(pl.col("license").fill_null(UNKNOWN))
    return named.sort("image_set", "image_key").collect(engine="streaming")


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
