"""Masks from boxes by ONNX Runtime, for machines without GPU: each object is cut out of the part round its box."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.configs import OnnxMasksConfig
from provision_dagster.scene_graphs.annotators.found import Floats, Masks, Pixels, Prompted
from provision_dagster.scene_graphs.annotators.onnx_depth import in_range
from provision_dagster.scene_graphs.annotators.onnx_model import Frame, OnnxModel
from provision_dagster.scene_graphs.annotators.steps import InSteps

MARGIN = 0.125
"""What is seen beside a box on each side, as a share of the box's side."""
GREY = (114, 114, 114)
"""What lies beyond the picture."""

Window = tuple[int, int, int, int]


class OnnxMasks(InSteps[Prompted, Masks]):
    """A model that takes the part of a picture round one box, (n, 3, height, width), and gives the object's logits.

    These have shape (n, 1, any height, any width) and cover the same part.
    """

    def __init__(self, config: OnnxMasksConfig) -> None:
        self.config = config
        self._onnx = OnnxModel(config.weights, threads=config.threads)

    @property
    def model(self) -> str:
        """File name and digest of the weights."""
        return self._onnx.name

    @property
    def least(self) -> float:
        """Expected overlap below which masks are left out."""
        return self.config.score_threshold

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When the file is missing or gives something else than one map for one picture.
        """
        self._onnx.load()
        found = self._onnx.run([np.zeros((3, *self._onnx.size), dtype=np.float32)])[0].shape
        if len(found) != 3 or found[0] != 1:
            raise InputError(
                f"weights `{self.config.weights}`: expected logits (1, 1, height, width), got {(1, *found)}"
            )

    def prepare(self, given: Prompted) -> tuple[list[Frame], tuple[tuple[int, int], Floats]]:
        """Cut out the part round each box, in the model's size and range."""
        height, width = self._onnx.size
        image = Image.fromarray(given.picture)
        parts = [in_range(part_of(image, window_of(box), height=height, width=width)) for box in given.boxes]
        return parts, ((given.picture.shape[0], given.picture.shape[1]), given.boxes)

    def forward(self, ready: list[list[Frame]]) -> list[list[Frame]]:
        """Run the network on the parts of all pictures; logits of each."""
        parts = [part for parts in ready for part in parts]
        found: Iterator[Frame] = iter(self._onnx.run(parts) if parts else [])
        return [[next(found)[0] for _ in parts] for parts in ready]

    def finish(self, about: tuple[tuple[int, int], Floats], raw: list[Frame]) -> Masks:
        """Bring the masks to the picture's size; a mask may be empty where the model sees nothing."""
        size, boxes = about
        masks, scores = np.zeros((len(boxes), *size), dtype=bool), np.zeros(len(boxes))
        for place, (box, logits) in enumerate(zip(boxes, raw, strict=True)):
            scores[place] = _cut(masks[place], box, logits)
        return Masks(masks, scores)


def window_of(box: Floats) -> Window:
    """Whole pixels of a box x1, y1, x2, y2 and its margin; may reach out of the picture."""
    side = np.tile(box[2:] - box[:2], 2) * MARGIN
    x1, y1 = np.floor(box[:2] - side[:2]).astype(int)
    x2, y2 = np.ceil(box[2:] + side[2:]).astype(int)
    return int(x1), int(y1), int(max(x2, x1 + 1)), int(max(y2, y1 + 1))


def part_of(image: Image.Image, window: Window, *, height: int, width: int) -> Pixels:
    """Squeeze a part of a picture into a model's frame; grey beyond the picture."""
    extent = Image.Transform.EXTENT
    part = image.transform((width, height), extent, data=window, resample=Image.Resampling.BILINEAR, fillcolor=GREY)
    return np.asarray(part)


def _cut(mask: NDArray[np.bool_], box: Floats, logits: Frame) -> float:
    """Draw an object into a mask of the picture's size, within its box; returns the overlap with it to be expected."""
    x1, y1, x2, y2 = window_of(box)
    image = Image.fromarray(logits.astype(np.float32)).resize((x2 - x1, y2 - y1), Image.Resampling.BILINEAR)
    left, top = np.maximum(np.floor(box[:2]).astype(int), 0)
    right, bottom = np.minimum(np.ceil(box[2:]).astype(int), (mask.shape[1], mask.shape[0]))
    seen = np.asarray(image)[top - y1 : bottom - y1, left - x1 : right - x1]
    mask[top:bottom, left:right] = seen > 0
    sure = 1 / (1 + np.exp(-np.clip(seen.astype(np.float64), -30, 30)))
    drawn = seen > 0
    # a pixel counts as much as it is likely to be of the object
    return float(sure[drawn].sum() / max(drawn.sum() + sure[~drawn].sum(), 1e-6))
