"""Table of the mix stage: training examples in their final wording and order."""

import polars as pl

MIX: dict[str, pl.DataType] = {
    "recipe": pl.String(),
    "position": pl.Int64(),
    "source": pl.Int32(),
    "id": pl.String(),
    "shard": pl.String(),
    "family": pl.String(),
    "generator": pl.String(),
    "image_ids": pl.List(pl.String()),
    "image_uris": pl.List(pl.String()),
    "form": pl.String(),
    "prompt": pl.String(),
    "response": pl.String(),
    "question": pl.String(),
    "answer": pl.String(),
    "options": pl.List(pl.String()),
    "answer_index": pl.Int8(),
    "metadata": pl.String(),
    "license": pl.String(),
}
"""One row per example. A QA is at most once in a mix."""

RECIPES: dict[str, pl.DataType] = {
    "recipe": pl.String(),
    "file": pl.String(),
    "description": pl.String(),
    "error": pl.String(),
}

COLUMNS: dict[str, str] = {
    "recipe": "Name of the recipe, and of its mix",
    "mixes.position": "Place of the example in the mix, from 0",
    "source": "Which of the recipe's sources asked for the row, from 0",
    "mixes.id": "Id of the question",
    "image_uris": "Per image: path or URL; tar://member::tar (fsspec) in a tar; the key where the set has no pixels",
    "form": "open or choice",
    "prompt": "What the user says, options included",
    "response": "What the model is to say: the answer, or its letter",
    "mixes.question": "Without options",
    "mixes.answer": "In words, whatever the form",
    "mixes.options": "Empty in the open form",
    "mixes.answer_index": "Place of the answer in `options`, from 0; null in the open form",
    "mixes.metadata": "JSON: id, image_ids, template, objects, attributes, relations, counts",
    "mixes.license": "Licences of the pictures, AND between different ones; unknown without",
    "recipes.file": "YAML file of the recipe",
    "description": "What the recipe says of itself",
    "recipes.error": "Why the recipe cannot be used; null when it can",
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
