"""Checks across lexicon files: whatever a row names must exist."""

from collections.abc import Iterable, Mapping

import polars as pl

from provision_dagster.lexicon.tables import fail

Tables = Mapping[str, pl.DataFrame]

_LABEL_LISTS = (
    ("synonyms", "labels"),
    ("hypernyms", "label"),
    ("hypernyms", "parents"),
    ("confusable", "labels"),
    ("confusable", "with"),
    ("parts", "part"),
    ("parts", "wholes"),
    ("predicate_exclusive", "unless"),
    ("bunched", "label"),
    ("worn", "label"),
    ("value_nouns", "labels"),
)


def check_references(tables: Tables) -> None:
    """Raise for the first row that names a label, attribute, category or predicate that no row defines.

    Raises
    ------
    InputError
        Names file, row and column, and the file where the missing value has to be added.
    """
    labels = tables["labels"]["label"]
    for name, column in _LABEL_LISTS:
        _members(tables[name], column=column, allowed=labels, where="labels.csv")
    _canonical(tables["attributes"], key="attribute")
    _canonical(tables["predicates"], key="predicate")
    attributes, predicates = tables["attributes"]["attribute"], tables["predicates"]["predicate"]
    _members(tables["attributes"], column="parent", allowed=attributes, where="attributes.csv")
    _members(tables["attribute_compatible"], column="attribute", allowed=attributes, where="attributes.csv")
    _members(tables["attribute_compatible"], column="compatible", allowed=attributes, where="attributes.csv")
    categories = tables["categories"]["category"]
    _members(tables["attributes"], column="category", allowed=categories, where="categories.csv")
    _members(tables["value_nouns"], column="category", allowed=categories, where="categories.csv")
    groups = tables["attributes"]["exclusive_group"]
    _members(tables["value_nouns"], column="exclusive_group", allowed=groups, where="attributes.csv")
    _members(tables["predicates"], column="implies", allowed=predicates, where="predicates.csv")
    _members(tables["predicates"], column="inverse", allowed=predicates, where="predicates.csv")
    for column in ("first", "second"):
        _members(
            tables["predicate_exclusive"],
            column=column,
            allowed=selectors(tables["predicates"]),
            where="predicates.csv (as a predicate, `class:...` or `posture:...`)",
        )


def selectors(predicates: pl.DataFrame) -> pl.Series:
    """What `predicate_exclusive.csv` may name: canonical predicates, their classes and postures."""
    own = predicates.filter(pl.col("predicate") == pl.col("canonical"))
    return pl.concat([own["predicate"], "class:" + own["class"].unique(), "posture:" + own["posture"].unique()])


def _members(frame: pl.DataFrame, *, column: str, allowed: Iterable[str], where: str) -> None:
    rows = frame.explode(column) if frame.schema[column] == pl.List(pl.String) else frame
    wrong = rows.filter(
        pl.col(column).is_not_null() & (pl.col(column) != "") & ~pl.col(column).is_in(pl.Series(allowed).implode())
    )
    fail(wrong, column=column, problem=f"must be a value of {where}")


def _canonical(frame: pl.DataFrame, *, key: str) -> None:
    _members(frame, column="canonical", allowed=frame[key], where=f"column `{key}`")
    own = frame.filter(pl.col(key) == pl.col("canonical"))[key]
    _members(frame, column="canonical", allowed=own, where=f"column `{key}` that is its own canonical form")
