"""The expectation suites as data: which figure of which table must lie between which thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from provision_dagster.filters.config import LETTERS
from provision_dagster.filters.quality.drift import Drift
from provision_dagster.filters.quality_config import QualityConfig, SuiteName

Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True)
class Expectation:
    """One class of Great Expectations with its arguments.

    Attributes
    ----------
    kind
        Name of the class in `great_expectations.expectations`.
    arguments
        Of the class; `column` names a column of the frame.
    threshold
        Field of `QualityConfig` that is compared with.
    sql
        SELECT of the offending rows, with the slots {of} and {part}; None where there are none to list.
    """

    kind: str
    arguments: Mapping[str, Any]
    threshold: str | None = None
    sql: str | None = None

    @property
    def column(self) -> str:
        """The column that is looked at; "" for one about the whole table."""
        return str(self.arguments.get("column", ""))


@dataclass(frozen=True)
class Batch:
    """Expectations of a frame: a row per generator, rule, family or distribution, or per question of a sample.

    Attributes
    ----------
    frame
        With the column `of`, which names each row.
    parts
        By column, which answer, place or word the value of an `of` belongs to: fills the slot {part}.
    """

    name: str
    frame: pl.DataFrame
    expectations: Sequence[Expectation]
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    """What one asset check looks at.

    Attributes
    ----------
    plotted
        Measure that the chart shows.
    """

    name: SuiteName
    severity: Severity
    batches: Sequence[Batch]
    plotted: str = ""


DESCRIPTIONS: dict[SuiteName, str] = {
    "schema_and_ranges": "No question breaks a rule of its table; those of a sample have every column in its range.",
    "scene_graphs_in_range": "Boxes lie in their pictures, relations join objects, and pictures have objects.",
    "keep_rates": "The filters keep at least the least share, of each generator and of all together.",
    "answer_balance": "Neither yes nor no, nor any other answer, is right too often.",
    "option_positions": "The answer stands as often at each place among the options.",
    "generators_present": "Every expected generator has questions, and none has too many.",
    "question_lengths": "Questions are not too long.",
    "labels_spread": "No label is mentioned by too many questions of a family.",
    "blind_accuracy": "Whoever does not see the picture does no better than chance.",
    "like_previous": "Generators, lengths, words and objects are distributed as in the version before.",
}
"""What each check says of itself."""

BLOCKING: tuple[SuiteName, ...] = (
    "schema_and_ranges",
    "scene_graphs_in_range",
    "keep_rates",
    "answer_balance",
    "option_positions",
    "generators_present",
)
"""Suites whose failure is an ERROR, and blocks what comes after; of the others it is a WARN."""

OF_GENERATOR = "select id, shard, question, answer from filtered_qa where generator = '{of}'"
REJECTED = "select id, shard, rule, detail from rejected_qa where generator = '{of}'"


def between(
    column: str,
    *,
    low: float | None = None,
    high: float | None = None,
    threshold: str | None = None,
    sql: str | None = None,
) -> Expectation:
    """Expect every value of a column that is not null to lie between two numbers, both allowed."""
    bounds = {"min_value": low, "max_value": high}
    return Expectation("ExpectColumnValuesToBeBetween", {"column": column, **bounds}, threshold, sql)


TEXTS = ("id", "generator", "question", "answer")
"""Columns that no question may lack."""

SAMPLED = (*TEXTS, "options", "answer_index", "image_ids")
"""Columns of filtered QA that are looked at row by row, of a sample."""


def judged(figures: pl.DataFrame, *measures: str, stage: str = "filtered_qa", min_rows: int = 0) -> pl.DataFrame:
    """Put measures side by side, a row per `of`; null where too few rows are behind a value."""
    own = figures.filter(pl.col("stage") == stage, pl.col("rows") >= min_rows)
    names = figures.filter(pl.col("stage") == stage, pl.col("measure").is_in(measures)).select("of").unique().sort("of")
    for measure in measures:
        part = own.filter(measure=measure).select("of", pl.col("value").alias(measure))
        names = names.join(part, on="of", how="left", maintain_order="left")
    return names


def parts_of(figures: pl.DataFrame, *measures: str) -> dict[str, dict[str, str]]:
    """Which answer, place or word each value belongs to, by measure and `of`."""
    told = figures.filter(pl.col("stage") == "filtered_qa", pl.col("part") != "")
    return {m: dict(told.filter(measure=m).select("of", "part").iter_rows()) for m in measures}


def suites(figures: pl.DataFrame, *, sample: pl.DataFrame, drift: Drift | None, config: QualityConfig) -> list[Suite]:
    """Declare all suites over the figures of a data set.

    Parameters
    ----------
    figures
        Schema QA_QUALITY.
    sample
        Some rows of `filtered_qa`.
    drift
        The figures beside those of the version before; None when there is none.
    """
    return [
        _schema(figures, sample, config),
        _graphs(figures, config),
        _keep_rates(figures, config),
        _balance(figures, config),
        _places(figures, config),
        _generators(figures, config),
        _lengths(figures, config),
        _labels(figures, config),
        _blind(figures, config),
        _drift(drift, config),
    ]


def _suite(
    name: SuiteName,
    frame: pl.DataFrame,
    *expectations: Expectation,
    config: QualityConfig,
    plotted: str = "",
    parts: Mapping[str, Mapping[str, str]] | None = None,
    also: Sequence[Batch] = (),
) -> Suite:
    blocks = name in BLOCKING and name not in config.warn_only
    batches = [Batch("figures", frame, expectations, parts or {}), *also]
    return Suite(name, "ERROR" if blocks else "WARN", batches, plotted)


def _schema(figures: pl.DataFrame, sample: pl.DataFrame, config: QualityConfig) -> Suite:
    """Rules are counted over the whole table; a sample of the questions is looked at column by column."""
    rows = sample.select(
        "id",
        "generator",
        "question",
        "answer",
        of="id",
        options=pl.col("options").list.len(),
        answer_index=pl.col("answer_index").cast(pl.Float64),
        pictures=pl.col("image_ids").list.len(),
    )
    one = "select * from filtered_qa where id = '{of}'"
    values = [
        *(Expectation("ExpectColumnValuesToNotBeNull", {"column": c}, None, one) for c in TEXTS),
        Expectation("ExpectColumnValuesToBeUnique", {"column": "id"}, None, one),
        Expectation("ExpectColumnValuesToMatchRegex", {"column": "question", "regex": r"[?.]$"}, None, one),
        between("options", low=0, high=len(LETTERS), sql=one),
        between("answer_index", low=0, high=len(LETTERS) - 1, sql=one),
        between("pictures", low=1, sql=one),
    ]
    return _suite(
        "schema_and_ranges",
        judged(figures, "broken_rows"),
        between("broken_rows", low=0, high=0),
        config=config,
        also=[Batch("sample", rows, values)],
    )


def _graphs(figures: pl.DataFrame, config: QualityConfig) -> Suite:
    frame = judged(figures, "broken_rows", "objects_per_picture", stage="scene_graphs", min_rows=1)
    return _suite(
        "scene_graphs_in_range",
        frame,
        between("broken_rows", low=0, high=config.max_broken_graphs, threshold="max_broken_graphs"),
        between("objects_per_picture", low=config.min_objects_per_picture, threshold="min_objects_per_picture"),
        config=config,
        plotted="objects_share",
    )


def _keep_rates(figures: pl.DataFrame, config: QualityConfig) -> Suite:
    per = judged(figures, "keep_rate", min_rows=config.min_rows)
    whole = judged(figures, "total_keep_rate", min_rows=config.min_rows)
    return _suite(
        "keep_rates",
        pl.concat([per, whole], how="diagonal"),
        between("keep_rate", low=config.min_keep_rate, high=1, threshold="min_keep_rate", sql=REJECTED),
        between(
            "total_keep_rate",
            low=config.min_total_keep_rate,
            high=1,
            threshold="min_total_keep_rate",
            sql="select id, shard, rule, detail from rejected_qa",
        ),
        config=config,
        plotted="keep_rate",
    )


def _balance(figures: pl.DataFrame, config: QualityConfig) -> Suite:
    names = ("yes_share", "top_answer_share", "top_choice_answer_share")
    low = config.min_yes_share
    answered = OF_GENERATOR + " and lower(answer) = '{part}' and array_length(options) "
    return _suite(
        "answer_balance",
        judged(figures, *names, min_rows=config.min_rows),
        between(
            "yes_share",
            low=low,
            high=1 - low,
            threshold="min_yes_share",
            sql=OF_GENERATOR + " and lower(answer) in ('yes', 'no')",
        ),
        between(
            "top_answer_share", high=config.max_top_answer_share, threshold="max_top_answer_share", sql=answered + "= 0"
        ),
        between(
            "top_choice_answer_share",
            high=config.max_choice_answer_share,
            threshold="max_choice_answer_share",
            sql=answered + "> 0",
        ),
        config=config,
        plotted="yes_share" if figures.filter(measure="yes_share").height else "top_answer_share",
        parts=parts_of(figures, *names),
    )


def _places(figures: pl.DataFrame, config: QualityConfig) -> Suite:
    """An excess counts where it is both large and no accident."""
    frame = judged(figures, "place_excess", "place_p", min_rows=config.min_rows)
    surely = pl.when(pl.col("place_p") < config.min_position_p).then("place_excess")
    sql = "select id, shard, question, options, answer_index from filtered_qa where generator = '{of}'"
    return _suite(
        "option_positions",
        frame.with_columns(sure_place_excess=surely.otherwise(None)),
        between(
            "sure_place_excess",
            high=config.max_position_excess,
            threshold="max_position_excess",
            sql=sql + " and answer_index = {part}",
        ),
        config=config,
        plotted="place_excess",
        parts={"sure_place_excess": parts_of(figures, "place_excess")["place_excess"]},
    )


def _generators(figures: pl.DataFrame, config: QualityConfig) -> Suite:
    shares = figures.filter(pl.col("stage") == "filtered_qa", pl.col("measure") == "generator_share")
    found = shares.select("of", generator_share="value", questions="rows")
    missing = sorted(set(config.expected_generators) - set(found["of"]))
    absent = pl.DataFrame(
        {"of": missing, "questions": [0] * len(missing)}, schema={"of": pl.String, "questions": pl.Int64}
    )
    return _suite(
        "generators_present",
        pl.concat([found, absent], how="diagonal"),
        between("questions", low=1, threshold="expected_generators", sql=REJECTED),
        between("generator_share", high=config.max_generator_share, threshold="max_generator_share", sql=OF_GENERATOR),
        config=config,
        plotted="generator_share",
    )


def _lengths(figures: pl.DataFrame, config: QualityConfig) -> Suite:
    longest = f" and length(question) > {config.max_question_chars}"
    mean = config.max_mean_question_chars
    return _suite(
        "question_lengths",
        judged(figures, "max_question_chars", "mean_question_chars"),
        between(
            "max_question_chars",
            high=config.max_question_chars,
            threshold="max_question_chars",
            sql=OF_GENERATOR + longest,
        ),
        between(
            "mean_question_chars",
            high=mean,
            threshold="max_mean_question_chars",
            sql=OF_GENERATOR + f" and length(question) > {mean}",
        ),
        config=config,
        plotted="question_chars_share",
    )


def _labels(figures: pl.DataFrame, config: QualityConfig) -> Suite:
    mentioned = (
        "select shard, family, value, rows, share from label_statistics where family = '{of}' and value = '{part}'"
    )
    return _suite(
        "labels_spread",
        judged(figures, "label_share", min_rows=config.min_rows),
        between("label_share", high=config.max_label_share, threshold="max_label_share", sql=mentioned),
        config=config,
        plotted="object_mention_share",
        parts=parts_of(figures, "label_share"),
    )


def _blind(figures: pl.DataFrame, config: QualityConfig) -> Suite:
    frame = judged(figures, "blind_accuracy", "blind_chance", "blind_excess", min_rows=config.min_rows)
    sql = OF_GENERATOR + " and array_length(options) > 0"
    return _suite(
        "blind_accuracy",
        frame,
        between("blind_excess", high=config.max_blind_excess, threshold="max_blind_excess", sql=sql),
        config=config,
        plotted="blind_accuracy",
        parts=parts_of(figures, "blind_excess"),
    )


def _drift(drift: Drift | None, config: QualityConfig) -> Suite:
    frame = drift.distances() if drift is not None else Drift.nothing()
    return _suite(
        "like_previous",
        frame,
        between("psi", high=config.max_psi, threshold="max_psi"),
        between("jensen_shannon", high=config.max_jensen_shannon, threshold="max_jensen_shannon"),
        between("generators_lost", high=0, threshold="expected_generators"),
        config=config,
        plotted="drift",
    )
