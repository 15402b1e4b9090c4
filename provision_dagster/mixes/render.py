"""Wording of examples: the prompt, the response, the paths of the pictures and their licence.

Open form: the prompt is the question, the response the answer. Multiple-choice form: one line per option, and
the response is the letter alone::

    What color is the dog?
    A. brown
    B. black
"""

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.filters.config import LETTERS
from provision_dagster.mixes.boxes import mentioned_boxes, reword_boxes
from provision_dagster.mixes.formats import Notation
from provision_dagster.mixes.schema import MIX
from provision_dagster.mixes.shown import UNKNOWN, kept_pictures


def pictures(images: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Say for each image of a shard under which path it is found.

    Parameters
    ----------
    images
        Schema IMAGES.

    Returns
    -------
    pl.DataFrame
        `shard`, `image_id`, `image_set`, `width`, `height`, `image_uri`, `license`; one row per shard and image.
        `image_uri` is the path or URL; `tar://member::tar` in a tar, as fsspec writes it; the image key without
        pixels.
    """
    path = (
        pl.when(pl.col("uri").is_null())
        .then("image_key")
        .when(pl.col("member").is_not_null())
        .then(pl.format("tar://{}::{}", "member", "uri"))
        .otherwise("uri")
    )
    told = kept_pictures(images, columns=("image_set", "image_key", "uri", "member", "license", "width", "height"))
    license = pl.col("license").fill_null(UNKNOWN)
    return told.select("shard", "image_id", "image_set", "width", "height", image_uri=path, license=license).collect()


def render(rows: pl.DataFrame, *, recipe: str, pictures: pl.DataFrame, notation: Notation = "ratio") -> pl.DataFrame:
    """Write out examples.

    Parameters
    ----------
    rows
        Columns of FILTERED_QA, `form` (open or choice), `source` and `position`. Rows in choice form have
        options. Without a column `scores` (as in MIX) no row is scored.
    recipe
        Name of the mix.
    pictures
        As from `pictures`.
    notation
        How boxes are written.

    Returns
    -------
    pl.DataFrame
        Schema MIX, by position.

    Raises
    ------
    InputError
        If an image is not among the pictures, or boxes cannot be written for lack of its size.
    """
    choice = pl.col("form") == "choice"
    right = pl.col("options").list.get(pl.col("answer_index"), null_on_oob=True)
    written = _with_pictures(rows.sort("position"), pictures=pictures).with_columns(
        recipe=pl.lit(recipe),
        question=pl.when(choice).then(pl.coalesce("choice_question", "question")).otherwise("question"),
        answer=pl.when(choice).then(right).otherwise("answer"),
        options=pl.when(choice).then("options").otherwise(pl.lit([], dtype=pl.List(pl.String))),
        answer_index=pl.when(choice).then("answer_index"),
    )
    lettered = pl.col("options").list.eval(
        pl.format("\n{}. {}", pl.lit(LETTERS).str.slice(pl.int_range(pl.len()), 1), pl.element())
    )
    letter = pl.lit(LETTERS).str.slice(pl.col("answer_index").cast(pl.Int64), 1)
    worded = written.with_columns(
        prompt=pl.concat_str("question", lettered.list.join("")),
        response=pl.when(choice).then(letter).otherwise("answer"),
        origin=pl.lit("generated"),
        conversation=pl.lit(None, dtype=MIX["conversation"]),
        scores=pl.col("scores") if "scores" in rows.columns else pl.lit(None, dtype=MIX["scores"]),
        split=pl.lit("train"),
    )
    told = worded.with_columns(mentioned_boxes(worded), metadata=_metadata())
    return reword_boxes(told, notation=notation).select(pl.col(name).cast(dtype) for name, dtype in MIX.items())


def _with_pictures(rows: pl.DataFrame, *, pictures: pl.DataFrame) -> pl.DataFrame:
    """Add `image_uris`, `sizes` and `license`, picture by picture in the order of `image_ids`."""
    shown = rows.select("position", "shard", image_id="image_ids").explode("image_id")
    found = shown.join(pictures, on=["shard", "image_id"], how="left", maintain_order="left")
    lost = found.filter(pl.col("image_uri").is_null())
    if len(lost):
        examples = lost["image_id"].unique().sort().head(3).to_list()
        raise InputError(f"table `images`: {lost['image_id'].n_unique()} images are missing that QA show: {examples}")
    per_row = found.group_by("position", maintain_order=True).agg(
        image_uris="image_uri",
        sizes=pl.struct("width", "height"),
        license=pl.col("license").unique().sort().str.join(" AND "),
    )
    return rows.join(per_row, on="position", how="left", maintain_order="left")


def _metadata() -> pl.Expr:
    said = pl.col("metadata").struct
    names = ("objects", "attributes", "relations", "counts")
    mentioned = [said.field(name).fill_null([]).alias(name) for name in names]
    return pl.struct("id", "image_ids", "template", *mentioned).struct.json_encode()
