"""Asset check: the scene graphs of a shard are much like those before."""

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_pictures, markdown_table
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.resources import StoreResource
from provision_dagster.scene_graphs.drift import DISTANCES, Drift, values_of
from provision_dagster.storage.store import Store

TABLE = "scene_graphs"
FAR = pl.col("distance") > pl.col("limit")


@dg.asset_check(
    asset=TABLE,
    description="Objects, labels, scores and relations are distributed as in the version before.",
    partitions_def=SHARDS,
)
def scene_graphs_like_previous(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
    """Warn when a distribution is farther from that of the last version with other rows than its limit."""
    opened, tables = store.store(), [pl.DataFrame(schema={"shard": pl.String, **DISTANCES})]
    versions: list[str] = []
    plots: dict[str, bytes] = {}
    for shard in context.op_execution_context.partition_keys:
        version = opened.previous_version(TABLE, key=shard)
        versions.append("no previous version" if version is None else f"version {version}")
        if version is None:
            continue
        drift = _drift(opened, shard, version)
        distances = drift.distances().select(pl.lit(shard).alias("shard"), pl.all())
        tables.append(distances)
        # a chart takes a second: only where there is something to look at
        if not plots and distances.filter(FAR).height:
            plots[shard] = drift.plot()
    return _result(pl.concat(tables), versions=versions, plots=plots)


def _drift(opened: Store, shard: str, version: int) -> Drift:
    before, now = (values_of(opened.scan(TABLE, partitions=shard, version=at)) for at in (version, None))
    return Drift(before, now)


def _result(distances: pl.DataFrame, *, versions: list[str], plots: dict[str, bytes]) -> dg.AssetCheckResult:
    metadata: Metadata = {"compared_with": ", ".join(versions)}
    if distances.height:
        metadata["distances"] = dg.MetadataValue.md(markdown_table(distances.with_columns(pl.col("distance").round(3))))
    if plots:
        metadata["plot"] = dg.MetadataValue.md(markdown_pictures(plots))
    passed = distances.filter(FAR).is_empty()
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)
