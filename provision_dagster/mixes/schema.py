"""Table of the mix stage: training examples in their final wording and order."""

import polars as pl

CONVERSATION = pl.List(pl.Struct({"from": pl.String(), "value": pl.String()}))
"""Turns as LLaVA writes them, `<image>` included."""

MENTIONED_BOX = pl.Struct(
    {
        "image": pl.Int32(),
        "x1": pl.Float64(),
        "y1": pl.Float64(),
        "x2": pl.Float64(),
        "y2": pl.Float64(),
        "label": pl.String(),
    }
)
"""A box that a text names by coordinates: place of its picture in `image_ids`, pixels of the upright picture, label."""

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
    "origin": pl.String(),
    "conversation": CONVERSATION,
    "boxes": pl.List(MENTIONED_BOX),
    "sizes": pl.List(pl.Struct({"width": pl.Int32(), "height": pl.Int32()})),
    "scores": pl.Struct({"region_text": pl.Float64(), "judge": pl.Float64()}),
    "template": pl.String(),
    "split": pl.String(),
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
    "source": "Which of the recipe's sources asked for the row, from 0; -1: the base set",
    "mixes.id": "Id of the question; base- and a hash of the line for rows of the base set",
    "image_uris": "Per image: path or URL; tar://member::tar (fsspec) in a tar; the key where the set has no pixels",
    "form": "open or choice",
    "prompt": "What the user says, options included; of a base row the first turn, without `<image>`",
    "response": "What the model is to say: the answer, or its letter",
    "mixes.question": "Without options",
    "mixes.answer": "In words, whatever the form",
    "mixes.options": "Empty in the open form",
    "mixes.answer_index": "Place of the answer in `options`, from 0; null in the open form",
    "mixes.metadata": "JSON: id, image_ids, template, objects, attributes, relations, counts",
    "mixes.license": "Licences of the pictures, AND between different ones; unknown without",
    "origin": "generated, or base: a row of the base set, whose family and generator are base too",
    "conversation": "Turns of a row of the base set, as its file has them; null where prompt and response are all",
    "mixes.boxes": "Boxes that prompt or response name by coordinates: picture (from 0), pixels, label",
    "sizes": "Width and height of each picture in pixels; null where unknown, as in the base set",
    "mixes.scores": "Cosine of region and expression, and P(Yes) of the judge for this form; null where not scored",
    "mixes.template": "Id of the wording; empty for rows of the base set",
    "split": "train: held-out rows are in a table of their own",
    "recipes.file": "YAML file of the recipe",
    "description": "What the recipe says of itself",
    "recipes.error": "Why the recipe cannot be used; null when it can",
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
