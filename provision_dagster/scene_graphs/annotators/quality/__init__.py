"""How good annotators are, measured against annotated pictures."""

from provision_dagster.scene_graphs.annotators.quality.attributes import AttributeQuality, attribute_quality
from provision_dagster.scene_graphs.annotators.quality.boxes import (
    DetectionQuality,
    detection_quality,
    detections_of,
)
from provision_dagster.scene_graphs.annotators.quality.depth import DepthQuality, depth_agreement, depth_quality
from provision_dagster.scene_graphs.annotators.quality.masks import MaskQuality, mask_quality, true_masks
from provision_dagster.scene_graphs.annotators.quality.matching import match_objects, renamed
from provision_dagster.scene_graphs.annotators.quality.measured import FIGURES, NAMES, Quality, measure
from provision_dagster.scene_graphs.annotators.quality.relations import (
    RelationQuality,
    relation_quality,
    true_relations,
)

__all__ = [
    "FIGURES",
    "NAMES",
    "AttributeQuality",
    "DepthQuality",
    "DetectionQuality",
    "MaskQuality",
    "Quality",
    "RelationQuality",
    "attribute_quality",
    "depth_agreement",
    "depth_quality",
    "detection_quality",
    "detections_of",
    "mask_quality",
    "match_objects",
    "measure",
    "relation_quality",
    "renamed",
    "true_masks",
    "true_relations",
]
