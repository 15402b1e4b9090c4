"""Mixes: filtered QA become training files, as a recipe says."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import PREVIEW_ROWS, Metadata, column_schema, markdown_table
from provision_dagster.defs.io_manager import Content
from provision_dagster.defs.partitions import EVERY_SHARD, RECIPES
from provision_dagster.defs.policies import policy
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.filters.quality.suites import BLOCKING
from provision_dagster.mixes.build import mix_blocks
from provision_dagster.mixes.export import export_mix
from provision_dagster.mixes.pool import HARD
from provision_dagster.mixes.rebuild import SOURCES, source_versions, tables_at
from provision_dagster.mixes.registry import find_recipe, register_recipes
from provision_dagster.mixes.targets import Figures
from provision_dagster.storage.store import Store

OF_SHARDS = tuple(name for name in SOURCES if name != "base_pictures")
QUALITY = dg.AssetKey("qa_quality")
ERROR = dg.AssetCheckSeverity.ERROR


@dg.asset(**policy("mixes", kinds={"yaml"}, automatic=False))
def recipes(context: dg.AssetExecutionContext, folders: FoldersResource) -> dg.Output[pl.DataFrame]:
    """Every recipe of the package and of the recipe folder; registers their names as partitions."""
    table = register_recipes(folders.recipe_files())
    usable = table.filter(pl.col("error").is_null())["recipe"].to_list()
    assert RECIPES.name is not None
    context.instance.add_dynamic_partitions(RECIPES.name, usable)
    shown = table.select("recipe", "description", "error")
    return dg.Output(table, metadata={"recipes": dg.MetadataValue.md(markdown_table(shown))})


@dg.asset(
    partitions_def=RECIPES,
    # qa_quality is a dependency for its blocking checks: what they find must not get into a mix
    deps=[recipes, "qa_quality", "base_pictures", *(dg.AssetDep(n, partition_mapping=EVERY_SHARD) for n in OF_SHARDS)],
    **policy("mixes", kinds={"polars"}, automatic=False),
)
def mixes(
    context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.MaterializeResult[Any]:
    """Training examples of a recipe, in their final wording and order."""
    recipe = find_recipe(context.partition_key, files=folders.recipe_files())
    _refuse_what_failed(context.instance)
    opened, figures, content = store.store(), Figures(recipe), Content()
    versions = source_versions(opened)
    preview = pl.DataFrame()
    with opened.partition_writer("mixes", key=recipe.name) as writer:
        for block in mix_blocks(recipe, tables=tables_at(opened, versions=versions), figures=figures):
            writer.write(block)
            content.add(block)
            preview = block.head(PREVIEW_ROWS) if preview.is_empty() else preview
    repeated = opened.scan("filtered_qa", columns=["id"]).select(pl.len() - pl.col("id").n_unique()).collect().item()
    metadata: Metadata = {
        "dagster/partition_row_count": figures.rows,
        "dagster/column_schema": column_schema(opened.spec("mixes")),
        "dagster/uri": opened.uri("mixes"),
        "table_version": writer.version,
        "preview": dg.MetadataValue.md(markdown_table(preview)),
        "questions_held_twice": int(repeated),
        "table_versions": dg.MetadataValue.json(versions),
        **_figures(figures),
    }
    return dg.MaterializeResult(metadata=metadata, data_version=content.version())


def _figures(figures: Figures) -> Metadata:
    """Tell what a mix has reached: rows, the published size, tokens, coverage of concepts."""
    told: Metadata = {"examples": dg.MetadataValue.md(markdown_table(figures.examples))}
    told |= {name: value for name, value in figures.reached.items() if value is not None}
    if figures.recipe.base is not None:
        told["base_rows_held_out"] = figures.base_rows_held_out
    if figures.tokens is not None:
        told["tokens"] = figures.tokens
    if (coverage := figures.coverage) is not None:
        told["concepts_covered"] = coverage.filter(pl.col("rows") > 0).height / coverage.height
        told["concepts"] = dg.MetadataValue.md(markdown_table(coverage))
    return told


def _refuse_what_failed(instance: dg.DagsterInstance) -> None:
    """Stop where a suite last failed as an ERROR: Dagster blocks inside a run, and mixes are asked for by hand too."""
    keys = [dg.AssetCheckKey(QUALITY, suite) for suite in BLOCKING]
    last = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    told = {key.name: record.evaluation for key, record in last.items()}
    failed = sorted(name for name, found in told.items() if found and not found.passed and found.severity == ERROR)
    if failed:
        names = ", ".join(f"`{name}`" for name in failed)
        raise dg.Failure(
            f"checks of `{QUALITY.to_user_string()}` failed: {names}; mend what they tell, or let them warn (`quality: "
            "{warn_only: [...]}` in the file of filters), and make `qa_quality` again",
            allow_retries=False,
        )


def _versions_read(instance: dg.DagsterInstance, recipe: str, *, store: Store) -> dict[str, int]:
    """Versions of the tables that a mix was last made from; those of now where it does not say."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey("mixes"), asset_partitions=[recipe])
    made = [record.asset_materialization for record in instance.fetch_materializations(wanted, limit=1).records]
    told = made[0].metadata.get("table_versions") if made and made[0] else None
    return dict(told.value) if isinstance(told, dg.JsonMetadataValue) else source_versions(store)  # type: ignore[arg-type]


@dg.asset(partitions_def=RECIPES, **policy("mixes", kinds={"json", "parquet"}, automatic=False))
def exports(
    context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource, mixes: pl.LazyFrame
) -> dg.MaterializeResult[None]:
    """Files of a mix in the formats of its recipe, and a manifest with checksums."""
    name = context.partition_key
    recipe = find_recipe(name, files=folders.recipe_files())
    opened = store.store()
    versions = _versions_read(context.instance, name, store=opened) | {"mixes": opened.version("mixes")}
    files = export_mix(
        mixes,
        Path(folders.exports) / name,
        recipe=recipe,
        table_versions=versions,
        images=opened.scan("images", version=versions["images"]),
    )
    paths = {kind: dg.MetadataValue.path(str(path.absolute())) for kind, path in files.items()}
    rows = mixes.select(pl.len()).collect().item()
    return dg.MaterializeResult(metadata={**paths, "dagster/partition_row_count": rows})


@dg.asset_check(
    asset="mixes", description="Examples are unique and all from filtered QA.", partitions_def=RECIPES, blocking=True
)
def mixes_are_sound(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
    """Check the contract of the table, and that every generated example is a filtered QA, or a hard one."""
    from provision_dagster.defs.checks import result
    from provision_dagster.storage.contract import contract_problems, problems

    opened = store.store()
    rows = opened.scan(
        "mixes",
        partitions=context.op_execution_context.partition_key,
        columns=["recipe", "position", "id", "origin", "response"],
    ).collect()
    hard = opened.scan("rejected_qa").filter(HARD).select("id")
    known = pl.concat([opened.scan("filtered_qa", columns=["id"]), hard]).collect()["id"]
    generated = pl.col("origin") == "generated"
    rules = {
        "not_in_filtered_qa": generated & ~pl.col("id").is_in(known.implode()),
        "example_twice": pl.col("id").is_duplicated(),
        "response_is_blank": generated & (pl.col("response").str.strip_chars() == ""),
    }
    found = contract_problems(rows, spec=opened.spec("mixes"))
    return result(pl.concat([found, problems(rows, rules=rules, example=pl.col("id"))]), rows=rows.height)
