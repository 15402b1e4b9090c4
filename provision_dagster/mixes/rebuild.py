"""A mix built again from the tables, at the versions that a manifest names."""

from collections.abc import Iterator, Mapping
from dataclasses import fields

import polars as pl
from deltalake.exceptions import DeltaError

from provision_dagster.errors import InputError
from provision_dagster.mixes.build import mix_blocks
from provision_dagster.mixes.pool import Tables
from provision_dagster.mixes.recipe import Recipe
from provision_dagster.storage.store import Store
from provision_dagster.storage.tables import TABLES

SOURCES = tuple(field.name for field in fields(Tables) if field.name in TABLES)
"""Stored tables that mixes are made of."""

TOLD = ("scene_graphs", "funnel", "qa_statistics")
"""Stored tables that say how these came about: the card of a mix tells it."""


def source_versions(store: Store) -> dict[str, int]:
    """Return the latest version of every table that mixes are made of, and of those that say how these came about."""
    return {name: store.version(name) for name in (*SOURCES, *TOLD)}


def tables_at(store: Store, *, versions: Mapping[str, int]) -> Tables:
    """Open what mixes are made of at given versions; `InputError` if one is not named or cannot be read any more."""
    return Tables(**{name: table_at(store, name, versions=versions) for name in SOURCES})


def rebuilt_blocks(recipe: Recipe, *, store: Store, versions: Mapping[str, int]) -> Iterator[pl.DataFrame]:
    """Build a mix from tables at given versions.

    Parameters
    ----------
    recipe
        What to take.
    store
        The tables.
    versions
        By table.

    Yields
    ------
    pl.DataFrame
        Schema MIX, by position.

    Raises
    ------
    InputError
        If a version is not named or cannot be read any more.
    """
    return mix_blocks(recipe, tables=tables_at(store, versions=versions))


def table_at(store: Store, name: str, *, versions: Mapping[str, int], key: str | None = None) -> pl.LazyFrame:
    """Read a table, or a partition of it, at the version that is named; `InputError` if it cannot be read any more."""
    if name not in versions:
        raise InputError(
            f"the manifest names no version of table `{name}`: it was not exported from stored tables, or by an "
            "earlier release"
        )
    version = versions[name]
    try:
        lost = store.lost_files(name, key=key, version=version)
        frame = store.scan(name, partitions=key, version=version)
    except DeltaError as error:
        raise _gone(name, version, str(error)) from error
    if lost:
        raise _gone(name, version, f"{len(lost)} of its files are not there, `{lost[0]}` for one")
    return frame


def _gone(name: str, version: int, why: str) -> InputError:
    return InputError(
        f"table `{name}` cannot be read at version {version} any more: {why}; maintenance removes files of old versions"
    )
