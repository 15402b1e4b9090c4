"""What a right answer is, generator by generator: importing this package registers the checkers."""

from provision_dagster.generators.audit.checkers import (
    attribute,
    caption,
    depth,
    multi_aggregate,
    multi_compare,
    multi_select,
    object,
    object_depth,
    relation,
    scene_graph,
    segmentation,
)

__all__ = [
    "attribute",
    "caption",
    "depth",
    "multi_aggregate",
    "multi_compare",
    "multi_select",
    "object",
    "object_depth",
    "relation",
    "scene_graph",
    "segmentation",
]
