"""What an annotator is: model, thresholds, prompts. Typed, checked when read, and kept with what it found."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from provision_dagster.image_sets.spec import read_mapping
from provision_dagster.scene_graphs.annotators.base_config import AnnotatorConfig, OnnxConfig, Share
from provision_dagster.scene_graphs.annotators.base_config import HubConfig as HubConfig
from provision_dagster.scene_graphs.annotators.config_files import checked
from provision_dagster.scene_graphs.annotators.detector_configs import ClosedSetConfig as ClosedSetConfig
from provision_dagster.scene_graphs.annotators.detector_configs import DetectorConfig as DetectorConfig
from provision_dagster.scene_graphs.annotators.detector_configs import YoloxConfig as YoloxConfig
from provision_dagster.scene_graphs.annotators.detector_configs import ZeroShotConfig as ZeroShotConfig
from provision_dagster.scene_graphs.annotators.vlm_configs import (
    AttributesConfig,
    AttributesEndpointConfig,
    RelationsConfig,
    RelationsEndpointConfig,
)


class OnnxDepthConfig(OnnxConfig):
    """A monocular depth model in an ONNX file."""

    kind: Literal["depth-onnx"]
    larger: Literal["closer", "farther"] = "farther"
    """What larger values of the model's output mean; METER gives centimetres, so farther."""


class HubDepthConfig(HubConfig):
    """Depth Anything V2 or another depth estimator of transformers."""

    kind: Literal["depth"]
    larger: Literal["closer", "farther"] = "closer"
    """What larger values of the model's output mean; metric models give metres, so farther."""


class Sam2Config(HubConfig):
    """SAM 2: masks of the objects that boxes enclose."""

    kind: Literal["sam2"]
    boxes_per_call: Annotated[int, Field(ge=1)] = 32
    """Boxes of a picture that are cut out at a time: bounds memory."""
    score_threshold: Share = 0.5
    """Masks of which the model expects less overlap with the truth are left out."""


class OnnxMasksConfig(OnnxConfig):
    """A model in an ONNX file that sees the part of the picture round a box."""

    kind: Literal["masks-onnx"]
    score_threshold: Share = 0.5
    """Masks of which less overlap with the truth is expected are left out."""


MasksConfig = Annotated[OnnxMasksConfig | Sam2Config, Field(discriminator="kind")]
DepthConfig = Annotated[OnnxDepthConfig | HubDepthConfig, Field(discriminator="kind")]
AnyAttributesConfig = Annotated[AttributesConfig | AttributesEndpointConfig, Field(discriminator="kind")]
AnyRelationsConfig = Annotated[RelationsConfig | RelationsEndpointConfig, Field(discriminator="kind")]


class QualityFloor(AnnotatorConfig):
    """Figures of the asset `annotator_quality` below which its check warns; null: none."""

    ap: Share | None = None
    ap50: Share | None = None
    ar: Share | None = None
    mask_iou: Share | None = None
    spearman: Annotated[float, Field(ge=-1, le=1)] | None = None
    attribute_recall: Share | None = None
    attribute_precision: Share | None = None
    relation_accuracy: Share | None = None


class AnnotatorsConfig(AnnotatorConfig):
    """The models that look at the pictures of an image set, each optional, and whose word counts."""

    detections: DetectorConfig | None = None
    masks: MasksConfig | None = None
    depth_maps: DepthConfig | None = None
    attributes: AnyAttributesConfig | None = None
    relations: AnyRelationsConfig | None = None
    objects: Literal["human-first", "human", "model"] = "human-first"
    """Both, a human's where both mark one thing; or those of one side alone."""
    batch: Annotated[int, Field(ge=1)] = 8
    """Pictures per call of a model at most."""
    quality_floor: QualityFloor = QualityFloor()
    """How good the models must be where humans annotated the same pictures."""


def load_annotators(path: Path) -> AnnotatorsConfig:
    """
    Read annotators from a YAML file; relative paths in it count from the file's folder.

    Raises
    ------
    InputError
        When the file cannot be read, is not YAML, or a field is unknown, missing or out of range; all are named.
    """
    return checked(read_mapping(path, holds="the annotators of image sets"), model=AnnotatorsConfig, path=path)
