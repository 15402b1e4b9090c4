"""Monocular depth by ONNX Runtime, for machines without GPU: METER (Papa et al., arXiv 2403.08368) and its like."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.configs import OnnxDepthConfig
from provision_dagster.scene_graphs.annotators.found import Pixels, sixteen_bits
from provision_dagster.scene_graphs.annotators.onnx_model import OnnxModel

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels 0 .. 1: what these models were trained with."""


class OnnxDepth:
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
        found = self._onnx.run(np.zeros((1, 3, height, width), dtype=np.float32)).shape
        if len(found) not in (3, 4) or found[0] != 1 or (len(found) == 4 and found[1] != 1):
            raise InputError(
                f"weights `{self.config.weights}`: expected one depth map (1, 1, height, width), got {found}"
            )

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """All pictures go together: each is brought to the size of the model."""
        return ()

    def annotate(self, batch: list[Pixels]) -> list[NDArray[np.uint16]]:
        """Map closeness at the model's own resolution."""
        if not batch:
            return []
        height, width = self._onnx.size
        raw = self._onnx.run(np.stack([normalized(picture, height=height, width=width) for picture in batch]))
        maps = raw.reshape(len(batch), *raw.shape[-2:])
        return [sixteen_bits(-one if self.config.larger == "farther" else one) for one in maps]


def normalized(picture: Pixels, *, height: int, width: int) -> NDArray[np.float32]:
    small = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)
    return ((small / 255 - MEAN) / DEVIATION).astype(np.float32).transpose(2, 0, 1)
