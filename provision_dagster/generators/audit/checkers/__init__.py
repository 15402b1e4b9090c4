"""What a right answer is, generator by generator: importing this package registers the checkers."""

from provision_dagster.generators.audit.checkers import attribute, depth, object, object_depth, relation, segmentation

__all__ = ["attribute", "depth", "object", "object_depth", "relation", "segmentation"]
