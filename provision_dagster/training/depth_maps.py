"""A tiny depth estimator, trained on rendered scenes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from provision_dagster.samples.rendering.camera import DEPTH_MAX
from provision_dagster.samples.rendering.raster import Raster
from provision_dagster.scene_graphs.annotators.onnx_depth import normalized
from provision_dagster.training.fitting import OnStep, fit
from provision_dagster.training.nets import OneMap
from provision_dagster.training.scenes import Progress, batches, training_scenes

SIZE = (192, 256)
"""Height and width that the network takes; what it gives has half of that."""
BATCH = 16
RATE = 3e-3
FAR_WEIGHT = 1.0
"""Weight of the loss between square roots, which tells far things apart, beside that between closenesses."""


def _sample(raster: Raster) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Picture as the annotator gives it to the network, and closeness 0 .. 1 at the middles of the network's pixels."""
    picture = normalized(np.asarray(raster.image), height=SIZE[0], width=SIZE[1])
    height, width = raster.depth.shape
    rows = ((np.arange(SIZE[0] // 2) + 0.5) * height / (SIZE[0] // 2)).astype(np.intp)
    columns = ((np.arange(SIZE[1] // 2) + 0.5) * width / (SIZE[1] // 2)).astype(np.intp)
    closeness = raster.depth[np.ix_(rows, columns)] / DEPTH_MAX
    return picture.astype(np.float16), closeness.astype(np.float16)[None]


def train_depth(
    *, scenes: int, passes: int, seed: int, progress: Progress | None = None, on_step: OnStep | None = None
) -> tuple[OneMap, list[float]]:
    """Train a depth estimator: larger = closer.

    Parameters
    ----------
    scenes
        Scenes to learn from.
    passes
        How often each is seen.
    seed
        The same seed gives the same weights on one machine with one number of threads.

    Returns
    -------
    tuple
        The network, and the loss of each step.
    """
    samples = training_scenes(_sample, n=scenes, seed=seed, progress=progress)
    pictures, closeness = (np.stack(parts) for parts in zip(*samples, strict=True))
    torch.manual_seed(seed)
    net = OneMap().to(memory_format=torch.channels_last)

    def loss_of(batch: tuple[NDArray[np.intp], NDArray[np.bool_]]) -> Tensor:
        return _loss(net(_mirrored(pictures, *batch)), _mirrored(closeness, *batch))

    steps = max(1, scenes * passes // BATCH)
    drawn = batches(scenes, size=BATCH, steps=steps, seed=seed)
    return net, fit(net, drawn, loss_of, steps=steps, rate=RATE, on_step=on_step)


def _mirrored(maps: NDArray[np.float16], order: NDArray[np.intp], mirrored: NDArray[np.bool_]) -> Tensor:
    chosen = maps[order].astype(np.float32)
    chosen[mirrored] = chosen[mirrored][..., ::-1]
    return torch.from_numpy(chosen).contiguous(memory_format=torch.channels_last)


def _loss(found: Tensor, truth: Tensor) -> Tensor:
    near = (found - truth).abs().mean()
    far = (found.clamp(min=1e-4).sqrt() - truth.sqrt()).abs().mean()
    return near + FAR_WEIGHT * far
