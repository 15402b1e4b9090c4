"""Tables of the filter stage besides the questions: distributions per generator and per label."""

from typing import get_args

import polars as pl

from provision_dagster.generators.registry import Family
from provision_dagster.image_sets.schema import PICTURE_SAFETY
from provision_dagster.scene_graphs.schema import BOX

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

REGION_TEXT_SCORES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "id": pl.String(),
    "image_id": pl.String(),
    "box": BOX,
    "expression": pl.String(),
    "cosine": pl.Float64(),
    "logit": pl.Float64(),
    "percentile": pl.Float64(),
    "model": pl.String(),
    "config": pl.String(),
    "error": pl.String(),
}
"""One row per question with a region and an expression for it."""

JUDGE_SCORES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "id": pl.String(),
    "form": pl.String(),
    "p_yes": pl.Float64(),
    "mass": pl.Float64(),
    "asked": pl.String(),
    "part": pl.String(),
    "model": pl.String(),
    "config": pl.String(),
    "error": pl.String(),
}
"""One row per question and form."""

DUPLICATES: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "shard": pl.String(),
    "id": pl.String(),
    "of": pl.String(),
    "of_shard": pl.String(),
    "method": pl.String(),
    "distance": pl.Float64(),
}
"""Pictures and questions that are like another, which is kept instead."""

CONTAMINATION: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "shard": pl.String(),
    "id": pl.String(),
    "benchmark": pl.String(),
    "method": pl.String(),
    "score": pl.Float64(),
    "item": pl.String(),
}
"""Pictures and questions that stand in a benchmark, and so must not be trained on."""

BENCHMARK_ITEMS: dict[str, pl.DataType] = {
    "benchmark": pl.String(),
    "kind": pl.String(),
    "item": pl.String(),
    "sha256": pl.String(),
    "phash": pl.String(),
    "text": pl.String(),
    "error": pl.String(),
}
"""What benchmarks hold: one row per picture and question."""

FILTER_SETTINGS: dict[str, pl.DataType] = {
    "setting": pl.String(),
    "value": pl.String(),
    "default": pl.String(),
    "description": pl.String(),
}
"""Thresholds that the SQL compares with."""

SCORE_SETTINGS: dict[str, pl.DataType] = {
    "section": pl.String(),
    "settings": pl.String(),
}
"""What gives the scores that rules read."""

SCORES: dict[str, dict[str, pl.DataType]] = {
    "region_text_scores": REGION_TEXT_SCORES,
    "judge_scores": JUDGE_SCORES,
    "duplicates": DUPLICATES,
    "contamination": CONTAMINATION,
    "picture_safety": PICTURE_SAFETY,
}
"""What rules read beside questions, pictures and scene graphs, by name of the table; empty: no verdict."""

QA_QUALITY: dict[str, pl.DataType] = {
    "stage": pl.String(),
    "measure": pl.String(),
    "of": pl.String(),
    "part": pl.String(),
    "value": pl.Float64(),
    "rows": pl.Int64(),
}
"""Figures of the whole data set: what the expectation suites judge."""

QUALITY_RESULTS: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "expectation": pl.String(),
    "field": pl.String(),
    "observed": pl.String(),
    "threshold": pl.String(),
    "passed": pl.Boolean(),
    "severity": pl.String(),
    "offending": pl.List(pl.String()),
    "sql": pl.String(),
}
"""One row per expectation of a suite."""

COLUMNS: dict[str, str] = {
    "stage": "Table that was measured",
    "qa_quality.measure": "What was measured",
    "qa_quality.of": "Generator, rule or family that the figure is about; empty: all together",
    "qa_quality.part": "Answer, place, word or bin that the value belongs to; empty: the figure is one number",
    "qa_quality.value": "The figure: a share, a count or a mean, as the measure says",
    "qa_quality.rows": "Rows that it rests on",
    "suite": "Expectation suite, and asset check of the same name",
    "expectation": "What Great Expectations looked at: the column, and what is expected of it",
    "quality_results.field": "Threshold in the configuration; null where the schema says what is expected",
    "observed": "The worst value that was seen",
    "quality_results.threshold": "What the value had to lie between",
    "passed": "Whether the expectation holds",
    "severity": "ERROR blocks what comes after, WARN does not",
    "offending": "What the figures that break it are about: generators, words, rules",
    "sql": "SELECT that lists the offending rows; null when the expectation holds",
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
    "setting": "Field of the file of filters",
    "filter_settings.value": "What it is set to, as JSON",
    "default": "What it is without a word in the file, as JSON",
    "filter_settings.description": "What it decides, and where the default is from",
    "section": "Section of the file of filters",
    "score_settings.settings": "What it holds, as JSON, but for how and where the work is done; null: nothing scores",
    "region_text_scores.id": "Id of the question",
    "region_text_scores.image_id": "Picture that the region is of",
    "region_text_scores.box": "The region, in pixels of the upright picture",
    "expression": "What the question says of the region, as it was scored",
    "cosine": "Similarity of region and expression, -1 .. 1, on the model's own scale",
    "logit": "The cosine times the model's temperature",
    "percentile": "Share of the scores of shard and model that are no greater, 0 .. 1",
    "region_text_scores.config": "Settings that may change scores, as JSON",
    "region_text_scores.error": "Why there is no score; null when there is one",
    "judge_scores.id": "Id of the question",
    "judge_scores.form": "Form that was judged: open or choice",
    "p_yes": "Probability of Yes against No when the model is asked whether question and answer are true",
    "mass": "Probability that the answer begins with Yes or No at all; where it is low, p_yes says little",
    "judge_scores.asked": "Digest of the prompt and the pictures: the score is good while it stays the same",
    "judge_scores.part": "Sixteenth of the pictures; rows of one part are committed together",
    "judge_scores.config": "Prompt and settings that may change scores, as JSON",
    "judge_scores.error": "Why there is no score; null when there is one",
    "duplicates.kind": "picture or question",
    "duplicates.id": "Image id or id of the question",
    "duplicates.of": "Id of the one that is kept instead; the same id where another image set has the same pixels",
    "of_shard": "Shard of the one that is kept",
    "duplicate_pictures.kind": "picture",
    "duplicate_pictures.id": "Image id",
    "duplicate_pictures.of": "Image id of the one that is kept instead; the same where the pixels are the same",
    "method": "How it was found: exact, phash, embedding, minhash, sha256 or ngram",
    "distance": "0: equal; differing bits (phash), cosine distance (embedding), Jaccard distance (minhash)",
    "contamination.kind": "picture or question",
    "contamination.id": "Image id or id of the question",
    "benchmark": "Name of the benchmark",
    "contamination.item": "Picture or question of the benchmark that it is like: see `benchmark_items`",
    "benchmark_items.kind": "picture or question",
    "benchmark_items.item": "Path of the picture in its folder, or number (from 1) or id of the row in its file",
    "benchmark_items.sha256": "SHA-256 of the file; null where only a perceptual hash is known",
    "benchmark_items.phash": "16 hex digits: 64-bit perceptual hash; null where only the file's hash is known",
    "text": "The question, as the benchmark asks it",
    "benchmark_items.error": "Why there is nothing to be found by; null when there is",
    "contamination.score": "Share that agrees, 0 .. 1: of bits (phash), of n-grams (ngram); 1 for equal files (sha256)",
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
