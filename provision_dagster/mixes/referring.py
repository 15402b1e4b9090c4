"""Examples that mention boxes, in the layouts of RefCOCO and Shikra."""

from typing import Literal

import polars as pl

from provision_dagster.mixes.boxes import box_text
from provision_dagster.mixes.formats import Notation

PLACEHOLDER = "<boxes>"
"""Shikra's mark of boxes in a text (arXiv 2306.15195)."""

Layout = Literal["refcoco", "shikra"]

_CORNERS = ("x1", "y1", "x2", "y2")


def referring_lines(batch: pl.DataFrame, *, layout: Layout, notation: Notation) -> pl.Series:
    """Return JSON texts of the rows of `with_turns` that mention boxes; these are in pixels of the upright picture.

    Parameters
    ----------
    batch
        As from `with_turns`. Rows about several pictures, and those of a base set, mention none.
    layout
        refcoco: a text per box, `{id, file_name, width, height, bbox, sentences, question, answer}` with `bbox` as x,
        y, width, height; the one sentence is the label, which is true of the box and need not be of it alone.

        shikra: a text per row, `{id, image: {path, width, height}, target: {boxes}, conversations}` with `boxes` as x1,
        y1, x2, y2, `<boxes>` in the place of each box in the texts, and `boxes_seq`, which says for each of these which
        of the boxes is meant.
    notation
        How boxes are written in the mix.
    """
    about_one = (pl.col("boxes").list.len() > 0) & (pl.col("paths").list.len() == 1)
    rows = batch.filter(about_one & (pl.col("origin") == "generated"))
    if rows.is_empty():
        return pl.Series(dtype=pl.String)
    return refcoco_lines(rows) if layout == "refcoco" else shikra_lines(rows, notation=notation)


def refcoco_lines(rows: pl.DataFrame) -> pl.Series:
    """Return one JSON text per box."""
    flat = _boxes(rows)
    x, y = pl.col("x1"), pl.col("y1")
    line = pl.struct(
        pl.format("{}/{}", "id", "place").alias("id"),
        pl.col("paths").list.first().alias("file_name"),
        "width",
        "height",
        pl.concat_list(x, y, pl.col("x2") - x, pl.col("y2") - y).alias("bbox"),
        pl.concat_list("label").alias("sentences"),
        pl.col("prompt").alias("question"),
        pl.col("response").alias("answer"),
    )
    return flat.select(line.struct.json_encode()).to_series()


def shikra_lines(rows: pl.DataFrame, *, notation: Notation) -> pl.Series:
    """Return one JSON text per row."""
    flat = _boxes(rows).with_columns(text=box_text(notation))
    boxes = flat.group_by("row", maintain_order=True).agg(
        pl.concat_list(_CORNERS).alias("corners"), "text", pl.col("width", "height").first()
    )
    numbered = rows.with_columns(row=pl.int_range(pl.len())).join(boxes, on="row", maintain_order="left")
    most = int(numbered["text"].list.len().max() or 0)  # type: ignore[arg-type]
    marked = numbered.with_columns(
        **{name: _marked(pl.col(name), most=most) for name in ("prompt", "response")},
        question_boxes=_mentions(numbered, flat, column="prompt"),
        answer_boxes=_mentions(numbered, flat, column="response"),
    )
    human = _turn("human", pl.concat_str(pl.lit("<image>\n"), "prompt"), "question_boxes")
    line = pl.struct(
        "id",
        pl.struct(pl.col("paths").list.first().alias("path"), "width", "height").alias("image"),
        pl.struct(pl.col("corners").alias("boxes")).alias("target"),
        pl.concat_list(human, _turn("gpt", pl.col("response"), "answer_boxes")).alias("conversations"),
    )
    return marked.select(line.struct.json_encode()).to_series()


def _boxes(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per box, with its place among the row's and the size of its picture."""
    numbered = rows.with_columns(row=pl.int_range(pl.len()), place=pl.int_ranges(pl.col("boxes").list.len()))
    flat = numbered.explode("boxes", "place").unnest("boxes")
    return flat.with_columns(pl.col("sizes").list.first().struct.field("width", "height"))


def _marked(text: pl.Expr, *, most: int) -> pl.Expr:
    for place in range(most):
        box = pl.col("text").list.get(place, null_on_oob=True)
        text = pl.when(box.is_null()).then(text).otherwise(text.str.split(box).list.join(PLACEHOLDER))
    return text


def _mentions(numbered: pl.DataFrame, flat: pl.DataFrame, *, column: str) -> pl.Series:
    """Which boxes a text mentions, in its order: Shikra's `boxes_seq`, one list per mark."""
    said = (
        numbered.select("row", text=pl.col(column).str.extract_all(r"\[[0-9., ]+\]"))
        .explode("text")
        # boxes that are written alike are one mark: the first is meant
        .join(flat.unique(["row", "text"], keep="first"), on=["row", "text"], maintain_order="left")
        .filter(pl.col("place").is_not_null())
    )
    by_row = said.group_by("row", maintain_order=True).agg(seq=pl.concat_list("place"))
    every = numbered.select("row").join(by_row, on="row", how="left", maintain_order="left")
    return every["seq"].fill_null([])


def _turn(speaker: str, value: pl.Expr, boxes: str) -> pl.Expr:
    return pl.struct(pl.lit(speaker).alias("from"), value.alias("value"), pl.col(boxes).alias("boxes_seq"))
