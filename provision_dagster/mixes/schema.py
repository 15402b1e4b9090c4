"""Table of the mix stage: training examples in their final wording and order."""

import polars as pl

MIX: dict[str, pl.DataType] = {
    "recipe": pl.String(),
    "position": pl.Int64(),  # 0-based place in the mix
    "source": pl.Int32(),  # 0-based place of the recipe's source that asked for the row
    "id": pl.String(),  # of the QA
    "shard": pl.String(),
    "family": pl.String(),
    "generator": pl.String(),
    "image_ids": pl.List(pl.String()),
    # per image: path or URL; `tar://member::tar` (fsspec) in a tar; the image key where the set has no pixels
    "image_uris": pl.List(pl.String()),
    "form": pl.String(),  # open | choice
    "prompt": pl.String(),  # what the user says, options included
    "response": pl.String(),  # what the model is to say: the answer, or its letter
    "question": pl.String(),  # without options
    "answer": pl.String(),  # in words, whatever the form
    "options": pl.List(pl.String()),  # empty in the open form
    "answer_index": pl.Int8(),  # null in the open form
    "metadata": pl.String(),  # JSON: id, image_ids, template, objects, attributes, relations, counts
    "license": pl.String(),  # of the pictures, " AND " between different ones; "unknown" without
}
"""One row per example. A QA is at most once in a mix."""

RECIPES: dict[str, pl.DataType] = {
    "recipe": pl.String(),
    "file": pl.String(),
    "description": pl.String(),
    "error": pl.String(),  # why the recipe cannot be used; null when it can
}
