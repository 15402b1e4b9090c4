"""Tags of pictures by CLIP (Radford et al., arXiv 2103.00020) of open_clip: which labels of a list fit a picture.

As in ProVision (arXiv 2412.07012), they are what an open-vocabulary detector searches for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from provision_dagster.scene_graphs.annotators.base_config import HubConfig
from provision_dagster.scene_graphs.annotators.clip_weights import Source, find_clip, named_errors, network
from provision_dagster.scene_graphs.annotators.detector_configs import TagsConfig
from provision_dagster.scene_graphs.annotators.found import Floats, Pixels, Tag
from provision_dagster.scene_graphs.annotators.hub import (
    as_floats,
    device_of,
    dtype_of,
    open_clip_module,
    torch_module,
)
from provision_dagster.scene_graphs.annotators.steps import InSteps
from provision_dagster.scene_graphs.annotators.tensors import for_device, spread, stacked

PRECISION = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
"""Names of open_clip."""

TEXTS = 256
"""Labels that are encoded at a time."""


class ClipTagger(InSteps[Pixels, list[Tag]]):
    """Compares each picture with each label; the labels are encoded once.

    Parameters
    ----------
    config
        Model, prompt, and how many labels a picture has.
    hub
        Device, numbers of the weights, and whether to stay offline.
    labels
        What there is to choose from.
    """

    def __init__(self, config: TagsConfig, *, hub: HubConfig, labels: Sequence[str]) -> None:
        self.config = config
        self.labels = list(labels)
        self._hub = hub
        self._network: Any = None

    @property
    def model(self) -> str:
        """Name and digest of the weights."""
        self.load()
        return self._source.told

    def load(self) -> None:
        """Read the weights and encode the labels.

        Raises
        ------
        InputError
            When model or weights are unknown, cannot be had, or do not belong together.
        """
        if self._network is not None:
            return
        self._device = device_of(self._hub)
        dtype = dtype_of(self._hub, device=self._device)
        self._numbers = getattr(torch_module(), dtype)
        with network(offline=self._hub.offline):
            self._source = find_clip(self.config)
            with named_errors(self.config):
                network_, self._prepare, tokenizer = load_clip(self._source, device=self._device, dtype=dtype)
        self._texts = self._encoded_labels(network_, tokenizer)
        self._network = network_

    def _encoded_labels(self, network_: Any, tokenizer: Any) -> Any:
        """Directions of the labels, shape (labels, features)."""
        torch = torch_module()
        prompts = [self.config.prompt.replace("{}", label) for label in self.labels]
        with torch.inference_mode():
            parts = [
                directions(network_.encode_text(tokenizer(prompts[at : at + TEXTS]).to(self._device)))
                for at in range(0, len(prompts), TEXTS)
            ]
            return torch.cat(parts)

    def prepare(self, given: Pixels) -> tuple[Any, None]:
        """Bring a picture to the model's size and range."""
        self.load()
        return for_device(self._prepare(Image.fromarray(given)), device=self._device, dtype=self._numbers), None

    def forward(self, ready: list[Any]) -> list[Floats]:
        """Compare each picture with each label."""
        return spread(self._similarities, ready, device=self._device)

    def _similarities(self, ready: Sequence[Any]) -> list[Floats]:
        with torch_module().inference_mode():
            seen = self._network.encode_image(stacked(ready, device=self._device))
            return list(as_floats(directions(seen) @ self._texts.T))

    def finish(self, about: None, raw: Floats) -> list[Tag]:
        """Choose the labels of a picture, best first."""
        return self._chosen(raw)

    def chosen(self, ready: list[Any]) -> list[list[Tag]]:
        """Choose the labels of prepared pictures, which stay on one core."""
        return [self._chosen(one) for one in self._similarities(ready)]

    def _chosen(self, similarities: Floats) -> list[Tag]:
        best = np.argsort(-similarities, kind="stable")[: self.config.most]
        if self.config.floor is not None:
            best = best[similarities[best] >= self.config.floor]
        return [Tag(self.labels[place], float(similarities[place])) for place in best]


def load_clip(source: Source, *, device: Any, dtype: str) -> tuple[Any, Any, Any]:
    """Load a model; returns it, what prepares pictures for it, and its tokenizer."""
    library = open_clip_module()
    weights = str(source.weights) if source.weights is not None else None
    model, _, prepare = library.create_model_and_transforms(
        source.name, weights, precision=PRECISION[dtype], device=device, require_pretrained=True, **source.options
    )
    return model.eval(), prepare, library.get_tokenizer(source.name)


def directions(features: Any) -> Any:
    """Scale vectors to length 1, as float32."""
    return torch_module().nn.functional.normalize(features.float(), dim=-1)
