"""Monocular depth by transformers: Depth Anything V2 (Yang et al., arXiv 2406.09414) and its like."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provision_dagster.scene_graphs.annotators.configs import HubDepthConfig
from provision_dagster.scene_graphs.annotators.found import Pixels, sixteen_bits
from provision_dagster.scene_graphs.annotators.hub import (
    device_of,
    from_pretrained,
    load_pretrained,
    told,
    torch_module,
    transformers_module,
)
from provision_dagster.scene_graphs.annotators.steps import InSteps
from provision_dagster.scene_graphs.annotators.tensors import for_device, spread, stacked


class HubDepth(InSteps[Pixels, NDArray[np.uint16]]):
    """Any model of `AutoModelForDepthEstimation`."""

    def __init__(self, config: HubDepthConfig) -> None:
        self.config = config
        self._network: Any = None

    @property
    def model(self) -> str:
        """Model and revision."""
        self.load()
        return told(self.config, self._network)

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When they are missing, or are no depth estimator.
        """
        if self._network is not None:
            return
        library = transformers_module()
        self._device = device_of(self.config)
        network = load_pretrained(library.AutoModelForDepthEstimation, self.config, device=self._device)
        self._processor = from_pretrained(library.AutoImageProcessor, self.config)
        self._network = network

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """Pictures of one size go together: each is brought to a size that keeps its proportions."""
        return picture.shape[:2]

    def prepare(self, picture: Pixels) -> tuple[Any, None]:
        """Bring a picture to the model's size and range."""
        self.load()
        pixels = self._processor(images=[picture], return_tensors="pt")["pixel_values"][0]
        return for_device(pixels, device=self._device, dtype=self._network.dtype), None

    def forward(self, ready: list[Any]) -> list[NDArray[np.float32]]:
        """Run the network; a map for each picture."""
        return spread(self._maps, ready, device=self._device)

    def _maps(self, ready: Sequence[Any]) -> list[NDArray[np.float32]]:
        with torch_module().inference_mode():
            output = self._network(stacked(ready, device=self._device))
        return list(output.predicted_depth.float().cpu().numpy())

    def finish(self, about: None, raw: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Map closeness at the model's own resolution."""
        return sixteen_bits(-raw if self.config.larger == "farther" else raw)
