"""A tiny network that cuts the object of a box out of the picture, trained on rendered scenes."""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from provision_dagster.samples.rendering.raster import Raster
from provision_dagster.samples.rendering.truth import visible_boxes
from provision_dagster.scene_graphs.annotators.onnx_depth import DEVIATION, MEAN
from provision_dagster.scene_graphs.annotators.onnx_masks import part_of, window_of
from provision_dagster.training.fitting import OnStep, fit
from provision_dagster.training.nets import OneMap
from provision_dagster.training.scenes import Progress, batches, training_scenes

SIZE = (96, 96)
"""Height and width of the part round a box that the network takes; what it gives has half of that."""
BATCH = 32
RATE = 3e-3
SHAKE = 0.04
"""Standard deviation of the sides of a box, as a share of its size: a detector's boxes do not fit exactly."""

Parts = NDArray[np.uint8]


def _samples(raster: Raster) -> tuple[Parts, Parts]:
    """The part of the picture round each object, (n, height, width, 3), and where it shows the object."""
    # by what the scene looks like, so that it depends on nothing else
    shaken = np.random.default_rng(int(raster.depth.sum(dtype=np.int64)))
    boxes = visible_boxes(raster).astype(np.float64)
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    windows = [window_of(box) for box in boxes + shaken.normal(0, SHAKE, boxes.shape) * size]
    parts = [part_of(raster.image, window, height=SIZE[0], width=SIZE[1]) for window in windows]
    owned = [_owned(raster, place, window) for place, window in enumerate(windows)]
    return np.stack(parts), np.stack(owned)


def _owned(raster: Raster, place: int, window: tuple[int, int, int, int]) -> Parts:
    """Whether each pixel of the network's map is of the object: 1 or 0."""
    seen = Image.fromarray((raster.owner == place).astype(np.uint8))
    return np.asarray(seen.transform((SIZE[1] // 2, SIZE[0] // 2), Image.Transform.EXTENT, data=window))


def train_masks(
    *, scenes: int, passes: int, seed: int, progress: Progress | None = None, on_step: OnStep | None = None
) -> tuple[OneMap, list[float]]:
    """Train a network that cuts out the object of a box.

    Parameters
    ----------
    scenes
        Scenes to learn from, each with all its objects.
    passes
        How often each object is seen.
    seed
        The same seed gives the same weights on one machine with one number of threads.

    Returns
    -------
    tuple
        The network, and the loss of each step.
    """
    samples = training_scenes(_samples, n=scenes, seed=seed, progress=progress)
    parts, owned = (np.concatenate(halves) for halves in zip(*samples, strict=True))
    torch.manual_seed(seed)
    net = OneMap().to(memory_format=torch.channels_last)

    def loss_of(batch: tuple[NDArray[np.intp], NDArray[np.bool_]]) -> Tensor:
        pictures = (_mirrored(parts, *batch).float() / 255 - torch.tensor(MEAN)) / torch.tensor(DEVIATION)
        return _loss(net(pictures.permute(0, 3, 1, 2))[:, 0], _mirrored(owned, *batch).float())

    steps = max(1, len(parts) * passes // BATCH)
    drawn = batches(len(parts), size=BATCH, steps=steps, seed=seed)
    return net, fit(net, drawn, loss_of, steps=steps, rate=RATE, on_step=on_step)


def _mirrored(parts: Parts, order: NDArray[np.intp], mirrored: NDArray[np.bool_]) -> Tensor:
    chosen = parts[order]
    chosen[mirrored] = chosen[mirrored][:, :, ::-1]
    return torch.from_numpy(chosen)


def _loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of the pixels, and one minus the Dice overlap of each object."""
    said = logits.sigmoid()
    both, either = (said * truth).sum((1, 2)), (said + truth).sum((1, 2))
    dice = 1 - (2 * both + 1) / (either + 1)
    return functional.binary_cross_entropy_with_logits(logits, truth) + dice.mean()
