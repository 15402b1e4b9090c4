"""A model is asked whether questions and answers are true of their pictures; one model load for many shards."""

import json
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.defs.annotators import POOL, SHARDS_PER_RUN
from provision_dagster.defs.checks import as_problems, check_shards, failures
from provision_dagster.defs.describe import Metadata, markdown_pictures, markdown_table, stored_metadata
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.defs.raw_qa import raw_qa
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.judge_plot import plot_p_yes, share_between
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.judge_qa import TABLE, LoadedJudge, judge_shard, load_judge, unjudged
from provision_dagster.scene_graphs.annotators.lease import devices_for, lease_folder, leased
from provision_dagster.storage.store import Store

WORST = 10
"""Questions that the metadata shows: those that the judge believes least."""


@dg.asset(
    name=TABLE,
    description="How sure a model is that question and answer are true of the picture: P(Yes) against P(No).",
    deps=["images", "score_settings", *FAMILIES],
    partitions_def=SHARDS,
    retry_policy=RETRY,
    backfill_policy=dg.BackfillPolicy.multi_run(SHARDS_PER_RUN),
    pool=POOL,
    **policy("filtered_qa", kinds={"python"}),
)
def judge_scores(
    context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.MaterializeResult[Any]:
    """Judge the questions of shards; without a configured judge their rows are removed."""
    opened, filters, shards = store.store(), folders.filters(), list(context.partition_keys)
    # the pool counts steps, the lease says which device a step gets
    with leased(devices_for([filters.judge]), folder=lease_folder()) as device:
        judge = load_judge(filters.judge, device=device)
        told = [_judged(shard, judge, opened) for shard in shards]
    rows = opened.scan(TABLE, partitions=shards).collect()
    return dg.MaterializeResult(
        metadata={
            **stored_metadata(rows, table=TABLE, store=opened),
            "config": dg.MetadataValue.json(json.loads(judge.config) if judge else {}),
            "prefix": judge.judge.prefix if judge else "none",
            "runs": dg.MetadataValue.md(markdown_table(pl.DataFrame(told))),
            **_distribution(rows, filters),
        },
        data_version=data_version(rows) if len(shards) == 1 else None,
    )


def _judged(shard: str, judge: LoadedJudge | None, opened: Store) -> dict[str, Any]:
    """Judge one shard and tell of it."""
    raw = raw_qa(opened, shard)
    images = opened.scan("images", partitions=shard).collect()
    work, scored = judge_shard(judge, raw, images=images, shard=shard, store=opened)
    return {
        "shard": shard,
        "model": judge.model if judge else "none",
        "scored": scored,
        "seconds": round(work.seconds, 2),
        "forms_per_second": round(scored / max(work.seconds, 1e-9), 1),
        "model_busy": round(work.busy, 3),
    }


def _distribution(rows: pl.DataFrame, filters: FilterConfig) -> Metadata:
    threshold, hard = filters.min_judge_p_yes, filters.hard_judge_p_yes
    png = plot_p_yes(rows, threshold=threshold, hard=hard)
    worst = rows.drop_nulls("p_yes").sort("p_yes", "id").head(WORST).select("id", "form", "p_yes")
    errors = rows.drop_nulls("error").group_by("error").agg(forms=pl.len()).sort("forms", "error", descending=True)
    shares = {"below_threshold": share_between(rows, low=0, high=threshold)}
    shares["hard"] = share_between(rows, low=hard, high=threshold) if hard < threshold else 0.0
    shares["mean_mass"] = rows["mass"].mean()  # type: ignore[assignment]
    return {
        "threshold": threshold,
        **{name: float(value) for name, value in shares.items() if value is not None},
        "worst": dg.MetadataValue.md(markdown_table(worst)),
        "failed": dg.MetadataValue.md(markdown_table(errors.head(WORST))),
        **({"histogram": dg.MetadataValue.md(markdown_pictures({"p_yes": png}))} if png else {}),
    }


@dg.asset_check(
    asset=judge_scores,
    name=f"{TABLE}_is_sound",
    description="Every form of every question has its P(Yes), 0 .. 1, or says why not.",
    blocking=True,
    partitions_def=SHARDS,
)
def judge_scores_is_sound(
    context: dg.AssetCheckExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.AssetCheckResult:
    """Check the contract of the table, and that its rows are those of the raw QA."""
    config = folders.filters().judge
    asked = {"prompt": config.prompt, "generators": config.generators} if config else {"prompt": None}

    def rows_fit(opened: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
        return as_problems(unjudged(rows, raw_qa(opened, shard), **asked), example="id")

    return check_shards(TABLE, context.op_execution_context.partition_keys, store=store.store(), suite=rows_fit)


judge_scores_complete = failures(TABLE)
