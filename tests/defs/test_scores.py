"""Scores of regions as runs of a real Dagster instance: what is told, checked, done once and done without a model."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from provision_dagster import runs
from tests.defs.project import Project
from tests.defs.test_quality import materialized
from tests.filters.pictured import stored
from tests.scene_graphs.annotators import tiny_clip

SHARDS = ("s-00000", "s-00001")
TABLE = "region_text_scores"

SCORE = """
import sys
from pathlib import Path
from tests.defs.project import Project
from tests.defs.test_scores import make

make(Project(Path(sys.argv[1])), *sys.argv[2:])
"""


def make(project: Project, first: str, last: str) -> None:
    """Score shards in one run."""
    with project.here() as opened:
        opened.add_dynamic_partitions("shard", list(SHARDS))
        runs.run(runs.Task(("score_settings",)), store=opened)
        runs.run(runs.Task((TABLE,), first, last), store=opened)


def checked(project: Project, name: str) -> dg.AssetCheckEvaluation:
    """The last result of a check."""
    key = dg.AssetCheckKey(dg.AssetKey(TABLE), name)
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=50)
        events = [record.event.dagster_event for record in records if record.event is not None]
    # of a run over several shards one result tells of all; the others stay planned
    evaluated = (event for event in events if event is not None and event.event_type_value == "ASSET_CHECK_EVALUATION")
    return next(evaluated).asset_check_evaluation_data


@pytest.mark.slow
def test_scores_of_shards(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    for n, shard in enumerate(SHARDS):
        stored(project.folder, shard=shard, first=3 * n)
    # no model: nothing is scored, and that is sound
    make(project, *SHARDS)
    assert project.rows(TABLE).is_empty()
    assert materialized(project, TABLE)["config"] == {}
    assert checked(project, f"{TABLE}_is_sound").passed

    tiny_clip.clip(tmp_path / "clip")
    settings = "device: cpu, generators: [SameObjectSeg]"
    (project.folder / "filters.yaml").write_text(
        f"min_region_text_cosine: 0.3\nregion_text: {{model: {tmp_path / 'clip'}, {settings}}}\n"
    )
    # in a process of its own: what comes after can know the scores from the table alone
    command = [sys.executable, "-c", SCORE, project.folder, *SHARDS]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True)
    scores = project.rows(TABLE)
    assert scores.group_by("shard").len().sort("shard").rows() == [(shard, 24) for shard in SHARDS]
    told = materialized(project, TABLE)
    assert told["histogram"].count("data:image/png;base64,") == 1
    assert told["threshold"] == 0.3
    below = scores.filter(shard=SHARDS[1])["cosine"] < 0.3
    assert told["below_threshold"] in (below.sum(), (scores["cosine"] < 0.3).sum())
    assert told["regions_encoded"] == 24
    assert "a photo of a {}" in told["config"]["prompt"]
    assert checked(project, f"{TABLE}_complete").passed
    sound = checked(project, f"{TABLE}_is_sound")
    assert (sound.passed, sound.metadata["rows"].value) == (True, 48)

    # again: no new version, nothing encoded
    version = project.store.version(TABLE)
    make(project, SHARDS[0], SHARDS[0])
    assert project.store.version(TABLE) == version
    assert materialized(project, TABLE)["regions_encoded"] == 0

    # a picture that cannot be opened
    (project.folder / "pictures" / "0.png").write_bytes(b"")
    project.store.write_partition(TABLE, scores.clear(), key=SHARDS[0])
    make(project, SHARDS[0], SHARDS[0])
    last = checked(project, f"{TABLE}_complete")
    assert not last.passed
    assert last.severity == dg.AssetCheckSeverity.WARN
    assert last.metadata["broken_rows"].value == 8
    assert project.rows(TABLE).filter(pl.col("error").is_not_null())["image_id"].unique().to_list() == ["i0"]

    # a model that is not there: one message
    (project.folder / "filters.yaml").write_text("region_text: {model: gone, device: cpu}\n")
    with pytest.raises(runs.RunFailedError, match="region_text: open_clip has no model `gone`"):
        make(project, *SHARDS)
