"""Image sets and the models that look at them are registered, and what is out of date is seen to be."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from PIL import Image

from provision_dagster import runs
from provision_dagster.defs.automation import new_image_sets
from provision_dagster.defs.resources import FoldersResource
from provision_dagster.defs.stages import ANNOTATE, INGEST, PICTURES, REGISTER
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from provision_dagster.scene_graphs.annotators.settings import annotator_settings
from provision_dagster.storage.store import Store
from tests.scene_graphs.annotators.tiny_onnx import tiny_annotators

SHARD = "loose-00000"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An image set of one picture, with models."""
    # loaded once per process, with the folders that the environment names then
    runs.definitions.cache_clear()
    for setting, folder in (("DAGSTER_HOME", "home"), ("PROVISION_IMAGE_SETS", "sets"), ("PROVISION_DATA", "tables")):
        monkeypatch.setenv(setting, str(tmp_path / folder))
    for folder in ("pictures", "models", "sets"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (80, 60), "red").save(tmp_path / "pictures" / "one.png")
    file = tiny_annotators(tmp_path / "models")
    spec = f"name: loose\nreader: folder\npath: {tmp_path / 'pictures'}\nannotators: {file}\n"
    (tmp_path / "sets" / "loose.yaml").write_text(spec)
    yield tmp_path
    runs.definitions.cache_clear()


def raise_threshold(project: Path) -> None:
    tiny_annotators(project / "models", threshold=0.4)


def test_models_are_told_by_what_changes_results(tmp_path: Path) -> None:
    for folder in ("here", "there", "other"):
        (tmp_path / folder).mkdir()
    here, there = (annotator_settings({"a": load_annotators(tiny_annotators(tmp_path / f))}) for f in ("here", "there"))
    assert here.equals(there)
    assert here["table"].to_list() == ["detections", "depth_maps", "scene_graphs"]
    assert here["kind"].to_list() == ["yolox-onnx", "depth-onnx", "human-first"]
    assert here["files"].list.eval(pl.element().struct.field("name")).to_list() == [
        ["yolox.onnx", "labels.txt"],
        ["depth.onnx"],
        [],
    ]
    changed = annotator_settings({"a": load_annotators(tiny_annotators(tmp_path / "other", threshold=0.5))})
    assert (changed["settings"] == here["settings"]).to_list() == [False, True, True]


def ask(cursor: str | None, store: dg.DagsterInstance) -> tuple[bool, str | None]:
    """Evaluate the sensor: whether it wants a run, and its new cursor."""
    context = dg.build_sensor_context(instance=store, cursor=cursor, resources={"folders": FoldersResource()})
    told = new_image_sets.evaluate_tick(context)
    return bool(told.run_requests), told.cursor


def test_the_sensor_sees_specs_and_files_of_annotators(project: Path) -> None:
    with dg.instance_for_test() as store:
        wanted, cursor = ask(None, store)
        assert wanted
        assert ask(cursor, store) == (False, cursor)
        raise_threshold(project)
        wanted, changed = ask(cursor, store)
        assert wanted
        assert changed != cursor
        # a file that is gone is a change too; the registration tells what is wrong with it
        (project / "models" / "annotators.yaml").unlink()
        assert ask(changed, store)[0]


@pytest.fixture
def store(project: Path) -> Iterator[dg.DagsterInstance]:
    with runs.instance() as opened:
        yield opened


def statuses(store: dg.DagsterInstance) -> dict[str, StaleStatus]:
    graph = runs.definitions().resolve_asset_graph()
    resolver = CachingStaleStatusResolver(store, graph, LoadingContextForTest(store))
    return {name: resolver.get_status(dg.AssetKey(name), SHARD) for name in ("images", *ANNOTATE)}


def test_what_models_made_is_out_of_date_when_their_file_changes(project: Path, store: dg.DagsterInstance) -> None:
    runs.register(store=store, report=lambda *told: None)
    for assets in (INGEST, PICTURES, ANNOTATE):
        runs.run(runs.Task(assets, SHARD, SHARD), store=store)
    assert set(statuses(store).values()) == {StaleStatus.FRESH}
    raise_threshold(project)
    runs.run(runs.Task(REGISTER), store=store)
    after = statuses(store)
    assert after["images"] == StaleStatus.FRESH
    assert after["detections"] == StaleStatus.STALE
    runs.run(runs.Task(ANNOTATE, SHARD, SHARD), store=store)
    assert set(statuses(store).values()) == {StaleStatus.FRESH}
    found = Store.from_env().scan("detections").collect()
    assert '"score_threshold":0.4' in found["config"].item()
