"""What an annotator is: model, thresholds, prompts. Typed, checked when read, and kept with what it found."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, ValidationError

from provision_dagster.errors import InputError
from provision_dagster.image_sets.spec import read_mapping
from provision_dagster.scene_graphs.annotators.base_config import PATHS, AnnotatorConfig, OnnxConfig, Share
from provision_dagster.scene_graphs.annotators.base_config import HubConfig as HubConfig
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
    data = read_mapping(path, holds="the annotators of image sets")
    try:
        return AnnotatorsConfig.model_validate(_from_folder(data, path.absolute().parent))
    except ValidationError as error:
        problems = "; ".join(_message(problem) for problem in error.errors(include_url=False))
        raise InputError(f"`{path}`: {problems}") from error


def _from_folder(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the files of annotators, and of their parts, absolute."""
    # a model that a server offers is no folder here
    served = data.get("kind") == "endpoint"
    return {
        field: value if served and field == "model" else _absolute(field, value, folder)
        for field, value in data.items()
    }


def _absolute(field: str, value: Any, folder: Path) -> Any:
    """Take the name of a model for a folder only where there is one: else it is a hub's."""
    if isinstance(value, dict):
        return _from_folder(value, folder)
    if field not in PATHS or not isinstance(value, str):
        return value
    if (field == "model" and not (folder / value).is_dir()) or (
        field == "pretrained" and not (folder / value).exists()
    ):
        return value
    return str(folder / value)


def _message(error: Any) -> str:
    """One line for one problem that pydantic found, with field, allowed values and what was got."""
    field, beside, kinds = _place(error["loc"])
    if error["type"].startswith("union_tag"):
        allowed = ", ".join(f"`{kind}`" for kind in kinds)
        got = error["ctx"].get("tag")
        return f"field `{field}.kind` must be one of {allowed}" + (f", got `{got}`" if got else "")
    if error["type"] == "extra_forbidden":
        return f"unknown field `{field}`; allowed: {', '.join(f'`{name}`' for name in beside)}"
    if error["type"] == "missing":
        return f"field `{field}` is required"
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"field `{field}`: {text[:1].lower()}{text[1:]}, got {error['input']!r}"


def _place(loc: Sequence[Any]) -> tuple[str, list[str], list[str]]:
    """Name of a field, the fields beside it, and the kinds that it may be of."""
    owner: type[BaseModel] = AnnotatorsConfig
    names: list[str] = []
    beside: list[str] = []
    kinds: dict[str, type[BaseModel]] = {}
    for part in map(str, loc):
        if part in kinds:  # a kind stands in the place of a field of several kinds
            owner, kinds = kinds[part], {}
            continue
        names.append(part)
        beside = list(owner.model_fields)
        models = _models_in(owner.model_fields[part].annotation) if part in owner.model_fields else []
        kinds = {get_args(one.model_fields["kind"].annotation)[0]: one for one in models} if len(models) > 1 else {}
        owner = models[0] if models else owner
    return ".".join(names), beside, list(kinds)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Configurations that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
