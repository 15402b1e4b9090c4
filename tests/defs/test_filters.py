"""Runs of a real Dagster instance: models of the SQL as assets, and thresholds that filter anew and score nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from provision_dagster import runs
from provision_dagster.defs.stages import FILTER, GENERATE, REGISTER, SCORES
from provision_dagster.filters.lineage import shipped_lineage
from provision_dagster.filters.models import load_models
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.samples.rendering import render_scenes
from tests.defs.project import Project

pytestmark = pytest.mark.slow

SHARD = "scenes-00000"

MAKE = """
import sys
from provision_dagster import runs
from provision_dagster.defs.stages import *

with runs.instance() as opened:
    for stage in sys.argv[1:]:
        assets = globals()[stage]
        shard = None if stage in ("REGISTER", "ACROSS_SHARDS") else "scenes-00000"
        runs.run(runs.Task(assets, shard, shard), store=opened)
"""


def make(project: Project, *stages: str) -> None:
    """Run stages in a process of their own."""
    subprocess.run([sys.executable, "-c", MAKE, *stages], cwd=project.folder, env=project.environment, check=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Ten scenes, filtered."""
    scenes = render_scenes(tmp_path_factory.mktemp("scenes"), n=10, seed=5, width=320, height=240)
    made = Project(tmp_path_factory.mktemp("project"))
    options = ("--format", "provision", "--images", scenes.parent / "images", "--depth", scenes.parent / "depth_masks")
    made.run("ingest", scenes, *options, "--name", "scenes", "--shard-size", "10")
    make(made, "PICTURES", "ANNOTATE", "ACROSS_SHARDS", "PER_SHARD")
    return made


@pytest.fixture
def instance(project: Project) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as opened:
        yield opened


def status(instance: dg.DagsterInstance, *names: str) -> dict[str, StaleStatus]:
    graph = runs.definitions().resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {name: resolver.get_status(dg.AssetKey(name), SHARD) for name in names}


def materialized(instance: dg.DagsterInstance, name: str) -> dict[str, dg.MetadataValue]:  # type: ignore[type-arg]
    event = instance.get_latest_materialization_event(dg.AssetKey(name))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


def test_every_model_is_an_asset_that_counts_its_rows(project: Project, instance: dg.DagsterInstance) -> None:
    graph = runs.definitions().resolve_asset_graph()
    raw = sum(project.rows(family).height for family in FAMILIES)
    for name, model in load_models().items():
        node = graph.get(dg.AssetKey(name))
        assert node.description == model.description
        assert isinstance(node.metadata["dagster/column_lineage"], dg.TableColumnLineage)
        rows = materialized(instance, name)["dagster/partition_row_count"].value
        assert isinstance(rows, int)
        if name == "stg_raw_qa":
            assert rows == raw
        if name == "int_verdicts":
            assert rows == project.rows("rejected_qa").height
    by_rule = dict(project.rows("rejected_qa").group_by("rule").len().iter_rows())
    for rule, rows in by_rule.items():
        counted = materialized(instance, f"int_rule_{rule}")["dagster/partition_row_count"].value
        assert counted >= rows  # type: ignore[operator]
    assert graph.get(dg.AssetKey("filtered_qa")).parent_keys >= {dg.AssetKey("int_verdicts"), dg.AssetKey("qa_object")}
    assert dg.AssetKey("filter_settings") in graph.get(dg.AssetKey("int_rule_length")).parent_keys


def test_lineage_is_told_with_each_mart(project: Project, instance: dg.DagsterInstance) -> None:
    for name in ("filtered_qa", "rejected_qa", "qa_statistics", "label_statistics"):
        lineage = materialized(instance, name)["dagster/column_lineage"].value
        assert isinstance(lineage, dg.TableColumnLineage)
        # stored by name
        assert set(lineage.deps_by_column) == set(project.rows(name).columns) == set(shipped_lineage()[name])
        graph = runs.definitions().resolve_asset_graph()
        for deps in lineage.deps_by_column.values():
            assert all(graph.has(dep.asset_key) for dep in deps)
    question = {
        (dep.asset_key.to_user_string(), dep.column_name) for dep in lineage_of(instance, "filtered_qa", "question")
    }
    assert question == {(family, "question") for family in FAMILIES}


def lineage_of(instance: dg.DagsterInstance, name: str, column: str) -> list[dg.TableColumnDep]:
    lineage = materialized(instance, name)["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage)
    return list(lineage.deps_by_column[column])


def test_another_threshold_filters_anew_and_makes_nothing_else(project: Project, instance: dg.DagsterInstance) -> None:
    marts = ("filtered_qa", "rejected_qa")
    before = {name: project.store.version(name) for name in project.store.tables}
    whole = project.rows("filtered_qa")
    assert set(status(instance, *GENERATE, *SCORES, *FILTER).values()) == {StaleStatus.FRESH}

    longest = int(whole["question"].str.len_chars().quantile(0.5) or 0)
    (project.folder / "filters.yaml").write_text(f"max_question_chars: {longest}\n")
    make(project, "REGISTER")
    assert set(status(instance, *GENERATE, *SCORES).values()) == {StaleStatus.FRESH}
    assert set(status(instance, *marts, "int_rule_length").values()) == {StaleStatus.STALE}

    make(project, "FILTER")
    assert set(status(instance, *GENERATE, *SCORES, *FILTER).values()) == {StaleStatus.FRESH}
    kept, gone = (project.rows(name) for name in marts)
    assert 0 < kept.height < whole.height
    long = pl.max_horizontal(pl.col("question", "choice_question").str.len_chars()) > longest
    assert gone.filter(rule="length").select(long.all()).item()
    assert not kept.select(long.any()).item()
    assert gone.filter(rule="length")["threshold"].unique().to_list() == [longest]
    after = {name: project.store.version(name) for name in project.store.tables}
    changed = {name for name in after if after[name] != before[name]}
    assert changed >= {"filter_settings", *marts}
    assert changed <= {"filter_settings", *marts, "qa_statistics", "label_statistics"}

    (project.folder / "filters.yaml").unlink()
    make(project, "REGISTER", "FILTER")
    assert project.rows("filtered_qa").sort("id").equals(whole.sort("id"))


def test_a_setting_that_is_wrong_is_told(project: Project, tmp_path: Path) -> None:
    (project.folder / "filters.yaml").write_text("min_judge_p_yes: 70\n")
    try:
        message = project.run("ingest", code=2)
    finally:
        (project.folder / "filters.yaml").unlink()
    assert "min_judge_p_yes" in message
    assert REGISTER[-1] == "score_settings"
