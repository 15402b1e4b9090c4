"""A CLIP of open_clip (Radford et al., arXiv 2103.00020) that encodes regions of pictures and expressions."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from provision_dagster.filters.region_text_config import RegionTextConfig
from provision_dagster.scene_graphs.annotators.clip_weights import find_clip, named_errors, network
from provision_dagster.scene_graphs.annotators.found import Floats, Pixels
from provision_dagster.scene_graphs.annotators.hub import as_floats, device_of, dtype_of, torch_module
from provision_dagster.scene_graphs.annotators.steps import InSteps
from provision_dagster.scene_graphs.annotators.tagging import TEXTS, directions, load_clip
from provision_dagster.scene_graphs.annotators.tensors import for_device, spread
from provision_dagster.scene_graphs.annotators.working import is_out_of_memory, release_memory

REMEMBERED = 1 << 16
"""Expressions whose encoding is kept, 200 MB of 768 numbers: shards of a run share many."""


@dataclass(frozen=True)
class Regions:
    """A picture, and boxes in its pixels, shape (n, 4)."""

    picture: Pixels
    boxes: Floats


class RegionTextModel(InSteps[Regions, Floats]):
    """Encodes regions and expressions as directions: the product of two is their cosine.

    Of a picture, `annotate` gives the encoded regions, shape (n, features). Threads may share a model.

    Parameters
    ----------
    config
        Model, prompt and batch.
    """

    def __init__(self, config: RegionTextConfig) -> None:
        self.config = config
        self.settings = config.told()
        """What may change scores beside the model, as JSON."""
        self._network: Any = None
        self._texts: dict[str, np.ndarray[Any, np.dtype[np.float32]]] = {}
        self._turn = threading.Lock()
        self._most = config.batch

    @property
    def model(self) -> str:
        """Name and digest of the weights."""
        self.load()
        return self._source.told

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When model or weights are unknown, cannot be had, or do not belong together.
        """
        if self._network is not None:
            return
        self._device = device_of(self.config)
        dtype = dtype_of(self.config, device=self._device)
        self._numbers = getattr(torch_module(), dtype)
        with network(offline=self.config.offline):
            self._source = find_clip(self.config)
            with named_errors(self.config):
                network_, self._prepare, self._tokenizer = load_clip(self._source, device=self._device, dtype=dtype)
        self._network = network_

    def logits(self, cosines: Floats) -> Floats:
        """Scale cosines as the model was trained: by its temperature, and moved by its bias where it has one."""
        self.load()
        bias = getattr(self._network, "logit_bias", None)
        moved = 0.0 if bias is None else float(bias.detach().float())
        return cosines * float(self._network.logit_scale.detach().float().exp()) + moved

    def encode_expressions(self, expressions: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Encode expressions, each once as long as it is remembered; shape (expressions, features)."""
        self.load()
        if not expressions:
            return np.zeros((0, 0), dtype=np.float32)
        with self._turn:
            new = sorted({one for one in expressions if one not in self._texts})
            if len(self._texts) + len(new) > REMEMBERED:
                # the oldest go; those asked for now stay
                wanted = set(expressions)
                self._texts = {text: kept for text, kept in self._texts.items() if text in wanted}
            for at in range(0, len(new), TEXTS):
                part = new[at : at + TEXTS]
                self._texts.update(zip(part, self._encoded(part), strict=True))
            return np.stack([self._texts[one] for one in expressions])

    def _encoded(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        prompts = [self.config.prompt.replace("{}", text) for text in texts]
        with torch_module().inference_mode():
            read = self._network.encode_text(self._tokenizer(prompts).to(self._device))
            return directions(read).cpu().numpy()  # type: ignore[no-any-return]

    def prepare(self, given: Regions) -> tuple[Any, None]:
        """Cut the regions out and bring them to the model's size and range; shape (n, 3, height, width)."""
        self.load()
        crops = [self._prepare(Image.fromarray(crop(given.picture, box))) for box in given.boxes]
        return for_device(torch_module().stack(crops), device=self._device, dtype=self._numbers), None

    def forward(self, ready: list[Any]) -> list[Floats]:
        """Encode the regions of pictures, at most `batch` at a time and in batches of like size."""
        sizes = [len(one) for one in ready]
        crops = torch_module().cat([one.to(self._device, non_blocking=True) for one in ready])
        found: list[Any] = []
        while len(found) < len(crops):
            left = len(crops) - len(found)
            size = -(-left // -(-left // self._most))
            try:
                found += spread(self._directions, crops[len(found) : len(found) + size], device=self._device)
            except Exception as error:
                if not is_out_of_memory(error) or size == 1:
                    raise
                self._most = size // 2
                release_memory()
        return np.split(np.stack(found), np.cumsum(sizes)[:-1])

    def _directions(self, crops: Any) -> list[Floats]:
        with torch_module().inference_mode():
            return list(as_floats(directions(self._network.encode_image(crops))))

    def finish(self, about: None, raw: Floats) -> Floats:
        """Keep the directions as they are."""
        return raw


def crop(picture: Pixels, box: Floats) -> Pixels:
    """Cut a box out, in whole pixels that cover it; at least one pixel of the picture."""
    height, width = picture.shape[:2]
    x1, y1 = (int(np.floor(side)) for side in box[:2])
    x2, y2 = (int(np.ceil(side)) for side in box[2:])
    left, top = max(0, min(x1, width - 1)), max(0, min(y1, height - 1))
    return np.ascontiguousarray(picture[top : max(y2, top + 1), left : max(x2, left + 1)])
