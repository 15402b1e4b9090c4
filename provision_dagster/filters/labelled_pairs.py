"""Reads labelled pairs from a file: scores with labels, or regions and expressions that are scored first."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.filters.region_text_config import RegionTextConfig
from provision_dagster.filters.region_text_model import RegionTextModel
from provision_dagster.filters.region_text_pairs import PAIR, score_pairs
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.annotators.parts import SIDES

READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".csv": pl.read_csv,
    ".parquet": pl.read_parquet,
    ".jsonl": pl.read_ndjson,
}
SCORED = ("score", "label")
TO_SCORE = ("image", "box", "expression", "label")
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")
TOLD = 3
"""Rows that a message names at most."""


def read_pairs(path: Path) -> pl.DataFrame:
    """Read labelled pairs.

    Parameters
    ----------
    path
        CSV, Parquet or JSON lines with `score` and `label`; or with `image` (file; relative paths count from the
        folder of `path`), `box` (x1, y1, x2, y2 in pixels of the upright picture; in CSV "[x1, y1, x2, y2]"),
        `expression` and `label`. A label is true or false, 1 or 0, yes or no.

    Returns
    -------
    pl.DataFrame
        `label`, and `score` or `image` (absolute), `x1`, `y1`, `x2`, `y2`, `expression`.

    Raises
    ------
    InputError
        When the file cannot be read, or a column or value is missing or of another kind.
    """
    frame = _read(path)
    names = SCORED if "score" in frame.columns else TO_SCORE
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InputError(
            f"`{path}`: columns must be {_named(SCORED)}, or {_named(TO_SCORE)}; got {_named(frame.columns)}"
        )
    if frame.is_empty():
        raise InputError(f"`{path}` has no rows")
    label = _labels(frame["label"], path)
    if names == SCORED:
        return pl.DataFrame({"score": _scores(frame["score"], path), "label": label})
    sides = _boxes(frame["box"], path)
    texts = frame.select(pl.col("image", "expression").cast(pl.String))
    _all_set(texts["image"], path)
    _all_set(texts["expression"], path)
    return sides.with_columns(_files(texts["image"], path), texts["expression"], label)


def _read(path: Path) -> pl.DataFrame:
    if path.suffix not in READERS:
        raise InputError(f"`{path}` must end in one of {_named(READERS)}, got `{path.suffix}`")
    if not path.is_file():
        raise InputError(f"`{path}` is not a file")
    try:
        return READERS[path.suffix](path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"`{path}` cannot be read: {' '.join(str(error).split())[:200]}") from error


def _named(names: object) -> str:
    return ", ".join(f"`{name}`" for name in names)  # type: ignore[attr-defined]


def _refuse(bad: pl.Series, values: pl.Series, path: Path, *, must: str) -> None:
    """Name the first rows whose values are not what they must be; the first row is 1."""
    if bad.any():
        rows = [row + 1 for row in bad.arg_true().head(TOLD).to_list()]
        got = ", ".join(repr(values[row - 1]) for row in rows)
        raise InputError(
            f"`{path}`: `{values.name}` must be {must}; {int(bad.sum()):,} rows are not: rows {rows}, got {got}"
        )


def _all_set(values: pl.Series, path: Path) -> None:
    _refuse(values.is_null() | (values.str.strip_chars() == "").fill_null(True), values, path, must="text")


def _labels(values: pl.Series, path: Path) -> pl.Series:
    if values.dtype.is_nested():
        raise InputError(f"`{path}`: `label` must be true or false, got {values.dtype}")
    text = values.cast(pl.String).str.to_lowercase().str.strip_chars().str.replace(r"\.0$", "")
    known = text.is_in([*TRUE, *FALSE]).fill_null(False)
    _refuse(~known, values, path, must=f"one of {', '.join((*TRUE, *FALSE))}")
    return text.is_in(TRUE).alias("label")


def _scores(values: pl.Series, path: Path) -> pl.Series:
    if values.dtype.is_nested():
        raise InputError(f"`{path}`: `score` must be a number, got {values.dtype}")
    numbers = values.cast(pl.Float64, strict=False)
    _refuse(~numbers.is_finite().fill_null(False), values, path, must="a number")
    return numbers.alias("score")


def _boxes(values: pl.Series, path: Path) -> pl.DataFrame:
    if values.dtype == pl.String:
        values = pl.Series("box", [_list_of(text) for text in values], dtype=pl.List(pl.Float64))
    if values.dtype == pl.Struct and {field.name for field in values.dtype.fields} >= set(SIDES):  # type: ignore[attr-defined]
        sides = values.struct.unnest().select(pl.col(SIDES).cast(pl.Float64, strict=False))
    elif values.dtype in (pl.List, pl.Array):
        lists = values.cast(pl.List(pl.Float64), strict=False)
        four = lists.list.len() == 4
        places = enumerate(SIDES)
        sides = pl.DataFrame(
            {side: lists.list.get(place, null_on_oob=True).set(~four.fill_null(False), None) for place, side in places}
        )
    else:
        raise InputError(f"`{path}`: `box` must be four numbers, x1, y1, x2, y2, got {values.dtype}")
    whole = pl.all_horizontal(pl.col(SIDES).is_finite(), pl.col("x1") < pl.col("x2"), pl.col("y1") < pl.col("y2"))
    bad = ~sides.select(whole.fill_null(False)).to_series()
    _refuse(bad, values, path, must="x1, y1, x2, y2 with x1 < x2 and y1 < y2")
    return sides


def _list_of(text: str | None) -> list[float] | None:
    """Read "[1, 2, 3, 4]" or "1, 2, 3, 4"; None when it is neither."""
    try:
        found = json.loads(f"[{(text or '').strip().removeprefix('[').removesuffix(']')}]")
    except json.JSONDecodeError:
        return None
    return found if all(isinstance(one, int | float) for one in found) else None


def _files(values: pl.Series, path: Path) -> pl.Series:
    """Make paths absolute, and see that there are such files."""
    names = values.unique(maintain_order=True)
    places = {name: (path.absolute().parent / name) for name in names}
    gone = [name for name, place in places.items() if not place.is_file()]
    if gone:
        raise InputError(f"`{path}`: {len(gone):,} pictures of `image` do not exist: {_named(gone[:TOLD])}")
    return values.replace_strict({name: str(place) for name, place in places.items()}).alias("image")


def score_labelled(pairs: pl.DataFrame, *, config: RegionTextConfig) -> pl.DataFrame:
    """Score labelled regions and expressions.

    Parameters
    ----------
    pairs
        As `read_pairs` gives them, without `score`.

    Returns
    -------
    pl.DataFrame
        With `score`, the cosine, and `logit`.

    Raises
    ------
    InputError
        When the model cannot be loaded, or a picture cannot be opened.
    """
    model = RegionTextModel(config)
    named = pairs.rename({"image": "image_id"})
    images = named.select("image_id", uri="image_id", member=pl.lit(None, dtype=pl.String)).unique(maintain_order=True)
    distinct = named.select(PAIR).unique(maintain_order=True)
    found = pl.concat(score_pairs(distinct, images, model=model, work=Work()))
    failed = found.filter(pl.col("cosine").is_null())
    if failed.height:
        picture, error = failed.select("image_id", "error").row(0)
        raise InputError(f"{failed['image_id'].n_unique():,} pictures cannot be scored; `{picture}`: {error}")
    scored = named.join(found.select(*PAIR, score="cosine"), on=PAIR, how="left", maintain_order="left")
    logits = pl.Series("logit", model.logits(scored["score"].to_numpy()))
    return scored.rename({"image_id": "image"}).with_columns(logits)
