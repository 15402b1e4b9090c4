"""The instruction generators of ProVision, as programs over scene graphs. Importing this package registers them."""

from provision_dagster.generators.programs.multi_image import (
    count_object,
    has_most,
    has_object,
)
from provision_dagster.generators.programs.single_image import (
    attribute_bbox,
    closer_object,
    closer_point,
    closer_to_anchor,
    exists_attribute,
    exists_object,
    exists_relation,
    head_relation,
    most_object,
    relation_bbox,
    same_object,
    scene_graph_attribute_qa,
    scene_graph_caption,
    scene_graph_object_qa,
    scene_graph_relation_qa,
    side_superlatives,
    typed_attribute_bbox,
)

__all__ = [
    "attribute_bbox",
    "closer_object",
    "closer_point",
    "closer_to_anchor",
    "count_object",
    "exists_attribute",
    "exists_object",
    "exists_relation",
    "has_most",
    "has_object",
    "head_relation",
    "most_object",
    "relation_bbox",
    "same_object",
    "scene_graph_attribute_qa",
    "scene_graph_caption",
    "scene_graph_object_qa",
    "scene_graph_relation_qa",
    "side_superlatives",
    "typed_attribute_bbox",
]
