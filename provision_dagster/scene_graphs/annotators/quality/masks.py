"""Masks of a model against true masks: how much of the two is common."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.quality.matching import things_of
from provision_dagster.scene_graphs.mask_places import mask_file
from provision_dagster.scene_graphs.pixels import read_masks
from provision_dagster.scene_graphs.rle import encode_mask

TRUE_MASKS = {"image_key": pl.String(), "id": pl.String(), "mask_rle": pl.String()}


@dataclass(frozen=True)
class MaskQuality:
    """Overlap (IoU) of each mask that a model made with the true one.

    Attributes
    ----------
    by_object
        `image_key`, `id`, `label`, `iou`.
    missing
        Objects with a true mask, in pictures that the model looked at, of which it made none.
    """

    by_object: pl.DataFrame
    missing: int

    @property
    def mean(self) -> float:
        """Mean over the objects."""
        return float(self._ious.mean())

    @property
    def median(self) -> float:
        """Median over the objects."""
        return float(np.median(self._ious))

    def share(self, least: float) -> float:
        """Share of the objects with at least this overlap."""
        return float((self._ious >= least).mean())

    @property
    def by_label(self) -> pl.DataFrame:
        """One row per label, most frequent first: `label`, `objects`, `iou` (mean)."""
        rows = self.by_object.group_by("label").agg(objects=pl.len().cast(pl.Int64), iou=pl.col("iou").mean())
        return rows.sort("objects", "label", descending=True)

    @property
    def _ious(self) -> NDArray[np.float64]:
        return self.by_object["iou"].to_numpy()


def mask_quality(truth: pl.DataFrame, masks: pl.DataFrame) -> MaskQuality | None:
    """Compare masks that a model made with true ones of the same objects.

    Parameters
    ----------
    truth
        `image_key`, `width`, `height`, `objects`, `mask_uri`, as in ANNOTATIONS. Empty masks, and mask files that
        cannot be used, count as unknown.
    masks
        Schema MASKS, of the same image set; ids are those of the marked objects.

    Returns
    -------
    MaskQuality | None
        None when no object has both masks.
    """
    looked_at = masks.filter(pl.col("error").is_null())
    pictures = truth.join(looked_at, on="image_key", how="semi", maintain_order="left")
    known = true_masks(pictures)
    made = looked_at.select("image_key", "masks").filter(pl.col("masks").list.len() > 0).explode("masks")
    made = made.unnest("masks").select("image_key", "id", made="mask_rle")
    labels = things_of(pictures).select("image_key", "id", "label")
    pairs = known.join(made, on=["image_key", "id"], maintain_order="left")
    pairs = pairs.join(labels, on=["image_key", "id"], maintain_order="left")
    pairs = pairs.join(truth.select("image_key", "width", "height"), on="image_key", maintain_order="left")
    if pairs.is_empty():
        return None
    rows = pairs.with_columns(pl.Series("iou", _overlaps(pairs), dtype=pl.Float64))
    return MaskQuality(rows.select("image_key", "id", "label", "iou"), known.height - pairs.height)


def true_masks(truth: pl.DataFrame) -> pl.DataFrame:
    """Masks of marked objects, inline or of files, that have a pixel: columns of TRUE_MASKS."""
    things = things_of(truth)
    inline = things.select(list(TRUE_MASKS)).drop_nulls("mask_rle")
    filed = [_of_file(row) for row in _files(truth).iter_rows(named=True)]
    every = pl.concat([inline, *filed]).unique(["image_key", "id"], keep="last", maintain_order=True)
    sized = every.join(truth.select("image_key", "width", "height"), on="image_key", maintain_order="left")
    codes = sized.select("mask_rle", "width", "height").iter_rows()
    # one at a time: pycocotools 2.0 counts the masks of a list in 8 bits
    areas = [int(coco_mask.area(_coco(*code))) for code in codes]
    return sized.filter(pl.Series(areas, dtype=pl.Int64) > 0).select(list(TRUE_MASKS))


def _files(truth: pl.DataFrame) -> pl.DataFrame:
    """Pictures with a mask file: its name, the objects that have a mask in it, and the place of each."""
    ids = pl.col("objects").list.eval(pl.element().struct.field("id")).alias("ids")
    rows = truth.filter(pl.col("mask_uri").is_not_null() & (pl.col("objects").list.len() > 0))
    return rows.select(
        "image_key", "width", "height", ids, *mask_file(pl.col("mask_uri"), objects=pl.col("objects").list.len())
    )


def _of_file(row: dict[str, Any]) -> pl.DataFrame:
    try:
        found = read_masks(row["mask_uri"], width=row["width"], height=row["height"], count=row["mask_count"])
    except InputError:
        return pl.DataFrame(schema=TRUE_MASKS)  # told in `rejected_evidence`
    chosen = found[row["mask_places"]]
    codes = [encode_mask(np.asfortranarray(mask, dtype=np.uint8)) for mask in chosen]
    return pl.DataFrame({"image_key": row["image_key"], "id": row["ids"][: len(codes)], "mask_rle": codes}, TRUE_MASKS)


def _overlaps(pairs: pl.DataFrame) -> NDArray[np.float64]:
    """Overlap of `mask_rle` and `made` of each row."""
    codes = pairs.select("mask_rle", "made", "width", "height").iter_rows()
    sides = [(_coco(known, width, height), _coco(made, width, height)) for known, made, width, height in codes]
    # 0: neither is a crowd, of which pycocotools would take the area of the other alone
    return np.array([coco_mask.iou([made], [known], [0])[0, 0] for known, made in sides], dtype=np.float64)


def _coco(rle: str, width: int, height: int) -> dict[str, Any]:
    return {"size": [height, width], "counts": rle.encode("ascii")}
