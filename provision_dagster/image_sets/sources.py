"""From what a reader found to the table of image sources: positions, shards, unique keys, licences."""

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.image_sets.paths import Place, to_uri, utf8
from provision_dagster.image_sets.schema import IMAGE_SOURCES
from provision_dagster.image_sets.spec import ImageSetSpec


class Found(NamedTuple):
    """One picture that a reader lists; the fields are columns of IMAGE_SOURCES."""

    image_key: str
    uri: str | None = None
    member: str | None = None
    declared_width: int | None = None
    declared_height: int | None = None
    license: str | None = None
    attribution: str | None = None
    status: str | None = None
    error: str | None = None


def found_at(place: Place, *, image_key: str, license: str | None = None, attribution: str | None = None) -> Found:
    """Row of a picture that is a plain file."""
    return Found(
        image_key=image_key,
        uri=to_uri(place.path),
        license=license,
        attribution=attribution,
        status=place.status,
        error=place.error,
    )


def sources_frame(found: Iterable[Found], *, spec: ImageSetSpec) -> pl.DataFrame:
    """
    Build the table of image sources of one set, in the order in which the reader found them.

    Returns
    -------
    polars.DataFrame
        Schema IMAGE_SOURCES. A key that was used before gets `#position` behind it and status `duplicate`.

    Raises
    ------
    InputError
        When nothing was found.
    """
    rows = list(found)
    if not rows:
        raise InputError(f"image set `{spec.name}`: no files found at `{spec.path or spec.annotations}`")
    columns: dict[str, list[object]] = dict(zip(Found._fields, map(list, zip(*rows, strict=True)), strict=True))
    for name in ("image_key", "member", "license", "attribution", "error"):
        columns[name] = [utf8(value) if isinstance(value, str) else value for value in columns[name]]
    frame = pl.DataFrame(columns, schema={name: IMAGE_SOURCES[name] for name in columns})
    frame = frame.with_row_index("position").with_columns(
        pl.format(
            "{}-{}", pl.lit(spec.name), (pl.col("position") // spec.shard_size).cast(pl.String).str.zfill(5)
        ).alias("shard"),
        pl.lit(spec.name).alias("image_set"),
        pl.col("license").fill_null(pl.lit(spec.license, dtype=pl.String)),
        pl.col("attribution").fill_null(pl.lit(spec.attribution, dtype=pl.String)),
    )
    return _unique_keys(frame).select(pl.col(name).cast(dtype) for name, dtype in IMAGE_SOURCES.items())


def _unique_keys(frame: pl.DataFrame) -> pl.DataFrame:
    key, position = pl.col("image_key"), pl.col("position")
    again = ~key.is_first_distinct()
    # More than one round only when a new key is itself in the list: each appends the row's own position.
    while frame.select(again.any()).item():
        first = position.min().over("image_key")
        used = pl.format("image_key `{}` is already used by the picture at position {}", key, first)
        frame = frame.with_columns(
            pl.when(again).then(pl.format("{}#{}", key, position)).otherwise(key).alias("image_key"),
            pl.when(again & pl.col("status").is_null()).then(pl.lit("duplicate")).otherwise("status").alias("status"),
            pl.when(again & pl.col("status").is_null()).then(used).otherwise("error").alias("error"),
        )
    return frame
