"""Multiple-choice questions of a held-out set as benchmarks want them, and the bytes of their pictures."""

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.filters.config import LETTERS
from provision_dagster.image_sets.decode import open_image, open_stream
from provision_dagster.mixes.held_out.tasks import TYPES

AS_STORED = ("JPEG", "PNG")
"""Formats that every reader opens: such files are handed on byte by byte, if they are upright and RGB or grey."""

LEFT_OUT = ("open_form_only", "without_pixels", "over_per_generator")


class Examples(NamedTuple):
    """What is exported, and what is not."""

    rows: pl.DataFrame
    left_out: dict[str, int]


def examples(questions: pl.DataFrame, *, images: pl.LazyFrame, per_generator: int | None) -> Examples:
    """Choose and word the questions that are exported.

    Parameters
    ----------
    questions
        Schema HELD_OUT.
    images
        Schema IMAGES.
    per_generator
        Most questions of one generator, the first by rank; None: all.

    Returns
    -------
    Examples
        Per question `index` (a number below 2^48 that the question keeps whatever is added), `prompt`, `letter`,
        `license` and `pictures` (what is needed to read each), beside the columns of HELD_OUT; sorted by type, task,
        generator and rank. A question without options, or with a picture that has no pixels, is left out.
    """
    choice = questions.filter(pl.col("options").list.len() > 0)
    shown = _with_pictures(choice, images=images)
    ranked = shown.sort("generator", "rank").with_columns(place=pl.int_range(pl.len()).over("generator"))
    kept = ranked if per_generator is None else ranked.filter(pl.col("place") < per_generator)
    numbers = (questions.height - choice.height, choice.height - shown.height, shown.height - kept.height)
    order = pl.col("type").cast(pl.Enum(TYPES))
    rows = _worded(kept.drop("place")).sort(order, "task", "generator", "rank")
    twice = rows.filter(pl.col("index").is_duplicated())["id"].to_list()
    if twice:  # one in ten thousand for a quarter of a million questions
        raise InputError(f"the ids of two questions begin with the same 12 digits: {twice[:2]}; export fewer")
    return Examples(rows, dict(zip(LEFT_OUT, numbers, strict=True)))


def _with_pictures(rows: pl.DataFrame, *, images: pl.LazyFrame) -> pl.DataFrame:
    """Add `pictures` and `license`; drop rows with a picture that cannot be opened."""
    columns = ("image_id", "uri", "member", "format", "mode", "exif_orientation")
    wanted = rows.select(image_id=pl.col("image_ids").explode()).unique()
    usable = images.filter((pl.col("status") == "ok") & pl.col("uri").is_not_null())
    found = (
        usable.select("shard", *columns, pl.col("license").fill_null("unknown"))
        .join(wanted.lazy(), on="image_id", how="semi")
        .collect()
        .sort("shard", "uri", "member")
        .unique("image_id", keep="first", maintain_order=True)
    )
    shown = rows.select("id", image_id="image_ids").explode("image_id")
    joined = shown.join(found, on="image_id", how="left", maintain_order="left")
    per_row = joined.group_by("id", maintain_order=True).agg(
        pictures=pl.struct(*columns, "license"),
        license=pl.col("license").drop_nulls().unique().sort().str.join(" AND "),
        lost=pl.col("uri").is_null().any(),
    )
    return rows.join(per_row.filter(~pl.col("lost")).drop("lost"), on="id", how="inner", maintain_order="left")


def _worded(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what a model is shown, as mixes word multiple choice, and the letter that it is to say."""
    lettered = pl.col("options").list.eval(
        pl.format("\n{}. {}", pl.lit(LETTERS).str.slice(pl.int_range(pl.len()), 1), pl.element())
    )
    stem = pl.coalesce("choice_question", "question")
    return rows.with_columns(
        index=pl.col("id").str.slice(0, 12).str.to_integer(base=16, dtype=pl.Int64),
        stem=stem,
        prompt=pl.concat_str(stem, lettered.list.join("")),
        letter=pl.lit(LETTERS).str.slice(pl.col("answer_index").cast(pl.Int64), 1),
    )


def with_bytes(rows: pl.DataFrame) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
    """Yield each row with the files of its pictures, upright; a picture is read again for each question about it.

    Raises
    ------
    PictureError
        If a picture cannot be opened any more.
    """
    for row in rows.iter_rows(named=True):
        yield row, [picture_bytes(picture) for picture in row["pictures"]]


def picture_bytes(picture: dict[str, Any]) -> bytes:
    """Return a picture as a file that is upright whatever the reader knows of EXIF: as stored, or coded anew as PNG."""
    plain = picture["format"] in AS_STORED and picture["mode"] in ("RGB", "L") and picture["exif_orientation"] == 1
    if plain:
        with open_stream(picture["uri"], member=picture["member"]) as (stream, _):
            return stream.read()
    coded = io.BytesIO()
    open_image(picture["uri"], picture["member"]).save(coded, format="PNG")
    return coded.getvalue()
