"""What a detector is: model, labels, thresholds."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from provision_dagster.image_sets.spec import LocalPath
from provision_dagster.scene_graphs.annotators.base_config import AnnotatorConfig, HubConfig, OnnxConfig, Share


class _ThresholdsConfig(AnnotatorConfig):
    score_threshold: Share = 0.3
    weak_threshold: Share | None = 0.1
    """What is found with a score from here up to `score_threshold` is no object, but makes its label doubtful: there
    may be more of it than is marked. Null: such weak detections are not looked for."""
    iou_threshold: Share = 0.65
    """Overlap above which the weaker of two boxes of one label is dropped (YOLOX's own value)."""
    most: Annotated[int, Field(ge=1)] = 100
    """Objects per picture at most, and weak detections."""

    @field_validator("weak_threshold")
    @classmethod
    def _below_score_threshold(cls, value: float | None, info: ValidationInfo) -> float | None:
        strong = info.data.get("score_threshold")
        if value is not None and strong is not None and value > strong:
            raise ValueError(f"must be at most `score_threshold`, {strong}")
        return value

    @property
    def least_score(self) -> float:
        """Score below which nothing is looked at."""
        return self.score_threshold if self.weak_threshold is None else min(self.weak_threshold, self.score_threshold)


class _LabelsConfig(_ThresholdsConfig):
    labels: LocalPath
    """Text file, one label a line; lines "n/a" are left out."""


class YoloxConfig(_LabelsConfig, OnnxConfig):
    """YOLOX in an ONNX file with its raw head output."""

    kind: Literal["yolox-onnx"]
    score_threshold: Share = 0.6
    """What YOLOX-nano finds with a score from here up is what it is called in 9 of 10 cases (docs/annotators.md)."""


class ClosedSetConfig(_ThresholdsConfig, HubConfig):
    """RT-DETR, D-FINE, DETR or another detector of transformers that knows a fixed set of classes."""

    kind: Literal["closed-set"]
    labels: LocalPath | None = None
    """Text file with the labels that are kept, one a line; null: all that the model knows."""


class ClipConfig(AnnotatorConfig):
    """A CLIP of open_clip."""

    section: ClassVar[str]
    """What messages call the configuration."""

    model: Annotated[str, Field(min_length=1)]
    """Name in open_clip ("ViT-B-32"), on a hub ("hf-hub:laion/..."), or folder with open_clip_config.json."""
    pretrained: str | None = None
    """Weights of a model that open_clip names: one of its tags ("laion2b_s34b_b79k"), or a file."""
    revision: str | None = None
    """Branch, tag or commit of a model on a hub; null: its main branch."""


class TagsConfig(ClipConfig):
    """A CLIP that says which of many labels fit a picture; runs where the detector does."""

    section = "tags"

    prompt: Annotated[str, Field(pattern=r"\{\}")] = "a photo of a {}"
    """Sentence that is compared with a picture; {} stands for the label."""
    most: Annotated[int, Field(ge=1)] = 30
    """Labels per picture at most: the best ones."""
    floor: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Cosine similarity of text and picture below which a label is left out; null: none is."""


class ZeroShotConfig(_LabelsConfig, HubConfig):
    """Grounding DINO, OWLv2 or OmDet-Turbo: finds what a list of labels names."""

    kind: Literal["zero-shot"]
    iou_threshold: Share = 0.5
    labels_per_prompt: Annotated[int, Field(ge=1)] = 40
    """Labels that are asked for at a time; Grounding DINO reads 256 tokens."""
    tags: TagsConfig | None = None
    """What chooses the labels that are searched for in each picture; null: all of `labels` in every picture."""


DetectorConfig = Annotated[YoloxConfig | ClosedSetConfig | ZeroShotConfig, Field(discriminator="kind")]
