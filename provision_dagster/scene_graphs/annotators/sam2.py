"""Masks from boxes by SAM 2 (Ravi et al., arXiv 2408.00714), through transformers."""

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


class Sam2Masks:
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

    def annotate(self, batch: list[Prompted]) -> list[Masks]:
        """Cut out the objects of each picture; a mask may be empty where the model sees nothing."""
        if not batch:
            return []
        self.load()
        torch = torch_module()
        pixels = self._processor(images=[one.picture for one in batch], return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            seen = self._network.get_image_embeddings(pixels.to(self._device, self._network.dtype))
            return [self._of(one, [level[n : n + 1] for level in seen]) for n, one in enumerate(batch)]

    def _of(self, one: Prompted, seen: list[Any]) -> Masks:
        height, width = one.picture.shape[:2]
        masks, scores = [np.zeros((0, height, width), dtype=bool)], [np.zeros(0)]
        for at in range(0, len(one.boxes), self.config.boxes_per_call):
            boxes = one.boxes[at : at + self.config.boxes_per_call].tolist()
            prompt = self._processor(original_sizes=[[height, width]], input_boxes=[boxes], return_tensors="pt")
            asked = prompt["input_boxes"].to(self._device, self._network.dtype)
            output = self._network(input_boxes=asked, image_embeddings=seen, multimask_output=False)
            cut = self._processor.post_process_masks(output.pred_masks.float().cpu(), [[height, width]])[0]
            masks.append(cut[:, 0].numpy())
            scores.append(output.iou_scores[0, :, 0].float().cpu().numpy().astype(np.float64))
        return Masks(np.concatenate(masks), np.concatenate(scores).clip(0, 1))
