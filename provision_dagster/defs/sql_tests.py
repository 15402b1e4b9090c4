"""The queries of `dbt_like_sql/tests/` as a check: each returns the rows that should not be there."""

import dagster as dg
import polars as pl

from provision_dagster.defs.checks import result
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.raw_qa import raw_qa
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.run_sql import SqlTest, run_sql_tests
from provision_dagster.storage.contract import PROBLEMS
from provision_dagster.storage.store import Store

READ = ("images", "filtered_qa", "rejected_qa", "qa_statistics", "label_statistics")
COUNTED = ("shard", "family", "generator")
"""Columns of raw QA that tests read."""


@dg.asset_check(
    asset="filtered_qa",
    description="The queries of dbt_like_sql/tests/: each returns the rows that should not be there.",
    blocking=True,
    partitions_def=SHARDS,
    additional_deps=["rejected_qa", "qa_statistics", "label_statistics"],
)
def sql_tests(
    context: dg.AssetCheckExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.AssetCheckResult:
    """Run the tests over each shard; `provision sql TEST --shard SHARD` lists the rows."""
    config = folders.filters()
    outcomes = [tested(store.store(), shard, config) for shard in context.op_execution_context.partition_keys]
    return result(pl.concat([found for found, _ in outcomes]), rows=sum(rows for _, rows in outcomes))


def tested(store: Store, shard: str, config: FilterConfig) -> tuple[pl.DataFrame, int]:
    """Return the problems that the tests find in a stored shard, schema PROBLEMS, and how many rows were looked at."""
    tables = _tables(store, shard, config)
    failed = [_problem(test, shard) for test in run_sql_tests(tables, limits=config.sql) if not test.passed]
    rows = tables["filtered_qa"].height + tables["rejected_qa"].height
    return pl.concat([pl.DataFrame(schema=PROBLEMS), *failed]), rows


def _tables(store: Store, shard: str, config: FilterConfig) -> dict[str, pl.DataFrame]:
    stored = {name: store.scan(name, partitions=shard).collect() for name in READ}
    return {"raw_qa": raw_qa(store, shard, columns=COUNTED), **stored, "config": config.as_table()}


def _problem(test: SqlTest, shard: str) -> pl.DataFrame:
    """Name the test, count its rows and show the first."""
    first = ", ".join(f"{name}={value}" for name, value in test.offending.row(0, named=True).items())
    row = {
        "rule": test.name,
        "rows": test.offending.height,
        "example": f"{first} (provision sql {test.name} --shard {shard})",
    }
    return pl.DataFrame([row], schema=PROBLEMS)
