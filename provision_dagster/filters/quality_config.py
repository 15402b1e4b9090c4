"""What the quality suites ask of a data set: every threshold of the checks on `qa_quality`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

SuiteName = Literal[
    "schema_and_ranges",
    "scene_graphs_in_range",
    "keep_rates",
    "answer_balance",
    "option_positions",
    "generators_present",
    "question_lengths",
    "labels_spread",
    "blind_accuracy",
    "like_previous",
]
"""Expectation suites: the checks of `qa_quality`."""


class QualityConfig(BaseModel):
    """Thresholds of the expectation suites. A share that rests on fewer than `min_rows` rows is not judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warn_only: tuple[SuiteName, ...] = Field(
        default=(), description="Suites that warn in place of blocking what comes after."
    )
    min_rows: int = Field(
        default=300,
        ge=1,
        description="Rows that a share must rest on to be judged: with 300, the share of a fair coin lies within "
        "6 points of one half in 95 % of all draws.",
    )
    sample_rows: int = Field(
        default=2_000,
        ge=1,
        description="Rows, the first by id, that are looked at one by one, and of each generator by blind solvers.",
    )
    max_question_chars: int = Field(
        default=600,
        ge=1,
        description="Longest question. Tighter than `max_question_chars` of the filters: what comes near that is "
        "already odd.",
    )
    max_mean_question_chars: float = Field(
        default=300, gt=0, description="Longest mean question of a generator, in characters."
    )
    min_keep_rate: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Smallest share of a generator's raw questions that the filters may keep. Of questions that point "
        "at a region by its box, 22 - 54 % of the embedded sample are kept, of nearly all others everything.",
    )
    min_total_keep_rate: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="The same of all generators together: a filter that drops more is at fault.",
    )
    min_yes_share: float = Field(
        default=0.3,
        ge=0,
        le=0.5,
        description="Smallest share of yes, and of no, among a generator's yes/no answers. Above 1 - 0.3 a model "
        "that says yes to everything does well (POPE, arXiv 2305.10355, asks half and half).",
    )
    max_top_answer_share: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Largest share of one answer among a generator's questions without options: what who always "
        "says it would score.",
    )
    max_choice_answer_share: float = Field(
        default=0.6,
        gt=0,
        le=1,
        description="The same among its questions with options, yes/no questions left out.",
    )
    max_position_excess: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="Largest difference between how often the answer stands at a place and 1 / number of options.",
    )
    min_position_p: float = Field(
        default=1e-6,
        gt=0,
        lt=1,
        description="Smallest probability (chi-square test) of the places of a generator's answers, were they drawn "
        "evenly. Of 39 generators one falls below it by chance once in 25,000 materializations.",
    )
    max_blind_excess: float = Field(
        default=0.15,
        gt=0,
        le=1,
        description="Most that the lower end of the 95 % interval of a blind solver's accuracy may lie above chance.",
    )
    expected_generators: tuple[str, ...] = Field(
        default=(),
        description="Generators of which a question must have passed. Those of the version before are asked for too, "
        "by the suite `drift`, which warns.",
    )
    max_generator_share: float = Field(
        default=0.5, gt=0, le=1, description="Largest share of one generator among all questions."
    )
    max_label_share: float = Field(
        default=0.6, gt=0, le=1, description="Largest share of the questions of a family that mention one label."
    )
    max_psi: float = Field(
        default=0.25,
        gt=0,
        description="Largest population stability index against the version before: below 0.1 there is no change "
        "to speak of, above 0.25 a large one (Siddiqi, Credit Risk Scorecards, 2006).",
    )
    max_jensen_shannon: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="Largest Jensen-Shannon divergence (base 2, 0 .. 1) against the version before.",
    )
    drift_head: int = Field(
        default=50, ge=2, description="Most frequent values that are compared one by one; the rest count as one value."
    )
    max_age_hours: float = Field(
        default=24 * 30, gt=0, description="Longest time since questions were last filtered (check `fresh`)."
    )
    max_broken_graphs: int = Field(
        default=0, ge=0, description="Scene graphs that may break one rule: a box outside of its picture, for example."
    )
    min_objects_per_picture: float = Field(
        default=1.0, ge=0, description="Smallest mean number of objects of a scene graph."
    )
