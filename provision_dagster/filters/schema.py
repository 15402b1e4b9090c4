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
    "rows": pl.Int64(),  # kept by the filters; every figure below is about these
    "keep_rate": pl.Float64(),  # rows / raw_rows
    "images": pl.Int64(),  # distinct lists of image ids
    "templates": pl.Int64(),  # distinct
    "questions": pl.Int64(),  # distinct
    "answers": pl.Int64(),  # distinct
    "top_answer": pl.String(),  # the most frequent answer; the alphabetically first of several
    "top_answer_share": pl.Float64(),
    "yes_no_share": pl.Float64(),  # rows answered "yes" or "no"
    "mean_question_chars": pl.Float64(),
    "mean_answer_chars": pl.Float64(),
    "choice_share": pl.Float64(),  # rows with a multiple-choice form
    "mean_options": pl.Float64(),  # over rows with a multiple-choice form; null when there are none
    "answer_position_shares": pl.List(pl.Float64()),  # answer is 1st, 2nd, ... option
}
"""One row per shard, family and generator with a raw row. Shares are null when nothing was kept."""

LABEL_STATISTICS: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "family": pl.String(),
    "kind": pl.String(),  # object | attribute | relation
    "value": pl.String(),
    "rows": pl.Int64(),  # filtered QA that mention the value
    "share": pl.Float64(),  # of the filtered QA of that shard and family
}
"""How often filtered QA mention each object label, attribute and predicate."""
