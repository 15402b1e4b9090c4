"""The table that a run from the command line ends with: assets, partitions, rows, keep rates, checks."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import polars as pl

from provision_dagster import runs
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.storage.store import Store


def table_rows(shards: Sequence[str]) -> Iterator[tuple[str, str, str, str, str]]:
    """Describe each table of some shards: name, partitions, rows, keep rate, checks passed of all."""
    store = Store.from_env()
    names = [n for n in store.tables if n not in ("funnel", "label_statistics")]
    raw = sum(_rows(store, family, shards) for family in FAMILIES)
    with runs.instance() as opened:
        for name in names:
            count = _rows(store, name, shards)
            rate = f"{count / raw:.1%}" if name in ("filtered_qa", "rejected_qa") and raw else ""
            parts = [p for p in store.partitions(name) if store.spec(name).partition_by != "shard" or p in set(shards)]
            yield (
                name,
                str(len(parts)) if store.spec(name).partition_by else "-",
                f"{count:,}",
                rate,
                _checks(opened, name),
            )


def _rows(store: Store, name: str, shards: Sequence[str]) -> int:
    by_shard = store.spec(name).partition_by == "shard"
    frame = store.scan(name, partitions=list(shards) if by_shard else None)
    return int(frame.select(pl.len()).collect().item())


def _checks(instance: dg.DagsterInstance, name: str) -> str:
    """Count the checks of an asset whose latest evaluation passed."""
    graph = runs.definitions().resolve_asset_graph()
    keys = graph.get_check_keys_for_assets({dg.AssetKey(name)})
    if not keys:
        return ""
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    passed = sum(r.status.value == "SUCCEEDED" for r in found.values())
    return f"{passed} of {len(keys)}"


def exported_files() -> list[Path]:
    """Return the exported files, sorted."""
    folder = Path(os.environ.get("PROVISION_EXPORTS") or "data/exports").absolute()
    found = [*folder.glob("*/*"), *folder.glob("*/card/*")]
    return sorted(p for p in found if p.is_file())
