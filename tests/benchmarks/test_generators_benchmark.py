"""The benchmark runs and says what it measured; no test asserts a time."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import bench_report  # noqa: E402
from bench_data import Data  # noqa: E402


def test_markdown_replaces_its_own_section_alone(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text("# Benchmarks\n\nAbout.\n\n## Targets\n\nold\n\n### Part\n\nold\n\n## Profile\n\nStays.\n")
    table = bench_report.Table("Targets", ("<work", "QA"), rows=[("all", "1,000")], notes=["A note."])
    bench_report.write(file, [table], about=[("command", "`python x`")])
    assert file.read_text() == (
        "# Benchmarks\n\nAbout.\n\n## Targets\n\n- command: `python x`\n\n"
        "| work | QA |\n| :-- | --: |\n| all | 1,000 |\n"
        "\nA note.\n\n## Profile\n\nStays.\n"
    )
    bench_report.write(file, [bench_report.Table("Scaling", ("<mode",), rows=[("full",)])], about=[])
    assert [line for line in file.read_text().splitlines() if line.startswith("#")] == [
        "# Benchmarks",
        "## Targets",
        "## Profile",
        "## Scaling",
    ]


@pytest.mark.shared
def test_shards_hold_each_image_once_and_the_first_are_always_the_same(shared: Path, tmp_path: Path) -> None:
    data = Data(shared / "bench", tmp_path)
    few, many = data.plain(1_000, size=500), data.plain(7_300)
    assert [s.images for s in few] == [500, 500]
    assert [s.images for s in many] == [5_000, 2_300]
    data.make(few, workers=1)
    keys = [key for shard in few for key in shard.read()["image_key"]]
    assert keys == [f"img_{i:06d}" for i in range(1_000)]
    assert many[0].slices[0].path == few[0].slices[0].path


@pytest.mark.shared
@pytest.mark.slow
def test_quick_run_fills_every_row(shared: Path, tmp_path: Path) -> None:
    file = tmp_path / "figures.md"
    places = ["--bench", shared / "bench", "--cache", tmp_path / "cache", "--scratch", tmp_path, "--write", file]
    options = ["--quick", "--images", "50", "--only", "generators", "evidence"]
    command = [sys.executable, BENCHMARKS / "generators.py", *options, *places]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    text = file.read_text()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    found = {row[0]: row for row in rows}
    questions = rows[0].index("QA")
    assert int(found["13 without masks and scene-graph QA"][questions].replace(",", "")) > 5_000
    assert int(found["qa_depth"][questions]) > 0
    assert "pixel evidence" in text
    assert "failed" not in text
    assert str(tmp_path) not in text
