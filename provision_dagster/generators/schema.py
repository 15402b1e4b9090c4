"""Tables of the generation stage: raw, filtered and rejected question-answer pairs."""

import polars as pl

from provision_dagster.scene_graphs.schema import BOX

RAW_QA: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "family": pl.String(),  # qa_object, qa_attribute, qa_relation, ...: the asset that made it
    "id": pl.String(),  # 32 hex digits: stable hash of generator, version, seed, image ids and candidate
    "generator": pl.String(),
    "generator_version": pl.String(),
    "rules": pl.String(),  # strict | paper
    "seed": pl.UInt64(),
    "template": pl.String(),
    "image_ids": pl.List(pl.String()),
    "question": pl.String(),  # complete in itself: the open form
    "answer": pl.String(),  # of the open form
    "choice_question": pl.String(),  # stem of the multiple-choice form; null when `question` serves
    "options": pl.List(pl.String()),  # empty: no multiple-choice form
    "answer_index": pl.Int8(),  # into options; null without options
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
    "detail": pl.String(),
}

FUNNEL: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "family": pl.String(),
    "generator": pl.String(),
    "rules": pl.String(),
    "reason": pl.String(),  # "candidate" | "kept" | "sampled_out" | a drop reason
    "count": pl.Int64(),
}
"""candidate = sum of all other reasons, per shard and generator."""
