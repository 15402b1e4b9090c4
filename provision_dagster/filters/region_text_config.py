"""How regions are compared with the expressions that questions use for them, and what is asked of the score."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from provision_dagster.scene_graphs.annotators.base_config import HubConfig
from provision_dagster.scene_graphs.annotators.detector_configs import ClipConfig

RegionGenerator = Literal["AttributeBBox", "TypedAttributeBBox", "RelationBBox", "SameObjectSeg", "DiffObjectSeg"]
"""Generators whose questions have a region and an expression; see `regions_of`."""

Scale = Literal["cosine", "logit", "percentile"]
"""What `threshold` is compared with."""

RANGES: dict[Scale, tuple[float, float]] = {"cosine": (-1.0, 1.0), "percentile": (0.0, 1.0)}
"""Least and greatest value of a scale; a logit has none."""


class RegionTextConfig(ClipConfig, HubConfig):
    """A CLIP of open_clip that compares regions with expressions (Genixer, arXiv 2312.06731)."""

    section = "region_text"

    prompt: Annotated[str, Field(pattern=r"\{\}")] = "a photo of a {}"
    """Sentence that is compared with a region; {} stands for the expression."""
    generators: tuple[RegionGenerator, ...] = Field(
        default=("AttributeBBox", "TypedAttributeBBox", "RelationBBox"), strict=False
    )
    """Whose questions are scored: those that point by a box, as Genixer's do."""
    min_side_px: Annotated[float, Field(ge=0)] = 50
    """Shorter side of a box, in pixels of the upright picture, from which on it is scored: Genixer's value."""
    scale: Scale = "cosine"
    """What `threshold` is compared with: cosine similarity (-1 .. 1), the model's logit (cosine times its logit scale,
    plus its bias where it has one), or the percentile within shard and model (0 .. 1)."""
    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Score from which on a question is kept; null: none is rejected. It belongs to one model and one scale:
    `provision calibrate` finds it. Genixer's published 0.6 is on features that were not normalized, and means nothing
    here."""
    batch: Annotated[int, Field(ge=1)] = 256
    """Regions that are encoded at a time."""

    @field_validator("threshold")
    @classmethod
    def _on_the_scale(cls, value: float | None, info: ValidationInfo) -> float | None:
        scale = info.data.get("scale", "logit")
        low, high = RANGES.get(scale, (float("-inf"), float("inf")))
        if value is not None and not low <= value <= high:
            raise ValueError(f"must be {low:g} .. {high:g} on the scale `{scale}`")
        return value

    def told(self) -> str:
        """JSON of what may change scores, but for the model, which is told by its content."""
        return self.model_dump_json(include={"revision", "dtype", "prompt"})
