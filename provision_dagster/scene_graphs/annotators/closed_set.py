"""Closed-set detection by transformers: RT-DETR (Zhao et al., arXiv 2304.08069), D-FINE (arXiv 2410.13842), DETR."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.boxes import Ints, corners, detections
from provision_dagster.scene_graphs.annotators.configs import ClosedSetConfig
from provision_dagster.scene_graphs.annotators.found import Detections, Floats, Pixels
from provision_dagster.scene_graphs.annotators.hub import (
    as_floats,
    device_of,
    from_pretrained,
    load_pretrained,
    told,
    torch_module,
    transformers_module,
)
from provision_dagster.scene_graphs.annotators.labels import NOT_A_CLASS, digest_of, read_labels
from provision_dagster.scene_graphs.annotators.steps import InSteps
from provision_dagster.scene_graphs.annotators.tensors import for_device, spread, stacked
from provision_dagster.scene_graphs.normalize import normalized

UNNAMED = re.compile(r"label[ _]\d+")
"""What transformers calls a class without a name."""


class ClosedSetDetector(InSteps[Pixels, Detections]):
    """Any model of `AutoModelForObjectDetection` that gives a box and the scores of its classes per query."""

    def __init__(self, config: ClosedSetConfig) -> None:
        self.config = config
        self.labels: list[str] = []
        self._network: Any = None

    @property
    def model(self) -> str:
        """Model, revision, and digest of the labels that are kept."""
        self.load()
        kept = f" {digest_of(self.labels)}" if self.config.labels is not None else ""
        return f"{told(self.config, self._network)}{kept}"

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When they are missing or not of a detector, its classes have no names, or a label to keep is none of them.
        """
        if self._network is not None:
            return
        library = transformers_module()
        self._device = device_of(self.config)
        network = load_pretrained(library.AutoModelForObjectDetection, self.config, device=self._device)
        self._processor = from_pretrained(library.AutoImageProcessor, self.config)
        self._classes, self.labels = self._kept_classes(network.config.id2label)
        self._network = network

    def _kept_classes(self, names: dict[int, str]) -> tuple[Ints, list[str]]:
        """Place in the list of kept labels of each class, -1 for others; and that list."""
        known = _normalized([names.get(number, NOT_A_CLASS) for number in range(len(names))])
        own = [name for name in dict.fromkeys(known) if name != NOT_A_CLASS and name and not UNNAMED.fullmatch(name)]
        if not own:
            raise InputError(
                f"model `{self.config.model}` has no names for its classes (`id2label` of its config.json)"
            )
        kept = own if self.config.labels is None else _wanted(self.config, own)
        places = {name: place for place, name in enumerate(kept)}
        return np.array([places.get(name, -1) for name in known], dtype=np.int64), kept

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """Pictures go together that need no filling: all where the model squeezes them, else those of one size."""
        self.load()
        size = self._processor.size
        return () if size.get("height") and size.get("width") else picture.shape[:2]

    def prepare(self, given: Pixels) -> tuple[Any, tuple[int, ...]]:
        """Bring a picture to the model's size and range."""
        self.load()
        pixels = self._processor(images=[given], return_tensors="pt")["pixel_values"][0]
        return for_device(pixels, device=self._device, dtype=self._network.dtype), given.shape[:2]

    def forward(self, ready: list[Any]) -> list[tuple[Floats, Floats]]:
        """Run the network; boxes and scores of each picture."""
        return spread(self._found, ready, device=self._device)

    def _found(self, ready: Sequence[Any]) -> list[tuple[Floats, Floats]]:
        with torch_module().inference_mode():
            output = self._network(stacked(ready, device=self._device))
            scores = self._scores(output.logits.float())
        return list(zip(as_floats(output.pred_boxes), scores, strict=True))

    def finish(self, about: tuple[int, ...], raw: tuple[Floats, Floats]) -> Detections:
        """Find objects; boxes in pixels of the picture."""
        return self._kept(*raw, size=about)

    def _scores(self, logits: Any) -> Floats:
        """Score of each kept class for each query: 0 .. 1, shape (pictures, queries, classes)."""
        found, known = logits.shape[2], len(self._classes)
        if found == known:  # focal loss: each class for itself
            return as_floats(logits.sigmoid())
        if found != known + 1:
            raise InputError(f"model `{self.config.model}` names {known} classes, but gives scores of {found}")
        # DETR: one class or, last, none (Carion et al., arXiv 2005.12872, section 3.1); a query is one object
        chances = as_floats(logits.softmax(dim=2))[:, :, :-1]
        return np.where(chances == chances.max(axis=2, keepdims=True), chances, 0)

    def _kept(self, boxes: Floats, scores: Floats, *, size: tuple[int, ...]) -> Detections:
        good = (scores > 0) & (scores >= self.config.least_score)
        at, number = np.nonzero(good & (self._classes >= 0))
        height, width = size
        return detections(
            corners(boxes, width=width, height=height)[at],
            scores[at, number],
            self._classes[number],
            labels=self.labels,
            width=width,
            height=height,
            score_threshold=self.config.score_threshold,
            iou_threshold=self.config.iou_threshold,
            most=self.config.most,
        )


def _wanted(config: ClosedSetConfig, own: Sequence[str]) -> list[str]:
    """Labels of the file, each of which the model must know."""
    assert config.labels is not None
    wanted = list(dict.fromkeys(_normalized(read_labels(config.labels))))
    for name in wanted:
        if name not in own:
            near = ", ".join(f"`{one}`" for one in get_close_matches(name, own, n=3) or own[:10])
            raise InputError(
                f"labels `{config.labels}`: no `{name}` among what model `{config.model}` knows, such as {near}"
            )
    return wanted


def _normalized(names: Sequence[str]) -> list[str]:
    column = pl.Series("name", names, dtype=pl.String)
    return column.to_frame().select(normalized(pl.col("name"))).to_series().to_list()
