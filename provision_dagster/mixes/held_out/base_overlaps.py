"""Proof that the rows of a mix that come from a base set show no held-out picture."""

from typing import NamedTuple

import polars as pl

from provision_dagster.mixes.held_out.base_pictures import FINGERPRINTS, fingerprints, like_held_out
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.disjoint import FOUND, OVERLAPS, rows_that_show


class BaseOverlaps(NamedTuple):
    """What was found about the pictures of a base set."""

    found: pl.DataFrame  # schema FOUND
    pictures: int
    unseen: int  # could not be opened, so nothing is proved of them


def base_overlaps(
    mix: pl.LazyFrame, *, pictures: pl.DataFrame, config: HeldOutConfig, known: pl.DataFrame | None = None
) -> BaseOverlaps:
    """Look for held-out pictures among those of the base set's rows, of which a mix knows the paths alone.

    Parameters
    ----------
    mix
        Schema MIX; rows of a base set have the origin "base".
    pictures
        Schema HELD_OUT_PICTURES.
    config
        Its bound on perceptual hashes, and whether pictures are decoded.
    known
        Schema BASE_PICTURES: pictures that are not opened again; None: all are opened.
    """
    rows = mix.filter(pl.col("origin") == "base").select("id", image_id="image_uris").explode("image_id").drop_nulls()
    shown = rows.collect()
    if shown.is_empty():
        return BaseOverlaps(pl.DataFrame(schema=FOUND), 0, 0)
    seen = _fingerprints(shown["image_id"].unique(), known=known, config=config)
    hits = like_held_out(seen, pictures=pictures, config=config)
    # rows are found by the paths of their pictures, in place of the ids that the pixels have
    paths = hits.with_columns(image_id="uri").select(list(OVERLAPS))
    lists = shown.lazy().with_columns(image_ids=pl.concat_list("image_id"))
    found = rows_that_show(lists, hits=paths)
    return BaseOverlaps(found, seen.height, seen["error"].count())


def _fingerprints(uris: pl.Series, *, known: pl.DataFrame | None, config: HeldOutConfig) -> pl.DataFrame:
    """Fingerprints of paths; what could not be opened, or is decoded now and was not, is opened again."""
    if known is None:
        return fingerprints(uris, pixels=config.base_pixels)
    usable = pl.col("error").is_null() & pl.col("uri").is_in(uris.implode())
    if config.base_pixels:
        usable &= pl.col("image_id").is_not_null()
    old = known.filter(usable).select(list(FINGERPRINTS))
    return pl.concat([old, fingerprints(uris.filter(~uris.is_in(old["uri"].implode())), pixels=config.base_pixels)])
