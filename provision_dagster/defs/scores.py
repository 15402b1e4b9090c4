"""Scores that models give to questions, for the rules that read them; one model load for many shards."""

import json
from collections.abc import Sequence
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.defs.annotators import POOL, SHARDS_PER_RUN
from provision_dagster.defs.checks import as_problems, check_shards, failures
from provision_dagster.defs.describe import Metadata, markdown_pictures, markdown_table, stored_metadata
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.filters.region_text import TABLE, Scored, check_scores, score_shards
from provision_dagster.filters.region_text_plot import plot_scores
from provision_dagster.filters.regions import REGION_FAMILIES
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.annotators.lease import devices_for, lease_folder, leased
from provision_dagster.storage.store import Store

WORST = 10
"""Questions that the metadata shows: those whose regions fit least."""


@dg.asset(
    name=TABLE,
    description="How well each region fits what a question says of it: cosine of a CLIP's encodings.",
    deps=["images", "score_settings", *REGION_FAMILIES],
    partitions_def=SHARDS,
    retry_policy=RETRY,
    backfill_policy=dg.BackfillPolicy.multi_run(SHARDS_PER_RUN),
    pool=POOL,
    **policy("filtered_qa", kinds={"python"}),
)
def region_text_scores(
    context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.MaterializeResult[Any]:
    """Score the regions of shards; without a configured model their rows are removed."""
    opened, filters = store.store(), folders.filters()
    config, shards = filters.region_text, list(context.partition_keys)
    # the pool counts steps, the lease says which device a step gets
    with leased(devices_for([config]), folder=lease_folder()) as device:
        if config is not None and config.device == "auto" and device is not None:
            config = config.model_copy(update={"device": device})
        scored, work = score_shards(shards, config=config, store=opened)
    rows = opened.scan(TABLE, partitions=shards).collect()
    return dg.MaterializeResult(
        metadata={
            **stored_metadata(rows, table=TABLE, store=opened),
            "config": dg.MetadataValue.json(json.loads(config.told()) if config else {}),
            "runs": dg.MetadataValue.md(markdown_table(pl.DataFrame(scored))),
            **_speed(scored, work),
            **_distribution(rows, threshold=filters.min_region_text_cosine),
        },
        data_version=data_version(rows) if len(shards) == 1 else None,
    )


def _speed(scored: Sequence[Scored], work: Work) -> Metadata:
    regions = sum(one.regions for one in scored)
    return {
        "regions_encoded": regions,
        "regions_per_second": round(regions / max(work.seconds, 1e-9), 1),
        "model_busy": round(work.busy, 3),
    }


def _distribution(rows: pl.DataFrame, *, threshold: float) -> Metadata:
    png = plot_scores(rows, threshold=threshold)
    worst = rows.drop_nulls("cosine").sort("cosine", "id").head(WORST).select("id", "image_id", "expression", "cosine")
    failed = rows.drop_nulls("error").select("image_id", "error").unique().sort("image_id").head(WORST)
    return {
        "below_threshold": int((rows["cosine"] < threshold).sum()),
        "threshold": threshold,
        "worst": dg.MetadataValue.md(markdown_table(worst)),
        "failed": dg.MetadataValue.md(markdown_table(failed)),
        **({"histogram": dg.MetadataValue.md(markdown_pictures({"scores": png}))} if png else {}),
    }


@dg.asset_check(
    asset=region_text_scores,
    name=f"{TABLE}_is_sound",
    description="Every question with a region has its score, in range, or says why not.",
    blocking=True,
    partitions_def=SHARDS,
)
def region_text_scores_is_sound(
    context: dg.AssetCheckExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.AssetCheckResult:
    """Check the contract of the table, and that its rows are those of the raw QA."""
    config = folders.filters().region_text

    def rows_fit(opened: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
        return as_problems(check_scores(shard, rows, config=config, store=opened), example="id")

    return check_shards(TABLE, context.op_execution_context.partition_keys, store=store.store(), suite=rows_fit)


region_text_scores_complete = failures(TABLE)
