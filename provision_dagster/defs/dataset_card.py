"""The card of a mix: what is in it, where it comes from, and some hundred examples to look at."""

from pathlib import Path

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.partitions import EVERY_SHARD, RECIPES
from provision_dagster.defs.policies import policy
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.mixes.card.exported import write_exported_card
from provision_dagster.mixes.card.write import READ
from provision_dagster.mixes.manifest import read_manifest

ASSETS = tuple(name for name in READ if name != "funnel")
"""The funnel is a table without an asset: raw QA write it."""


@dg.asset(
    partitions_def=RECIPES,
    # into the folder of the exports, once these are whole
    deps=["mixes", "exports", *(dg.AssetDep(name, partition_mapping=EVERY_SHARD) for name in ASSETS)],
    **policy("mixes", kinds={"html", "markdown"}, automatic=False),
)
def dataset_card(
    context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Card of a mix as Markdown and HTML (counts, funnel, distributions, licences), and a gallery of examples."""
    folder = Path(folders.exports) / context.partition_key
    files = write_exported_card(folder, store=store.store())
    examples = read_manifest(folder)["counts"]
    counts = pl.DataFrame(list(examples["by_generator"].items()), schema=["generator", "examples"], orient="row")
    metadata: Metadata = {kind: dg.MetadataValue.path(str(path.absolute())) for kind, path in files.items()}
    metadata["examples"] = dg.MetadataValue.md(markdown_table(counts))
    metadata["dagster/partition_row_count"] = examples["rows"]
    return dg.MaterializeResult(metadata=metadata)
