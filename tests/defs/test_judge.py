"""Judge scores as runs of Dagster: what is told, checked, done once and done without a model."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from provision_dagster.defs.judge import judge_scores, judge_scores_complete, judge_scores_is_sound
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.resources import FoldersResource, StoreResource
from provision_dagster.storage.store import Store
from tests.filters.judging import images, some_qa
from tests.scene_graphs.annotators import tiny_vlms

TABLE = "judge_scores"
KEYS = ("s-00000", "s-00001")


def stored(folder: Path) -> Store:
    """Two shards of the same pictures; of the second one, two questions."""
    store = Store(folder / "tables")
    store.create_all()
    for shard, questions in zip(KEYS, (some_qa(), some_qa()[3:5]), strict=True):
        shown = images(folder / "pictures").with_columns(shard=pl.lit(shard))
        store.write_partition("images", shown, key=shard)
        store.write_partition("qa_attribute", questions.with_columns(shard=pl.lit(shard)), key=shard)
    return store


def make(folder: Path, *, ok: bool = True) -> dg.ExecuteInProcessResult:
    """Judge both shards in one run."""
    assert SHARDS.name is not None
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(SHARDS.name, list(KEYS))
        done = dg.materialize(
            [judge_scores, judge_scores_is_sound, judge_scores_complete],
            instance=instance,
            tags={"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[1]},
            resources={
                "store": StoreResource(url=str(folder / "tables")),
                "folders": FoldersResource(filter_settings=str(folder / "filters.yaml")),
            },
            raise_on_error=False,
        )
    assert done.success == ok
    return done


def told(done: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event, *_) = done.asset_materializations_for_node(TABLE)
    return {name: value.value for name, value in event.metadata.items()}


def checks(done: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {one.check_name: one for one in done.get_asset_check_evaluations()}


def test_judge_scores_of_shards(tmp_path: Path) -> None:
    store = stored(tmp_path)
    # no judge: no rows, and that is sound
    done = make(tmp_path)
    assert store.scan(TABLE).collect().is_empty()
    assert told(done)["config"] == {}
    assert "histogram" not in told(done)
    assert all(one.passed for one in checks(done).values())

    tiny_vlms.llava(tmp_path / "llava")
    (tmp_path / "filters.yaml").write_text("judge: {kind: image-text-to-text, model: llava, device: cpu}\n")
    done = make(tmp_path)
    rows = store.scan(TABLE).collect()
    assert rows.group_by("shard").len().sort("shard").rows() == [(KEYS[0], 15), (KEYS[1], 4)]
    metadata, found = told(done), checks(done)
    assert metadata["histogram"].count("data:image/png;base64,") == 1
    assert metadata["prefix"].startswith("reused")
    assert metadata["threshold"] == 0.7
    assert metadata["hard"] == rows["p_yes"].is_between(0.5, 0.7, closed="left").mean()
    assert metadata["below_threshold"] == (rows["p_yes"] < 0.7).mean()
    assert "Reply with Yes or No" in metadata["config"]["prompt"]
    assert {name: one.metadata["rows"].value for name, one in found.items()} == dict.fromkeys(found, 19)
    assert set(found) == {f"{TABLE}_is_sound", f"{TABLE}_complete"}
    assert all(one.passed for one in found.values())

    # again: no new version
    version = store.version(TABLE)
    make(tmp_path)
    assert store.version(TABLE) == version

    # without the judge again: its rows are removed
    (tmp_path / "filters.yaml").unlink()
    assert all(one.passed for one in checks(make(tmp_path)).values())
    assert store.scan(TABLE).collect().is_empty()


def test_a_judge_that_is_not_there_fails_the_run_with_what_to_do(tmp_path: Path) -> None:
    stored(tmp_path)
    section = "{kind: image-text-to-text, model: gone, offline: true, device: cpu}"
    (tmp_path / "filters.yaml").write_text(f"judge: {section}\n")
    done = make(tmp_path, ok=False)
    (failure,) = [event for event in done.all_events if event.is_step_failure and event.step_key == TABLE]
    error = failure.step_failure_data.error
    assert error is not None
    assert "model `gone` cannot be loaded" in str(error.cause or error)
