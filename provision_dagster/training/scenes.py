"""Rendered scenes to learn from, of seeds that nothing else renders."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from provision_dagster.errors import InputError
from provision_dagster.samples.rendering import render_scene
from provision_dagster.samples.rendering.raster import Raster

TRAINING_SEEDS = 2**40
"""Scenes to learn from are those of seed `TRAINING_SEEDS + seed`: a seed below is free for judging."""

Sample = TypeVar("Sample")
Progress = Callable[[str, int, int], None]
"""(stage, steps done, steps in all)"""


def training_scenes(
    prepare: Callable[[Raster], Sample], *, n: int, seed: int, progress: Progress | None = None
) -> list[Sample]:
    """Render scenes to learn from and keep of each what `prepare` makes of it.

    Parameters
    ----------
    n
        Number of scenes.
    seed
        0 .. 2**40 - 1.

    Raises
    ------
    InputError
        When `seed` is out of range.
    """
    if not 0 <= seed < TRAINING_SEEDS:
        raise InputError(f"`seed` must be 0 .. 2**40 - 1, got {seed}")
    samples = []
    for index in range(n):
        samples.append(prepare(render_scene(index, seed=TRAINING_SEEDS + seed)))
        if progress is not None:
            progress("scenes", index + 1, n)
    return samples


def batches(count: int, *, size: int, steps: int, seed: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Draw the samples of each step, each sample once before any comes again, and which of them to mirror.

    Parameters
    ----------
    count
        Number of samples.
    size
        Samples of a step.
    """
    rng = np.random.default_rng(seed)
    rounds = -(-steps * size // count)
    order = np.concatenate([rng.permutation(count) for _ in range(rounds)])
    for step in range(steps):
        yield order[step * size : (step + 1) * size], rng.random(size) < 0.5
