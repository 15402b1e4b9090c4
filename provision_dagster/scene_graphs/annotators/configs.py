"""What an annotator is: model, thresholds, prompts. Typed, checked when read, and kept with what it found."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from provision_dagster.errors import InputError
from provision_dagster.image_sets.spec import LocalPath

Share = Annotated[float, Field(ge=0, le=1)]


PATHS = ("weights", "labels")
"""Fields of annotators that name files."""


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def told(self) -> str:
        """JSON of what may change results, but for files: these are told by content, wherever they lie."""
        return self.model_dump_json(exclude={*PATHS, "threads"})


class _OnnxConfig(_Config):
    weights: LocalPath
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of one inference; 0: as many as there are cores."""


class YoloxConfig(_OnnxConfig):
    """YOLOX in an ONNX file with its raw head output."""

    kind: Literal["yolox-onnx"] = "yolox-onnx"
    labels: LocalPath
    """Text file, one class a line; lines "n/a" are left out."""
    score_threshold: Share = 0.3
    iou_threshold: Share = 0.65
    """Overlap above which the weaker of two boxes of one class is dropped (YOLOX's own value)."""
    most: Annotated[int, Field(ge=1)] = 100
    """Objects per picture at most."""


class OnnxDepthConfig(_OnnxConfig):
    """A monocular depth model in an ONNX file."""

    kind: Literal["depth-onnx"] = "depth-onnx"
    larger: Literal["closer", "farther"] = "farther"
    """What larger values of the model's output mean; METER gives centimetres, so farther."""


DetectorConfig = YoloxConfig
DepthConfig = OnnxDepthConfig


class AnnotatorsConfig(_Config):
    """The models that look at the pictures of an image set, each optional, and whose word counts."""

    detections: DetectorConfig | None = None
    depth_maps: DepthConfig | None = None
    objects: Literal["human-first", "human", "model"] = "human-first"
    """Both, a human's where both mark one thing; or those of one side alone."""
    batch: Annotated[int, Field(ge=1)] = 8
    """Pictures per call of a model at most."""


def load_annotators(path: Path) -> AnnotatorsConfig:
    """
    Read annotators from a YAML file; relative paths in it count from the file's folder.

    Raises
    ------
    InputError
        When the file cannot be read, is not YAML, or a field is unknown, missing or out of range; all are named.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"`{path}` cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise InputError(f"`{path}` is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise InputError(f"`{path}` must hold the annotators of image sets, got {type(data).__name__}")
    try:
        return AnnotatorsConfig.model_validate(_from_folder(data, path.absolute().parent))
    except ValidationError as error:
        problems = "; ".join(_message(problem) for problem in error.errors(include_url=False))
        raise InputError(f"`{path}`: {problems}") from error


def _from_folder(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the files of each annotator absolute."""
    return {
        name: {
            field: str(folder / value) if field in PATHS and isinstance(value, str) else value
            for field, value in part.items()
        }
        if isinstance(part, dict)
        else part
        for name, part in data.items()
    }


def _message(error: Any) -> str:
    """One line for one problem that pydantic found, with field, allowed values and what was got."""
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        parts: dict[str, type[BaseModel]] = {"detections": YoloxConfig, "depth_maps": OnnxDepthConfig}
        model = parts[str(error["loc"][0])] if len(error["loc"]) > 1 else AnnotatorsConfig
        return f"unknown field `{field}`; allowed: {', '.join(f'`{name}`' for name in model.model_fields)}"
    if error["type"] == "missing":
        return f"field `{field}` is required"
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"field `{field}`: {text[:1].lower()}{text[1:]}, got {error['input']!r}"
