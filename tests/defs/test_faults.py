"""Faults are put into questions and a real Dagster instance filters them: each is caught, and little good is lost."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml

from provision_dagster.fault_report import FaultReport, Order
from provision_dagster.filters.faults import inject as kinds
from provision_dagster.filters.faults.tally import Caught, Lost
from tests.defs.project import Project

pytestmark = pytest.mark.slow

SHARDS = ["scenes-00000", "scenes-00001", "scenes-again-00000"]

REFILTER = """
import sys
from provision_dagster import runs
from provision_dagster.defs.stages import FILTER, REGISTER

with runs.instance() as opened:
    runs.run(runs.Task(REGISTER), store=opened)
    for shard in sys.argv[1:]:
        runs.run(runs.Task(FILTER, shard, shard), store=opened)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What the command leaves behind: a project in a folder of its own."""
    folder = tmp_path_factory.mktemp("faults")
    options = ("--scenes", "14", "--calibration", "16", "--shard-size", "10")
    process = Project(folder).start("faults", "out", *options)
    out, error = process.communicate(timeout=1200)
    assert process.returncode == 0, out + error
    assert "region_text: threshold" in out
    return Project(folder / "out")


@pytest.fixture(scope="module")
def told(project: Project) -> dict[str, Any]:
    found = json.loads((project.folder / "faults.json").read_text())
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def fate(project: Project) -> pl.DataFrame:
    """The rule that rejected each question; null: kept."""
    kept, gone = project.rows("filtered_qa"), project.rows("rejected_qa")
    return pl.concat([kept.select("id", rule=pl.lit(None, dtype=pl.String)), gone.select("id", "rule")])


@pytest.mark.parametrize(
    ("fault", "by"),
    [
        (kinds.WRONG_ATTRIBUTE, "region_text"),
        (kinds.WRONG_REGION, "region_text"),
        (kinds.WRONG_OTHER, "check audit"),
        (kinds.COPY, "duplicate"),
        (kinds.REWORDED, "near_duplicate"),
        (kinds.PICTURE_COPY, "near_duplicate"),
        (kinds.BENCHMARK_QUESTION, "contaminated"),
        (kinds.BENCHMARK_PICTURE, "contaminated"),
        (kinds.ONE_ANSWER, "check answer_balance"),
        (kinds.TOO_MANY, "check generators_present"),
        (kinds.DRIFT, "check like_previous"),
    ],
)
def test_each_fault_is_caught_by_what_must_find_it(
    project: Project, told: dict[str, Any], fate: pl.DataFrame, fault: str, by: str
) -> None:
    (row,) = [row for row in told["faults"] if row["fault"] == fault]
    assert (row["by"], row["passed"]) == (by, True)
    assert row["caught"] + row["others"] + row["missed"] == row["injected"] > 0
    if by.startswith("check"):
        assert row["found"]
        return
    ledger = pl.read_parquet(project.folder / "ledger.parquet").filter(fault=fault).join(fate, on="id")
    assert ledger.height == row["injected"]
    if fault not in (kinds.COPY, kinds.REWORDED):
        assert ledger.filter(rule=by).height == row["caught"]
        assert ledger["rule"].null_count() == row["missed"]
    # what needs no model is never missed
    assert by == "region_text" or row["missed"] == 0


def test_no_more_good_questions_are_lost_than_the_threshold_says(told: dict[str, Any]) -> None:
    losses = {row["rule"]: row for row in told["losses"]}
    assert all(row["passed"] for row in losses.values())
    scored = losses.pop("region_text")
    assert scored["good"] > 20
    assert scored["lost"] <= scored["allowed"] < 0.25 * scored["good"]
    assert not losses
    assert told["good"] > 500


def test_of_alike_questions_one_is_always_left(project: Project, fate: pl.DataFrame) -> None:
    gone = project.rows("rejected_qa").filter(rule="near_duplicate")
    kept_id = pl.col("detail").str.extract(r"^the question is nearly ([0-9a-f]{32}) ")
    alike = gone.select(kept_id=kept_id).drop_nulls()
    assert alike.height > 20
    kept = alike.join(fate, left_on="kept_id", right_on="id", how="left")
    assert set(kept["rule"].drop_nulls()) <= {"conflicting_answers", "duplicate"}
    assert kept["rule"].null_count() > 20


def test_one_run_scores_the_shards_of_an_image_set(project: Project) -> None:
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        records = instance.fetch_materializations(dg.AssetKey("region_text_scores"), limit=50).records
    by_run: dict[str, list[str]] = {}
    for record in records:
        by_run.setdefault(record.run_id, []).append(str(record.partition_key))
    assert sorted(map(sorted, by_run.values())) == [SHARDS[:2], SHARDS[2:]]


def test_another_threshold_filters_anew_and_scores_nothing(project: Project, fate: pl.DataFrame) -> None:
    file, shard = project.folder / "filters.yaml", SHARDS[0]
    versions = {name: project.store.version(name) for name in project.store.tables}
    scores = project.rows("region_text_scores").filter(shard=shard)
    strict = float(scores["cosine"].quantile(0.9) or 0)
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"min_region_text_cosine": strict}))
    command = [sys.executable, "-c", REFILTER, shard]
    subprocess.run(command, cwd=project.folder, env=project.environment, check=True)
    below = project.rows("rejected_qa").filter(rule="region_text", shard=shard)
    assert below["threshold"].unique().to_list() == [strict]
    before = scores.join(fate.filter(rule="region_text"), on="id", how="semi")
    assert below.height > before["id"].n_unique()
    assert below.join(scores.filter(pl.col("cosine") < strict), on="id", how="semi").height == below.height
    changed = {name for name in versions if project.store.version(name) != versions[name]}
    assert {"filter_settings", "filtered_qa", "rejected_qa"} <= changed
    assert changed <= {"filter_settings", "filtered_qa", "rejected_qa", "qa_statistics", "label_statistics"}


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    assert "`OUT` must be an empty folder, got `out`" in Project(tmp_path).run("faults", "out", code=2)


def test_one_failure_is_enough_to_fail() -> None:
    well, missed = Caught("f", 9, "judge", 9, 0, 0, 9.0), Caught("f", 9, "judge", 0, 0, 9, 9.0)
    assert FaultReport(Order(), caught=[well], lost=[Lost("judge", 9, 1, 1.0)]).passed
    assert not FaultReport(Order(), caught=[well, missed]).passed
    assert not FaultReport(Order(), caught=[well], lost=[Lost("judge", 9, 2, 1.0)]).passed
