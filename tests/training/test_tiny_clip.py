"""The CLIP that ships with the package, asked through the filter's own code about scenes that it has not seen."""

from pathlib import Path

import polars as pl
import pytest

from provision_dagster.samples import TINY_CLIP
from provision_dagster.training.held_out import by_kind, clip_scores

SCENES = 100


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    return clip_scores(TINY_CLIP, scenes=SCENES, seed=2_000)


def test_true_expressions_are_told_from_corrupted_ones(scored: pl.DataFrame) -> None:
    assert scored.height > 10 * SCENES
    areas = by_kind(scored)
    assert areas["all"] >= 0.95
    assert areas["label"] >= 0.95
    assert areas["color"] >= 0.95


def test_the_scores_are_cosines_of_both_labels(scored: pl.DataFrame) -> None:
    assert scored["score"].abs().max() <= 1  # type: ignore[operator]
    assert scored["label"].mean() == 0.5


def test_the_weights_are_small() -> None:
    (weights,) = TINY_CLIP.glob("*.safetensors")
    assert weights.stat().st_size <= 1_500_000
    assert sum(file.stat().st_size for file in Path(TINY_CLIP).iterdir()) <= 1_600_000
