"""Every table: its schema, what one write replaces, the order of its rows and what identifies one."""

from dataclasses import dataclass

import polars as pl

from provision_dagster.filters import schema as filters
from provision_dagster.filters.schema import (
    BENCHMARK_ITEMS,
    FAMILIES,
    FILTER_SETTINGS,
    LABEL_STATISTICS,
    QA_QUALITY,
    QA_STATISTICS,
    QUALITY_RESULTS,
    SCORE_SETTINGS,
    SCORES,
)
from provision_dagster.generators import balance
from provision_dagster.generators import schema as generators
from provision_dagster.generators.balance import STRENGTHS
from provision_dagster.generators.schema import FILTERED_QA, FUNNEL, RAW_QA, REJECTED_QA
from provision_dagster.image_sets import schema as image_sets
from provision_dagster.image_sets.schema import IMAGE_SETS, IMAGE_SOURCES, IMAGES, PICTURE_SAFETY, REPEATED_PICTURES
from provision_dagster.mixes import schema as mixes
from provision_dagster.mixes.held_out import schema as held_out
from provision_dagster.mixes.held_out.schema import BASE_PICTURES, HELD_OUT, HELD_OUT_PICTURES
from provision_dagster.mixes.schema import MIX, RECIPES
from provision_dagster.scene_graphs import schema as scene_graphs
from provision_dagster.scene_graphs.annotators import schema as annotators
from provision_dagster.scene_graphs.annotators.schema import (
    ANNOTATOR_QUALITY,
    ANNOTATOR_SETTINGS,
    ATTRIBUTES,
    DEPTH_MAPS,
    DETECTIONS,
    MASKS,
    RELATIONS,
)
from provision_dagster.scene_graphs.schema import ANNOTATIONS, REJECTED_ANNOTATIONS, SCENE_GRAPHS, VOCABULARY

Schema = dict[str, pl.DataType]

COLUMNS: dict[str, str] = {
    name: text
    for room in (image_sets, scene_graphs, annotators, generators, balance, filters, mixes, held_out)
    for name, text in room.COLUMNS.items()
}
"""What each column holds, by name; by "table.column" where one table means something else by it."""


@dataclass(frozen=True)
class TableSpec:
    """Declaration of one Delta table.

    Attributes
    ----------
    name
        Folder name under the store's root, and the name that SQL and assets use.
    schema
        Columns and polars types as callers see them, in order.
    description
        One sentence; stored in the table's metadata.
    partition_by
        The column whose values are Dagster partition keys, or None for a table that is written whole.
    sort_by
        Columns that order the rows of one write.
    key
        Columns that together identify a row.
    replace_by
        Columns that name what one write replaces: `partition_by`, and more where writers share a partition.
    """

    name: str
    schema: Schema
    description: str
    partition_by: str | None
    sort_by: tuple[str, ...]
    key: tuple[str, ...]
    replace_by: tuple[str, ...]

    def about(self, column: str) -> str:
        """Say what a column holds."""
        return COLUMNS.get(f"{self.name}.{column}") or COLUMNS[column]


def _table(
    name: str,
    schema: Schema,
    description: str,
    *,
    key: tuple[str, ...],
    partition_by: str | None = "shard",
    sort_by: tuple[str, ...] | None = None,
    also_by: tuple[str, ...] = (),
) -> TableSpec:
    replace_by = ((partition_by,) if partition_by else ()) + also_by
    return TableSpec(name, schema, description, partition_by, sort_by or key, key, replace_by)


def _family_table(family: str) -> TableSpec:
    text = f"Raw question-answer pairs of the family `{family}`."
    return _table(family, RAW_QA, text, key=("id",))


_REJECTED_ORDER = ("image_set", "image_key", "file", "part", "item", "field", "reason", "detail")

_STATIC = (
    _table(
        "image_sets",
        IMAGE_SETS,
        "Every image set that is registered, with its shards.",
        key=("spec_file",),
        partition_by=None,
    ),
    _table(
        "image_sources",
        IMAGE_SOURCES,
        "Pictures as listed, before any is opened.",
        key=("image_set", "image_key"),
        sort_by=("image_set", "position", "image_key"),
    ),
    _table(
        "picture_safety",
        PICTURE_SAFETY,
        "Safety label and unsafe score of pictures, where the image set tells them.",
        key=("image_set", "image_key"),
    ),
    _table(
        "images",
        IMAGES,
        "One row per picture: size, hashes, licence, and whether it can be used.",
        key=("image_set", "image_key"),
        sort_by=("image_set", "position", "image_key"),
    ),
    _table(
        "repeated_pictures",
        REPEATED_PICTURES,
        "Pictures whose pixels stand in an earlier shard of their image set.",
        key=("image_set", "image_key"),
        partition_by=None,
    ),
    _table(
        "annotations",
        ANNOTATIONS,
        "Human annotations in the shape of a scene graph, before pixel evidence.",
        key=("image_set", "image_key"),
        sort_by=("image_set", "position", "image_key"),
    ),
    _table(
        "rejected_annotations",
        REJECTED_ANNOTATIONS,
        "Parts of annotations that could not be used, each with its reason.",
        key=_REJECTED_ORDER,
    ),
    _table(
        "annotator_settings",
        ANNOTATOR_SETTINGS,
        "Which models look at the pictures of each image set, and how they are set.",
        key=("image_set", "table"),
        partition_by="image_set",
    ),
    _table(
        "detections",
        DETECTIONS,
        "Objects that a model found in each picture, with model and configuration.",
        key=("image_set", "image_key"),
        sort_by=("part", "image_set", "image_key"),
        also_by=("part",),
    ),
    _table(
        "masks",
        MASKS,
        "Masks that a model made of objects that had only a box.",
        key=("image_set", "image_key"),
        sort_by=("part", "image_set", "image_key"),
        also_by=("part",),
    ),
    _table(
        "depth_maps",
        DEPTH_MAPS,
        "Closeness of each picture's pixels as a model estimates it.",
        key=("image_set", "image_key"),
        sort_by=("part", "image_set", "image_key"),
        also_by=("part",),
    ),
    _table(
        "attributes",
        ATTRIBUTES,
        "Attributes that a model says objects have of which no human said any.",
        key=("image_set", "image_key"),
        sort_by=("part", "image_set", "image_key"),
        also_by=("part",),
    ),
    _table(
        "relations",
        RELATIONS,
        "Relations that a model sees in pairs of objects that no human related.",
        key=("image_set", "image_key"),
        sort_by=("part", "image_set", "image_key"),
        also_by=("part",),
    ),
    _table(
        "annotator_quality",
        ANNOTATOR_QUALITY,
        "How good the models of annotated image sets are, against what humans marked.",
        key=("image_set", "table", "measure", "of"),
        partition_by="image_set",
    ),
    _table(
        "rejected_evidence",
        REJECTED_ANNOTATIONS,
        "Pictures, masks and depth maps that could not be used for a scene graph, each with its reason.",
        key=_REJECTED_ORDER,
    ),
    _table(
        "scene_graphs",
        SCENE_GRAPHS,
        "One row per picture: objects, attributes, relations and pixel evidence.",
        key=("image_set", "image_key"),
        sort_by=("image_id", "image_set", "image_key"),
    ),
    _table(
        "vocabulary",
        VOCABULARY,
        "How often each label, attribute and predicate occurs in an image set.",
        key=("image_set", "kind", "value", "context"),
        partition_by="image_set",
    ),
    _table(
        "answer_strengths",
        STRENGTHS,
        "How likely each option is the answer where it is offered: multiple choice is thinned out by it.",
        key=("image_set", "generator", "option"),
        partition_by="image_set",
    ),
)

_AFTER_GENERATION = (
    _table(
        "funnel",
        FUNNEL,
        "What became of each generator's candidates, by reason.",
        key=("shard", "family", "generator", "rules", "reason"),
        also_by=("family",),
    ),
    _table(
        "filter_settings",
        FILTER_SETTINGS,
        "Thresholds of the rules in SQL.",
        key=("setting",),
        partition_by=None,
    ),
    _table(
        "score_settings",
        SCORE_SETTINGS,
        "Models, comparisons and benchmarks that give the scores which rules read.",
        key=("section",),
        partition_by=None,
    ),
    _table(
        "region_text_scores",
        SCORES["region_text_scores"],
        "How well each region fits the expression that a question has for it.",
        key=("id",),
    ),
    _table(
        "judge_scores",
        SCORES["judge_scores"],
        "How sure a model is that question and answer are true of the picture.",
        key=("id", "form"),
        sort_by=("part", "id", "form"),
        also_by=("part",),
    ),
    _table(
        "duplicate_pictures",
        SCORES["duplicates"],
        "Pictures of all image sets that are like an earlier one.",
        key=("shard", "id", "method"),
        partition_by=None,
    ),
    _table(
        "benchmark_items",
        BENCHMARK_ITEMS,
        "Pictures and questions of the benchmarks that must not be in the data.",
        key=("benchmark", "kind", "item"),
        partition_by=None,
    ),
    _table(
        "duplicates",
        SCORES["duplicates"],
        "Pictures and questions that are like another one, which is kept.",
        key=("kind", "id", "method"),
        sort_by=("kind", "id", "method", "of"),
    ),
    _table(
        "contamination",
        SCORES["contamination"],
        "Pictures and questions that stand in a benchmark.",
        key=("kind", "id", "benchmark", "method"),
    ),
    _table("filtered_qa", FILTERED_QA, "Question-answer pairs that passed every filter.", key=("id",)),
    _table(
        "rejected_qa",
        REJECTED_QA,
        "Question-answer pairs that a filter rejected, with rule, score and threshold.",
        key=("id",),
        sort_by=("id", "rule", "detail"),
    ),
    _table(
        "qa_statistics",
        QA_STATISTICS,
        "Distribution of questions, answers and options per generator.",
        key=("shard", "family", "generator"),
    ),
    _table(
        "label_statistics",
        LABEL_STATISTICS,
        "How often filtered QA mention each label, attribute and predicate.",
        key=("shard", "family", "kind", "value"),
    ),
    _table(
        "qa_quality",
        QA_QUALITY,
        "Figures of the whole data set: distributions, balance, blind accuracy.",
        key=("stage", "measure", "of", "part"),
        partition_by=None,
    ),
    _table(
        "quality_results",
        QUALITY_RESULTS,
        "What the expectation suites found: observed value, threshold and offending rows.",
        key=("suite", "expectation"),
        partition_by=None,
    ),
    _table(
        "held_out_pictures",
        HELD_OUT_PICTURES,
        "Pictures that no mix may show.",
        key=("shard", "image_id"),
        partition_by=None,
    ),
    _table(
        "held_out",
        HELD_OUT,
        "Questions whose pictures are all held out.",
        key=("id",),
        partition_by=None,
        sort_by=("generator", "rank"),
    ),
    _table(
        "base_pictures",
        BASE_PICTURES,
        "Pictures of each recipe's base set, and which of them show a held-out one.",
        key=("recipe", "uri"),
        partition_by="recipe",
    ),
    _table("recipes", RECIPES, "Every recipe that can be built.", key=("file",), partition_by=None),
    _table(
        "mixes",
        MIX,
        "Training examples of each recipe, in order.",
        key=("recipe", "position"),
        partition_by="recipe",
    ),
)

TABLES: dict[str, TableSpec] = {
    spec.name: spec for spec in (*_STATIC, *(_family_table(f) for f in FAMILIES), *_AFTER_GENERATION)
}
"""All tables by name, in the order in which data flows through them."""
