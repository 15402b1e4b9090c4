"""Monocular depth by ONNX Runtime, for machines without GPU: METER (Papa et al., arXiv 2403.08368) and its like."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.configs import OnnxDepthConfig
from provision_dagster.scene_graphs.annotators.found import Pixels, sixteen_bits
from provision_dagster.scene_graphs.annotators.onnx_model import Frame, OnnxModel
from provision_dagster.scene_graphs.annotators.steps import InSteps

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels 0 .. 1: what these models were trained with."""

RANGE = ((np.arange(256, dtype=np.float32)[:, None] / 255 - MEAN) / DEVIATION).astype(np.float32).T.copy()
"""What each value 0 .. 255 of each channel becomes, shape (3, 256)."""


class OnnxDepth(InSteps[Pixels, NDArray[np.uint16]]):
    """A model that takes one picture and gives one map (n, 1, height, width)."""

    def __init__(self, config: OnnxDepthConfig) -> None:
        self.config = config
        self._onnx = OnnxModel(config.weights, threads=config.threads)

    @property
    def model(self) -> str:
        """File name and digest of the weights."""
        return self._onnx.name

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When the file is missing or gives something else than one map for one picture.
        """
        self._onnx.load()
        height, width = self._onnx.size
        found = self._onnx.run([np.zeros((3, height, width), dtype=np.float32)])[0].shape
        if len(found) not in (2, 3) or (len(found) == 3 and found[0] != 1):
            raise InputError(
                f"weights `{self.config.weights}`: expected one depth map (1, 1, height, width), got {(1, *found)}"
            )

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """All pictures go together: each is brought to the size of the model."""
        return ()

    def prepare(self, picture: Pixels) -> tuple[Frame, None]:
        """Bring a picture to the model's size and range."""
        height, width = self._onnx.size
        return normalized(picture, height=height, width=width), None

    def forward(self, ready: list[Frame]) -> list[Frame]:
        """Run the network; a map for each picture."""
        return [one.reshape(one.shape[-2:]) for one in self._onnx.run(ready)]

    def finish(self, about: None, raw: Frame) -> NDArray[np.uint16]:
        """Map closeness at the model's own resolution."""
        return sixteen_bits(-raw if self.config.larger == "farther" else raw)


def normalized(picture: Pixels, *, height: int, width: int) -> Frame:
    """Squeeze a picture into a model's frame, and its channels into the range of its training."""
    small = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
    return in_range(small)


def in_range(picture: Pixels) -> Frame:
    """Bring the channels of a picture into the range of ImageNet's training, shape (3, height, width)."""
    return np.stack([values[picture[:, :, channel]] for channel, values in enumerate(RANGE)])
