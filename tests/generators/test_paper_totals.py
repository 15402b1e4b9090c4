"""Under paper rules the candidate totals equal those of the reference on the published-here benchmark."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from provision_dagster.generators.generate import Settings
from provision_dagster.generators.registry import all_generators
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.pipeline import Request, generate_files

FROM_PIXELS = ("qa_depth", "qa_object_depth")
RANDOM = ("qa_segmentation",)
"""The reference's totals depend on its random search for points."""


def totals(bench: Path, folder: Path, *, images: int, masks: int, families: Sequence[str]) -> dict[str, int]:
    """Make the benchmark's first images, `masks` of them with depth and masks, and count the questions."""
    options = {"--n": images, "--n-masks": masks, "--seed": 7, "--out": folder / "data"}
    words = [str(word) for option in options.items() for word in option]
    subprocess.run([sys.executable, str(bench / "make_scene_graphs.py"), *words], check=True, capture_output=True)
    fields = {
        "name": "bench",
        "reader": "annotations",
        "annotations": folder / "data" / f"scene_graphs_{images}.json",
        "annotations_format": "provision",
        **({"depth": folder / "data" / "depth", "masks": folder / "data" / "masks"} if masks else {}),
    }
    request = Request(
        spec=parse_spec(fields, source="test"),
        out=folder,
        settings=Settings(rules="paper", mode="full"),
        generators=tuple(families),
        vocabulary=bench / "vocabulary.json",
    )
    found: dict[str, int] = generate_files(request)["by_generator"]
    return found


def expected_of(bench: Path, families: Sequence[str]) -> dict[str, int]:
    """Totals of the reference; it has no more generators than these."""
    totals = json.loads((bench / "expected_totals.json").read_text())["generators"]
    chosen = {name for name, generator in all_generators().items() if generator.family in families}
    return {name: total["qa"] for name, total in totals.items() if name in chosen}


@pytest.mark.shared
@pytest.mark.slow
def test_totals_equal_those_of_the_reference(shared: Path, tmp_path: Path) -> None:
    bench = shared / "bench"
    families = sorted({g.family for g in all_generators().values()} - {*FROM_PIXELS, *RANDOM})
    found = totals(bench, tmp_path, images=1000, masks=0, families=families)
    expected = expected_of(bench, families)
    assert {name: count for name, count in found.items() if name in expected} == expected


@pytest.mark.shared
@pytest.mark.slow
def test_totals_from_pixels_equal_those_of_the_reference(shared: Path, tmp_path: Path) -> None:
    """Only the first 200 images have pixels, and they are the same whatever the number of images."""
    bench, families = shared / "bench", list(FROM_PIXELS)
    try:
        found = totals(bench, tmp_path, images=200, masks=200, families=families)
    finally:
        for mask in (tmp_path / "data" / "masks").glob("*"):
            mask.unlink()  # a gigabyte in all
    assert found == expected_of(bench, families)
    assert len(found) == 6
