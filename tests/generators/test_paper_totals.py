"""Under paper rules the candidate totals equal those of the reference on the published-here benchmark."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provision_dagster.generators.generate import Settings
from provision_dagster.generators.registry import all_generators
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.pipeline import Request, generate_files


@pytest.mark.shared
@pytest.mark.slow
def test_totals_equal_those_of_the_reference(shared: Path, tmp_path: Path) -> None:
    bench = shared / "bench"
    script = [sys.executable, bench / "make_scene_graphs.py", "--n", "1000", "--n-masks", "0", "--seed", "7"]
    subprocess.run([*script, "--out", tmp_path / "data"], check=True, capture_output=True)
    fields = {
        "name": "bench",
        "reader": "annotations",
        "annotations": tmp_path / "data" / "scene_graphs_1000.json",
        "annotations_format": "provision",
    }
    request = Request(
        spec=parse_spec(fields, source="test"),
        out=tmp_path,
        settings=Settings(rules="paper", mode="full"),
        vocabulary=bench / "vocabulary.json",
    )
    found = generate_files(request)["by_generator"]
    expected = json.loads((bench / "expected_totals.json").read_text())["generators"]
    compared = {name: expected[name]["qa"] for name in all_generators() if name in expected}
    assert {name: count for name, count in found.items() if name in compared} == compared
