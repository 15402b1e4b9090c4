"""Asset checks: one suite per asset, blocking where broken data must not go on."""

from collections.abc import Callable, Mapping, Sequence

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_table
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.raw_qa import raw_qa
from provision_dagster.defs.resources import StoreResource
from provision_dagster.defs.stages import ANNOTATE
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.generators.integrity import foreign_images, qa_rules
from provision_dagster.scene_graphs.annotators.parts import openable
from provision_dagster.scene_graphs.integrity import graph_rules, uncovered
from provision_dagster.storage.contract import PROBLEMS, contract_problems, problems
from provision_dagster.storage.store import Store

Suite = Callable[[Store, str, pl.DataFrame], pl.DataFrame]
"""(store, shard, rows of the asset) -> further problems."""


def shard_check(asset: str, *, description: str, suite: Suite | None = None) -> dg.AssetChecksDefinition:
    """Make the blocking check of a shard's table: the declared contract, and a suite of its own."""

    @dg.asset_check(
        asset=asset, name=f"{asset}_is_sound", description=description, blocking=True, partitions_def=SHARDS
    )
    def check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        return check_shards(asset, context.op_execution_context.partition_keys, store=store.store(), suite=suite)

    return check


def check_shards(table: str, shards: Sequence[str], *, store: Store, suite: Suite | None = None) -> dg.AssetCheckResult:
    """Check the contract of a table shard by shard, and what a suite asks of it."""
    found, seen = [], 0
    for shard in shards:
        rows = store.scan(table, partitions=shard).collect()
        seen += rows.height
        found.append(contract_problems(rows, spec=store.spec(table)))
        if suite is not None:
            found.append(suite(store, shard, rows))
    return result(pl.concat(found), rows=seen)


def result(
    found: pl.DataFrame, *, rows: int, severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
) -> dg.AssetCheckResult:
    """Turn problems into a check result that shows how many rows were looked at and what is wrong with which."""
    table = markdown_table(found) if found.height else "none"
    metadata: Metadata = {"rows": rows, "problems": dg.MetadataValue.md(table), "broken_rows": int(found["rows"].sum())}
    return dg.AssetCheckResult(passed=found.is_empty(), severity=severity, metadata=metadata)


def as_problem(rule: str, rows: pl.DataFrame, *, example: str) -> pl.DataFrame:
    """Count rows that break a rule, and show a value of the first; schema PROBLEMS, empty when there are none."""
    if rows.is_empty():
        return pl.DataFrame(schema=PROBLEMS)
    return pl.DataFrame({"rule": [rule], "rows": [rows.height], "example": [str(rows[example][0])]}, schema=PROBLEMS)


def as_problems(broken: Mapping[str, pl.DataFrame], *, example: str) -> pl.DataFrame:
    """Count the rows that break each rule, as `as_problem`."""
    return pl.concat(
        [pl.DataFrame(schema=PROBLEMS), *(as_problem(rule, rows, example=example) for rule, rows in broken.items())]
    )


def _pictures(store: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
    sources = store.scan("image_sources", partitions=shard).collect()
    lost = sources.join(rows.select("image_set", "image_key"), on=["image_set", "image_key"], how="anti")
    unexplained = rows.filter(~pl.col("status").is_in(["ok", "annotations_only"]) & pl.col("error").is_null())
    return pl.concat(
        [
            as_problem("picture_lost", lost, example="image_key"),
            as_problem("status_without_reason", unexplained, example="image_key"),
        ]
    )


def _annotated(store: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Where a model looked at a shard, every picture that can be opened has its row."""
    images = store.scan("images", partitions=shard).collect()
    pictures = openable(images)
    lost = pictures.join(rows, on=["image_set", "image_key"], how="anti") if rows.height else pictures.clear()
    return as_problem("picture_lost", lost, example="image_key")


def _graphs(store: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
    images = store.scan("images", partitions=shard).collect()
    repeated = store.scan("repeated_pictures").collect()
    rejected = store.scan("rejected_evidence", partitions=shard).filter(part="image").collect()
    lost = uncovered(images, scene_graphs=rows, repeated=repeated)
    lost = lost.join(rejected, on=["image_set", "image_key"], how="anti")
    return pl.concat(
        [
            problems(rows, rules=graph_rules(), example=pl.col("image_key")),
            as_problem("usable_picture_without_graph", lost, example="image_key"),
        ]
    )


def _questions(store: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
    graphs = store.scan("scene_graphs", partitions=shard, columns=["image_id"]).collect()
    return pl.concat(
        [
            problems(rows, rules=qa_rules(), example=pl.col("id")),
            as_problem("image_unknown", foreign_images(rows, scene_graphs=graphs), example="id"),
        ]
    )


def _funnel_adds_up(store: Store, shard: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Raw QA = kept + rejected: nothing is lost between them."""
    raw = raw_qa(store, shard, columns=["id"])
    after = pl.concat([rows.select("id"), store.scan("rejected_qa", partitions=shard, columns=["id"]).collect()])
    lost = raw.join(after, on="id", how="anti")
    added = after.join(raw, on="id", how="anti")
    return pl.concat(
        [
            _questions(store, shard, rows),
            as_problem("qa_lost", lost, example="id"),
            as_problem("qa_from_nowhere", added, example="id"),
        ]
    )


images_check = shard_check(
    "images", description="Every listed picture has a row; what is unusable says why.", suite=_pictures
)
sources_check = shard_check("image_sources", description="Each picture of the shard is listed once.")
safety_check = shard_check("picture_safety", description="Safety of each picture is told at most once.")
annotations_check = shard_check("annotations", description="Each picture is annotated at most once.")
annotator_checks = [
    shard_check(table, description="Every picture that can be opened was looked at, or says why not.", suite=_annotated)
    for table in ANNOTATE
]
graphs_check = shard_check(
    "scene_graphs",
    description="Boxes lie in the picture, relations join objects, no usable picture is lost.",
    suite=_graphs,
)
qa_checks = [
    shard_check(
        family,
        description="Unique ids, whole texts, the answer among the options, pictures that exist.",
        suite=_questions,
    )
    for family in FAMILIES
]
filtered_check = shard_check(
    "filtered_qa", description="Sound as raw QA are, and kept + rejected = raw.", suite=_funnel_adds_up
)
rejected_check = shard_check("rejected_qa", description="Every rejected QA has its rule, once.")


@dg.asset_check(asset="images", description="Share of pictures that cannot be used.", partitions_def=SHARDS)
def images_usable(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
    """Warn when a picture cannot be used; fail when none can."""
    rows = store.store().scan("images", partitions=list(context.op_execution_context.partition_keys)).collect()
    bad = rows.filter(~pl.col("status").is_in(["ok", "annotations_only"]))
    found = bad.group_by(rule="status").agg(rows=pl.len().cast(pl.Int64), example=pl.col("error").first()).sort("rule")
    none_left = rows.height == bad.height
    severity = dg.AssetCheckSeverity.ERROR if none_left else dg.AssetCheckSeverity.WARN
    return result(found, rows=rows.height, severity=severity)


def failures(table: str) -> dg.AssetChecksDefinition:
    """Make the check that warns of pictures on which the model of a table failed."""

    @dg.asset_check(
        asset=table,
        name=f"{table}_complete",
        description="Share of pictures on which the model failed.",
        partitions_def=SHARDS,
    )
    def check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        """Warn when the model failed on a picture; fail when it failed on all."""
        rows = store.store().scan(table, partitions=list(context.op_execution_context.partition_keys)).collect()
        bad = rows.filter(pl.col("error").is_not_null())
        reason = pl.col("error").str.split(":").list.first()
        found = (
            bad.group_by(rule=reason).agg(rows=pl.len().cast(pl.Int64), example=pl.col("error").first()).sort("rule")
        )
        all_bad = bad.height == rows.height
        severity = dg.AssetCheckSeverity.ERROR if all_bad else dg.AssetCheckSeverity.WARN
        return result(found, rows=rows.height, severity=severity)

    return check


failure_checks = [failures(table) for table in ANNOTATE]


@dg.asset_check(asset="image_sets", description="Every image set of the spec folder can be read.")
def image_sets_readable(store: StoreResource) -> dg.AssetCheckResult:
    """Fail for image sets that cannot be read; the others go on."""
    rows = store.store().scan("image_sets").collect()
    broken = rows.filter(pl.col("error").is_not_null())
    found = broken.select(rule="image_set", rows=pl.lit(1, dtype=pl.Int64), example="error")
    return result(found, rows=rows.height)
