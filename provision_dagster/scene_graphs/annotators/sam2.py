"""Masks from boxes by SAM 2 (Ravi et al., arXiv 2408.00714), through transformers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from provision_dagster.scene_graphs.annotators.configs import Sam2Config
from provision_dagster.scene_graphs.annotators.found import Masks, Prompted
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


class Sam2Masks(InSteps[Prompted, Masks]):
    """Looks at a batch of pictures at a time, and at the boxes of each picture `boxes_per_call` at a time."""

    def __init__(self, config: Sam2Config) -> None:
        self.config = config
        self._network: Any = None

    @property
    def model(self) -> str:
        """Model and revision."""
        self.load()
        return told(self.config, self._network)

    @property
    def least(self) -> float:
        """Expected overlap below which masks are left out."""
        return self.config.score_threshold

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When they are missing, or not of SAM 2.
        """
        if self._network is not None:
            return
        library = transformers_module()
        self._device = device_of(self.config)
        network = load_pretrained(library.Sam2Model, self.config, device=self._device)
        self._processor = from_pretrained(library.Sam2Processor, self.config)
        self._network = network

    def prepare(self, given: Prompted) -> tuple[tuple[Any, list[Any]], tuple[int, int]]:
        """Bring a picture and its boxes to the model's size; the boxes in turns."""
        self.load()
        height, width = given.picture.shape[:2]
        pixels = self._processor(images=[given.picture], return_tensors="pt")["pixel_values"][0]
        every, step = given.boxes.tolist(), self.config.boxes_per_call
        turns = [
            self._processor(original_sizes=[[height, width]], input_boxes=[every[at : at + step]], return_tensors="pt")[
                "input_boxes"
            ]
            for at in range(0, len(every), step)
        ]
        own = {"device": self._device, "dtype": self._network.dtype}
        return (for_device(pixels, **own), [for_device(boxes, **own) for boxes in turns]), (height, width)

    def forward(self, ready: list[tuple[Any, list[Any]]]) -> list[list[tuple[Any, Any]]]:
        """Look at the pictures, then at the boxes of each; masks as small as they come, and their scores."""
        return spread(self._masks, ready, device=self._device)

    def _masks(self, ready: Sequence[tuple[Any, list[Any]]]) -> list[list[tuple[Any, Any]]]:
        with torch_module().inference_mode():
            seen = self._network.get_image_embeddings(stacked([pixels for pixels, _ in ready], device=self._device))
            return [
                [self._cut_out(boxes, [level[n : n + 1] for level in seen]) for boxes in turns]
                for n, (_, turns) in enumerate(ready)
            ]

    def _cut_out(self, boxes: Any, seen: list[Any]) -> tuple[Any, Any]:
        asked = boxes.to(self._device, non_blocking=True)
        output = self._network(input_boxes=asked, image_embeddings=seen, multimask_output=False)
        return output.pred_masks.float().cpu(), output.iou_scores[0, :, 0].float().cpu()

    def finish(self, about: tuple[int, int], raw: list[tuple[Any, Any]]) -> Masks:
        """Bring the masks to the picture's size; a mask may be empty where the model sees nothing."""
        masks, scores = [np.zeros((0, *about), dtype=bool)], [np.zeros(0)]
        for cut, overlap in raw:
            masks.append(self._processor.post_process_masks(cut, [list(about)])[0][:, 0].numpy())
            scores.append(overlap.numpy().astype(np.float64))
        return Masks(np.concatenate(masks), np.concatenate(scores).clip(0, 1))
