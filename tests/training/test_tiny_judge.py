"""The judge that ships with the package, asked through the filter's own code about scenes that it has not seen."""

from pathlib import Path

import polars as pl
import pytest

from provision_dagster.samples import TINY_JUDGE
from provision_dagster.training.held_out import by_kind, judge_scores
from provision_dagster.training.judged_questions import JUDGED

SCENES = 25


@pytest.fixture(scope="module")
def judged() -> pl.DataFrame:
    return judge_scores(TINY_JUDGE, scenes=SCENES, seed=2_000)


def test_true_answers_are_told_from_false_ones(judged: pl.DataFrame) -> None:
    assert judged.height > 10 * SCENES
    areas = by_kind(judged)
    assert set(areas) == {"all", *JUDGED}
    assert areas["all"] >= 0.95


def test_the_scores_are_probabilities_of_both_labels(judged: pl.DataFrame) -> None:
    assert judged["score"].is_between(0, 1).all()
    assert judged["label"].mean() == 0.5


def test_the_weights_are_small() -> None:
    (weights,) = TINY_JUDGE.glob("*.safetensors")
    assert weights.stat().st_size <= 2_000_000
    assert sum(file.stat().st_size for file in Path(TINY_JUDGE).iterdir()) <= 2_100_000
