"""What the filters ask for: every number that a rule compares with, with its source. None is in the SQL."""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from provision_dagster.image_sets.schema import USABLE_STATUSES

REGION_GENERATORS = ("AttributeBBox", "TypedAttributeBBox", "RelationBBox")
"""Generators that point at a region by the box of an object."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Multiple-choice options are lettered with these."""


class FilterConfig(BaseModel):
    """Thresholds of the rules that need no model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_region_side_px: float = Field(
        default=50,
        ge=0,
        description="Shortest side of a box, in pixels of the upright picture, that a question may point at "
        "by coordinates. Genixer (arXiv 2312.06731) keeps boxes of at least 50 px in width and height.",
    )
    region_generators: tuple[str, ...] = Field(
        default=REGION_GENERATORS,
        description="Generators to which `min_region_side_px` applies: those that ask by a box.",
    )
    max_question_chars: int = Field(
        default=1000,
        ge=1,
        description="Longest question. Our own bound: about 250 tokens, far above any template.",
    )
    max_answer_chars: int = Field(
        default=4000,
        ge=1,
        description="Longest answer or option. Our own bound: about 1,000 tokens, half of LLaVA-1.5's "
        "context of 2,048 tokens.",
    )
    min_options: int = Field(
        default=2,
        ge=2,
        le=len(LETTERS),
        description="Fewest options of a multiple-choice form: with one there is no choice.",
    )
    max_options: int = Field(
        default=len(LETTERS),
        ge=2,
        le=len(LETTERS),
        description="Most options of a multiple-choice form: one letter each.",
    )
    max_answers_per_question: int = Field(
        default=1,
        ge=1,
        description="Different answers to one question about the same images before none is believed.",
    )
    max_copies: int = Field(
        default=1,
        ge=1,
        description="How often one question with one answer about the same images may be kept.",
    )
    usable_statuses: tuple[str, ...] = Field(
        default=USABLE_STATUSES,
        description="Values of `images.status` that a question may be asked about.",
    )

    def as_table(self) -> pl.DataFrame:
        """Return the configuration as one row, a column per field: the table `config` of the SQL."""
        data = {name: [list(v) if isinstance(v, tuple) else v] for name, v in self}
        lists = {name: pl.List(pl.String()) for name in ("region_generators", "usable_statuses")}
        return pl.DataFrame(data, schema_overrides=lists)
