"""Boxes that texts mention: which they are, and how each notation writes them."""

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.generators.schema import RAW_QA
from provision_dagster.mixes.formats import NOTATIONS, Notation
from provision_dagster.mixes.schema import MIX

TEXTS = ("prompt", "response", "question", "answer")
"""Columns of MIX in which boxes may be written."""

_SIDES = {"x1": "width", "y1": "height", "x2": "width", "y2": "height"}

SAID: dict[str, dict[Notation, str]] = {
    "as fractions of the image size": {"thousand": "as numbers from 0 to 999 across the image", "pixels": "in pixels"},
    "in ratios of the image size": {"thousand": "as numbers from 0 to 999 across the image", "pixels": "in pixels"},
    "in ratios of width and height": {
        "thousand": "as numbers from 0 to 999 across width and height",
        "pixels": "in pixels",
    },
    "as ratios of width and height": {
        "thousand": "as numbers from 0 to 999 across width and height",
        "pixels": "in pixels",
    },
}
"""What templates say of their notation, and what they must say in the others."""

_BETWEEN = "\x1f"  # ASCII's unit separator: joins options for one replacement


def box_text(notation: Notation) -> pl.Expr:
    """Write boxes as "[0.12, 0.34, 0.56, 0.78]", or the whole numbers of another notation.

    Reads the columns `x1`, `y1`, `x2`, `y2` (pixels), `width` and `height`. `ratio` rounds halves up, as generators
    do; `thousand` is floor(1000 x / width), at most 999; `pixels` rounds halves up.
    """
    if notation not in NOTATIONS:
        raise InputError(f"`notation` must be one of {', '.join(NOTATIONS)}, got {notation!r}")
    written = [_number(pl.col(name), pl.col(side), notation) for name, side in _SIDES.items()]
    return pl.concat_str(pl.lit("["), pl.concat_str(written, separator=", "), pl.lit("]"))


def _number(value: pl.Expr, side: pl.Expr, notation: Notation) -> pl.Expr:
    if notation == "thousand":
        return (1000 * value / side).floor().clip(0, 999).cast(pl.Int64).cast(pl.String)
    if notation == "pixels":
        return pl.min_horizontal((value + 0.5).floor().clip(0), side).cast(pl.Int64).cast(pl.String)
    # one division, so that a half is a half, as in the generators
    hundredths = ((200 * value + side) / (2 * side)).floor().clip(0, 100).cast(pl.Int64)
    decimals = (hundredths % 100).cast(pl.String).str.zfill(2)
    return pl.format("{}.{}", hundredths // 100, decimals)


def mentioned_boxes(rows: pl.DataFrame) -> pl.Series:
    """Say which boxes of its evidence each row mentions by coordinates.

    Parameters
    ----------
    rows
        `prompt`, `response`, `evidence` and `metadata` (as in FILTERED_QA) and `sizes`. Questions about several
        pictures mention none.

    Returns
    -------
    pl.Series
        `boxes`, as in MIX, one list per row.
    """
    flat = (
        rows.lazy()
        .select(
            pl.concat_str("prompt", "response", separator="\n").alias("said"),
            pl.col("sizes").list.first().struct.field("width", "height"),
            pl.col("metadata").struct.field("objects"),
            row=pl.int_range(pl.len()),
            alone=pl.col("sizes").list.len() == 1,
            box=pl.col("evidence").cast(RAW_QA["evidence"]).struct.field("boxes"),
        )
        .filter("alone", pl.col("said").str.contains("[", literal=True), pl.col("box").list.len() > 0)
        .explode("box")
        .with_columns(pl.col("box").struct.field("x1", "y1", "x2", "y2"), place=pl.int_range(pl.len()).over("row"))
        .filter(pl.col("said").str.contains(box_text("ratio"), literal=True))
    )
    label = pl.col("objects").list.get(pl.col("place"), null_on_oob=True)
    one = pl.struct(pl.lit(0, pl.Int32).alias("image"), *_SIDES, label.alias("label"))
    found = flat.group_by("row").agg(boxes=one)
    every = rows.lazy().select(row=pl.int_range(pl.len())).join(found, on="row", how="left", maintain_order="left")
    return every.select(pl.col("boxes").cast(MIX["boxes"]).fill_null([])).collect().to_series()


def reword_boxes(rows: pl.DataFrame, *, notation: Notation) -> pl.DataFrame:
    """Write the boxes in the texts of a mix in another notation; what a question says of its notation changes too.

    Parameters
    ----------
    rows
        `boxes`, `sizes`, and of `prompt`, `response`, `question`, `answer` and `options` those there are;
        boxes are written as ratios.
    notation
        How they are to be written.

    Returns
    -------
    pl.DataFrame
        The same rows in the same order.

    Raises
    ------
    InputError
        If the size of a picture with a mentioned box is not known.
    """
    printed = _printed(rows, notation=notation)
    if notation == "ratio" or printed.is_empty():
        return rows
    numbered = rows.with_row_index("_row").join(printed, on="_row", how="left", maintain_order="left")
    most = int(printed["_old"].list.len().max() or 0)  # type: ignore[arg-type]
    changed = {name: _replaced(pl.col(name), most=most, notation=notation) for name in TEXTS if name in rows.columns}
    if "options" in rows.columns:
        joined = _replaced(pl.col("options").list.join(_BETWEEN), most=most, notation=notation)
        some = (pl.col("options").list.len() > 0) & pl.col("_old").is_not_null()
        changed["options"] = pl.when(some).then(joined.str.split(_BETWEEN)).otherwise("options")
    return numbered.with_columns(**changed).select(rows.columns)


def _printed(rows: pl.DataFrame, *, notation: Notation) -> pl.DataFrame:
    """Per row with boxes (`_row`): its boxes as ratios (`_old`) and in another notation (`_new`)."""
    flat = (
        rows.select("boxes", "sizes", _row=pl.int_range(pl.len(), dtype=pl.UInt32))
        .filter(pl.col("boxes").list.len() > 0)
        .explode("boxes")
        .unnest("boxes")
        .with_columns(pl.col("sizes").list.get(pl.col("image"), null_on_oob=True).struct.field("width", "height"))
    )
    unknown = flat.filter(pl.any_horizontal(pl.col("width", "height").is_null()))["_row"].n_unique()
    if unknown:
        raise InputError(f"`box_format` {notation}: {unknown} rows mention boxes of pictures whose size is not known")
    texts = flat.select("_row", _old=box_text("ratio"), _new=box_text(notation))
    return texts.group_by("_row", maintain_order=True).agg("_old", "_new")


def _replaced(text: pl.Expr, *, most: int, notation: Notation) -> pl.Expr:
    for place in range(most):
        old, new = (pl.col(name).list.get(place, null_on_oob=True) for name in ("_old", "_new"))
        text = pl.when(old.is_null()).then(text).otherwise(text.str.split(old).list.join(new))
    phrases = list(SAID)
    told = text.str.replace_many(phrases, [SAID[phrase][notation] for phrase in phrases])
    return pl.when(pl.col("_old").is_null()).then(text).otherwise(told)
