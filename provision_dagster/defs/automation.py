"""Automation: new image sets are picked up, and what is out of date is made again."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from provision_dagster.defs.resources import FoldersResource
from provision_dagster.defs.stages import ACROSS_SHARDS, ANNOTATE, PER_SHARD, REGISTER
from provision_dagster.scene_graphs.registry import annotator_files

register_job = dg.define_asset_job(
    "register_image_sets",
    selection=dg.AssetSelection.assets(*REGISTER),
    description="Read the spec folder and register shards as partitions.",
)

across_job = dg.define_asset_job(
    "across_shards",
    selection=dg.AssetSelection.assets(*ACROSS_SHARDS),
    description="What shards need of all others before their questions are made: words, repeated pictures, benchmarks.",
)

shard_job = dg.define_asset_job(
    "shard_to_filtered_qa",
    selection=dg.AssetSelection.assets(*ANNOTATE, *PER_SHARD),
    description="From the pictures and annotations of one shard to its filtered QA.",
)


@dg.sensor(job=register_job, minimum_interval_seconds=30)
def new_image_sets(
    context: dg.SensorEvaluationContext, folders: FoldersResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Register shards when a spec file, or a file of annotators or filters, is new or changed.

    What follows is then made by the automation conditions.
    """
    files = folders.image_set_files()
    digest = hashlib.sha256()
    named = sorted({file for file in annotator_files(files).values() if file.is_file()})
    told = [file for file in [Path(folders.filter_settings)] if file.is_file()]
    for file in [*files, *named, *told]:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    state = digest.hexdigest()
    if not files:
        yield dg.SkipReason(f"no spec file in `{folders.image_sets}`")
    elif context.cursor == state:
        yield dg.SkipReason(f"{len(files)} spec files, no file new or changed")
    else:
        context.update_cursor(state)
        yield dg.RunRequest(run_key=state)


keep_current = dg.AutomationConditionSensorDefinition(
    "keep_current",
    target=dg.AssetSelection.all(),
    description="Makes what is missing or out of date, up to filtered QA, once the blocking checks of what "
    "it reads have passed, or only warn. Mixes are made on request.",
    # our own condition: Dagster's know no severity of checks
    use_user_code_server=True,
)

JOBS = [register_job, across_job, shard_job]
SENSORS = [new_image_sets, keep_current]
