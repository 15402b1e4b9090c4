"""Families of open-vocabulary detectors in transformers: what each is asked, and what its answer means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.boxes import corners
from provision_dagster.scene_graphs.annotators.found import Floats, Pixels
from provision_dagster.scene_graphs.annotators.hub import as_floats

PROMPT = "a photo of a {}"
"""OWLv2's best single prompt (Minderer et al., arXiv 2306.09683, as OWL-ViT's)."""


@dataclass(frozen=True)
class Raw:
    """Scores of every box for every label of one picture, before thresholds: shapes (boxes, 4), (boxes, labels)."""

    boxes: Floats
    scores: Floats


@dataclass(frozen=True)
class Loaded:
    """A network with its processor, on a device; `name` is told in errors."""

    name: str
    network: Any
    processor: Any
    device: Any


Lists = Sequence[Sequence[str]]
"""Labels that are searched for in each picture; none is empty."""

Family = Callable[[Loaded, list[Pixels], Lists], list[Raw]]


def _grounding_dino(model: Loaded, batch: list[Pixels], lists: Lists) -> list[Raw]:
    """Score of a label: mean over the tokens that spell it (Liu et al., arXiv 2303.05499, as in its evaluation)."""
    prompts = [grounding_prompt(labels) for labels in lists]
    spelled = {text: _spelled(model, text, spans) for text, spans in prompts}
    inputs = model.processor(images=batch, text=[text for text, _ in prompts], return_tensors="pt", padding=True)
    output = model.network(**_on(model, inputs))
    chances = as_floats(output.logits.float().sigmoid())
    return [
        Raw(_in_pixels(boxes, picture), chance @ spelled[text].T)
        for boxes, chance, picture, (text, _) in zip(as_floats(output.pred_boxes), chances, batch, prompts, strict=True)
    ]


def _spelled(model: Loaded, text: str, spans: Sequence[tuple[int, int]]) -> Floats:
    """Weights of the tokens of a prompt, which the network must be able to read to its end."""
    coded, size = model.processor.tokenizer(text, return_offsets_mapping=True), model.network.config.max_text_len
    if len(coded["input_ids"]) > size:
        raise InputError(
            f"`labels_per_prompt` is {len(spans)}: too many tokens for `{model.name}`; use a smaller number"
        )
    return token_shares(coded["offset_mapping"], spans, size=size)


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


def _owl(model: Loaded, batch: list[Pixels], lists: Lists) -> list[Raw]:
    prompts = [[PROMPT.format(label) for label in labels] for labels in _filled(lists)]
    inputs = model.processor(images=batch, text=prompts, return_tensors="pt", truncation=True)
    output = model.network(**_on(model, inputs))
    scores = as_floats(output.logits.float().sigmoid())
    # OWLv2 fills a picture up to a square, OWL-ViT squeezes it into one
    square = model.network.config.model_type == "owlv2"
    sizes = [(max(p.shape[:2]),) * 2 if square else p.shape[:2] for p in batch]
    return [
        Raw(corners(boxes, width=width, height=height), score[:, : len(labels)])
        for boxes, score, (height, width), labels in zip(
            as_floats(output.pred_boxes), scores, sizes, lists, strict=True
        )
    ]


def _omdet(model: Loaded, batch: list[Pixels], lists: Lists) -> list[Raw]:
    """Each picture has a task that names its labels, and the labels (Zhao et al., arXiv 2403.06892)."""
    tasks = [f"Detect {', '.join(labels)}." for labels in lists]
    inputs = model.processor(images=batch, text=_filled(lists), task=tasks, return_tensors="pt")
    output = model.network(**_on(model, inputs))
    scores = as_floats(output.decoder_class_logits.float().sigmoid())
    return [
        Raw(_in_pixels(boxes, picture), score[:, : len(labels)])
        for boxes, score, picture, labels in zip(
            as_floats(output.decoder_coord_logits), scores, batch, lists, strict=True
        )
    ]


def _filled(lists: Lists) -> list[list[str]]:
    """Lists of one length: the last label again takes no query from others, as an empty one would in OmDet-Turbo."""
    longest = max(map(len, lists))
    return [[*labels, *[labels[-1]] * (longest - len(labels))] for labels in lists]


FAMILIES: dict[str, Family] = {
    "grounding-dino": _grounding_dino,
    "mm-grounding-dino": _grounding_dino,
    "owlv2": _owl,
    "owlvit": _owl,
    "omdet-turbo": _omdet,
}
"""By `model_type` of the model's configuration."""


def _on(model: Loaded, inputs: Any) -> dict[str, Any]:
    """Move inputs to the model's device; pixels in its number type."""
    moved = {name: value.to(model.device) for name, value in inputs.items()}
    return moved | {"pixel_values": moved["pixel_values"].to(model.network.dtype)}


def _in_pixels(boxes: Floats, picture: Pixels) -> Floats:
    height, width = picture.shape[:2]
    return corners(boxes, width=width, height=height)
