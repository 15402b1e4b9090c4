"""Runs of a real Dagster instance: how good a model is, and whether a shard is still like itself."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import pytest

from provision_dagster import runs
from provision_dagster.defs.quality import annotator_quality_above_floor
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.defs.stages import ANNOTATE
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.scene_graphs.annotators.schema import ANNOTATOR_QUALITY
from tests.defs.project import Project
from tests.scene_graphs.annotators.tiny_onnx import constant_model, tiny_annotators

SHARD = "scenes-00000"

STAGES = (
    (("images",), SHARD), (ANNOTATE, SHARD), (("repeated_pictures",), None), (("annotator_quality",), None),
    (("scene_graphs", "rejected_evidence"), SHARD),
)  # fmt: skip


def annotators(folder: Path, threshold: float) -> Path:
    """A detector that finds a dog with score .9 and a cup with .6 in every picture, and depth by brightness."""
    file = tiny_annotators(folder, threshold=threshold, larger="closer")
    raw = np.zeros((1, 84, 7))
    raw[0, 0] = [0.5, 0.5, 0, 0, 0.9, 0.0, 1.0]
    raw[0, 3] = [0.5, 0.5, 0, 0, 0.6, 1.0, 0.0]
    constant_model(folder / "yolox.onnx", raw, height=64, width=64)
    file.write_text(file.read_text() + "objects: model\nquality_floor: {ap50: 0.5, spearman: -0.99}\n")
    return file


def make(project: Project) -> None:
    """Run what the checks of this module look at."""
    with project.here() as opened:
        for assets, shard in STAGES:
            runs.run(runs.Task(assets, shard, shard), store=opened)


def checked(project: Project, asset: str, name: str, shard: str | None = None) -> tuple[bool, dict[str, Any]]:
    """What the last run of a check says."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=50)
        events = [record.event for record in records if record.event is not None]
    found = [event.dagster_event.asset_check_evaluation_data for event in events]  # type: ignore[union-attr]
    last = next(one for one in found if shard is None or one.partition == shard)
    assert last.severity == dg.AssetCheckSeverity.WARN
    return last.passed, {name: value.value for name, value in last.metadata.items()}


def materialized(project: Project, asset: str) -> dict[str, Any]:
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_the_floor_is_asked_of_annotated_image_sets_alone(tmp_path: Path) -> None:
    file = annotators(tmp_path, threshold=0.5)
    sets = tmp_path / "image_sets"
    sets.mkdir()
    for name in ("annotated", "bare"):
        spec = f"{{name: {name}, reader: folder, path: {tmp_path}, annotators: {file}}}"
        (sets / f"{name}.yaml").write_text(spec)
    store = StoreResource(url=str(tmp_path / "tables"))
    row = {"image_set": "annotated", "table": "detections", "measure": "ap50", "of": "", "value": 0.5, "count": 9}
    known = pl.DataFrame([row, row | {"of": "dog", "value": 0.1}], schema=ANNOTATOR_QUALITY)
    store.store().write_partition("annotator_quality", known, key="annotated")
    found = annotator_quality_above_floor(folders=FoldersResource(image_sets=str(sets)), store=store)
    assert isinstance(found, dg.AssetCheckResult)
    # .5 is enough, no label has to reach it, and depth was not compared
    assert found.passed is False
    assert found.metadata["broken_rows"].value == 1
    assert "annotated: spearman | 1 | not measured" in str(found.metadata["problems"].value)


@pytest.mark.slow
def test_quality_and_drift(tmp_path: Path) -> None:
    scenes = render_scenes(tmp_path / "scenes", n=10, seed=4, width=160, height=120)
    project = Project(tmp_path / "project")
    options = ("--format", "provision", "--images", scenes.parent / "images", "--depth", scenes.parent / "depth_masks")
    file = annotators(tmp_path, threshold=0.5)
    project.run("ingest", scenes, *options, "--name", "scenes", "--shard-size", "10", "--annotators", file)
    make(project)

    told = materialized(project, "annotator_quality")
    assert told["scenes: ap50"] < 0.5
    assert -0.99 <= told["scenes: spearman"] <= 1
    assert told["charts_scenes"].count("data:image/png;base64,") == 3
    passed, metadata = checked(project, "annotator_quality", "annotator_quality_above_floor")
    assert not passed
    assert metadata["broken_rows"] == 1
    assert "scenes: ap50" in metadata["problems"]
    first = checked(project, "scene_graphs", "scene_graphs_like_previous")
    assert first == (True, {"compared_with": "no previous version"})

    # equal rows make no version
    make(project)
    assert checked(project, "scene_graphs", "scene_graphs_like_previous") == first

    before = project.store.version("scene_graphs")
    annotators(tmp_path, threshold=0.7)
    make(project)
    passed, metadata = checked(project, "scene_graphs", "scene_graphs_like_previous")
    assert not passed
    assert metadata["compared_with"] == f"version {before}"
    lines = metadata["distances"].splitlines()[2:]
    rows = {what: (distance, old, new) for what, distance, _, old, new in (line.split(" | ")[1:] for line in lines)}
    assert rows["objects per image"][0] == "1.0"
    assert rows["labels"] == ("0.5", "cup 50%, dog 50%", "dog 100% |")
    assert rows["scores"][0] == "0.5"
    assert metadata["plot"].startswith(f"![{SHARD}](data:image/png;base64,")
