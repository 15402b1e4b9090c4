"""lmms-eval and VLMEvalKit read and score a held-out set, each in an environment of its own.

They want packages that this project does without: `make loaders` installs them beside the environment that runs the
tests. PROVISION_LMMS_EVAL and PROVISION_VLMEVALKIT name other interpreters.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.image_sets.decode import open_image
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.export import export_held_out
from tests.mixes.held_out.test_export import CONFIG, sample_of

SCRIPTS = Path(__file__).parent / "loaders"
KINDS = ("2D", "3D", "multi")


def _python(name: str, setting: str) -> str:
    """Interpreter that has the loader."""
    made = Path(sys.prefix) / "loaders" / name
    python = os.environ.get(setting) or (str(made / "bin" / "python") if (made / ".installed").exists() else None)
    if python is None:
        pytest.skip(f"{name} is not installed: run `make loaders`, or name an interpreter that has it in {setting}")
    return python


def _run(python: str, script: str, *arguments: str, folder: Path, **environment: str) -> dict[str, Any]:
    offline = {"HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        [python, str(SCRIPTS / script), *arguments],
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
    """Questions whose answer is A for every other one, their pictures as `pixels`, and where they are exported to."""
    questions, images = sample_of(tmp_path_factory.mktemp("pictures"))
    turned = pl.int_range(pl.len()) % 2 == 0
    choice = questions.filter(pl.col("options").list.len() > 0).with_columns(
        answer_index=pl.when(turned).then(pl.lit(0, questions.schema["answer_index"])).otherwise("answer_index")
    )
    folder = tmp_path_factory.mktemp("held_out")
    export_held_out(choice, folder, images=images.lazy(), config=HeldOutConfig(name=CONFIG.name))
    return _with_pixels(choice, images), folder


def _with_pixels(questions: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
    pixels = {
        row["image_id"]: hashlib.sha256(open_image(row["uri"], row["member"]).tobytes()).hexdigest()
        for row in images.iter_rows(named=True)
    }
    assert len(set(pixels.values())) == images.height
    return questions.with_columns(pixels=pl.col("image_ids").list.eval(pl.element().replace_strict(pixels)))


def _same(seen: list[dict[str, Any]], questions: pl.DataFrame) -> None:
    """Every question once, with its text, options and pictures."""
    by_id = {row["id"]: row for row in questions.iter_rows(named=True)}
    assert sorted(one["id"] for one in seen) == sorted(by_id)
    for one in seen:
        row = by_id[one["id"]]
        assert row["question"] in one["prompt"]
        for letter, option in zip("ABCDE", row["options"], strict=False):
            assert f"\n{letter}. {option}\n" in one["prompt"]
        assert one["pictures"] == row["pixels"]


def _share_of_a(questions: pl.DataFrame) -> dict[str | None, float]:
    """What answering A gets right: of all questions (None), and of those of each task."""
    right = pl.col("answer_index") == 0
    by_task = dict(questions.group_by("task").agg(right.mean()).rows())
    return {None: questions.select(right.mean()).item()} | by_task


def test_lmms_eval_reads_and_scores_it(exported: tuple[pl.DataFrame, Path]) -> None:
    questions, folder = exported
    python = _python("lmms_eval", "PROVISION_LMMS_EVAL")
    found = _run(python, "read_with_lmms_eval.py", "test_set", folder=folder)
    for kind in KINDS:
        name, rows = f"test_set_{kind.lower()}", questions.filter(type=kind)
        _same(found["seen"][name], rows)
        for task, share in _share_of_a(rows).items():
            metric = f"accuracy_{task}" if task else "accuracy"
            assert found["right"][name][metric] == 1
            assert found["always_a"][name][metric] == pytest.approx(share)


def test_vlmevalkit_reads_and_scores_it(exported: tuple[pl.DataFrame, Path]) -> None:
    questions, folder = exported
    python = _python("vlmevalkit", "PROVISION_VLMEVALKIT")
    names = {kind: f"test_set_{kind.lower()}" for kind in KINDS}
    data = str(folder / "vlmevalkit")
    found = _run(python, "read_with_vlmevalkit.py", *names.values(), folder=folder, LMUData=data)
    for kind, name in names.items():
        rows = questions.filter(type=kind)
        assert found[name]["class"] == "CustomMCQDataset"
        _same(found[name]["seen"], rows)
        for task, share in _share_of_a(rows).items():
            assert found[name]["right"][task or "Overall"] == 1
            assert found[name]["always_a"][task or "Overall"] == pytest.approx(share)
