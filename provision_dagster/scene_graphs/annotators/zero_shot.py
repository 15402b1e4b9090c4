"""Open-vocabulary detection by transformers: Grounding DINO, OWLv2 and OmDet-Turbo behind one interface."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.boxes import detections
from provision_dagster.scene_graphs.annotators.configs import ZeroShotConfig
from provision_dagster.scene_graphs.annotators.found import Detections, Floats, Pixels
from provision_dagster.scene_graphs.annotators.hub import (
    device_of,
    from_pretrained,
    load_pretrained,
    told,
    torch_module,
    transformers_module,
)
from provision_dagster.scene_graphs.annotators.labels import digest_of, read_labels

PROMPT = "a photo of a {}"
"""OWLv2's best single prompt (Minderer et al., arXiv 2306.09683, as OWL-ViT's)."""


@dataclass(frozen=True)
class Raw:
    """Scores of every box for every label of one picture, before thresholds: shapes (boxes, 4), (boxes, labels)."""

    boxes: Floats
    scores: Floats


Family = Callable[["ZeroShotDetector", list[Pixels], Sequence[str]], list[Raw]]


class ZeroShotDetector:
    """Finds what a list of labels names. Long lists are asked in turns of `labels_per_prompt`."""

    def __init__(self, config: ZeroShotConfig) -> None:
        self.config = config
        self.network: Any = None
        self.processor: Any = None

    @cached_property
    def labels(self) -> list[str]:
        """Labels that are searched for."""
        return read_labels(self.config.labels)

    @property
    def model(self) -> str:
        """Model, revision and digest of the labels."""
        self.load()
        return f"{told(self.config, self.network)} {digest_of(self.labels)}"

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When they are missing, or not of a known family.
        """
        if self.network is not None:
            return
        library = transformers_module()
        self.device = device_of(self.config)
        network = load_pretrained(library.AutoModelForZeroShotObjectDetection, self.config, device=self.device)
        kind = network.config.model_type
        if kind not in FAMILIES:
            raise InputError(f"model `{self.config.model}` is of type `{kind}`; known: {', '.join(FAMILIES)}")
        self.processor = from_pretrained(library.AutoProcessor, self.config)
        self.network = network

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """Pictures of one size go together: Grounding DINO would fill up smaller ones, and see the filling."""
        return picture.shape[:2]

    def annotate(self, batch: list[Pixels]) -> list[Detections]:
        """Find objects; boxes in pixels of each picture."""
        if not batch:
            return []
        self.load()
        torch = torch_module()
        step, every = self.config.labels_per_prompt, range(len(self.labels))
        turns = [self.labels[at : at + step] for at in every[::step]]
        with torch.inference_mode():
            found = [FAMILIES[self.network.config.model_type](self, batch, labels) for labels in turns]
        return [self._kept([turn[place] for turn in found], picture) for place, picture in enumerate(batch)]

    def _kept(self, turns: Sequence[Raw], picture: Pixels) -> Detections:
        boxes, scores, classes, first = [], [], [], 0
        for raw in turns:
            at, label = np.nonzero(raw.scores >= self.config.score_threshold)
            boxes.append(raw.boxes[at])
            scores.append(raw.scores[at, label])
            classes.append(label + first)
            first += raw.scores.shape[1]
        height, width = picture.shape[:2]
        return detections(
            np.concatenate(boxes),
            np.concatenate(scores),
            np.concatenate(classes).astype(np.int64),
            labels=self.labels,
            width=width,
            height=height,
            iou_threshold=self.config.iou_threshold,
            most=self.config.most,
        )


def _grounding_dino(detector: ZeroShotDetector, batch: list[Pixels], labels: Sequence[str]) -> list[Raw]:
    """Score of a label: mean over the tokens that spell it (Liu et al., arXiv 2303.05499, as in its evaluation)."""
    prompt, spans = grounding_prompt(labels)
    inputs = detector.processor(images=batch, text=[prompt] * len(batch), return_tensors="pt", padding=True)
    coded = detector.processor.tokenizer(prompt, return_offsets_mapping=True)
    if len(coded["input_ids"]) > detector.network.config.max_text_len:
        raise InputError(
            f"`labels_per_prompt` is {len(labels)}: too many tokens for `{detector.config.model}`; use a smaller number"
        )
    output = detector.network(**_on(detector, inputs))
    chances = output.logits.float().sigmoid().cpu().numpy()
    spelled = token_shares(coded["offset_mapping"], spans, size=chances.shape[2])
    return [
        Raw(_corners(boxes, width=picture.shape[1], height=picture.shape[0]), chance @ spelled.T)
        for boxes, chance, picture in zip(_numpy(output.pred_boxes), chances, batch, strict=True)
    ]


def grounding_prompt(labels: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Write labels as "cat. red car." and say where each stands."""
    text, spans = "", []
    for label in labels:
        start = len(text)
        text += label.lower()
        spans.append((start, len(text)))
        text += ". "
    return text.rstrip(), spans


def token_shares(
    offsets: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]], *, size: int
) -> NDArray[np.float64]:
    """Weight of each token in the score of each label: equal among its tokens; shape (labels, size)."""
    shares = np.zeros((len(spans), size))
    for row, (start, end) in enumerate(spans):
        for token, (first, last) in enumerate(offsets[:size]):
            if first < last and first >= start and last <= end:
                shares[row, token] = 1
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1))


def _owl(detector: ZeroShotDetector, batch: list[Pixels], labels: Sequence[str]) -> list[Raw]:
    prompts = [PROMPT.format(label) for label in labels]
    inputs = detector.processor(images=batch, text=[prompts] * len(batch), return_tensors="pt", truncation=True)
    output = detector.network(**_on(detector, inputs))
    scores = output.logits.float().sigmoid().cpu().numpy()
    # OWLv2 fills a picture up to a square, OWL-ViT squeezes it into one
    square = detector.network.config.model_type == "owlv2"
    sizes = [(max(p.shape[:2]),) * 2 if square else p.shape[:2] for p in batch]
    return [
        Raw(_corners(boxes, width=width, height=height), score.astype(np.float64)[:, : len(labels)])
        for boxes, score, (height, width) in zip(_numpy(output.pred_boxes), scores, sizes, strict=True)
    ]


def _omdet(detector: ZeroShotDetector, batch: list[Pixels], labels: Sequence[str]) -> list[Raw]:
    inputs = detector.processor(images=batch, text=[list(labels)] * len(batch), return_tensors="pt")
    output = detector.network(**_on(detector, inputs))
    scores = output.decoder_class_logits.float().sigmoid().cpu().numpy()
    return [
        Raw(
            _corners(boxes, width=picture.shape[1], height=picture.shape[0]),
            score.astype(np.float64)[:, : len(labels)],
        )
        for boxes, score, picture in zip(_numpy(output.decoder_coord_logits), scores, batch, strict=True)
    ]


FAMILIES: dict[str, Family] = {
    "grounding-dino": _grounding_dino,
    "mm-grounding-dino": _grounding_dino,
    "owlv2": _owl,
    "owlvit": _owl,
    "omdet-turbo": _omdet,
}
"""By `model_type` of the model's configuration."""


def _on(detector: ZeroShotDetector, inputs: Any) -> dict[str, Any]:
    """Move inputs to the model's device; pixels in its number type."""
    moved = {name: value.to(detector.device) for name, value in inputs.items()}
    return moved | {"pixel_values": moved["pixel_values"].to(detector.network.dtype)}


def _numpy(tensor: Any) -> Floats:
    return tensor.float().cpu().numpy().astype(np.float64)  # type: ignore[no-any-return]


def _corners(boxes: Floats, *, width: int, height: int) -> Floats:
    """Centre and sides as shares of the picture to corners in pixels."""
    center, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([center - half, center + half], axis=1) * [width, height, width, height]
