"""A ProVision-style vocabulary file: which labels can be counted, and the category of each attribute."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.lexicon.labels import LabelIndex

_FIELDS = ("countable_labels", "uncountable_labels", "attribute_category")


def read_vocabulary(path: Path) -> dict[str, Any]:
    """Read {countable_labels: [..], uncountable_labels: [..], attribute_category: {attribute: category}}.

    Raises
    ------
    InputError
        Not JSON, an unknown or badly typed field, or a label that is listed as both.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"vocabulary `{path}` cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"vocabulary `{path}`: expected an object with {_names()}, got {type(found).__name__}")
    for name, value in found.items():
        _check_field(path, name=name, value=value)
    both = set(found.get("countable_labels", [])) & set(found.get("uncountable_labels", []))
    if both:
        raise InputError(f"vocabulary `{path}`: `{min(both)}` is in `countable_labels` and in `uncountable_labels`")
    return found


def apply_vocabulary(tables: Mapping[str, pl.DataFrame], *, vocabulary: Path) -> dict[str, pl.DataFrame]:
    """Let a vocabulary file decide countability and categories; every word that it names becomes known."""
    found = read_vocabulary(vocabulary)
    flags: dict[str, bool] = dict.fromkeys(found.get("uncountable_labels", []), False)
    flags |= dict.fromkeys(found.get("countable_labels", []), True)
    category: dict[str, str] = found.get("attribute_category", {})
    return {
        **tables,
        "labels": _override(
            _with_labels(tables["labels"], names=list(flags), path=vocabulary),
            key="label",
            column="countable",
            values=flags,
        ),
        "attributes": _override(
            _with_attributes(tables["attributes"], names=list(category), path=vocabulary),
            key="attribute",
            column="category",
            values=category,
        ),
        "categories": _with_categories(tables["categories"], names=list(category.values()), path=vocabulary),
    }


def _with_labels(frame: pl.DataFrame, *, names: list[str], path: Path) -> pl.DataFrame:
    missing = pl.Series("label", names, dtype=pl.String)
    missing = missing.filter(~missing.is_in(frame["label"].implode()))
    rows = LabelIndex(frame).resolve(missing).with_columns(usable=pl.lit(True))
    return _appended(frame, rows, path)


def _with_attributes(frame: pl.DataFrame, *, names: list[str], path: Path) -> pl.DataFrame:
    missing = sorted(set(names) - set(frame["attribute"]))
    rows = pl.DataFrame({"attribute": missing}, schema={"attribute": pl.String}).with_columns(
        canonical="attribute",
        category=pl.lit("other"),
        exclusive_group=pl.lit(""),
        parent=pl.lit([], pl.List(pl.String)),
        position=pl.lit("both"),
    )
    return _appended(frame, rows, path)


def _with_categories(frame: pl.DataFrame, *, names: list[str], path: Path) -> pl.DataFrame:
    missing = sorted(set(names) - set(frame["category"]))
    rows = pl.DataFrame({"category": missing}, schema={"category": pl.String})
    return _appended(frame, rows.with_columns(noun="category", askable=pl.lit(True)), path)


def _appended(frame: pl.DataFrame, rows: pl.DataFrame, path: Path) -> pl.DataFrame:
    rows = rows.with_columns(_row=pl.lit(0, pl.UInt32), _file=pl.lit(str(path)))
    return pl.concat([frame, rows.select(frame.columns)])


def _override(frame: pl.DataFrame, *, key: str, column: str, values: Mapping[str, Any]) -> pl.DataFrame:
    schema = {key: pl.String(), "_new": frame.schema[column]}
    changes = pl.DataFrame({key: list(values), "_new": list(values.values())}, schema=schema)
    merged = frame.join(changes, on=key, how="left", maintain_order="left")
    return merged.with_columns(pl.coalesce("_new", column).alias(column)).drop("_new")


def _check_field(path: Path, *, name: str, value: object) -> None:
    if name not in _FIELDS:
        raise InputError(f"vocabulary `{path}`: unknown field `{name}`; allowed: {_names()}")
    if name == "attribute_category":
        good = isinstance(value, dict) and all(isinstance(v, str) and v for v in value.values())
        expected = "an object of attribute to category"
    else:
        good = isinstance(value, list) and all(isinstance(v, str) and v for v in value)
        expected = "a list of labels"
    if not good:
        raise InputError(f"vocabulary `{path}`, field `{name}`: expected {expected}, got `{str(value)[:80]}`")


def _names() -> str:
    return ", ".join(f"`{f}`" for f in _FIELDS)
