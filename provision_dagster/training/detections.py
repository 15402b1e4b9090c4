"""A tiny detector, trained on rendered scenes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from provision_dagster.samples.rendering import LABELS
from provision_dagster.samples.rendering.raster import Raster
from provision_dagster.samples.rendering.stage import MAX_OBJECTS
from provision_dagster.samples.rendering.truth import visible_boxes
from provision_dagster.scene_graphs.annotators.yolox import grid, letterboxed
from provision_dagster.training.assignment import assign, ious
from provision_dagster.training.fitting import OnStep, fit
from provision_dagster.training.nets import Detector
from provision_dagster.training.scenes import Progress, batches, training_scenes

SIZE = (256, 320)
"""Height and width that the network takes: half of a rendered scene, and the sides multiples of the strides."""
BATCH = 16
RATE = 3e-3
BOX_WEIGHT = 5.0
"""Weight of the overlap's loss beside that of objectness and classes, as in YOLOX."""


@dataclass(frozen=True)
class Marked:
    """Scenes for a detector.

    Attributes
    ----------
    pictures
        Letterboxed, BGR, shape (n, 3, height, width).
    boxes
        x1, y1, x2, y2 in pixels of these, shape (n, MAX_OBJECTS, 4).
    classes
        Places in LABELS, -1 = no object, shape (n, MAX_OBJECTS).
    """

    pictures: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]


def marked_scenes(*, n: int, seed: int, progress: Progress | None = None) -> Marked:
    """Render scenes and keep what a detector learns from."""
    samples = training_scenes(_marked, n=n, seed=seed, progress=progress)
    pictures, boxes, classes = (np.stack(parts) for parts in zip(*samples, strict=True))
    return Marked(pictures, boxes, classes)


def _marked(raster: Raster) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int64]]:
    picture, scale = letterboxed(np.asarray(raster.image), height=SIZE[0], width=SIZE[1])
    boxes = np.zeros((MAX_OBJECTS, 4), np.float32)
    classes = np.full(MAX_OBJECTS, -1, np.int64)
    count = len(raster.items)
    boxes[:count] = visible_boxes(raster) * scale
    classes[:count] = [LABELS.index(item.kind.label) for item in raster.items]
    return picture.astype(np.uint8), boxes, classes


class Loss:
    """Loss of YOLOX: objectness of every place, class and overlap of those that answer for an object."""

    def __init__(self, net: Detector, marked: Marked) -> None:
        self._net = net
        self._marked = marked
        places, strides = grid(*SIZE)
        self._places, self._strides = (torch.from_numpy(a.astype(np.float32)) for a in (places, strides[:, 0]))

    def __call__(self, batch: tuple[NDArray[np.intp], NDArray[np.bool_]]) -> Tensor:
        """Loss on the scenes of a step, some of them mirrored."""
        pictures, truth, classes = _drawn(self._marked, *batch)
        offsets, logits = self._net.heads(pictures)
        boxes = self._decoded(offsets)
        said = logits.detach().sigmoid()
        points = (self._places + 0.5) * self._strides[:, None]
        owner, overlap = assign(
            boxes.detach(), said[:, :1] * said[:, 1:], truth, classes, points=points, strides=self._strides
        )
        return _loss(boxes, logits, truth, classes, owner=owner, overlap=overlap)

    def _decoded(self, offsets: Tensor) -> Tensor:
        """Boxes in pixels, shape (n, places, 4), as `annotators.yolox` decodes them."""
        middle = (offsets[:, :2].transpose(1, 2) + self._places) * self._strides[:, None]
        half = offsets[:, 2:].transpose(1, 2).clamp(max=8).exp() * self._strides[:, None] / 2
        return torch.cat([middle - half, middle + half], -1)


def _drawn(marked: Marked, order: NDArray[np.intp], mirrored: NDArray[np.bool_]) -> tuple[Tensor, Tensor, Tensor]:
    pictures, boxes = marked.pictures[order], marked.boxes[order]
    pictures[mirrored] = pictures[mirrored][..., ::-1]
    boxes[mirrored, :, 0::2] = SIZE[1] - boxes[mirrored, :, 2::-2]
    tensor = torch.from_numpy(pictures).float().contiguous(memory_format=torch.channels_last)
    return tensor, torch.from_numpy(boxes), torch.from_numpy(marked.classes[order])


def _loss(boxes: Tensor, logits: Tensor, truth: Tensor, classes: Tensor, *, owner: Tensor, overlap: Tensor) -> Tensor:
    picture, place = (owner >= 0).nonzero(as_tuple=True)
    mine = owner[picture, place]
    count = max(1, len(mine))
    wanted = functional.one_hot(classes[picture, mine], logits.shape[1] - 1) * overlap[picture, place, None]
    entropy = functional.binary_cross_entropy_with_logits
    objectness = entropy(logits[:, 0], (owner >= 0).float(), reduction="sum")
    kinds = entropy(logits[picture, 1:, place], wanted, reduction="sum")
    fit_of = ious(boxes[picture, place], truth[picture, mine])
    return (objectness + kinds + BOX_WEIGHT * (1 - fit_of.square()).sum()) / count


def train_detector(
    *, scenes: int, passes: int, seed: int, progress: Progress | None = None, on_step: OnStep | None = None
) -> tuple[Detector, list[float]]:
    """Train a detector of the labels of rendered scenes.

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
    marked = marked_scenes(n=scenes, seed=seed, progress=progress)
    torch.manual_seed(seed)
    net = Detector(len(LABELS)).to(memory_format=torch.channels_last)
    steps = max(1, scenes * passes // BATCH)
    drawn = batches(scenes, size=BATCH, steps=steps, seed=seed)
    return net, fit(net, drawn, Loss(net, marked), steps=steps, rate=RATE, on_step=on_step)
