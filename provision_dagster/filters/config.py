"""What the filters ask for: every number that a rule compares with, with its source. None is in the SQL."""

from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from provision_dagster.filters.duplicate_config import DUPLICATE_PATHS, BenchmarkConfig, DuplicatesConfig
from provision_dagster.filters.judge_config import AnyJudgeConfig
from provision_dagster.filters.quality_config import QualityConfig
from provision_dagster.filters.region_text_config import RegionTextConfig
from provision_dagster.filters.sql_config import SQL_PATHS, SqlConfig
from provision_dagster.image_sets.schema import USABLE_STATUSES
from provision_dagster.image_sets.spec import read_mapping
from provision_dagster.scene_graphs.annotators.base_config import PATHS
from provision_dagster.scene_graphs.annotators.config_files import checked, models_in

REGION_GENERATORS = ("AttributeBBox", "TypedAttributeBBox", "RelationBBox")
"""Generators that point at a region by the box of an object."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Multiple-choice options are lettered with these."""


class FilterConfig(BaseModel):
    """Thresholds of the rules, and what computes the scores that some of them read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

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

    allowed_licences: tuple[str, ...] = Field(
        default=(),
        description="Licences that pictures may have, whatever the case; none: any, and none at all.",
    )
    denied_licences: tuple[str, ...] = Field(
        default=(),
        description="Licences that pictures must not have, whatever the case, even if allowed.",
    )
    max_unsafe_score: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Greatest unsafe score that pictures may have (`picture_safety`), on the scale of what "
        "gave it; null: any.",
    )
    denied_safety_labels: tuple[str, ...] = Field(
        default=(),
        description="Safety labels that pictures must not have (`picture_safety`), whatever the case.",
    )
    require_safety: bool = Field(
        default=False,
        description="Whether pictures of which nothing is told are rejected: with `max_unsafe_score` they need a "
        "score, with `denied_safety_labels` a label, with neither one of both.",
    )
    min_region_text_cosine: float = Field(
        default=0.2,
        ge=-1,
        le=1,
        description="Least cosine between a region and the expression that a question has for it. The scale is that "
        "of the model: `provision calibrate` finds the threshold for yours. LAION-5B (arXiv 2210.08402) kept whole "
        "pictures of 0.28 with CLIP ViT-B/32; regions and short expressions lie lower.",
    )
    min_judge_p_yes: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Least probability of Yes when a model is asked whether the answer is true. Genixer "
        "(arXiv 2312.06731) keeps above 0.7.",
    )
    hard_judge_p_yes: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="From here to `min_judge_p_yes` a question is hard rather than false (Genixer's hard set): the "
        "rejection says so.",
    )
    near_duplicate_phash_bits: float | None = Field(
        default=None,
        ge=0,
        le=64,
        description="Bits of 64 by which the perceptual hash of a near-duplicate picture differs at most. Null, as for "
        "the next four: whatever the search found (`duplicates`, `benchmarks`). A number narrows it, and nothing is "
        "searched anew.",
    )
    near_duplicate_embedding: float | None = Field(
        default=None, ge=0, le=2, description="Greatest cosine distance of embeddings of near-duplicate pictures."
    )
    near_duplicate_minhash: float | None = Field(
        default=None, ge=0, le=1, description="Greatest Jaccard distance of near-duplicate questions."
    )
    contaminated_phash: float | None = Field(
        default=None, ge=0, le=1, description="Share of equal bits from which a picture is a benchmark's."
    )
    contaminated_ngram: float | None = Field(
        default=None, ge=0, le=1, description="Share of n-grams from which a question is a benchmark's."
    )

    region_text: RegionTextConfig | None = Field(
        default=None, description="What compares regions with expressions; null: nothing does."
    )
    judge: AnyJudgeConfig | None = Field(
        default=None, description="What is asked whether question and answer are true; null: nothing is."
    )
    quality: QualityConfig = Field(
        default_factory=QualityConfig, description="Thresholds of the checks on the whole data set."
    )
    duplicates: DuplicatesConfig = Field(
        default_factory=DuplicatesConfig, description="Which pictures and questions are looked at as duplicates."
    )
    benchmarks: tuple[BenchmarkConfig, ...] = Field(
        default=(), description="Benchmarks whose pictures and questions must not be in the data."
    )
    sql: SqlConfig = Field(default_factory=SqlConfig, description="Memory and threads of DuckDB.")

    def as_table(self) -> pl.DataFrame:
        """Return the thresholds as one row, a column per field: the table `config` of the SQL."""
        values = {name: list(v) if isinstance(v, tuple) else v for name, v in self if name in RULE_FIELDS}
        # what is empty or null has its type all the same
        types: dict[str, pl.DataType] = {
            name: pl.Float64() if value is None else pl.List(pl.String())
            for name, value in values.items()
            if value is None or isinstance(value, list)
        }
        return pl.DataFrame({name: [value] for name, value in values.items()}, schema_overrides=types)


RULE_FIELDS = tuple(name for name, field in FilterConfig.model_fields.items() if not models_in(field.annotation))
"""Fields that the SQL compares with: a change re-filters, and scores nothing anew. The others are sections."""

FILE_FIELDS = (*PATHS, *DUPLICATE_PATHS, *SQL_PATHS)
"""Fields of sections that name files: relative paths count from the folder of the YAML file."""


def load_filters(path: Path) -> FilterConfig:
    """Read the configuration of the filters from a YAML file; where there is none, defaults, and no model.

    Raises
    ------
    InputError
        If the file cannot be read, is not YAML, or a field is unknown, missing or out of range; all are named.
    """
    if not path.exists():
        return FilterConfig()
    return checked(
        read_mapping(path, holds="the settings of filters"), model=FilterConfig, path=path, paths=FILE_FIELDS
    )
