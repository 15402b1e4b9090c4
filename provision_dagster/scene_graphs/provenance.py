"""Who made each part of a scene graph."""

import polars as pl

from provision_dagster.scene_graphs.schema import SCENE_GRAPHS

_PROVENANCE = SCENE_GRAPHS["provenance"]
assert isinstance(_PROVENANCE, pl.Struct)
PARTS = tuple(field.name for field in _PROVENANCE.fields)


def credited(**parts: pl.Expr) -> pl.Expr:
    """Write who made these parts into the column `provenance`, which may be null; the other parts stay."""
    before = pl.col("provenance").struct
    return pl.struct(parts.get(part, before.field(part)).alias(part) for part in PARTS).alias("provenance")
