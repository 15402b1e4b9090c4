"""Raw QA: one asset per family of generators."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import SHARDS, image_set_of
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.defs.resources import GenerationResource, StoreResource
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.generators.generate import generate
from provision_dagster.generators.registry import select_generators
from provision_dagster.lexicon import Lexicon
from provision_dagster.storage.store import Store

DESCRIPTIONS = {
    "qa_object": "Questions about objects: how many, which most or least, which is furthest to a side.",
    "qa_attribute": "Questions about attributes: of the object in a box, or how many objects have them.",
    "qa_relation": "Questions about relations between two objects.",
    "qa_scene_graph": "Questions about things that are described by attributes and neighbours, and captions.",
    "qa_segmentation": "Which of two points lies on the same object as a third.",
    "qa_depth": "Which of two points is closer to the camera.",
    "qa_object_depth": "Which of two objects is closer to the camera, or to a third in depth.",
    "qa_multi_aggregate": "Counts over several images, and what all of them have in common.",
    "qa_multi_select": "Which of several images has, or has not, an object, an attribute or a relation.",
    "qa_multi_compare": "How an attribute or a relation differs between several images.",
}


def family_asset(family: str) -> dg.AssetsDefinition:
    """Make the asset of one family; its code version is made of its generators' versions."""
    generators = select_generators([family])
    versions = ",".join(f"{g.name}={g.version}" for g in generators)

    @dg.asset(
        name=family,
        description=DESCRIPTIONS.get(family, f"Raw QA of the family {family}."),
        partitions_def=SHARDS,
        retry_policy=RETRY,
        **policy("raw_qa", kinds={"polars"}, code_version=versions),
    )
    def questions(
        context: dg.AssetExecutionContext,
        generation: GenerationResource,
        store: StoreResource,
        scene_graphs: pl.LazyFrame,
        vocabulary: pl.LazyFrame,
        answer_strengths: pl.LazyFrame,
    ) -> dg.Output[pl.DataFrame]:
        own = pl.col("image_set") == image_set_of(context.partition_key)
        made = generate(
            scene_graphs.collect(),
            vocabulary=vocabulary.filter(own).collect(),
            strengths=answer_strengths.filter(own).collect(),
            lexicon=Lexicon.load(),
            settings=generation.settings(),
            generators=[family],
        )
        key = {"shard": context.partition_key, "family": family}
        funnel = made.funnel.with_columns(shard=pl.lit(context.partition_key))
        store.store().write_partition("funnel", funnel, key=key)
        return dg.Output(made.qa, metadata=_metadata(made.funnel, generation), data_version=data_version(made.qa))

    return questions


def _metadata(funnel: pl.DataFrame, generation: GenerationResource) -> dict[str, Any]:
    table = funnel.select("generator", "reason", "count").pivot("reason", index="generator", values="count")
    return {
        "funnel": dg.MetadataValue.md(markdown_table(table.fill_null(0))),
        "seed": generation.seed,
        "rules": generation.rules,
        "mode": generation.mode,
    }


def raw_qa(store: Store, shard: str, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read the questions of all families of a shard."""
    return pl.concat([store.scan(name, partitions=shard, columns=columns) for name in FAMILIES]).collect()


RAW_QA_ASSETS = [family_asset(family) for family in FAMILIES]
