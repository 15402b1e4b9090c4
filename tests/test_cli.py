"""The command line: help that tells all, messages that name what is wrong, exit codes."""

import json
from pathlib import Path

import polars as pl
import pytest

from tests.defs.project import Project

GRAPH = {
    "a": {
        "data_path": "a.jpg",
        "annotation": {
            "width": 100,
            "height": 100,
            "labels": ["cup", "table", "dog"],
            "bboxes": [[0, 0, 60, 60], [0, 55, 90, 90], [80, 0, 99, 20]],
            "attributes": [["red"], ["wooden"], ["brown"]],
            "relations": [[0, "on", 1]],
        },
    }
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "graphs.json").write_text(json.dumps(GRAPH))
    (tmp_path / "broken.json").write_text('{"a": ')
    (tmp_path / "words.json").write_text('{"countable": []}')
    (tmp_path / "file").write_text("")
    return Project(tmp_path)


@pytest.mark.parametrize(
    "command", ["generate", "ingest", "materialize", "render", "train-tiny", "demo", "home", "sql", "why", "verify"]
)
def test_help_explains_every_option(command: str, project: Project) -> None:
    text = project.run(command, "--help")
    options = [line for line in text.splitlines() if line.strip().startswith("--")]
    assert all(len(line.split("  ")) > 1 and line.split("  ")[-1].strip() for line in options)


def test_generate_writes_the_files_it_says(project: Project) -> None:
    project.run("generate", "graphs.json", "--format", "provision", "--out", "out", "--mode", "full")
    out = project.folder / "out"
    summary = json.loads((out / "summary.json").read_text())
    qa = pl.read_delta(str(out / "qa"))
    assert summary["images"] == 1
    assert summary["rows"] == qa.height == sum(summary["by_generator"].values()) > 5
    assert set(summary) >= {"images", "rows", "seconds", "qa_per_second", "by_generator"}
    funnel = pl.read_parquet(out / "funnel.parquet")
    assert funnel.filter(reason="kept")["count"].sum() == qa.height


def test_a_second_run_replaces_the_first(project: Project) -> None:
    options = ("--format", "provision", "--out", "out", "--mode", "full")
    project.run("generate", "graphs.json", *options)
    project.run("generate", "graphs.json", *options, "--generators", "ExistsObject")
    assert set(pl.read_delta(str(project.folder / "out" / "qa"))["generator"]) == {"ExistsObject"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("generate missing.json --format provision --out out", "missing.json"),
        ("generate broken.json --format provision --out out", "broken.json"),
        ("generate graphs.json --format coco --out out", "looks like"),
        ("generate graphs.json --format voc --out out", "'visual-genome', 'gqa', 'coco', 'provision'"),
        ("generate graphs.json --format provision", "Missing option '--out'"),
        ("generate graphs.json --format provision --out file", "`--out` must be a folder, got the file `file`"),
        (
            "generate graphs.json --format provision --out out --generators Exists",
            "unknown generator `Exists`; allowed: ",
        ),
        ("generate graphs.json --format provision --out out --rules loose", "'strict', 'paper'"),
        ("generate graphs.json --format provision --out out --mode all", "'sampled', 'full'"),
        (
            "generate graphs.json --format provision --out out --per-generator 0",
            "'--per-generator': Input should be greater than or equal to 1",
        ),
        (
            "generate graphs.json --format provision --out out --seed -1",
            "'--seed': Input should be greater than or equal to 0",
        ),
        (
            "generate graphs.json --format provision --out out --workers 0",
            "'--workers': Input should be greater than or equal to 1",
        ),
        (
            "generate graphs.json --format provision --out out --images nowhere",
            "`--images` must be a folder, got `nowhere`",
        ),
        (
            "generate graphs.json --format provision --out out --vocabulary words.json",
            "unknown field `countable`; allowed: ",
        ),
        ("generate graphs.json --format provision --out out --vocabulary no.json", "no.json"),
        ("generate graphs.json --format provision --out out --lexicon nowhere", "lexicon folder `nowhere`"),
        ("generate graphs.json --format provision --out out --templates no.yaml", "no.yaml"),
        ("ingest nowhere", "`nowhere` does not exist; give a folder, a file list, a tar or annotations"),
        ("ingest graphs.json --format provision --name A/B", "field `name`"),
        (
            "ingest graphs.json --format provision --shard-size 5",
            "'--shard-size': Input should be greater than or equal to 10",
        ),
        ("ingest graphs.json --reader annotations", "field `annotations_format` is required"),
        ("ingest graphs.json --format coco", "looks like"),
        ("materialize", "no shard is registered: run `provision ingest` first"),
        ("render --out out --n 0", "'--n': Input should be greater than or equal to 1"),
        ("render --out out --n 1 --width 5", "`width`"),
        ("render --out . --n 1", "`folder` must be empty or hold an earlier rendering"),
    ],
)
def test_errors_name_what_is_wrong(arguments: str, message: str, project: Project) -> None:
    text = " ".join(project.run(*arguments.split(), code=2).replace("│", " ").split())
    assert message in text
    assert "Traceback" not in text


def test_materialize_names_the_shards_there_are(project: Project) -> None:
    project.run("ingest", "graphs.json", "--format", "provision", "--name", "tiny")
    text = " ".join(project.run("materialize", "--shard", "tiny-00009", code=2).split())
    assert "unknown shard tiny-00009; registered: tiny-00000" in text
    text = " ".join(project.run("materialize", "--image-set", "huge", code=2).split())
    assert "unknown image set huge; registered: tiny" in text
    text = " ".join(project.run("materialize", "--recipe", "cake", code=2).split())
    assert "no recipe `cake`; there are: foundation" in text


def test_an_image_set_that_turns_unreadable_is_told_and_the_others_go_on(project: Project) -> None:
    project.run("ingest", "graphs.json", "--format", "provision", "--name", "one")
    (project.folder / "image_sets" / "bad.yaml").write_text("name: bad\nreader: folder\npath: nowhere\n")
    (project.folder / "pictures").mkdir()
    (project.folder / "pictures" / "notes.txt").write_text("not a picture")
    project.run("ingest", "pictures", "--name", "two")
    table = project.rows("image_sets").sort("image_set")
    assert table["image_set"].to_list() == ["bad", "one", "two"]
    assert table["error"].is_not_null().to_list() == [True, False, False]
