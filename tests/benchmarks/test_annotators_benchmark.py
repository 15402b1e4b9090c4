"""The benchmarks of annotators run, with tiny models, and say what they measured; no test asserts a time."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import annotators  # noqa: E402
import bench_cases  # noqa: E402
import gpu_annotators  # noqa: E402

pytestmark = pytest.mark.slow


def here(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Measure in this process: a new one would import everything again."""
    return function(*args, **kwargs)


def rows(file: Path, first: str) -> dict[str, list[str]]:
    """Rows of the table whose first column has this name, by their first cell."""
    lines = [line.strip("| ").split(" | ") for line in file.read_text().splitlines() if line.startswith("| ")]
    start = next(number for number, line in enumerate(lines) if line[0] == first)
    found = {}
    for line in lines[start + 2 :]:
        if len(line) < len(lines[start]) - 1:
            break
        found[line[0]] = line
    return found


@pytest.fixture(autouse=True)
def measured_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for script in (annotators, gpu_annotators):
        monkeypatch.setattr(script, "fresh", here)


def run(script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *options: str) -> Path:
    file = tmp_path / "figures.md"
    places = ["--photographs", tmp_path / "none", "--made", tmp_path / "models", "--write", file]
    few = ["--seconds", "0.05", "--repeat", "1", "--most", "8"]
    monkeypatch.setattr(sys, "argv", [script.__name__, *options, *few, *map(str, places)])
    script.main()
    assert str(tmp_path) not in file.read_text()
    return file


def test_the_script_for_a_gpu_runs_but_for_the_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = run(gpu_annotators, monkeypatch, tmp_path, "--tiny")
    found = rows(file, "annotator")
    assert set(found) == {case.name for case in bench_cases.cases("tiny")}
    assert "failed" not in " ".join(cell for row in found.values() for cell in row)
    assert all(float(row[column].replace(",", "")) > 0 for row in found.values() for column in (3, 4, 6))
    halved = file.read_text().split("## Memory of the device runs out")[1]
    cells = next(line for line in halved.splitlines() if line.startswith("| depth_anything")).strip("| ").split(" | ")
    assert cells[1:5] == ["32", "8", "128", "0"]


@pytest.mark.shared
def test_onnx_models_and_feeding(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotators, "MILLISECONDS", (0, 4))
    models = str(shared / "models")
    file = run(annotators, monkeypatch, tmp_path, "--only", "yolox", "meter", "feeding", "--models", models)
    text = file.read_text()
    assert set(rows(file, "annotator")) == {"yolox", "meter"}
    assert [
        line.split(" | ")[0] for line in text.split("## Feeding a device")[1].splitlines() if line[:3] in ("| 0", "| 4")
    ] == ["| 0", "| 4"]
    assert "failed" not in text


def test_models_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    chosen = bench_cases.prepare_models(bench_cases.onnx_cases(), tmp_path, "tiny", given=None)
    assert chosen == []


def test_unknown_names_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["annotators", "--only", "yolo"])
    with pytest.raises(SystemExit, match="unknown: yolo; known: yolox, meter, grounding_dino"):
        annotators.main()
