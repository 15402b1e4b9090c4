"""Pictures of a base set, of which only paths are known: opened, so that they can be compared with held-out ones."""

import hashlib
from collections.abc import Iterable
from typing import Any

import polars as pl

from provision_dagster.image_sets.decode import explain, open_stream
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.schema import IMAGE_SOURCES
from provision_dagster.mixes.base_set import read_base
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.disjoint import overlaps
from provision_dagster.mixes.held_out.schema import BASE_PICTURES
from provision_dagster.mixes.picture_files import place_of
from provision_dagster.mixes.recipe import Recipe

FINGERPRINTS = {name: BASE_PICTURES[name] for name in ("uri", "image_id", "sha256", "phash", "error")}


def base_pictures(
    recipe: Recipe,
    *,
    held_out_pictures: pl.DataFrame,
    config: HeldOutConfig | None,
    known: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Open the pictures of a recipe's base set, and say which of them show a held-out one.

    Parameters
    ----------
    recipe
        Names the base set; without one, or where it trains with held-out pictures, there is nothing to open.
    held_out_pictures
        Schema HELD_OUT_PICTURES.
    config
        Its bound on perceptual hashes, and whether pictures are decoded; None: nothing is held out.
    known
        Schema BASE_PICTURES, as made before: files with the same SHA-256 are not decoded again.

    Returns
    -------
    pl.DataFrame
        Schema BASE_PICTURES, one row per distinct path, by path.

    Raises
    ------
    InputError
        If the base set cannot be read.
    """
    if recipe.base is None or config is None or held_out_pictures.is_empty() or not recipe.held_out.exclude:
        return pl.DataFrame(schema=BASE_PICTURES)
    seen = pl.concat([rows.select(pl.col("image_uris").explode()) for rows in read_base(recipe.base)])
    found = _fingerprints(seen["image_uris"].drop_nulls().unique(), pixels=config.base_pixels, known=known)
    hits = like_held_out(found, pictures=held_out_pictures, config=config)
    first = hits.unique("uri", keep="first", maintain_order=True).select("uri", "method", like="of")
    told = found.join(first, on="uri", how="left").with_columns(recipe=pl.lit(recipe.name)).sort("uri")
    return told.select(pl.col(name).cast(dtype) for name, dtype in BASE_PICTURES.items())


def _fingerprints(uris: pl.Series, *, pixels: bool, known: pl.DataFrame | None) -> pl.DataFrame:
    """Fingerprint pictures; what was decoded before, byte for byte, is read but not decoded."""
    decoded = None if known is None else known.filter(pl.col("image_id").is_not_null()).unique("sha256")
    if decoded is None or decoded.is_empty() or not pixels:
        return fingerprints(uris, pixels=pixels)
    read = fingerprints(uris, pixels=False).drop("image_id", "phash")
    same = read.join(decoded.select("sha256", "image_id", "phash"), on="sha256").select(list(FINGERPRINTS))
    return pl.concat([same, fingerprints(read.join(same, on="uri", how="anti")["uri"])])


def like_held_out(found: pl.DataFrame, *, pictures: pl.DataFrame, config: HeldOutConfig) -> pl.DataFrame:
    """Find which pictures are held out, or like one that is.

    Parameters
    ----------
    found
        As from `fingerprints`; those with an error are like none.
    pictures
        Schema HELD_OUT_PICTURES.
    config
        Its bound on perceptual hashes.

    Returns
    -------
    pl.DataFrame
        Schema OVERLAPS, and `uri`; the surest method of a path first.
    """
    usable = found.filter(pl.col("error").is_null())
    # what was not decoded has no id, but needs a name to be told by
    named = usable.with_columns(pl.col("image_id").fill_null(pl.col("uri")), shard=pl.lit(""))
    hits = overlaps(named, pictures=pictures, max_distance=config.max_phash_distance)
    return (
        named.select("uri", "image_id")
        .join(hits, on="image_id")
        .sort("uri", "score", "method", "of", descending=[False, True, False, False])
    )


def fingerprints(uris: Iterable[str], *, pixels: bool = True) -> pl.DataFrame:
    """Fingerprint pictures by path.

    Parameters
    ----------
    uris
        Paths as a mix holds them.
    pixels
        Whether to decode them; False: only the hash of the file is taken.

    Returns
    -------
    pl.DataFrame
        Schema FINGERPRINTS, one row per distinct path, by path. `image_id` is null where the pixels are not known. What
        cannot be opened has an error: nothing can be said of it.
    """
    rows = [_source(place, uri) for place, uri in enumerate(sorted(set(uris)))]
    sources = pl.DataFrame(rows, schema={**IMAGE_SOURCES, "path": pl.String()})
    if pixels:
        seen = inspect_images(sources.drop("path")).hstack(sources.select("path"))
        # a picture that is there twice is as readable as the first
        bad = pl.when(~pl.col("status").is_in(["ok", "duplicate"])).then("error")
        found = seen.with_columns(bad.alias("error"))
    else:
        hashes = [_file_hash(row["uri"], row["member"]) for row in rows]
        told = pl.DataFrame(hashes, schema={"sha256": pl.String(), "error": pl.String()}, orient="row")
        found = sources.drop("error").hstack(told).with_columns(image_id=pl.lit(None), phash=pl.lit(None))
    named = found.with_columns(uri="path")
    return named.select(pl.col(name).cast(dtype) for name, dtype in FINGERPRINTS.items())


def _source(place: int, uri: str) -> dict[str, Any]:
    file, member = place_of(uri)
    return {"image_set": "base", "position": place, "image_key": uri, "uri": file, "member": member, "path": uri}


def _file_hash(uri: str, member: str | None) -> tuple[str | None, str | None]:
    try:
        with open_stream(uri, member=member) as (stream, _):
            return hashlib.file_digest(stream, "sha256").hexdigest(), None  # type: ignore[arg-type]
    except Exception as error:
        # whatever keeps a file from being read becomes its reason, as for pictures that are decoded
        return None, str(explain(error))
