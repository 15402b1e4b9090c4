"""What a right answer is, generator by generator: importing this package registers the checkers."""

from provision_dagster.generators.audit.checkers import attribute, object, relation

__all__ = ["attribute", "object", "relation"]
