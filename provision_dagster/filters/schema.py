"""Tables of the filter stage besides the questions: distributions per generator and per label."""

from typing import get_args

import polars as pl

from provision_dagster.generators.registry import Family

FAMILIES: tuple[str, ...] = get_args(Family)
"""Raw QA tables, one per family: generators that read the same inputs. A new family is one more name."""

QA_STATISTICS: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "family": pl.String(),
    "generator": pl.String(),
    "raw_rows": pl.Int64(),
    "rows": pl.Int64(),
    "keep_rate": pl.Float64(),
    "images": pl.Int64(),
    "templates": pl.Int64(),
    "questions": pl.Int64(),
    "answers": pl.Int64(),
    "top_answer": pl.String(),
    "top_answer_share": pl.Float64(),
    "yes_no_share": pl.Float64(),
    "mean_question_chars": pl.Float64(),
    "mean_answer_chars": pl.Float64(),
    "choice_share": pl.Float64(),
    "mean_options": pl.Float64(),
    "answer_position_shares": pl.List(pl.Float64()),
}
"""One row per shard, family and generator with a raw row. Shares are null when nothing was kept."""

LABEL_STATISTICS: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "family": pl.String(),
    "kind": pl.String(),
    "value": pl.String(),
    "rows": pl.Int64(),
    "share": pl.Float64(),
}
"""How often filtered QA mention each object label, attribute and predicate."""

COLUMNS: dict[str, str] = {
    "raw_rows": "Questions before the filters",
    "rows": "Questions that the filters kept; every figure beside it is about these",
    "keep_rate": "rows / raw_rows",
    "qa_statistics.images": "Distinct lists of image ids",
    "templates": "Distinct templates",
    "questions": "Distinct questions",
    "answers": "Distinct answers",
    "top_answer": "The most frequent answer; the alphabetically first of several",
    "top_answer_share": "Share of the rows with that answer",
    "yes_no_share": "Share of the rows answered yes or no",
    "mean_question_chars": "Mean length of questions in characters",
    "mean_answer_chars": "Mean length of answers in characters",
    "choice_share": "Share of the rows with a multiple-choice form",
    "mean_options": "Over rows with a multiple-choice form; null when there are none",
    "answer_position_shares": "Shares of rows whose answer is the 1st, 2nd, ... option",
    "label_statistics.kind": "object, attribute or relation",
    "label_statistics.value": "The label, attribute or predicate",
    "label_statistics.rows": "Filtered questions that mention the value",
    "share": "Of the filtered questions of that shard and family",
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
