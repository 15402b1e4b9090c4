"""Everything that can be measured on one annotated image set, from tables of what models found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.quality.attributes import AttributeQuality, attribute_quality
from provision_dagster.scene_graphs.annotators.quality.boxes import (
    DetectionQuality,
    detection_quality,
    detections_of,
)
from provision_dagster.scene_graphs.annotators.quality.depth import DepthQuality, depth_quality
from provision_dagster.scene_graphs.annotators.quality.masks import MaskQuality, mask_quality
from provision_dagster.scene_graphs.annotators.quality.relations import RelationQuality, relation_quality

Figure = tuple[str, str, str, float | None, int]
"""(table, measure, of: label, category, predicate or "" for all, value, how many things it is of)"""

TABLES = ("detections", "masks", "depth_maps", "attributes", "relations")
"""That can be compared with humans."""

NAMES = {
    "ap": "objects: AP (IoU .50 - .95)",
    "ap50": "objects: AP50",
    "ar": "objects: average recall",
    "mask_iou": "masks: mean IoU",
    "mask_iou_median": "masks: median IoU",
    "mask_iou_above_50": "masks: share with IoU >= .50",
    "mask_iou_above_75": "masks: share with IoU >= .75",
    "mask_missing": "masks: share not made",
    "spearman": "depth: Spearman, mean of pictures",
    "attribute_recall": "attributes: recall",
    "attribute_precision": "attributes: precision",
    "relation_accuracy": "relations: share right",
    "relation_none": "relations: share without an answer",
    "relation_false": "relations: share false of those said",
}
"""What each measure is, in words."""

FIGURES = {
    "table": pl.String(),
    "measure": pl.String(),
    "of": pl.String(),
    "value": pl.Float64(),
    "count": pl.Int64(),
}


@dataclass(frozen=True)
class Quality:
    """How good models are on one image set; a part that cannot be compared is None."""

    pictures: int
    detections: DetectionQuality | None = None
    masks: MaskQuality | None = None
    depth: DepthQuality | None = None
    attributes: AttributeQuality | None = None
    relations: RelationQuality | None = None

    @property
    def nothing(self) -> bool:
        """Whether no part could be compared."""
        return not any((self.detections, self.masks, self.depth, self.attributes, self.relations))

    def figures(self) -> pl.DataFrame:
        """All figures: columns of FIGURES, one row per table, measure and label (category, predicate)."""
        parts = (_detections, _masks, _depth, _attributes, _relations)
        rows = [row for part in parts for row in part(self) if row[3] is not None]
        return pl.DataFrame(rows, schema=FIGURES, orient="row")

    def summary(self) -> dict[str, Any]:
        """Return the figures over all labels by table and measure; null for tables that were not compared."""
        whole = self.figures().filter(of="")
        return {"pictures": self.pictures} | {table: _told(whole.filter(table=table)) for table in TABLES}


def _told(figures: pl.DataFrame) -> dict[str, Any] | None:
    """Figures of one table by measure, and how many things the first is of."""
    if figures.is_empty():
        return None
    return {"compared": figures["count"][0]} | dict(figures.select("measure", "value").iter_rows())


def measure(truth: pl.DataFrame, tables: Mapping[str, pl.DataFrame], *, lexicon: Lexicon) -> Quality:
    """
    Compare what models found in pictures with what humans marked in them.

    Parameters
    ----------
    truth
        Schema ANNOTATIONS with the sizes of the pictures, one image set.
    tables
        Rows of `detections`, `masks`, `depth_maps`, `attributes` and `relations`, each optional; ids are those of the
        marked objects (see `renamed`).
    lexicon
        Tells which words agree.
    """
    rows = {name: table for name, table in tables.items() if table.height}
    seen = truth.join(rows["detections"], on="image_key", how="semi") if "detections" in rows else truth.clear()
    boxes = None
    if seen["objects"].list.len().sum():
        boxes = detection_quality(seen, detections_of(rows["detections"]))
    return Quality(
        truth.height,
        boxes,
        mask_quality(truth, rows["masks"]) if "masks" in rows else None,
        depth_quality(truth, rows["depth_maps"]) if "depth_maps" in rows else None,
        attribute_quality(truth, rows["attributes"], lexicon=lexicon) if "attributes" in rows else None,
        relation_quality(truth, rows["relations"], lexicon=lexicon) if "relations" in rows else None,
    )


def _detections(quality: Quality) -> Iterator[Figure]:
    found = quality.detections
    if found is None:
        return
    objects = int(found.by_label["objects"].sum())
    for name in ("ap", "ap50", "ar"):
        yield "detections", name, "", getattr(found, name), objects
    for label, count, ap, ap50 in found.by_label.iter_rows():
        yield "detections", "ap", label, ap, count
        yield "detections", "ap50", label, ap50, count


def _masks(quality: Quality) -> Iterator[Figure]:
    found = quality.masks
    if found is None:
        return
    objects = found.by_object.height
    yield "masks", "mask_iou", "", found.mean, objects
    yield "masks", "mask_iou_median", "", found.median, objects
    for least in (50, 75):
        yield "masks", f"mask_iou_above_{least}", "", found.share(least / 100), objects
    yield "masks", "mask_missing", "", found.missing / (objects + found.missing), objects + found.missing
    for label, count, iou in found.by_label.iter_rows():
        yield "masks", "mask_iou", label, iou, count


def _depth(quality: Quality) -> Iterator[Figure]:
    if quality.depth is not None:
        known = quality.depth.by_picture["spearman"].drop_nulls().len()
        yield "depth_maps", "spearman", "", quality.depth.spearman, known


def _attributes(quality: Quality) -> Iterator[Figure]:
    found = quality.attributes
    if found is None:
        return
    totals = found.by_category.select("true", "said").sum().row(0)
    for name, count in zip(("recall", "precision"), totals, strict=True):
        yield "attributes", f"attribute_{name}", "", getattr(found, name), count
    for row in found.by_category.iter_rows(named=True):
        yield "attributes", "attribute_recall", row["category"], row["recall"], row["true"]
        yield "attributes", "attribute_precision", row["category"], row["precision"], row["said"]


def _relations(quality: Quality) -> Iterator[Figure]:
    found = quality.relations
    if found is None:
        return
    yield "relations", "relation_accuracy", "", found.accuracy, found.pairs
    yield "relations", "relation_none", "", found.none_share, found.pairs
    yield "relations", "relation_false", "", found.false_share, found.said
    for row in found.by_predicate.iter_rows(named=True):
        yield "relations", "relation_accuracy", row["predicate"], row["right"] / row["pairs"], row["pairs"]
