"""What a file tells of the safety of an image set's pictures: labels and scores, by key."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.image_sets.paths import shown, utf8
from provision_dagster.image_sets.readers.tables import Row, read_rows, text_of
from provision_dagster.image_sets.schema import PICTURE_SAFETY
from provision_dagster.image_sets.spec import ImageSetSpec, ListColumns


@dataclass(frozen=True)
class Safety:
    """What is told of the pictures of an image set, and keys of the file that no picture has."""

    table: pl.DataFrame  # schema PICTURE_SAFETY
    unknown_keys: pl.Series  # String, in the order of the file


class _Told(NamedTuple):
    number: int
    image_key: str
    safety: str | None
    unsafe_score: float | None


def read_safety(spec: ImageSetSpec, *, sources: pl.DataFrame) -> Safety:
    """
    Read the file that the field `safety` of an image set names.

    Parameters
    ----------
    spec
        The image set; `columns` names the columns of the file.
    sources
        Pictures of the set: at least `shard`, `image_set`, `image_key`.

    Returns
    -------
    Safety
        One row per picture of which a label or a score is told, in the order of `sources`; none without a file.

    Raises
    ------
    InputError
        When the file cannot be read, a row is damaged, a key is missing or repeated, a label is no text, a score is no
        number from 0 to 1, or nothing is told at all: what is not understood must not pass for safe.
    """
    if spec.safety is None:
        return Safety(pl.DataFrame(schema=PICTURE_SAFETY), pl.Series("image_key", [], dtype=pl.String))
    told = pl.DataFrame(list(_rows(spec.safety, columns=spec.columns)), schema=_SCHEMA, orient="row")
    _check(told, path=spec.safety, columns=spec.columns)
    places = sources.select("shard", "image_set", "image_key")
    known = places.join(told, on="image_key", how="inner", maintain_order="left")
    known = known.filter(pl.any_horizontal(pl.col("safety", "unsafe_score").is_not_null()))
    unknown = told.join(places, on="image_key", how="anti", maintain_order="left")["image_key"]
    return Safety(known.select(list(PICTURE_SAFETY)), unknown)


_SCHEMA = {"number": pl.UInt32(), **{name: PICTURE_SAFETY[name] for name in _Told._fields[1:]}}


def _rows(path: Path, *, columns: ListColumns) -> Iterator[_Told]:
    told = (columns.safety, columns.unsafe_score)
    wanted = frozenset({columns.image_key, *told})
    for row in read_rows(path, wanted=wanted, one_of=told, field="safety", holds="table of safety"):
        try:
            yield _told(row, columns=columns)
        except InputError as error:
            raise InputError(f"`{path}` row {row.number}: {error}") from error


def _told(row: Row, *, columns: ListColumns) -> _Told:
    if row.error is not None:
        raise InputError(row.error)
    key = text_of(row, columns.image_key)
    if key is None:
        got = ", ".join(f"`{shown(utf8(name))}`" for name in list(row.values)[:20]) or "none"
        raise InputError(f"field `{columns.image_key}` is empty; expected the key of a picture; fields: {got}")
    label = text_of(row, columns.safety)
    return _Told(row.number, utf8(key), utf8(label) if label else None, _score(row, columns.unsafe_score))


def _score(row: Row, name: str) -> float | None:
    """Value of a field as a number from 0 to 1; null when it is empty."""
    value = row.values.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        score = -1.0 if isinstance(value, bool) else float(str(value))
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:  # NaN is neither
        raise InputError(f"field `{name}` must be a number from 0 to 1, got {shown(utf8(repr(value))[:100])}")
    return score


def _check(told: pl.DataFrame, *, path: Path, columns: ListColumns) -> None:
    again = told.filter(~pl.col("image_key").is_first_distinct()).head(1)
    for number, key, *_ in again.iter_rows():
        first = told.filter(image_key=key)["number"][0]
        raise InputError(f"`{path}` row {number}: {columns.image_key} `{shown(key)}` is already in row {first}")
    if told.select(pl.all_horizontal(pl.col("safety", "unsafe_score").is_null()).all()).item():
        fields = f"`{columns.safety}` or `{columns.unsafe_score}`"
        raise InputError(f"`{path}`: none of {told.height} rows has a value in {fields}")
