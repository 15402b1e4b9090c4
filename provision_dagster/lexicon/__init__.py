"""What words in scene graphs mean: countable, synonymous, contradictory, grammatical."""

from provision_dagster.lexicon.attributes import ATTRIBUTE_COLUMNS
from provision_dagster.lexicon.coverage import COVERAGE_COLUMNS, Coverage
from provision_dagster.lexicon.grammar import indefinite_article
from provision_dagster.lexicon.labels import LABEL_COLUMNS
from provision_dagster.lexicon.lexicon import Lexicon
from provision_dagster.lexicon.predicates import PREDICATE_COLUMNS

__all__ = [
    "ATTRIBUTE_COLUMNS",
    "COVERAGE_COLUMNS",
    "LABEL_COLUMNS",
    "PREDICATE_COLUMNS",
    "Coverage",
    "Lexicon",
    "indefinite_article",
]
