"""What must not be in the data twice, or at all: duplicates, and what benchmarks hold."""

import dagster as dg
import polars as pl

from provision_dagster.defs.checks import as_problem, result, shard_check
from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.policies import RETRY, policy
from provision_dagster.defs.raw_qa import raw_qa
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.filters.contamination.items import benchmark_items as items_of
from provision_dagster.filters.contamination.pictures import contaminated_pictures
from provision_dagster.filters.contamination.questions import contaminated_questions
from provision_dagster.filters.duplicates.pictures import duplicate_pictures as alike_pictures
from provision_dagster.filters.duplicates.questions import duplicate_questions
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.storage.contract import PROBLEMS
from provision_dagster.storage.store import Store

READ = ("shard", "id", "image_ids", "question", "answer")
"""Columns of questions that are compared."""

SHOWN = 10
"""Pairs that the metadata shows."""


@dg.asset(deps=["score_settings"], **policy("filtered_qa", kinds={"polars"}))
def duplicate_pictures(
    folders: FoldersResource, images: pl.LazyFrame, repeated_pictures: pl.LazyFrame
) -> dg.Output[pl.DataFrame]:
    """Pictures of all image sets that are like an earlier one, by pixels, perceptual hash or embedding."""
    table = alike_pictures(images, repeated=repeated_pictures, config=folders.filters().duplicates)
    nearest = table.filter(pl.col("method") != "exact").sort("distance", descending=True).head(SHOWN)
    shown = nearest.select("shard", "id", "of_shard", "of", "method", "distance")
    metadata = {"found": _counts(table), "farthest": dg.MetadataValue.md(markdown_table(shown))}
    return dg.Output(table, metadata=metadata, data_version=data_version(table))


@dg.asset(
    deps=["score_settings", *FAMILIES],
    partitions_def=SHARDS,
    retry_policy=RETRY,
    **policy("filtered_qa", kinds={"polars"}),
)
def duplicates(
    context: dg.AssetExecutionContext,
    folders: FoldersResource,
    store: StoreResource,
    duplicate_pictures: pl.LazyFrame,
) -> dg.Output[pl.DataFrame]:
    """Pictures and questions of a shard that are like another one, which is kept.

    Questions are compared within the shard: all questions about a picture are there.
    """
    qa = raw_qa(store.store(), context.partition_key, columns=READ)
    questions = duplicate_questions(qa, config=folders.filters().duplicates)
    pictures = duplicate_pictures.filter(pl.col("shard") == context.partition_key).collect()
    table = pl.concat([pictures, questions])
    metadata = {"found": _counts(table), "questions": dg.MetadataValue.md(markdown_table(_pairs(questions, qa)))}
    return dg.Output(table, metadata=metadata, data_version=data_version(table))


@dg.asset(deps=["score_settings"], **policy("filtered_qa", kinds={"python"}))
def benchmark_items(folders: FoldersResource) -> dg.Output[pl.DataFrame]:
    """Pictures and questions of the benchmarks that must not be in the data, read from their files once."""
    table = items_of(folders.filters().benchmarks)
    counts = table.group_by("benchmark", "kind").agg(items=pl.len(), damaged=pl.col("error").count())
    metadata: Metadata = {"benchmarks": dg.MetadataValue.md(markdown_table(counts.sort("benchmark", "kind")))}
    return dg.Output(table, metadata=metadata, data_version=data_version(table))


@dg.asset(
    deps=["score_settings", *FAMILIES],
    partitions_def=SHARDS,
    retry_policy=RETRY,
    **policy("filtered_qa", kinds={"polars"}),
)
def contamination(
    context: dg.AssetExecutionContext,
    folders: FoldersResource,
    store: StoreResource,
    images: pl.LazyFrame,
    benchmark_items: pl.LazyFrame,
) -> dg.Output[pl.DataFrame]:
    """Pictures and questions of a shard that a benchmark holds, with what they are like there."""
    benchmarks, items = folders.filters().benchmarks, benchmark_items.collect()
    qa = raw_qa(store.store(), context.partition_key, columns=READ)
    questions = contaminated_questions(qa, items=items, benchmarks=benchmarks)
    pictures = contaminated_pictures(images.collect(), items=items, benchmarks=benchmarks)
    table = pl.concat([pictures, questions])
    shown = questions.head(SHOWN).join(qa, on="id", how="left", maintain_order="left")
    metadata = {
        "found": _counts(table, "benchmark"),
        "questions": dg.MetadataValue.md(markdown_table(shown.select("benchmark", "item", "score", "question"))),
    }
    return dg.Output(table, metadata=metadata, data_version=data_version(table))


def _counts(table: pl.DataFrame, *by: str) -> dg.MarkdownMetadataValue:
    columns = [*by, "kind", "method"]
    return dg.MetadataValue.md(markdown_table(table.group_by(columns).len("rows").sort(columns)))


def _pairs(questions: pl.DataFrame, qa: pl.DataFrame) -> pl.DataFrame:
    """What went and what was kept, side by side: the farthest first, for they are the doubtful ones."""
    shown = questions.sort("distance", "id", descending=[True, False]).head(SHOWN)
    texts = qa.select("id", "question", "answer")
    shown = shown.join(texts, on="id", how="left", maintain_order="left")
    kept = texts.select(of="id", kept="question")
    return shown.join(kept, on="of", how="left", maintain_order="left").select("question", "answer", "kept", "distance")


def _known(store: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows about pictures and questions that the shard does not have."""
    images = store.scan("images", partitions=shard, columns=["image_id"]).collect()
    ids = raw_qa(store, shard, columns=["id"])
    pictures, questions = (rows.filter(pl.col("kind") == kind) for kind in ("picture", "question"))
    lost = pl.concat(
        [
            pictures.join(images, left_on="id", right_on="image_id", how="anti"),
            questions.join(ids, on="id", how="anti"),
        ]
    )
    return as_problem("not_in_shard", lost, example="id")


def _kept(store: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
    """What is kept in place of another must not go itself: then nothing would be left."""
    gone = rows.select("kind", "shard", "id")
    both = rows.join(gone, left_on=["kind", "of_shard", "of"], right_on=["kind", "shard", "id"], how="semi")
    return pl.concat([_known(store, shard, rows), as_problem("kept_one_goes_too", both, example="id")])


duplicates_check = shard_check(
    "duplicates", description="What goes is in the shard, and what is kept in its place does not go.", suite=_kept
)
contamination_check = shard_check(
    "contamination", description="Pictures and questions that were found are in the shard.", suite=_known
)


@dg.asset_check(asset=benchmark_items, description="Pictures and rows of benchmarks that are damaged.")
def benchmark_items_readable(store: StoreResource) -> dg.AssetCheckResult:
    """Warn of what nothing can be compared with; fail for a benchmark of which nothing is left."""
    rows = store.store().scan("benchmark_items").collect()
    bad = rows.filter(pl.col("error").is_not_null())
    found = bad.group_by(rule="benchmark").agg(rows=pl.len().cast(pl.Int64), example=pl.col("error").first())
    usable = rows.filter(pl.col("error").is_null())
    empty = bad.join(usable, on=["benchmark", "kind"], how="anti")
    severity = dg.AssetCheckSeverity.WARN if empty.is_empty() else dg.AssetCheckSeverity.ERROR
    return result(found.cast(dict(PROBLEMS)).sort("rule"), rows=rows.height, severity=severity)  # type: ignore[arg-type]
