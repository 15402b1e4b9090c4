"""Pictures of a base set, of which only paths are known: opened, so that they can be compared with held-out ones."""

import hashlib
from collections.abc import Iterable
from typing import Any

import polars as pl

from provision_dagster.image_sets.decode import explain, open_stream
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.schema import IMAGE_SOURCES

IN_TAR = "tar://"
"""How a mix writes a member of a tar: tar://member::tar."""

PICTURES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_id": pl.String(),
    "sha256": pl.String(),
    "phash": pl.String(),
    "uri": pl.String(),
    "error": pl.String(),
}


def base_pictures(uris: Iterable[str], *, pixels: bool = True) -> pl.DataFrame:
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
        Schema PICTURES, one row per distinct path, without shard. `image_id` is the path where the pixels are not
        known. What cannot be opened has an error: nothing can be said of it.
    """
    rows = [_source(place, uri) for place, uri in enumerate(sorted(set(uris)))]
    sources = pl.DataFrame(rows, schema={**IMAGE_SOURCES, "path": pl.String()})
    if pixels:
        seen = inspect_images(sources.drop("path")).hstack(sources.select("path"))
        # a picture that is there twice is as readable as the first
        bad = pl.when(~pl.col("status").is_in(["ok", "duplicate"])).then("error")
        found = seen.with_columns(bad.alias("error"), pl.col("image_id").fill_null(pl.col("path")))
    else:
        hashes = [_file_hash(row["uri"], row["member"]) for row in rows]
        told = pl.DataFrame(hashes, schema={"sha256": pl.String(), "error": pl.String()}, orient="row")
        found = sources.drop("error").hstack(told).with_columns(image_id="path", phash=pl.lit(None))
    named = found.with_columns(shard=pl.lit(None), uri="path")
    return named.select(pl.col(name).cast(dtype) for name, dtype in PICTURES.items())


def _source(place: int, uri: str) -> dict[str, Any]:
    member, file = None, uri
    if uri.startswith(IN_TAR) and "::" in uri:
        member, _, file = uri.removeprefix(IN_TAR).rpartition("::")
    return {"image_set": "base", "position": place, "image_key": uri, "uri": file, "member": member, "path": uri}


def _file_hash(uri: str, member: str | None) -> tuple[str | None, str | None]:
    try:
        with open_stream(uri, member=member) as (stream, _):
            return hashlib.file_digest(stream, "sha256").hexdigest(), None  # type: ignore[arg-type]
    except Exception as error:
        # whatever keeps a file from being read becomes its reason, as for pictures that are decoded
        return None, str(explain(error))
