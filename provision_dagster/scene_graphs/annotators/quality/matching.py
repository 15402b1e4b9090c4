"""Objects that a model found, known by the names of the marked objects that they are."""

from collections.abc import Mapping

import polars as pl

from provision_dagster.scene_graphs.normalize import normalized

SIDES = ("x1", "y1", "x2", "y2")
FOUND_IOU = 0.5
"""Overlap from which a detection is taken for the object (COCO's looser threshold)."""

OF_MODEL = "model-"
"""How the ids begin that objects of a model have in a scene graph; the place among the detections follows."""

NAMES = {"image_key": pl.String(), "id": pl.String(), "name": pl.String()}


def things_of(truth: pl.DataFrame) -> pl.DataFrame:
    """One row per marked object: `image_key`, `place` and its fields, its box as four columns."""
    flat = truth.select("image_key", "objects").filter(pl.col("objects").list.len() > 0)
    place = pl.int_ranges(pl.col("objects").list.len(), dtype=pl.UInt32).alias("place")
    return flat.with_columns(place).explode("objects", "place").unnest("objects").unnest("box")


def match_objects(truth: pl.DataFrame, detections: pl.DataFrame) -> pl.DataFrame:
    """
    Find the marked object that each detection is: of the same label, boxes that overlap by half, the best overlap.

    Parameters
    ----------
    truth
        `image_key` and `objects`, as in ANNOTATIONS.
    detections
        Schema DETECTIONS.

    Returns
    -------
    polars.DataFrame
        `image_key`, `id` (of the detection in a scene graph) and `name` (id of the marked object): each of them in at
        most one pair.
    """
    found = things_of(detections).with_columns(normalized(pl.col("label")))
    found = found.select("image_key", "label", pl.format(f"{OF_MODEL}{{}}", "place").alias("id"), *SIDES)
    marked = things_of(truth).select("image_key", "label", *SIDES, name="id")
    pairs = found.join(marked, on=["image_key", "label"], suffix="_marked").with_columns(overlap=_iou())
    pairs = pairs.filter(pl.col("overlap") >= FOUND_IOU).sort("overlap", "id", "name", descending=[True, False, False])
    # an overlap above one half is nobody else's; at one half and where boxes repeat, the first in order
    best = pairs.unique(["image_key", "id"], keep="first", maintain_order=True)
    return best.unique(["image_key", "name"], keep="first", maintain_order=True).select(list(NAMES))


def _iou() -> pl.Expr:
    sides = [
        pl.min_horizontal(f"{axis}2", f"{axis}2_marked") - pl.max_horizontal(f"{axis}1", f"{axis}1_marked")
        for axis in ("x", "y")
    ]
    over = sides[0].clip(0) * sides[1].clip(0)
    areas = [
        (pl.col(f"x2{whose}") - pl.col(f"x1{whose}")) * (pl.col(f"y2{whose}") - pl.col(f"y1{whose}"))
        for whose in ("", "_marked")
    ]
    return over / (areas[0] + areas[1] - over)


_IDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "masks": ("masks", ("id",)),
    "attributes": ("objects", ("id",)),
    "relations": ("relations", ("subject", "object")),
}
"""Where a table names objects: the column, and fields of what it lists."""


def renamed(tables: Mapping[str, pl.DataFrame], names: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """
    Give what models say of their own objects the ids of the marked objects.

    Parameters
    ----------
    tables
        Rows of MASKS, ATTRIBUTES and RELATIONS by the name of the table; others are returned as they are.
    names
        As `match_objects` returns them. Objects without a pair keep their ids.
    """
    return {
        table: _renamed(rows, *_IDS[table], names=names) if table in _IDS else rows for table, rows in tables.items()
    }


def _renamed(rows: pl.DataFrame, column: str, fields: tuple[str, ...], *, names: pl.DataFrame) -> pl.DataFrame:
    numbered = rows.with_row_index("row")
    flat = numbered.select("row", "image_key", column).filter(pl.col(column).list.len() > 0).explode(column)
    for field in fields:
        own = flat.with_columns(id=pl.col(column).struct.field(field))
        named = own.join(names, on=["image_key", "id"], how="left", maintain_order="left")
        told = pl.coalesce("name", "id").alias(field)
        flat = named.with_columns(pl.col(column).struct.with_fields(told)).drop("id", "name")
    lists = flat.group_by("row", maintain_order=True).agg(pl.col(column).alias("changed"))
    whole = numbered.join(lists, on="row", how="left", maintain_order="left")
    return whole.with_columns(pl.coalesce("changed", column).alias(column)).select(rows.columns)
