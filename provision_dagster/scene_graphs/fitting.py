"""Annotations that did not know the size of their picture, checked again now that it is known."""

import polars as pl

from provision_dagster.scene_graphs.mask_places import mask_file
from provision_dagster.scene_graphs.readers.build import build
from provision_dagster.scene_graphs.readers.raw import TABLES


def fit_to_pictures(annotations: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """
    Clip the boxes at the edges of the pictures, and reject what lies outside.

    Parameters
    ----------
    annotations
        Columns of ANNOTATIONS, with `width` and `height` of the picture in pixels.

    Returns
    -------
    tuple of polars.DataFrame
        The same images in the same order, and rows of REJECTED_ANNOTATIONS.
    """
    images = annotations.with_row_index("image").with_columns(
        *mask_file(pl.col("mask_uri"), objects=pl.col("objects").list.len())
    )
    flat = {
        "images": images,
        "objects": _objects(images),
        "attributes": _attributes(images),
        "relations": _relations(images),
        "captions": _captions(images),
        "regions": _regions(images),
    }
    return build({name: _shaped(flat.get(name), schema) for name, schema in TABLES.items()})


def sized(annotations: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    """
    Give annotations without a size that of their picture, and leave out what lies outside of it.

    Parameters
    ----------
    annotations
        Schema ANNOTATIONS.
    images
        Schema IMAGES; annotations of pictures that are not there, or have no size, stay as they are.

    Returns
    -------
    polars.DataFrame
        Schema ANNOTATIONS; those that were fitted last.
    """
    key = ["image_set", "image_key"]
    sizes = images.select(*key, pl.col("width").alias("w"), pl.col("height").alias("h")).unique(key, keep="first")
    known = annotations.join(sizes, on=key, how="left", maintain_order="left")
    unsized = pl.col("width").is_null() & pl.col("w").is_not_null()
    to_fit = known.filter(unsized).with_columns(pl.col("w").alias("width"), pl.col("h").alias("height"))
    fitted, _ = fit_to_pictures(to_fit.select(annotations.columns))
    return pl.concat([known.filter(~unsized).select(annotations.columns), fitted.select(annotations.columns)])


def _shaped(frame: pl.DataFrame | None, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Columns of the schema; those that are missing are null."""
    if frame is None:
        return pl.DataFrame(schema=schema)
    columns = [
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
    ]
    return frame.select(columns)


def _one_a_row(images: pl.DataFrame, column: str, *more: str) -> pl.DataFrame:
    """Items of a list column, one a row, numbered within the image as `place`."""
    items = images.filter(pl.col(column).list.len() > 0).select("image", column, *more)
    numbered = items.with_columns(pl.int_ranges(pl.col(column).list.len()).alias("place"))
    return numbered.explode(column, "place", *more)


def _objects(images: pl.DataFrame) -> pl.DataFrame:
    objects = _one_a_row(images, "objects", "mask_places").unnest("objects").unnest("box")
    return objects.with_columns(
        pl.col("place").cast(pl.String).alias("ref"),
        pl.col("id").alias("item"),
        pl.col("mask_places").alias("mask_index"),
    )


def _attributes(images: pl.DataFrame) -> pl.DataFrame:
    objects = _one_a_row(images, "objects").unnest("objects").filter(pl.col("attributes").list.len() > 0)
    values = objects.select("image", pl.col("place").cast(pl.String).alias("ref"), "id", "attributes")
    return values.explode("attributes").rename({"attributes": "value", "id": "item"})


def _relations(images: pl.DataFrame) -> pl.DataFrame:
    relations = _one_a_row(images, "relations").unnest("relations")
    return relations.with_columns(pl.col("place").cast(pl.String).alias("item"))


def _captions(images: pl.DataFrame) -> pl.DataFrame:
    captions = _one_a_row(images, "captions").rename({"captions": "caption"})
    return captions.with_columns(pl.col("place").cast(pl.String).alias("item"))


def _regions(images: pl.DataFrame) -> pl.DataFrame:
    regions = _one_a_row(images, "regions").unnest("regions").unnest("box")
    return regions.with_columns(pl.col("id").alias("item"))
