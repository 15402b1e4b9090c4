"""Open-vocabulary detection by transformers: Grounding DINO, OWLv2 and OmDet-Turbo behind one interface."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.boxes import detections
from provision_dagster.scene_graphs.annotators.configs import ZeroShotConfig
from provision_dagster.scene_graphs.annotators.found import Detections, Pixels, Tag
from provision_dagster.scene_graphs.annotators.hub import (
    device_of,
    from_pretrained,
    load_pretrained,
    told,
    torch_module,
    transformers_module,
)
from provision_dagster.scene_graphs.annotators.labels import digest_of, read_labels
from provision_dagster.scene_graphs.annotators.steps import InSteps
from provision_dagster.scene_graphs.annotators.tagging import ClipTagger
from provision_dagster.scene_graphs.annotators.tensors import for_device, spread, stacked
from provision_dagster.scene_graphs.annotators.zero_shot_families import (
    FAMILIES,
    Array,
    Family,
    Lists,
    Loaded,
    Raw,
    Size,
)

Answer = tuple[Sequence[str], Array, Array]
"""Labels that were searched for, boxes, and scores of either."""


@dataclass(frozen=True)
class Answers:
    """What a network said of one picture, turn by turn; the labels of all turns, and how they were chosen."""

    turns: list[Answer]
    labels: list[str]
    tags: list[Tag] | None


class ZeroShotDetector(InSteps[Pixels, Detections]):
    """Finds what a list of labels names: one list for all pictures, or what a tagger chooses of it for each.

    Long lists are asked in turns of `labels_per_prompt`.
    """

    def __init__(self, config: ZeroShotConfig) -> None:
        self.config = config

    @cached_property
    def labels(self) -> list[str]:
        """Labels that are searched for, or chosen from."""
        return read_labels(self.config.labels)

    @cached_property
    def tagger(self) -> ClipTagger | None:
        """What chooses the labels of each picture."""
        tags = self.config.tags
        return None if tags is None else ClipTagger(tags, hub=self.config, labels=self.labels)

    @property
    def model(self) -> str:
        """Model, revision, digest of the labels, and the tagger's model."""
        tags = f" tags:{self.tagger.model}" if self.tagger is not None else ""
        return f"{told(self.config, self.loaded.network)} {digest_of(self.labels)}{tags}"

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When they are missing, or not of a known family.
        """
        _ = self.loaded

    @cached_property
    def loaded(self) -> Loaded:
        """The network with its processor; the tagger is loaded with them."""
        library, device = transformers_module(), device_of(self.config)
        network = load_pretrained(library.AutoModelForZeroShotObjectDetection, self.config, device=device)
        kind = network.config.model_type
        if kind not in FAMILIES:
            raise InputError(f"model `{self.config.model}` is of type `{kind}`; known: {', '.join(FAMILIES)}")
        processor = from_pretrained(library.AutoProcessor, self.config)
        if self.tagger is not None:
            self.tagger.load()
        return Loaded(self.config.model, network, processor, device)

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """Pictures go together that need no filling: all where the model wants one size, else those of one size.

        Grounding DINO would fill up smaller ones, and see the filling.
        """
        size = self.loaded.processor.image_processor.size
        return () if size.get("height") and size.get("width") else picture.shape[:2]

    def prepare(self, picture: Pixels) -> tuple[tuple[dict[str, Any], Any], Size]:
        """Bring a picture to the sizes of detector and tagger."""
        loaded = self.loaded
        made = loaded.processor.image_processor(images=[picture], return_tensors="pt")
        numbers = {"pixel_values": loaded.network.dtype}
        pixels = {
            name: for_device(value[0], device=loaded.device, dtype=numbers.get(name, value.dtype))
            for name, value in made.items()
        }
        tags = None if self.tagger is None else self.tagger.prepare(picture)[0]
        return (pixels, tags), (picture.shape[0], picture.shape[1])

    def forward(self, ready: list[tuple[dict[str, Any], Any]]) -> list[Answers]:
        """Choose the labels of each picture, and search for them."""
        if self._family().one_thread:
            return self._answers(ready)
        return spread(self._answers, ready, device=self.loaded.device)

    def _answers(self, ready: Sequence[tuple[dict[str, Any], Any]]) -> list[Answers]:
        chosen: Sequence[list[Tag] | None] = [None] * len(ready)
        if self.tagger is not None:
            chosen = self.tagger.chosen([tags for _, tags in ready])
        lists = [self._searched(tags) for tags in chosen]
        found = self._asked([pixels for pixels, _ in ready], lists)
        return [Answers(*one) for one in zip(found, lists, chosen, strict=True)]

    def _searched(self, chosen: Sequence[Tag] | None) -> list[str]:
        """Labels in the order of the file: how sure the tagger is does not change a prompt."""
        if chosen is None:
            return self.labels
        names = {tag.label for tag in chosen}
        return [label for label in self.labels if label in names]

    def _asked(self, pictures: list[dict[str, Any]], lists: Lists) -> list[list[Answer]]:
        """What the network says of each picture, turn by turn."""
        loaded, family = self.loaded, self._family()
        every = {name: stacked([one[name] for one in pictures], device=loaded.device) for name in pictures[0]}
        turns: list[list[Answer]] = [[] for _ in pictures]
        longest = max(map(len, lists))
        step = max(longest, 1) if family.at_once else self.config.labels_per_prompt
        for first in range(0, longest, step):
            some = [place for place, labels in enumerate(lists) if first < len(labels)]
            asked = [lists[place][first : first + step] for place in some]
            mine = every if len(some) == len(lists) else {name: value[some] for name, value in every.items()}
            with torch_module().inference_mode():
                found = family.ask(loaded, mine, asked)
            for place, labels, one in zip(some, asked, found, strict=True):
                turns[place].append((labels, *one))
        return turns

    def finish(self, about: Size, raw: Answers) -> Detections:
        """Find objects; boxes in pixels of the picture."""
        loaded, family = self.loaded, self._family()
        turns = [family.read(loaded, boxes, scores, labels, about) for labels, boxes, scores in raw.turns]
        return self._kept(turns, raw.labels, raw.tags, about)

    def _family(self) -> Family:
        return FAMILIES[self.loaded.network.config.model_type]

    def _kept(self, turns: Sequence[Raw], labels: Sequence[str], tags: list[Tag] | None, size: Size) -> Detections:
        boxes, scores, classes, first = [np.zeros((0, 4))], [np.zeros(0)], [np.zeros(0, dtype=np.int64)], 0
        for raw in turns:
            at, label = np.nonzero(raw.scores >= self.config.least_score)
            boxes.append(raw.boxes[at])
            scores.append(raw.scores[at, label])
            classes.append(label + first)
            first += raw.scores.shape[1]
        height, width = size
        found = detections(
            np.concatenate(boxes),
            np.concatenate(scores),
            np.concatenate(classes),
            labels=list(labels),
            width=width,
            height=height,
            score_threshold=self.config.score_threshold,
            iou_threshold=self.config.iou_threshold,
            most=self.config.most,
        )
        return replace(found, tags=tags)
