"""What humans marked and what models found and said, each thing once: what several assets read."""

from collections.abc import Mapping

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig
from provision_dagster.scene_graphs.completion import add_attributes, add_relations
from provision_dagster.scene_graphs.merging import Precedence, merge_sets


def marked(
    annotations: pl.LazyFrame, detections: pl.LazyFrame, annotators: Mapping[str, AnnotatorsConfig]
) -> pl.DataFrame:
    """Merge annotations and detections as the annotators of each image set say; schema ANNOTATIONS."""
    precedence: dict[str, Precedence] = {name: config.objects for name, config in annotators.items()}
    return merge_sets(annotations.collect(), detections.collect(), lexicon=Lexicon.load(), precedence=precedence)


def completed(
    annotations: pl.LazyFrame,
    detections: pl.LazyFrame,
    annotators: Mapping[str, AnnotatorsConfig],
    *,
    attributes: pl.LazyFrame,
    relations: pl.LazyFrame,
) -> pl.DataFrame:
    """Merge annotations and detections, and add what models say of them; schema ANNOTATIONS."""
    known = marked(annotations, detections, annotators)
    return with_answers(known, attributes.collect(), relations.collect())


def with_answers(known: pl.DataFrame, attributes: pl.DataFrame, relations: pl.DataFrame) -> pl.DataFrame:
    """Add what models say of objects and pairs of them; schema ANNOTATIONS."""
    return add_relations(add_attributes(known, attributes, lexicon=Lexicon.load()), relations)
