"""Filtered QA: rules in SQL decide what is kept; what is rejected keeps its reason."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.policies import RETRY
from provision_dagster.defs.raw_qa import raw_qa
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.defs.sql_models import MARTS, MODELS, STEPS, mart_out, model_deps, table_lineage
from provision_dagster.filters.filter_qa import RULES, qa_statistics, sort_qa
from provision_dagster.filters.schema import FAMILIES, SCORES

VERDICTS = ("filtered_qa", "rejected_qa")

TABLES = ("images", "scene_graphs", *SCORES)
"""What rules read beside the questions."""


def _deps(name: str) -> set[dg.AssetKey]:
    """What a model reads; the marts that hold verdicts also name what these are made of, to be seen out of date."""
    every = set(MODELS) if name in VERDICTS else {name}
    outside = {key for model in every for key in model_deps(model) if key.to_user_string() not in MODELS}
    return model_deps(name) | outside


READ_STEPS = sorted({key.to_user_string() for name in MARTS for key in model_deps(name)} & set(STEPS))


@dg.multi_asset(
    # read from the store: an input each would take longer than the rules
    deps=["filter_settings", *READ_STEPS, *FAMILIES, *TABLES],
    outs={name: mart_out(name) for name in MARTS},
    internal_asset_deps={name: _deps(name) for name in MARTS},
    partitions_def=SHARDS,
    retry_policy=RETRY,
)
def filtered(
    context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource
) -> Iterator[dg.Output[Any]]:
    """Run the models of `dbt_like_sql/` over the raw QA of a shard."""
    opened, config, shard = store.store(), folders.filters(), context.partition_key
    raw = raw_qa(opened, shard)
    tables = {name: opened.scan(name, partitions=shard) for name in TABLES}
    done = sort_qa(
        raw,
        images=tables["images"],
        scene_graphs=tables["scene_graphs"],
        config=config,
        scores={name: tables[name] for name in SCORES},
    )
    statistics, labels = qa_statistics(raw, filtered_qa=done.filtered, limits=config.sql)
    frames = {
        "filtered_qa": done.filtered,
        "rejected_qa": done.rejected,
        "qa_statistics": statistics,
        "label_statistics": labels,
    }
    for name in MARTS:
        metadata = _metadata(name, frames, raw=raw.height) | {"dagster/column_lineage": table_lineage(name)}
        yield dg.Output(frames[name], output_name=name, metadata=metadata, data_version=data_version(frames[name]))


def _metadata(name: str, frames: dict[str, pl.DataFrame], *, raw: int) -> Metadata:
    """What a mart tells beside its rows."""
    frame = frames[name]
    if name == "filtered_qa":
        return {"keep_rate": frame.height / max(raw, 1), "raw_rows": raw}
    if name == "rejected_qa":
        rules = frame.group_by("rule", "generator").len("rows").sort("rule", "generator")
        by_rule = dict(frame.group_by("rule").len().iter_rows())
        # a number per rule, so that Dagster plots each over time
        numbers = {f"rejected_by_{rule}": int(by_rule.get(rule, 0)) for rule in RULES}
        return numbers | {"rules": dg.MetadataValue.md(markdown_table(rules))}
    if name == "qa_statistics":
        rates = frame.select("generator", "raw_rows", "rows", "keep_rate", "top_answer", "top_answer_share")
        return {"generators": dg.MetadataValue.md(markdown_table(rates))}
    return {}
