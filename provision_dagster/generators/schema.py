"""Tables of the generation stage: raw, filtered and rejected question-answer pairs."""

import polars as pl

from provision_dagster.scene_graphs.schema import BOX

RAW_QA: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "family": pl.String(),
    "id": pl.String(),
    "generator": pl.String(),
    "generator_version": pl.String(),
    "rules": pl.String(),
    "seed": pl.UInt64(),
    "template": pl.String(),
    "image_ids": pl.List(pl.String()),
    "question": pl.String(),
    "answer": pl.String(),
    "choice_question": pl.String(),
    "options": pl.List(pl.String()),
    "answer_index": pl.Int8(),
    "metadata": pl.Struct(
        {
            "objects": pl.List(pl.String()),  # labels
            "attributes": pl.List(pl.String()),
            "relations": pl.List(pl.String()),
            "counts": pl.List(pl.Int32()),
        }
    ),
    "evidence": pl.Struct({"object_ids": pl.List(pl.String()), "boxes": pl.List(BOX)}),
}

FILTERED_QA: dict[str, pl.DataType] = {**RAW_QA}

REJECTED_QA: dict[str, pl.DataType] = {
    **RAW_QA,
    "rule": pl.String(),
    "score": pl.Float64(),
    "threshold": pl.Float64(),
    "model": pl.String(),
    "detail": pl.String(),
}

FUNNEL: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "family": pl.String(),
    "generator": pl.String(),
    "rules": pl.String(),
    "reason": pl.String(),
    "count": pl.Int64(),
}
"""candidate = sum of all other reasons, per shard and generator."""

COLUMNS: dict[str, str] = {
    "family": "Generators that read the same inputs: qa_object, qa_attribute, ...; the asset that made the row",
    "id": "32 hex digits: stable hash of generator, version, seed, image ids and candidate",
    "generator": "Program that made the question",
    "generator_version": "Its version",
    "rules": "strict or paper",
    "seed": "Seed of all random choices: the same seed gives the same bytes",
    "template": "Id of the wording",
    "image_ids": "Pictures that the question is about, in order",
    "question": "The open form, complete in itself",
    "answer": "Answer of the open form",
    "choice_question": "Stem of the multiple-choice form; null when `question` serves",
    "options": "Of the multiple-choice form; empty where there is none",
    "answer_index": "Place of the answer in `options`, from 0; null without options",
    "metadata": "Labels, attributes, relations and counts that the question is about",
    "evidence": "Ids and boxes of the objects that prove the answer",
    "rule": "Filter that rejected the row",
    "score": "What the filter measured; null where it measures nothing",
    "threshold": "What the score had to reach, or to stay below; null where there is none",
    "rejected_qa.model": "Model that gave the score; null for rules that ask none",
    "rejected_qa.detail": "What the rule found",
    "funnel.reason": "candidate (the sum of all others), kept, sampled_out, or why candidates were dropped",
    "funnel.count": "Candidates of the generator with that fate",
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
