"""Filtered QA: rules in SQL decide what is kept; what is rejected keeps its reason."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.filters.filter_qa import filter_qa, qa_statistics
from provision_dagster.filters.models import load_models
from provision_dagster.filters.schema import FAMILIES

MODELS = load_models()


def _out(name: str) -> dg.AssetOut:
    return dg.AssetOut(description=MODELS[name].description, **policy("filtered_qa", kinds={"sql", "duckdb"}))


@dg.multi_asset(
    ins={name: dg.AssetIn(name) for name in (*FAMILIES, "images", "scene_graphs")},
    outs={name: _out(name) for name in ("filtered_qa", "rejected_qa", "qa_statistics", "label_statistics")},
    partitions_def=SHARDS,
    retry_policy=RETRY,
)
def filtered(
    images: pl.LazyFrame, scene_graphs: pl.LazyFrame, **families: pl.LazyFrame
) -> Iterator[dg.Output[pl.DataFrame]]:
    """Run the models of `dbt_like_sql/` over the raw QA of a shard."""
    raw = pl.concat([families[name] for name in FAMILIES]).collect()
    kept, rejected = filter_qa(raw, images=images, scene_graphs=scene_graphs)
    statistics, labels = qa_statistics(raw, filtered_qa=kept)
    rules = rejected.group_by("rule", "generator").len("rows").sort("rule", "generator")
    rates = statistics.select("generator", "raw_rows", "rows", "keep_rate", "top_answer", "top_answer_share")
    metadata: dict[str, Metadata] = {
        "filtered_qa": {"keep_rate": kept.height / max(raw.height, 1), "raw_rows": raw.height},
        "rejected_qa": {"rules": dg.MetadataValue.md(markdown_table(rules))},
        "qa_statistics": {"generators": dg.MetadataValue.md(markdown_table(rates))},
        "label_statistics": {},
    }
    frames = {"filtered_qa": kept, "rejected_qa": rejected, "qa_statistics": statistics, "label_statistics": labels}
    for name, frame in frames.items():
        yield dg.Output(frame, output_name=name, metadata=metadata[name], data_version=data_version(frame))
