"""Scenes to learn from are others than those that anything else renders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.errors import InputError
from provision_dagster.samples.rendering import render_scene
from provision_dagster.samples.rendering.raster import Raster
from provision_dagster.training.scenes import TRAINING_SEEDS, batches, training_scenes


def pixels(raster: Raster) -> bytes:
    return raster.image.tobytes()


def test_no_scene_to_learn_from_is_one_to_judge_by() -> None:
    learned = training_scenes(pixels, n=5, seed=7)
    judged = [pixels(render_scene(index, seed=7)) for index in range(5)]
    assert not set(learned) & set(judged)
    assert learned == training_scenes(pixels, n=5, seed=7)
    assert learned[:2] == training_scenes(pixels, n=2, seed=7)


@pytest.mark.parametrize("seed", [-1, TRAINING_SEEDS])
def test_seeds_that_would_meet_others_are_refused(seed: int) -> None:
    with pytest.raises(InputError, match=r"`seed` must be 0 .. 2\*\*40 - 1, got"):
        training_scenes(pixels, n=1, seed=seed)


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 30), st.integers(0, 5))
def test_each_sample_comes_once_before_any_comes_again(count: int, size: int, steps: int, seed: int) -> None:
    drawn = list(batches(count, size=size, steps=steps, seed=seed))
    assert [len(order) for order, _ in drawn] == [size] * steps
    assert all(mirrored.shape == (size,) for _, mirrored in drawn)
    order = np.concatenate([order for order, _ in drawn])
    for at in range(0, len(order) - count + 1, count):
        assert sorted(order[at : at + count]) == list(range(count))
    again = list(batches(count, size=size, steps=steps, seed=seed))
    assert all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(drawn, again, strict=True))
