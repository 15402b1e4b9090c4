"""Quality of the whole data set: figures, expectation suites as checks, and their data docs."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from provision_dagster.defs.describe import Metadata, markdown_pictures, markdown_table
from provision_dagster.defs.io_manager import data_version
from provision_dagster.defs.policies import policy
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.filters.quality.drift import Drift
from provision_dagster.filters.quality.suites import BLOCKING, DESCRIPTIONS, SAMPLED, suites
from provision_dagster.filters.quality_config import QualityConfig
from provision_dagster.lexicon import Lexicon
from provision_dagster.storage.store import Store

if TYPE_CHECKING:
    from provision_dagster.filters.quality.validate import Outcome

READ = ("filtered_qa", "rejected_qa", "qa_statistics", "label_statistics", "scene_graphs")
TABLE = "qa_quality"

OUTS = {
    TABLE: "Figures of the whole data set: keep rates, balance of answers and places, lengths, words, blind accuracy.",
    "quality_results": "What the expectation suites found, one row per expectation.",
    "data_docs": "Data docs of Great Expectations: a static site that shows every expectation with its values.",
}


def _out(name: str) -> dg.AssetOut:
    # the site is a folder, no table
    kind = dg.Nothing if name == "data_docs" else pl.DataFrame
    return dg.AssetOut(description=OUTS[name], dagster_type=kind, **policy("filtered_qa", kinds={"greatexpectations"}))


@dg.multi_asset(
    outs={name: _out(name) for name in OUTS},
    deps=list(READ),
    check_specs=[
        dg.AssetCheckSpec(name, asset=TABLE, description=text, blocking=name in BLOCKING)
        for name, text in DESCRIPTIONS.items()
    ],
)
def quality(
    context: dg.AssetExecutionContext, folders: FoldersResource, store: StoreResource
) -> Iterator[dg.Output[pl.DataFrame] | dg.Output[None] | dg.AssetCheckResult]:
    """Measure all shards together, and let expectation suites judge the figures."""
    # read when needed: Great Expectations takes seconds to import
    from provision_dagster.filters.quality.results import results_table
    from provision_dagster.filters.quality.validate import validate

    opened, config, began = store.store(), folders.filters().quality, time.perf_counter()
    tables = {name: opened.scan(name) for name in READ}
    now = _figures(tables, config)
    drift = _drift(opened, now, config)
    measured = time.perf_counter()
    site = Path(folders.exports) / "data_docs"
    shutil.rmtree(site, ignore_errors=True)
    declared = suites(now, sample=_sample(tables["filtered_qa"], config), drift=drift, config=config)
    outcomes = validate(declared, docs=site)
    seconds = {"seconds_to_measure": measured - began, "seconds_to_validate": time.perf_counter() - measured}
    context.log.info("quality: %s", seconds)
    results = results_table(outcomes)
    yield dg.Output(now, output_name=TABLE, metadata=dict(seconds), data_version=data_version(now))
    yield dg.Output(
        results, output_name="quality_results", metadata=_failed(results), data_version=data_version(results)
    )
    yield dg.Output(None, output_name="data_docs", metadata=_site(site))
    for suite in declared:
        own = [outcome for outcome in outcomes if outcome.suite.name == suite.name]
        yield _result(suite.name, own, figures=now, drift=drift, tables=tables)


def _figures(tables: Mapping[str, pl.LazyFrame], config: QualityConfig) -> pl.DataFrame:
    from provision_dagster.filters.quality.figures import figures

    return figures(
        tables["filtered_qa"],
        qa_statistics=tables["qa_statistics"],
        label_statistics=tables["label_statistics"],
        scene_graphs=tables["scene_graphs"],
        config=config,
        lexicon=Lexicon.load(),
    )


def _drift(store: Store, now: pl.DataFrame, config: QualityConfig) -> Drift | None:
    """The figures beside the last ones that differ: those in the table, or of the version before where equal."""
    latest = store.scan(TABLE).collect()
    if latest.is_empty():
        return None
    if latest.equals(now):
        version = store.previous_version(TABLE)
        if version is None:
            return None
        latest = store.scan(TABLE, version=version).collect()
    return Drift(latest, now, config.drift_head)


def _sample(filtered_qa: pl.LazyFrame, config: QualityConfig) -> pl.DataFrame:
    return filtered_qa.select(SAMPLED).bottom_k(config.sample_rows, by="id").collect(engine="streaming")


def _failed(results: pl.DataFrame) -> Metadata:
    failed = results.filter(~pl.col("passed"))
    shown = failed.select("suite", "severity", "expectation", "observed", "threshold", "field")
    return {"expectations": results.height, "failed": dg.MetadataValue.md(markdown_table(shown) or "none")}


def _site(folder: Path) -> Metadata:
    return {"path": dg.MetadataValue.path(str((folder / "index.html").absolute()))}


def _result(
    name: str,
    outcomes: Sequence["Outcome"],
    *,
    figures: pl.DataFrame,
    drift: Drift | None,
    tables: Mapping[str, pl.LazyFrame],
) -> dg.AssetCheckResult:
    """Tell of a suite: every expectation, a chart, and the rows that break it."""
    from provision_dagster.filters.quality.offending import first_rows, offending_sql
    from provision_dagster.filters.quality.plots import plot
    from provision_dagster.filters.quality.results import results_table

    told = results_table(outcomes).select("expectation", "passed", "observed", "threshold", "field", "offending")
    broken = [outcome for outcome in outcomes if not outcome.passed]
    # a number, which Dagster plots over time
    metadata: Metadata = {"expectations": dg.MetadataValue.md(markdown_table(told)), "broken": len(broken)}
    for place, outcome in enumerate(broken):
        sql = offending_sql(outcome)
        if sql is not None:
            mark = f"_{place + 1}" if place else ""
            metadata[f"offending_sql{mark}"] = sql
            metadata[f"offending_rows{mark}"] = dg.MetadataValue.md(markdown_table(first_rows(outcome, tables=tables)))
    if outcomes:
        drawn = plot(outcomes[0].suite, figures=figures, outcomes=outcomes, drift=drift)
        if drawn is not None:
            metadata["plot"] = dg.MetadataValue.md(markdown_pictures({name: drawn}))
    severity = dg.AssetCheckSeverity.WARN
    if outcomes and outcomes[0].suite.severity == "ERROR":
        severity = dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckResult(
        asset_key=TABLE, check_name=name, passed=not broken, severity=severity, metadata=metadata
    )


@dg.asset_check(
    asset=TABLE,
    description="Questions were filtered not too long ago; asked every morning when automation is on.",
    automation_condition=dg.AutomationCondition.cron_tick_passed("0 6 * * *"),  # type: ignore[arg-type]
)
def fresh(
    context: dg.AssetCheckExecutionContext, folders: FoldersResource, store: StoreResource
) -> dg.AssetCheckResult:
    """Warn when `filtered_qa` was last made, or its rows last changed, too long ago."""
    limit = folders.filters().quality.max_age_hours
    last = store.store().table("filtered_qa").history(1)[0]["timestamp"] / 1000
    event = context.instance.get_latest_materialization_event(dg.AssetKey("filtered_qa"))
    if event is not None:  # equal rows make no commit
        last = max(last, event.timestamp)
    age = (time.time() - last) / 3600
    metadata: Metadata = {"observed_hours": age, "threshold_hours": limit}
    return dg.AssetCheckResult(passed=age <= limit, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)
