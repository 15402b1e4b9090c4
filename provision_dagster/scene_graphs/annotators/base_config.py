"""What the configurations of all annotators have in common."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from provision_dagster.image_sets.spec import LocalPath

Share = Annotated[float, Field(ge=0, le=1)]

PATHS = ("weights", "labels", "model", "pretrained", "vocabulary")
"""Fields of annotators that name files; `model` only where there is such a folder, `pretrained` such a file."""

MACHINE = (
    *("threads", "device", "offline", "batch", "reuse_prefix"),
    *("base_url", "api_key_env", "timeout", "retries", "max_concurrent"),
)
"""Fields that say how and where the work is done."""


class AnnotatorConfig(BaseModel):
    """Fields are checked when they are read, unknown ones are errors, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def told(self) -> str:
        """JSON of what may change results, but for files: these are told by content, wherever they lie."""
        own = {*PATHS, *MACHINE}
        parts = {name for name, value in self if isinstance(value, AnnotatorConfig)}
        return self.model_dump_json(exclude=dict.fromkeys(own, True) | dict.fromkeys(parts - own, own))


class OnnxConfig(AnnotatorConfig):
    """A model in an ONNX file."""

    weights: LocalPath
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of one inference; 0: one, and as many inferences at a time as there are cores."""


class HubConfig(AnnotatorConfig):
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
