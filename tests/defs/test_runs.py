"""What must hold whatever happens to a run: killed, repeated, in one process or two, with another seed."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.filters.schema import FAMILIES
from provision_dagster.generators.registry import all_generators
from provision_dagster.samples.rendering import render_scenes
from tests.defs.project import Project

pytestmark = pytest.mark.slow

STABLE = (
    "image_sources", "images", "annotations", "scene_graphs", "vocabulary", "answer_strengths", *FAMILIES,
    "funnel", "filtered_qa", "rejected_qa", "qa_statistics", "mixes",
)  # fmt: skip


# All but those that ask about pairs of descriptions: a rendered scene, where every two things have a relation, has a
# million such questions. tests/test_same_bytes.py compares a sample of them.
LISTED = ",".join(name for name in all_generators() if not name.startswith("SceneGraph"))
FULL = ("--format", "provision", "--mode", "full", "--generators", LISTED)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four small scenes: three shards of ten, ten and four."""
    return render_scenes(tmp_path_factory.mktemp("scenes"), n=24, seed=3, width=320, height=240)


def ingested(folder: Path, scenes: Path) -> Project:
    project = Project(folder)
    options = ("--format", "provision", "--images", scenes.parent / "images", "--depth", scenes.parent / "depth_masks")
    project.run("ingest", scenes, *options, "--name", "scenes", "--shard-size", "10")
    return project


@pytest.fixture(scope="module")
def finished(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was materialized without disturbance."""
    project = ingested(tmp_path_factory.mktemp("finished"), scenes)
    project.run("materialize")
    return project


def exports(project: Project) -> dict[str, bytes]:
    # the manifest names versions of tables: an interrupted run leaves other numbers
    mix = project.folder / "exports" / "foundation"
    told = [p for p in mix.rglob("*") if p.is_file() and p.name != "manifest.json"]
    assert {p.suffix for p in told} >= {".json", ".parquet", ".md", ".html"}
    return {str(p.relative_to(mix)): p.read_bytes() for p in told}


def assert_same(one: Project, other: Project) -> None:
    first, second = one.tables(), other.tables()
    for name in STABLE:
        assert first[name].equals(second[name]), name
    assert exports(one) == exports(other)


def test_the_path_made_something(finished: Project) -> None:
    assert finished.rows("images")["status"].to_list() == ["ok"] * 24
    assert finished.rows("mixes").height > 200
    assert finished.store.partitions("filtered_qa") == ["scenes-00000", "scenes-00001", "scenes-00002"]


def test_running_twice_changes_nothing(finished: Project) -> None:
    versions = {name: finished.store.version(name) for name in STABLE}
    before = exports(finished)
    finished.run("materialize")
    assert {name: finished.store.version(name) for name in STABLE} == versions
    assert exports(finished) == before


def test_two_workers_give_the_same_bytes(finished: Project, scenes: Path, tmp_path: Path) -> None:
    project = ingested(tmp_path, scenes)
    project.run("materialize", "--workers", "2")
    assert_same(finished, project)


def test_a_killed_run_is_made_whole_by_running_again(finished: Project, scenes: Path, tmp_path: Path) -> None:
    project = ingested(tmp_path, scenes)
    luck = random.Random(7)
    for _ in range(3):
        process = project.start("materialize")
        time.sleep(luck.uniform(6, 14))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for table in project.tables().values():
            assert isinstance(table, pl.DataFrame)
    project.run("materialize")
    assert_same(finished, project)


def hashes(folder: Path) -> list[str]:
    files = sorted((folder / "qa").rglob("*.parquet"))
    return [
        subprocess.run(["sha256sum", f], capture_output=True, text=True, check=True).stdout.split()[0] for f in files
    ]


@pytest.fixture(scope="module")
def generated(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, pl.DataFrame]:
    """Questions of one worker and seed 1, without Dagster."""
    project = Project(tmp_path_factory.mktemp("generated"))
    project.run("generate", scenes, *FULL, "--shard-size", "10", "--out", "one", "--seed", "1")
    return project, pl.read_delta(str(project.folder / "one" / "qa")).sort("id")


@pytest.mark.parametrize(
    "change", [("--workers", "2"), ("--shard-size", "24")], ids=["two workers", "another shard size"]
)
def test_generate_does_not_depend_on(
    change: tuple[str, str], generated: tuple[Project, pl.DataFrame], scenes: Path
) -> None:
    project, one = generated
    project.run("generate", scenes, *FULL, "--seed", "1", "--shard-size", "10", "--out", "two", *change)
    two = pl.read_delta(str(project.folder / "two" / "qa")).sort("id")
    assert two.drop("shard").equals(one.drop("shard"))
    if change[0] == "--workers":
        assert hashes(project.folder / "one") == hashes(project.folder / "two")


def test_two_seeds_differ(generated: tuple[Project, pl.DataFrame], scenes: Path) -> None:
    project, one = generated
    project.run("generate", scenes, *FULL, "--shard-size", "10", "--seed", "2", "--out", "three")
    three = pl.read_delta(str(project.folder / "three" / "qa")).sort("id")
    assert three.height == one.height
    assert not set(three["id"]) & set(one["id"])
    assert set(three["question"]) != set(one["question"])


def test_the_exported_mix_is_verified_and_built_again(finished: Project, tmp_path: Path) -> None:
    text = finished.run("verify", "foundation", "--rebuild")
    assert "built again from its tables, every byte is the same" in text
    copy = tmp_path / "copy"
    shutil.copytree(finished.folder / "exports" / "foundation", copy)
    (copy / "llava.json").write_bytes((copy / "llava.json").read_bytes()[:-3])
    assert "the manifest says" in finished.run("verify", copy, code=1)
    assert "there are: foundation" in finished.run("verify", "nothing", code=2)
