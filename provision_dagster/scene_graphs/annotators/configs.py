"""What an annotator is: model, thresholds, prompts. Typed, checked when read, and kept with what it found."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from provision_dagster.errors import InputError
from provision_dagster.image_sets.spec import LocalPath, read_mapping

Share = Annotated[float, Field(ge=0, le=1)]


PATHS = ("weights", "labels", "model")
"""Fields of annotators that name files; `model` only where there is such a folder."""


MACHINE = ("threads", "device", "offline")
"""Fields that say how a machine does the work."""


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def told(self) -> str:
        """JSON of what may change results, but for files: these are told by content, wherever they lie."""
        return self.model_dump_json(exclude={*PATHS, *MACHINE})


class _DetectorConfig(_Config):
    labels: LocalPath
    """Text file, one label a line; lines "n/a" are left out."""
    score_threshold: Share = 0.3
    iou_threshold: Share = 0.65
    """Overlap above which the weaker of two boxes of one label is dropped (YOLOX's own value)."""
    most: Annotated[int, Field(ge=1)] = 100
    """Objects per picture at most."""


class _OnnxConfig(_Config):
    weights: LocalPath
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of one inference; 0: as many as there are cores."""


class YoloxConfig(_DetectorConfig, _OnnxConfig):
    """YOLOX in an ONNX file with its raw head output."""

    kind: Literal["yolox-onnx"]


class OnnxDepthConfig(_OnnxConfig):
    """A monocular depth model in an ONNX file."""

    kind: Literal["depth-onnx"]
    larger: Literal["closer", "farther"] = "farther"
    """What larger values of the model's output mean; METER gives centimetres, so farther."""


class HubConfig(_Config):
    """A model in the format of transformers."""

    model: Annotated[str, Field(min_length=1)]
    """Name on a hub ("IDEA-Research/grounding-dino-base"), or folder."""
    revision: str | None = None
    """Branch, tag or commit of the hub; null: its main branch. Name a commit to have the same weights tomorrow."""
    offline: bool = False
    """Whether to look in folders and the local cache alone."""
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Numbers of the weights; auto: bfloat16 on a GPU that has it, else float32."""


class ZeroShotConfig(_DetectorConfig, HubConfig):
    """Grounding DINO, OWLv2 or OmDet-Turbo: finds what a list of labels names."""

    kind: Literal["zero-shot"]
    iou_threshold: Share = 0.5
    labels_per_prompt: Annotated[int, Field(ge=1)] = 40
    """Labels that are asked for at a time; Grounding DINO reads 256 tokens."""


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


DetectorConfig = Annotated[YoloxConfig | ZeroShotConfig, Field(discriminator="kind")]
DepthConfig = Annotated[OnnxDepthConfig | HubDepthConfig, Field(discriminator="kind")]


class AnnotatorsConfig(_Config):
    """The models that look at the pictures of an image set, each optional, and whose word counts."""

    detections: DetectorConfig | None = None
    masks: Sam2Config | None = None
    depth_maps: DepthConfig | None = None
    objects: Literal["human-first", "human", "model"] = "human-first"
    """Both, a human's where both mark one thing; or those of one side alone."""
    batch: Annotated[int, Field(ge=1)] = 8
    """Pictures per call of a model at most."""


KINDS: dict[str, type[BaseModel]] = {
    "yolox-onnx": YoloxConfig,
    "zero-shot": ZeroShotConfig,
    "depth-onnx": OnnxDepthConfig,
    "depth": HubDepthConfig,
    "sam2": Sam2Config,
}
ALLOWED = {"detections": ("yolox-onnx", "zero-shot"), "depth_maps": ("depth-onnx", "depth")}


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
    """Make the files of each annotator absolute."""
    return {
        name: {
            field: _absolute(field, value, folder) if field in PATHS and isinstance(value, str) else value
            for field, value in part.items()
        }
        if isinstance(part, dict)
        else part
        for name, part in data.items()
    }


def _absolute(field: str, value: str, folder: Path) -> str:
    """Take the name of a model for a folder only where there is one: else it is a hub's."""
    return value if field == "model" and not (folder / value).is_dir() else str(folder / value)


def _message(error: Any) -> str:
    """One line for one problem that pydantic found, with field, allowed values and what was got."""
    place = error["loc"]
    # a kind stands in the place of a field of several kinds
    field = ".".join(str(part) for number, part in enumerate(place) if number != 1 or part not in KINDS)
    if error["type"].startswith("union_tag"):
        allowed = ", ".join(f"`{kind}`" for kind in ALLOWED[field])
        got = error["ctx"].get("tag")
        return f"field `{field}.kind` must be one of {allowed}" + (f", got `{got}`" if got else "")
    if error["type"] == "extra_forbidden":
        model = KINDS[str(place[1])] if len(place) > 1 else AnnotatorsConfig
        return f"unknown field `{field}`; allowed: {', '.join(f'`{name}`' for name in model.model_fields)}"
    if error["type"] == "missing":
        return f"field `{field}` is required"
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"field `{field}`: {text[:1].lower()}{text[1:]}, got {error['input']!r}"
