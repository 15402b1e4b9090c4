"""The instruction generators of ProVision, as programs over scene graphs. Importing this package registers them."""

from provision_dagster.generators.programs.single_image import (
    attribute_bbox,
    exists_attribute,
    exists_object,
    exists_relation,
    head_relation,
    most_object,
    relation_bbox,
    side_superlatives,
    typed_attribute_bbox,
)

__all__ = [
    "attribute_bbox",
    "exists_attribute",
    "exists_object",
    "exists_relation",
    "head_relation",
    "most_object",
    "relation_bbox",
    "side_superlatives",
    "typed_attribute_bbox",
]
