"""What an annotator is: model, thresholds, prompts. Typed, checked when read, and kept in provenance."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from provision_dagster.image_sets.spec import LocalPath

Share = Annotated[float, Field(ge=0, le=1)]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


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
