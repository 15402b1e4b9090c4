"""Pictures that the rows of a mix show, and their licences: manifest and card tell of the same ones."""

from collections.abc import Sequence

import polars as pl

from provision_dagster.mixes.batches import Frame

UNKNOWN = "unknown"
"""Licence of a picture that says none."""

PICTURE = ("shard", "image_id")
"""What names a picture of a mix."""


def kept_pictures(images: Frame, *, columns: Sequence[str]) -> pl.LazyFrame:
    """Say of each picture what a table says of it, once: of a file that occurs twice, the one that was kept counts.

    Parameters
    ----------
    images
        Schema IMAGES.
    columns
        What to say.

    Returns
    -------
    pl.LazyFrame
        `shard`, `image_id` and the columns, one row per shard and id.
    """
    wanted = list(dict.fromkeys((*PICTURE, *columns)))
    known = images.lazy().filter(pl.col("image_id").is_not_null()).sort(pl.col("status") != "ok", "image_key")
    return known.select(wanted).unique(PICTURE, keep="first", maintain_order=True)


def shown_pictures(rows: Frame) -> pl.LazyFrame:
    """List the pictures that rows show.

    Parameters
    ----------
    rows
        Schema MIX.

    Returns
    -------
    pl.LazyFrame
        `shard`, `image_id`, `license` (of the row) and `examples`, how many of the rows show it. Pictures of a base set
        have no shard (it is empty), and their path in place of an id.
    """
    ids = pl.when(pl.col("origin") == "generated").then("image_ids").otherwise("image_uris")
    shown = rows.lazy().select("shard", "license", image_id=ids).explode("image_id").drop_nulls("image_id")
    return shown.group_by(*PICTURE, "license").agg(examples=pl.len())


def licensed(shown: pl.LazyFrame, *, images: Frame) -> pl.LazyFrame:
    """Give pictures their own licence, and whom it wants to be named.

    Parameters
    ----------
    shown
        As from `shown_pictures`.
    images
        Schema IMAGES.

    Returns
    -------
    pl.LazyFrame
        The same rows with the `license` of the picture, and `image_set`, `image_key` and `attribution`. Pictures that
        are not in the table, as those of a base set, keep the licence of their row.
    """
    told = kept_pictures(images, columns=("image_set", "image_key", "license", "attribution"))
    own = told.with_columns(pl.col("license").fill_null(UNKNOWN)).rename({"license": "own"})
    joined = shown.join(own, on=PICTURE, how="left")
    return joined.with_columns(license=pl.coalesce("own", "license", pl.lit(UNKNOWN))).drop("own")
