"""Asset check: the scene graphs of a shard are much like those before."""

from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_pictures, markdown_table
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.resources import StoreResource
from provision_dagster.storage.store import Store

TABLE = "scene_graphs"


@dg.asset_check(
    asset=TABLE,
    description="Objects, labels, scores and relations are distributed as in the version before.",
    partitions_def=SHARDS,
)
def scene_graphs_like_previous(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
    """Warn when a distribution is farther from that of the last version with other rows than its limit."""
    opened = store.store()
    compared = [_compared(opened, shard) for shard in context.op_execution_context.partition_keys]
    tables = [table for table, _ in compared if table is not None]
    if not tables:
        return dg.AssetCheckResult(
            passed=True, severity=dg.AssetCheckSeverity.WARN, metadata={"compared_with": "no previous version"}
        )
    distances = pl.concat(tables)
    metadata: dict[str, Any] = {"distances": dg.MetadataValue.md(markdown_table(distances))}
    for _, told in compared[:1]:
        metadata |= told
    far = distances.filter(pl.col("distance") > pl.col("limit"))
    return dg.AssetCheckResult(passed=far.is_empty(), severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


def _compared(opened: Store, shard: str) -> tuple[pl.DataFrame | None, Metadata]:
    """Distances of a shard from its version before, None without one, and what is told of it."""
    from provision_dagster.scene_graphs.drift import Drift, values_of

    version = opened.previous_version(TABLE, key=shard)
    if version is None:
        return None, {}
    before, now = (values_of(opened.scan(TABLE, partitions=shard, version=at)) for at in (version, None))
    drift = Drift(before, now)
    table = drift.distances().select(pl.lit(shard).alias("shard"), pl.all())
    return table, {
        "compared_with": f"version {version}",
        "plot": dg.MetadataValue.md(markdown_pictures({shard: drift.plot()})),
    }
