"""`provision audit`: what it writes, what it prints, how it ends."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from provision_dagster.cli import app
from provision_dagster.errors import InputError
from provision_dagster.generators.audit.files import AuditRequest, audit_files, scan_qa
from provision_dagster.generators.audit.frame import audit_frame, fitted
from provision_dagster.generators.audit.report import FINDINGS, MOST_EXAMPLES
from provision_dagster.generators.schema import RAW_QA
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.pipeline import Request, generate_files
from provision_dagster.samples.rendering import render_scenes
from tests.generators.audit.rows import qa, table
from tests.generators.scenes import graphs, lexicon, scene

RUN = CliRunner()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions of rendered scenes, in shards of 10."""
    folder = tmp_path_factory.mktemp("made")
    render_scenes(folder, n=25, seed=2, width=160, height=120)
    fields = {
        "name": "t",
        "reader": "annotations",
        "annotations": folder / "scene_graphs.json",
        "annotations_format": "provision",
        "images": folder / "images",
        "depth": folder / "depth_masks",
        "shard_size": 10,
    }
    generate_files(Request(spec=parse_spec(fields, source="test"), out=folder / "out"))
    return folder


def command(folder: Path, *more: str) -> list[str]:
    return [
        "audit", str(folder / "out"), "--annotations", str(folder / "scene_graphs.json"), "--format", "provision",
        "--images", str(folder / "images"), "--depth", str(folder / "depth_masks"), *more,
    ]  # fmt: skip


def test_right_questions_end_with_0(made: Path, tmp_path: Path) -> None:
    done = RUN.invoke(app, command(made, "--out", str(tmp_path)))
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "audit.json").read_text())
    rows = scan_qa(made / "out").collect()
    assert report["totals"]["checked"] == rows.height
    assert report["totals"]["wrong"] == report["totals"]["ambiguous"] == 0
    per_generator = dict(rows.group_by("generator").len().iter_rows())
    assert {name: found["checked"] for name, found in report["generators"].items()} == per_generator
    wanted = {"checked", "wrong", "ambiguous", "leaking", "ungrammatical", "blind_accuracy", "blind_solver", "chance"}
    assert all(wanted <= set(found) for found in report["generators"].values())
    assert pl.read_parquet(tmp_path / "audit_findings.parquet").schema == pl.Schema(FINDINGS)


def test_the_report_does_not_depend_on_workers(made: Path, tmp_path: Path) -> None:
    for workers in ("1", "2"):
        RUN.invoke(app, command(made, "--out", str(tmp_path / workers), "--workers", workers))
    one, two = ((tmp_path / w / "audit.json").read_text() for w in ("1", "2"))
    assert one == two


def test_wrong_questions_end_with_1(made: Path, tmp_path: Path) -> None:
    rows = fitted(scan_qa(made / "out").collect(), source="t")
    counts = pl.col("generator") == "ExistsObject"
    spoilt = rows.with_columns(answer=pl.when(counts).then(pl.lit("99")).otherwise("answer"))
    spoilt.write_parquet(tmp_path / "qa.parquet")
    arguments = command(made, "--out", str(tmp_path))
    done = RUN.invoke(app, ["audit", str(tmp_path / "qa.parquet"), *arguments[2:]])
    assert done.exit_code == 1, done.output
    assert "count_differs" in done.output
    report = json.loads((tmp_path / "audit.json").read_text())
    assert report["generators"]["ExistsObject"]["wrong"] == rows.filter(counts).height
    found = pl.read_parquet(tmp_path / "audit_findings.parquet")
    kept = found.group_by("generator", "verdict", "reason").len()["len"].max()
    assert 1 <= kept <= MOST_EXAMPLES  # type: ignore[operator]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qa": Path("nowhere")}, "nowhere"),
        ({"templates": (Path("nowhere.yaml"),)}, "not a readable template file"),
        ({"lexicon": Path("nowhere")}, "nowhere"),
        ({"vocabulary": Path("nowhere")}, "nowhere"),
    ],
)
def test_bad_input_is_named(made: Path, tmp_path: Path, change: dict[str, Path], message: str) -> None:
    fields = {
        "name": "t",
        "reader": "annotations",
        "annotations": made / "scene_graphs.json",
        "annotations_format": "provision",
    }
    given = {"qa": made / "out", "spec": parse_spec(fields, source="test"), "out": tmp_path, **change}
    with pytest.raises(InputError, match=message):
        audit_files(AuditRequest(**given))  # type: ignore[arg-type]


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="missing column `shard`"):
        audit_frame(pl.DataFrame({"a": [1]}), graphs(), lexicon=lexicon())
    street = scene("street", [("car", (0, 60, 20, 80), [])])
    rows = table(qa("ExistsObject", street, {"plural": "cars"}, answer="1"))
    with pytest.raises(InputError, match="no table of QAs"):
        fitted(rows.with_columns(answer_index=pl.lit("x")), source="`qa`")


def test_rows_that_cannot_be_read_are_wrong() -> None:
    street = scene("street", [("car", (0, 60, 20, 80), [])])
    good = qa("ExistsObject", street, {"plural": "cars"}, answer="1", rests_on=[0], objects=["car"], counts=[1])
    rows = [
        {**good, "generator": "NoSuchGenerator"},
        {**good, "question": "What is this?"},
        {**good, "question": None},
        {**good, "template": "ExistsObject/999"},
        {**good, "image_ids": []},
        {**good, "image_ids": ["x"]},
        {**good, "image_ids": good["image_ids"] * 2},
        {**good, "evidence": None},
    ]
    report = audit_frame(table(good, *rows), graphs(street), lexicon=lexicon())
    assert report.total("wrong") == len(rows)
    assert report.checked.total() == len(rows) + 1
    assert set(RAW_QA) == set(table().columns)
