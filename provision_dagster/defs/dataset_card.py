"""The card of a mix: what is in it, where it comes from, and some hundred examples to look at."""

from pathlib import Path

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.partitions import RECIPES
from provision_dagster.defs.policies import policy
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.mixes.card.write import READ, write_card
from provision_dagster.mixes.registry import find_recipe

EVERY_SHARD = dg.AllPartitionMapping()
ASSETS = tuple(name for name in READ if name != "funnel")
"""The funnel is a table without an asset: raw QA write it."""


@dg.asset(
    partitions_def=RECIPES,
    # into the folder of the exports, once these are whole
    deps=["exports", *(dg.AssetDep(name, partition_mapping=EVERY_SHARD) for name in ASSETS)],
    **policy("mixes", kinds={"html", "markdown"}, automatic=False),
)
def dataset_card(
    context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource, mixes: pl.LazyFrame
) -> dg.MaterializeResult[None]:
    """Card of a mix as Markdown and HTML (counts, funnel, distributions, licences), and a gallery of examples."""
    name, opened = context.partition_key, store.store()
    recipe = find_recipe(name, files=folders.recipe_files())
    files = write_card(
        mixes,
        Path(folders.exports) / name / "card",
        recipe=recipe,
        tables={table: opened.scan(table) for table in READ},
        table_versions={table: opened.version(table) for table in (*READ, "mixes")},
    )
    counts = mixes.group_by("generator").agg(examples=pl.len()).sort("generator").collect()
    metadata: Metadata = {kind: dg.MetadataValue.path(str(path.absolute())) for kind, path in files.items()}
    metadata["examples"] = dg.MetadataValue.md(markdown_table(counts))
    metadata["dagster/partition_row_count"] = int(counts["examples"].sum())
    return dg.MaterializeResult(metadata=metadata)
