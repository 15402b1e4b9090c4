"""Models look at the pictures: objects, their attributes and relations, depth; one model load for many shards."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.annotate import ASKING, Model, annotate_shard, load_model, with_questions
from provision_dagster.defs.describe import markdown_table, stored_metadata
from provision_dagster.defs.image_sets import annotator_settings, images
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.marked import marked
from provision_dagster.defs.partitions import SHARDS, image_set_of
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig
from provision_dagster.scene_graphs.annotators.lease import devices_of, lease_folder, leased
from provision_dagster.scene_graphs.annotators.memory import forget_peak, peak_memory
from provision_dagster.storage.store import Store

POOL = "gpu"
SHARDS_PER_RUN = 16
"""Shards for which a model is loaded once."""


def annotator(table: str, *, description: str, deps: Sequence[Any] = ()) -> dg.AssetsDefinition:
    """Make the asset that fills a table with what a model finds in each picture."""

    @dg.asset(
        name=table,
        description=description,
        deps=[images, annotator_settings, *deps],
        partitions_def=SHARDS,
        retry_policy=RETRY,
        backfill_policy=dg.BackfillPolicy.multi_run(SHARDS_PER_RUN),
        pool=POOL,
        **policy("annotators", kinds={"python"}),
    )
    def run(
        context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource
    ) -> dg.MaterializeResult[Any]:
        opened = store.store()
        names = {image_set_of(shard) for shard in context.partition_keys}
        configs = {name: config for name, config in folders.annotators().items() if name in names}
        # the pool counts steps, the lease says which device a step gets
        with leased(devices_of(list(configs.values())), folder=lease_folder()) as device:
            models = {name: load_model(table, config, device=device) for name, config in configs.items()}
            told = [
                _annotated(table, shard, models.get(image_set_of(shard)), opened, configs)
                for shard in context.partition_keys
            ]
        rows = opened.scan(table, partitions=list(context.partition_keys)).sort("image_set", "image_key").collect()
        errors = rows.filter(pl.col("error").is_not_null()).select("image_key", "error")
        settings = {name: json.loads(model.config) for name, model in models.items() if model is not None}
        return dg.MaterializeResult(
            metadata={
                **stored_metadata(rows, table=table, store=opened),
                "runs": dg.MetadataValue.md(markdown_table(pl.DataFrame(told))),
                "failed_pictures": dg.MetadataValue.md(markdown_table(errors.head(10))),
                "config": dg.MetadataValue.json(settings),
            },
            data_version=data_version(rows) if len(context.partition_keys) == 1 else None,
        )

    return run


def _annotated(
    table: str, shard: str, model: Model | None, opened: Store, configs: Mapping[str, AnnotatorsConfig]
) -> dict[str, Any]:
    """Annotate one shard and tell of it."""
    pictures = opened.scan("images", partitions=shard).sort("position").collect()
    annotators = configs.get(image_set_of(shard))
    if table in ASKING and annotators is not None:
        human, found = (opened.scan(name, partitions=shard) for name in ("annotations", "detections"))
        known = marked(human, found, configs)
        pictures = with_questions(table, pictures, marked=known, annotators=annotators)
    forget_peak()
    work = annotate_shard(model, pictures, table=table, shard=shard, store=opened)
    return {
        "shard": shard,
        "pictures": work.pictures,
        "failed": work.failed,
        "seconds": round(work.seconds, 2),
        "images_per_second": round(work.pictures / work.seconds, 1),
        "model_busy": round(work.busy, 3),
        "batch": work.batch,
        **peak_memory(),
        # last: it is long, and the figures are what one looks for
        "model": model.name if model else "none",
    }


detections = annotator("detections", description="Objects that a model finds in each picture: label, box, score.")
_ON_OBJECTS = [dg.AssetKey("annotations"), detections]
masks = annotator("masks", description="Masks that a model makes of objects that have only a box.", deps=_ON_OBJECTS)
depth_maps = annotator("depth_maps", description="How close each part of a picture is, as a model estimates it.")
attributes = annotator(
    "attributes", description="What a model says objects are like of which no human said it.", deps=_ON_OBJECTS
)
relations = annotator(
    "relations", description="How a model says pairs of objects are related that no human related.", deps=_ON_OBJECTS
)
