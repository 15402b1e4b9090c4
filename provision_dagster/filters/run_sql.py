"""Runs the SELECTs of `dbt_like_sql/` with DuckDB over polars frames, handed over as Arrow without a copy."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from provision_dagster.filters.models import LAYERS, TESTS, Model, load_models, run_order
from provision_dagster.filters.sql_config import SqlConfig

if TYPE_CHECKING:
    import duckdb

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # nothing is downloaded, and a name in SQL never means a Python variable
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    # rows come and go by their number, so their order needs no memory
    "preserve_insertion_order": False,
}


@dataclass(frozen=True)
class SqlTest:
    """Outcome of one query of `dbt_like_sql/tests/`."""

    name: str
    description: str
    offending: pl.DataFrame

    @property
    def passed(self) -> bool:
        """True when there is no offending row."""
        return self.offending.is_empty()


def run_models(
    sources: Mapping[str, pl.DataFrame],
    *,
    targets: Sequence[str],
    folder: Path | None = None,
    limits: SqlConfig | None = None,
) -> dict[str, pl.DataFrame]:
    """Run models and everything they read.

    Parameters
    ----------
    sources
        Tables by name. A model of the same name is not run: the table given takes its place.
    targets
        Models whose rows are wanted.
    folder
        Folder of the models; the one that ships when None.
    limits
        What DuckDB may take; `SqlConfig()` when None.

    Returns
    -------
    dict of str to pl.DataFrame
        The rows of each target, as DuckDB types them.

    Raises
    ------
    InputError
        If a model reads something that is neither a model nor given.
    """
    models = load_models(folder)
    order = run_order(models, targets=targets, sources=sources)
    found: dict[str, pl.DataFrame] = {}
    with connect(sources, limits=limits) as connection:
        for name in order:
            if name in targets:
                found[name] = connection.sql(models[name].sql).pl()
                connection.register(name, found[name])
            else:
                create_models(connection, models=models, order=[name])
    return found


def run_sql_tests(
    tables: Mapping[str, pl.DataFrame], *, folder: Path | None = None, limits: SqlConfig | None = None
) -> list[SqlTest]:
    """Run the queries of `dbt_like_sql/tests/` that the given tables suffice for.

    Parameters
    ----------
    tables
        Tables by name, as in the store, and `config` (`FilterConfig.as_table()`). Those not given are not
        computed: a test that reads one of them is left out.
    folder
        Folder of the models and tests; the one that ships when None.
    limits
        What DuckDB may take; `SqlConfig()` when None.

    Returns
    -------
    list of SqlTest
        By name, each with the rows that should not be there.
    """
    staging = {name: model for name, model in load_models(folder).items() if model.layer == LAYERS[0]}
    tests = load_models(folder, layers=[TESTS])
    chosen = {name: test for name, test in tests.items() if _can_run(test, staging=staging, tables=tables)}
    order = run_order({**staging, **chosen}, targets=chosen, sources=tables)
    with connect(tables, limits=limits) as connection:
        create_models(connection, models=staging, order=[name for name in order if name in staging])
        return [SqlTest(name, test.description, connection.sql(test.sql).pl()) for name, test in chosen.items()]


def _can_run(test: Model, *, staging: Mapping[str, Model], tables: Mapping[str, pl.DataFrame]) -> bool:
    needed = [read for name in test.reads for read in (staging[name].reads if name in staging else (name,))]
    return all(name in tables for name in needed)


@contextmanager
def connect(
    sources: Mapping[str, pl.DataFrame], *, limits: SqlConfig | None = None
) -> "Iterator[duckdb.DuckDBPyConnection]":
    """Open a DuckDB that knows the given frames by name, and writes what does not fit into memory to a folder."""
    import duckdb  # a fifth of a second that a command without SQL does not need

    chosen = limits or SqlConfig()
    with tempfile.TemporaryDirectory(prefix="provision-sql-", dir=_made(chosen.temp_directory)) as spill:
        config = SETTINGS | {"memory_limit": chosen.memory_limit, "temp_directory": spill}
        if chosen.threads is not None:
            config |= {"threads": chosen.threads}
        with duckdb.connect(":memory:", config=config) as connection:
            for name, frame in sources.items():
                # strings as they are: DuckDB's own way to take a polars frame copies them
                connection.register(name, frame.to_arrow(compat_level=pl.CompatLevel.newest()))
            yield connection


def _made(folder: Path | None) -> Path | None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def create_models(
    connection: "duckdb.DuckDBPyConnection", *, models: Mapping[str, Model], order: Sequence[str]
) -> None:
    """Staging models read one source each and stay views; what several models share is computed once."""
    for name in order:
        kind = "view" if models[name].layer == LAYERS[0] else "table"
        connection.execute(f'create temp {kind} "{name}" as\n{models[name].sql}')
