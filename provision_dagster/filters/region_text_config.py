"""How regions are compared with the expressions that questions use for them."""

from typing import Annotated, Literal

from pydantic import Field

from provision_dagster.scene_graphs.annotators.base_config import HubConfig
from provision_dagster.scene_graphs.annotators.detector_configs import ClipConfig

RegionGenerator = Literal["AttributeBBox", "TypedAttributeBBox", "RelationBBox", "SameObjectSeg", "DiffObjectSeg"]
"""Generators whose questions have a region and an expression; see `regions_of`."""


class RegionTextConfig(ClipConfig, HubConfig):
    """A CLIP of open_clip that compares regions with expressions (Genixer, arXiv 2312.06731).

    What a score must reach is `FilterConfig.min_region_text_cosine`.
    """

    section = "region_text"

    prompt: Annotated[str, Field(pattern=r"\{\}")] = "a photo of a {}"
    """Sentence that is compared with a region; {} stands for the expression."""
    generators: tuple[RegionGenerator, ...] = Field(
        default=("AttributeBBox", "TypedAttributeBBox", "RelationBBox"), strict=False
    )
    """Whose questions are scored: those that point by a box, as Genixer's do."""
    min_side_px: Annotated[float, Field(ge=0)] = 50
    """Shorter side of a box, in pixels of the upright picture, from which on it is scored: Genixer's value."""
    batch: Annotated[int, Field(ge=1)] = 256
    """Regions that are encoded at a time."""

    def told(self) -> str:
        """JSON of what may change scores, but for the model, which is told by its content."""
        return self.model_dump_json(include={"revision", "dtype", "prompt"})
