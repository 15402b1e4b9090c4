"""lmms-eval and VLMEvalKit read a held-out set, each in an environment of its own.

They want other versions of packages than this project: where an interpreter has them, its path is in
PROVISION_LMMS_EVAL or PROVISION_VLMEVALKIT, and the test is run; elsewhere it says so.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.export import export_held_out
from tests.mixes.held_out.test_export import CONFIG, sample_of

LOADERS = Path(__file__).parent / "loaders"


def _run(setting: str, script: str, *arguments: str, folder: Path, **environment: str) -> dict[str, Any]:
    python = os.environ.get(setting)
    if not python:
        pytest.xfail(f"{setting} names no interpreter that has the loader")
    offline = {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        [python, str(LOADERS / script), *arguments],
        cwd=folder,
        env=kept | offline | {"HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return found


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, Path]:
    questions, images = sample_of(tmp_path_factory.mktemp("pictures"))
    folder = tmp_path_factory.mktemp("held_out")
    export_held_out(questions, folder, images=images.lazy(), config=HeldOutConfig(name=CONFIG.name))
    return questions.filter(pl.col("options").list.len() > 0), folder


def _same(seen: list[dict[str, Any]], questions: pl.DataFrame, *, mark: str) -> None:
    """Every question once, with its text, options and pictures."""
    by_id = {row["id"]: row for row in questions.iter_rows(named=True)}
    assert sorted(one["id"] for one in seen) == sorted(by_id)
    for one in seen:
        row = by_id[one["id"]]
        assert row["question"] in one["prompt"]
        for letter, option in zip("ABCDE", row["options"], strict=False):
            assert f"{letter}{mark}{option}" in one["prompt"]
        assert one["pictures"] == [[96, 64]] * len(row["image_ids"])


def test_lmms_eval_reads_and_scores_it(exported: tuple[pl.DataFrame, Path]) -> None:
    questions, folder = exported
    found = _run("PROVISION_LMMS_EVAL", "read_with_lmms_eval.py", "test_set", folder=folder)
    for kind in ("2D", "3D", "multi"):
        task = f"test_set_{kind.lower()}"
        rows = questions.filter(type=kind)
        _same(found["seen"][task], rows, mark=". ")
        wanted = {"accuracy", *(f"accuracy_{name}" for name in rows["task"].unique())}
        assert {name: found["scores"][task][name] for name in wanted} == dict.fromkeys(wanted, 1.0)


def test_vlmevalkit_reads_and_scores_it(exported: tuple[pl.DataFrame, Path]) -> None:
    questions, folder = exported
    names = [f"test_set_{kind}" for kind in ("2d", "3d", "multi")]
    data = str(folder / "vlmevalkit")
    found = _run("PROVISION_VLMEVALKIT", "read_with_vlmevalkit.py", str(folder), *names, folder=folder, LMUData=data)
    for name, kind in zip(names, ("2D", "3D", "multi"), strict=True):
        rows = questions.filter(type=kind)
        assert found[name]["class"] == "CustomMCQDataset"
        _same(found[name]["seen"], rows, mark=". ")
        assert found[name]["scores"]["Overall"] == 1.0
        assert {found[name]["scores"][task] for task in rows["task"].unique()} == {1.0}
