"""Open-vocabulary detection by transformers: Grounding DINO, OWLv2 and OmDet-Turbo behind one interface."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

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
from provision_dagster.scene_graphs.annotators.tagging import ClipTagger
from provision_dagster.scene_graphs.annotators.zero_shot_families import FAMILIES, Lists, Loaded, Raw


class ZeroShotDetector:
    """Finds what a list of labels names: one list for all pictures, or what a tagger chooses of it for each.

    Long lists are asked in turns of `labels_per_prompt`.
    """

    def __init__(self, config: ZeroShotConfig) -> None:
        self.config = config
        self._loaded: Loaded | None = None

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
        return f"{told(self.config, self._read().network)} {digest_of(self.labels)}{tags}"

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When they are missing, or not of a known family.
        """
        self._read()

    def _read(self) -> Loaded:
        if self._loaded is not None:
            return self._loaded
        library, device = transformers_module(), device_of(self.config)
        network = load_pretrained(library.AutoModelForZeroShotObjectDetection, self.config, device=device)
        kind = network.config.model_type
        if kind not in FAMILIES:
            raise InputError(f"model `{self.config.model}` is of type `{kind}`; known: {', '.join(FAMILIES)}")
        processor = from_pretrained(library.AutoProcessor, self.config)
        if self.tagger is not None:
            self.tagger.load()
        self._loaded = Loaded(self.config.model, network, processor, device)
        return self._loaded

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """Pictures of one size go together: Grounding DINO would fill up smaller ones, and see the filling."""
        return picture.shape[:2]

    def annotate(self, batch: list[Pixels]) -> list[Detections]:
        """Find objects; boxes in pixels of each picture."""
        if not batch:
            return []
        self.load()
        tags: Sequence[list[Tag] | None] = [None] * len(batch) if self.tagger is None else self.tagger.annotate(batch)
        lists = [self._searched(chosen) for chosen in tags]
        turns = self._raw(batch, lists)
        return [self._kept(*one) for one in zip(turns, lists, tags, batch, strict=True)]

    def _searched(self, chosen: Sequence[Tag] | None) -> list[str]:
        """Labels in the order of the file: how sure the tagger is does not change a prompt."""
        if chosen is None:
            return self.labels
        names = {tag.label for tag in chosen}
        return [label for label in self.labels if label in names]

    def _raw(self, batch: list[Pixels], lists: Lists) -> list[list[Raw]]:
        """What the network says of each picture, turn by turn."""
        torch, loaded = torch_module(), self._read()
        family = FAMILIES[loaded.network.config.model_type]
        turns: list[list[Raw]] = [[] for _ in batch]
        step = self.config.labels_per_prompt
        for first in range(0, max(map(len, lists)), step):
            some = [place for place, labels in enumerate(lists) if first < len(labels)]
            asked = [lists[place][first : first + step] for place in some]
            with torch.inference_mode():
                found = family(loaded, [batch[place] for place in some], asked)
            for place, raw in zip(some, found, strict=True):
                turns[place].append(raw)
        return turns

    def _kept(self, turns: Sequence[Raw], labels: Sequence[str], tags: list[Tag] | None, picture: Pixels) -> Detections:
        boxes, scores, classes, first = [np.zeros((0, 4))], [np.zeros(0)], [np.zeros(0, dtype=np.int64)], 0
        for raw in turns:
            at, label = np.nonzero(raw.scores >= self.config.least_score)
            boxes.append(raw.boxes[at])
            scores.append(raw.scores[at, label])
            classes.append(label + first)
            first += raw.scores.shape[1]
        height, width = picture.shape[:2]
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
