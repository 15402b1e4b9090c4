"""The models of `dbt_like_sql/` as Dagster shows them: description, what each reads, where its columns come from."""

import hashlib
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster import __version__
from provision_dagster.defs.policies import OWNERS, policy
from provision_dagster.filters.lineage import Source, shipped_lineage
from provision_dagster.filters.models import load_models, run_order
from provision_dagster.filters.schema import FAMILIES

MODELS = load_models()

MARTS = tuple(name for name, model in MODELS.items() if model.layer == "marts")
STEPS = tuple(name for name, model in MODELS.items() if model.layer != "marts")
"""Models on the way to the marts. DuckDB holds their rows while it runs: no table is stored."""


def mart_out(name: str) -> dg.AssetOut:
    """Declare a model whose rows are stored."""
    return dg.AssetOut(
        description=MODELS[name].description,
        dagster_type=pl.DataFrame,
        metadata=_shown(name),
        **policy("filtered_qa", kinds={"sql", "duckdb"}, code_version=_version(name)),
    )


def step_spec(name: str) -> dg.AssetSpec:
    """Declare a model that is a view: shown with its SQL and its place in the lineage, made whenever a mart is."""
    return dg.AssetSpec(
        name,
        deps=model_deps(name),
        description=MODELS[name].description,
        metadata=_shown(name) | {"dagster/column_schema": _columns(name)},
        group_name="sql_models",
        kinds={"sql", "duckdb"},
        owners=OWNERS,
        code_version=_version(name),
    )


def _shown(name: str) -> dict[str, Any]:
    return {
        "dagster/column_lineage": table_lineage(name),
        "sql": dg.MetadataValue.md(f"```sql\n{MODELS[name].sql}\n```"),
    }


def model_deps(name: str) -> set[dg.AssetKey]:
    """Return the assets that a model reads."""
    return {dg.AssetKey(asset) for table in MODELS[name].reads for asset in _assets(table)}


def table_lineage(name: str) -> dg.TableColumnLineage:
    """Return where each column of a model comes from, in assets."""
    return dg.TableColumnLineage(
        {
            # several thresholds are one column of the table of settings
            column: list(dict.fromkeys(dep for source in sources for dep in _column_deps(source)))
            for column, sources in shipped_lineage()[name].items()
        }
    )


def _column_deps(source: Source) -> list[dg.TableColumnDep]:
    if source == ("raw_qa", "row"):
        return []  # the place in the order of ids: no column of any table
    # thresholds are rows of the table of settings
    column = "value" if source.table == "config" else source.column
    return [dg.TableColumnDep(dg.AssetKey(asset), column) for asset in _assets(source.table)]


def _assets(table: str) -> tuple[str, ...]:
    """Return the assets behind a table that the SQL reads."""
    return {"raw_qa": FAMILIES, "config": ("filter_settings",)}.get(table, (table,))


def _columns(name: str) -> dg.TableSchema:
    """Columns of a model, each with its sources in words: Dagster's own page of an asset shows these."""
    lineage = shipped_lineage()[name]
    # DuckDB types them while it runs
    return dg.TableSchema([dg.TableColumn(name, "any", description=told(sources)) for name, sources in lineage.items()])


def told(sources: tuple[Source, ...]) -> str:
    """Say where a column comes from."""
    return f"from {', '.join(f'{s.table}.{s.column}' for s in sources)}" if sources else "a constant or a count of rows"


def _version(name: str) -> str:
    """Changed SQL, of the model or of one that it reads, is another version: what it made is out of date."""
    order = run_order(
        MODELS, targets=[name], sources={read for model in MODELS.values() for read in model.reads} - set(MODELS)
    )
    texts = "\n".join(MODELS[model].sql for model in order)
    return f"{__version__}-{hashlib.sha256(texts.encode()).hexdigest()[:12]}"


# a step of its own for each would cost more than the rules do
SQL_STEPS = [step_spec(name) for name in STEPS]
