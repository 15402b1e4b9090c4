"""Which masks of a file belong to the objects of an image, when not all of its objects were kept.

A mask file holds one mask for each object of the source, in its order. Where an object was rejected,
`mask_uri` ends in `#objects=0,2&of=3`: the kept objects have the masks 0 and 2 of 3.
"""

import polars as pl

_FRAGMENT = r"#objects=([0-9,]*)&of=([0-9]+)$"


def with_places(uri: pl.Expr, *, places: pl.Expr, kept: pl.Expr, count: pl.Expr) -> pl.Expr:
    """
    Add the places of the kept masks to the URI of a mask file, where some are not kept.

    Parameters
    ----------
    uri
        Column of URIs without places; null stays null.
    places
        Column of lists of places.
    kept, count
        Columns with the number of objects kept and in the source; a null count means all were kept.
    """
    listed = places.fill_null([]).cast(pl.List(pl.String)).list.join(",")
    fewer = uri.is_not_null() & (kept.fill_null(0) < count)
    return pl.when(fewer).then(pl.format("{}#objects={}&of={}", uri, listed, count)).otherwise(uri)


def mask_file(uri: pl.Expr, *, objects: pl.Expr) -> list[pl.Expr]:
    """
    Take a URI with places apart.

    Parameters
    ----------
    uri
        Column of URIs.
    objects
        Column with the number of objects of each image.

    Returns
    -------
    list of polars.Expr
        `mask_uri` without places, `mask_places` (list of UInt32, as long as the objects) and `mask_count`.
    """
    listed = uri.str.extract(_FRAGMENT, 1)
    written = listed.str.split(",").list.eval(pl.element().filter(pl.element() != "")).cast(pl.List(pl.UInt32))
    every = pl.int_ranges(objects).cast(pl.List(pl.UInt32))
    count = uri.str.extract(_FRAGMENT, 2).cast(pl.UInt32)
    return [
        uri.str.replace(_FRAGMENT, "").alias("mask_uri"),
        pl.when(listed.is_not_null()).then(written).otherwise(every).alias("mask_places"),
        pl.coalesce(count, objects.cast(pl.UInt32)).alias("mask_count"),
    ]
