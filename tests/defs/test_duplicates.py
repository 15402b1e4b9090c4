"""Duplicates and contamination as runs of a real Dagster instance: planted copies and a benchmark are found."""

import json
import shutil
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from PIL import Image

from provision_dagster import runs
from provision_dagster.defs import stages
from provision_dagster.samples.rendering import render_scenes
from tests.defs.project import Project

pytestmark = pytest.mark.slow


def make(project: Project, *names: str) -> None:
    """Run stages of both shards."""
    with project.here() as opened:
        for name in names:
            shards = [None] if name in ("REGISTER", "ACROSS_SHARDS") else ["scenes-00000", "second-00000"]
            for key in shards:
                runs.run(runs.Task(getattr(stages, name), key, key), store=opened)


def second_set(first: Path, folder: Path) -> Path:
    """An image set with two pictures of another, one as it is and one coded anew, and one of its own."""
    own = render_scenes(folder / "own", n=1, seed=77, width=320, height=240)
    (folder / "images").mkdir()
    shutil.copy(first.parent / "images" / "000000.png", folder / "images" / "000000.png")
    Image.open(first.parent / "images" / "000001.png").convert("RGB").save(folder / "images" / "000001.jpg", quality=80)
    shutil.copy(own.parent / "images" / "000000.png", folder / "images" / "000002.png")
    entries = [*list(json.loads(first.read_text()).values())[:2], *json.loads(own.read_text()).values()]
    files = ("images/000000.png", "images/000001.jpg", "images/000002.png")
    chosen = {file[7:13]: entry | {"data_path": file} for file, entry in zip(files, entries, strict=True)}
    (folder / "scene_graphs.json").write_text(json.dumps(chosen))
    return folder / "scene_graphs.json"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two image sets, of which `second` repeats two pictures of `scenes`, and a benchmark with a picture of these."""
    scenes = render_scenes(tmp_path_factory.mktemp("scenes"), n=10, seed=5, width=320, height=240)
    again = second_set(scenes, tmp_path_factory.mktemp("again"))
    made = Project(tmp_path_factory.mktemp("project"))
    for name, file in (("scenes", scenes), ("second", again)):
        options = ("--format", "provision", "--images", file.parent / "images", "--name", name, "--shard-size", "10")
        made.run("ingest", file, *options)
    (made.folder / "benchmark").mkdir()
    shutil.copy(scenes.parent / "images" / "000007.png", made.folder / "benchmark")
    (made.folder / "benchmark" / "broken.png").write_bytes(b"no picture")
    (made.folder / "filters.yaml").write_text("benchmarks: [{name: held-out, images: benchmark}]\n")
    make(made, "PICTURES", "ACROSS_SHARDS", "GENERATE", "COMPARISONS", "FILTER")
    return made


def checked(project: Project, asset: str, name: str) -> list[tuple[bool, str]]:
    """Results of a check, the latest first: whether it passed, and its severity."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    with dg.DagsterInstance.from_config(str(project.folder / "dagster_home")) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=2)
        events = [record.event.dagster_event for record in records if record.event is not None]
    told = [event.asset_check_evaluation_data for event in events if event is not None]
    return [(one.passed, one.severity.value) for one in told]


def about(qa: pl.DataFrame, image: str) -> pl.DataFrame:
    return qa.filter(pl.col("image_ids").list.contains(image))


def test_pictures_of_another_image_set_are_found_and_nobody_asks_about_them(project: Project) -> None:
    images = project.rows("images").sort("image_set", "position")
    ids = {row["image_set"] + row["image_key"][-1]: row["image_id"] for row in images.iter_rows(named=True)}
    found = project.rows("duplicate_pictures").sort("id")
    assert found.select("shard", "id", "of", "of_shard", "method").sort("method").rows() == [
        ("second-00000", ids["scenes0"], ids["scenes0"], "scenes-00000", "exact"),
        ("second-00000", ids["second1"], ids["scenes1"], "scenes-00000", "phash"),
    ]
    assert project.rows("duplicates").filter(kind="picture").sort("id").equals(found)
    kept, gone = project.rows("filtered_qa"), project.rows("rejected_qa")
    copies = gone.filter(rule="near_duplicate", shard="second-00000")
    assert about(copies, ids["second0"]).height > 0
    assert about(copies, ids["second1"]).height > 0
    again = kept.filter(shard="second-00000")
    assert about(again, ids["second0"]).is_empty()
    assert about(again, ids["second1"]).is_empty()
    assert about(again, ids["second2"]).height > 0
    assert about(kept.filter(shard="scenes-00000"), ids["scenes0"]).height > 0
    assert checked(project, "duplicates", "duplicates_is_sound") == [(True, "ERROR")] * 2


def test_a_picture_of_the_benchmark_and_every_question_about_it_go(project: Project) -> None:
    images = project.rows("images").filter(image_set="scenes").sort("position")
    held_out = images["image_id"][7]
    found = project.rows("contamination").filter(kind="picture")
    assert found.select("id", "benchmark", "method", "score", "item").sort("method").rows() == [
        (held_out, "held-out", "phash", 1.0, "000007.png"),
        (held_out, "held-out", "sha256", 1.0, "000007.png"),
    ]
    kept, gone = project.rows("filtered_qa"), project.rows("rejected_qa")
    assert about(kept, held_out).is_empty()
    assert about(gone.filter(rule="contaminated"), held_out).height > 0
    items = project.rows("benchmark_items")
    assert items.filter(pl.col("error").is_not_null())["item"].to_list() == ["broken.png"]
    assert checked(project, "benchmark_items", "benchmark_items_readable") == [(False, "WARN")]
    assert checked(project, "contamination", "contamination_is_sound") == [(True, "ERROR")] * 2


def test_questions_of_a_benchmark_go_and_come_back_when_it_is_no_longer_named(project: Project) -> None:
    before = project.rows("filtered_qa").filter(shard="scenes-00000").sort("id")
    words = pl.col("question").str.count_matches(" ") + 1
    long, short = before.filter(words >= 16).row(0, named=True), before.filter(words == 9).row(0, named=True)
    settings, table = project.folder / "filters.yaml", project.folder / "asked.jsonl"
    table.write_text("".join(json.dumps({"q": row["question"]}) + "\n" for row in (long, short)))
    earlier = settings.read_text()
    settings.write_text("benchmarks: [{name: asked, questions: asked.jsonl, column: q}]\n")
    make(project, "REGISTER", "ACROSS_SHARDS", "COMPARISONS", "FILTER")
    found = project.rows("contamination").filter(shard="scenes-00000")
    assert found["benchmark"].unique().to_list() == ["asked"]
    assert dict(found.filter(pl.col("id").is_in([long["id"], short["id"]])).select("id", "item").iter_rows()) == {
        long["id"]: "1", short["id"]: "2"
    }  # fmt: skip
    gone = project.rows("rejected_qa").filter(rule="contaminated", shard="scenes-00000")
    assert {long["id"], short["id"]} <= set(gone["id"])
    settings.write_text(earlier)
    make(project, "REGISTER", "ACROSS_SHARDS", "COMPARISONS", "FILTER")
    assert project.rows("filtered_qa").filter(shard="scenes-00000").sort("id").equals(before)


def test_an_unreadable_benchmark_is_named(project: Project) -> None:
    settings = project.folder / "filters.yaml"
    earlier = settings.read_text()
    settings.write_text("benchmarks: [{name: lost, questions: nowhere.json}]\n")
    try:
        with pytest.raises(runs.RunFailedError) as raised:
            make(project, "ACROSS_SHARDS")
    finally:
        settings.write_text(earlier)
    assert "field `questions`: expected a file of questions at" in str(raised.value)
    assert "nowhere.json" in str(raised.value)
