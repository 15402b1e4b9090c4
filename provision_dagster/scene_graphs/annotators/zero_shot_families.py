"""Families of open-vocabulary detectors in transformers: what each is asked, and what its answer means."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.boxes import corners
from provision_dagster.scene_graphs.annotators.found import Floats
from provision_dagster.scene_graphs.annotators.hub import torch_module

PROMPT = "a photo of a {}"
"""OWLv2's best single prompt (Minderer et al., arXiv 2306.09683, as OWL-ViT's)."""

AS_TENSORS = {"return_tensors": "pt", "padding": True}

TEXTS = 256
"""Labels that are encoded at a time."""

REMEMBERED = 256
"""Lists of labels whose words are kept: bounds memory where each picture has labels of its own."""

Array = NDArray[np.float32]


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
    _texts: dict[Any, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def remembered(self, texts: Any, make: Callable[[], Any]) -> Any:
        """What was made of texts, made once: most pictures are asked the same."""
        with self._lock:
            made = self._texts.get(texts)
            if made is None:
                made = make()
                while len(self._texts) >= REMEMBERED:
                    self._texts.pop(next(iter(self._texts)))
                self._texts[texts] = made
            return made


Lists = Sequence[Sequence[str]]
"""Labels that are searched for in each picture; none is empty."""

Size = tuple[int, int]
"""Height and width of a picture."""


@dataclass(frozen=True)
class Family:
    """How a family is asked.

    Attributes
    ----------
    ask
        Runs the network on prepared pictures, each with its labels; gives boxes and scores of each.
    read
        Makes of these what they mean, from the network's name, boxes, scores, labels and size of the picture.
    at_once
        Whether labels do not influence each other, and are asked for all at once.
    one_thread
        Whether the network remembers texts in a way that several threads at a time would disturb.
    """

    ask: Callable[[Loaded, dict[str, Any], Lists], list[tuple[Array, Array]]]
    read: Callable[[Loaded, Array, Array, Sequence[str], Size], Raw]
    at_once: bool = False
    one_thread: bool = False


def _ask_grounding_dino(model: Loaded, pictures: dict[str, Any], lists: Lists) -> list[tuple[Array, Array]]:
    texts = tuple(_spelled(model, labels)[0] for labels in lists)
    words = model.remembered(texts, lambda: _on_device(model, model.processor(text=list(texts), **AS_TENSORS)))
    output = model.network(**pictures, **words)
    return _of_each(output.pred_boxes, output.logits.float().sigmoid())


def _read_grounding_dino(model: Loaded, boxes: Array, scores: Array, labels: Sequence[str], size: Size) -> Raw:
    """Score of a label: mean over the tokens that spell it (Liu et al., arXiv 2303.05499, as in its evaluation)."""
    from_numpy = torch_module().from_numpy  # numpy would use all cores, whatever else they have to do
    means = from_numpy(scores).double() @ from_numpy(_spelled(model, labels)[1]).T
    return Raw(_in_pixels(boxes, size), means.numpy())


def _spelled(model: Loaded, labels: Sequence[str]) -> tuple[str, Floats]:
    """A prompt and the weights of its tokens in each label, which the network must be able to read to its end."""

    def spell() -> tuple[str, Floats]:
        text, spans = grounding_prompt(labels)
        coded, size = model.processor.tokenizer(text, return_offsets_mapping=True), model.network.config.max_text_len
        if len(coded["input_ids"]) > size:
            raise InputError(
                f"`labels_per_prompt` is {len(spans)}: too many tokens for `{model.name}`; use a smaller number"
            )
        return text, token_shares(coded["offset_mapping"], spans, size=size)

    return model.remembered(("spelled", *labels), spell)  # type: ignore[no-any-return]


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


def _ask_owl(model: Loaded, pictures: dict[str, Any], lists: Lists) -> list[tuple[Array, Array]]:
    """The network looks at a picture whatever is searched for in it, and at a label whatever picture it is for."""
    network = model.network
    seen = network.image_embedder(pixel_values=pictures["pixel_values"])[0]
    patches = seen.flatten(1, 2)
    texts = torch_module().stack([_owl_texts(model, tuple(labels)) for labels in _filled(lists)])
    scores = network.class_predictor(patches, texts)[0].float().sigmoid()
    return _of_each(network.box_predictor(patches, seen), scores)


def _owl_texts(model: Loaded, labels: tuple[str, ...]) -> Any:
    """Directions of labels, shape (labels, features)."""
    return model.remembered(
        labels,
        lambda: torch_module().cat(
            [_owl_features(model, labels[at : at + TEXTS]) for at in range(0, len(labels), TEXTS)]
        ),
    )


def _owl_features(model: Loaded, labels: Sequence[str]) -> Any:
    prompts = [PROMPT.format(label) for label in labels]
    words = _on_device(model, model.processor(text=[prompts], return_tensors="pt", truncation=True))
    made = getattr(model.network, model.network.base_model_prefix).get_text_features(**words)
    return getattr(made, "pooler_output", made)  # a tensor before transformers 5


def _read_owl(model: Loaded, boxes: Array, scores: Array, labels: Sequence[str], size: Size) -> Raw:
    # OWLv2 fills a picture up to a square, OWL-ViT squeezes it into one
    seen = (max(size), max(size)) if model.network.config.model_type == "owlv2" else size
    return Raw(_in_pixels(boxes, seen), scores.astype(np.float64)[:, : len(labels)])


def _ask_omdet(model: Loaded, pictures: dict[str, Any], lists: Lists) -> list[tuple[Array, Array]]:
    """Each picture has a task that names its labels, and the labels (Zhao et al., arXiv 2403.06892)."""
    texts = tuple(tuple(labels) for labels in lists)
    words = model.remembered(texts, lambda: _omdet_words(model, lists))
    output = model.network(**pictures, **words)
    return _of_each(output.decoder_coord_logits, output.decoder_class_logits.float().sigmoid())


def _omdet_words(model: Loaded, lists: Lists) -> dict[str, Any]:
    tasks = [f"Detect {', '.join(labels)}." for labels in lists]
    # the processor wants a picture with the words
    blank = np.zeros((8, 8, 3), dtype=np.uint8)
    inputs = model.processor(images=[blank], text=_filled(lists), task=tasks, return_tensors="pt")
    return {name: value for name, value in _on_device(model, inputs).items() if not name.startswith("pixel_")}


def _read_omdet(model: Loaded, boxes: Array, scores: Array, labels: Sequence[str], size: Size) -> Raw:
    return Raw(_in_pixels(boxes, size), scores.astype(np.float64)[:, : len(labels)])


def _filled(lists: Lists) -> list[list[str]]:
    """Lists of one length: the last label again takes no query from others, as an empty one would in OmDet-Turbo."""
    longest = max(map(len, lists))
    return [[*labels, *[labels[-1]] * (longest - len(labels))] for labels in lists]


GROUNDING_DINO = Family(_ask_grounding_dino, _read_grounding_dino)
OWL = Family(_ask_owl, _read_owl, at_once=True)

FAMILIES: dict[str, Family] = {
    "grounding-dino": GROUNDING_DINO,
    "mm-grounding-dino": GROUNDING_DINO,
    "owlv2": OWL,
    "owlvit": OWL,
    "omdet-turbo": Family(_ask_omdet, _read_omdet, one_thread=True),
}
"""By `model_type` of the model's configuration."""


def _on_device(model: Loaded, inputs: Any) -> dict[str, Any]:
    return {name: value.to(model.device) for name, value in inputs.items()}


def _of_each(boxes: Any, scores: Any) -> list[tuple[Array, Array]]:
    """Boxes and scores of each picture, in memory of the machine."""
    return list(zip(boxes.float().cpu().numpy(), scores.cpu().numpy(), strict=True))


def _in_pixels(boxes: Array, size: Size) -> Floats:
    return corners(boxes.astype(np.float64), width=size[1], height=size[0])
