"""The SQL of `dbt_like_sql/`: one SELECT per file, ordered by the tables that each reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from provision_dagster.errors import InputError

LAYERS = ("staging", "intermediate", "marts")
"""Folders of models, in the order in which data flows through them."""

TESTS = "tests"
"""Folder of queries that return the rows that should not be there."""


@dataclass(frozen=True)
class Model:
    """One SELECT in a file of its own name."""

    name: str
    layer: str
    sql: str
    description: str  # the comment at the head of the file
    reads: tuple[str, ...]  # tables and models, sorted


def sql_folder() -> Path:
    """Return `dbt_like_sql/`: inside the installed package, or beside it in a checkout.

    Raises
    ------
    InputError
        If it is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "dbt_like_sql", package.parent / "dbt_like_sql"):
        if folder.is_dir():
            return folder
    raise InputError(f"folder `dbt_like_sql` not found in `{package}` nor beside it")


def load_models(folder: Path | None = None, *, layers: Iterable[str] = LAYERS) -> dict[str, Model]:
    """Read the SELECTs of a folder.

    Parameters
    ----------
    folder
        Folder with one subfolder per layer; `sql_folder()` when None.
    layers
        Subfolders to read.

    Returns
    -------
    dict of str to Model
        By name, sorted within each layer.

    Raises
    ------
    InputError
        If a file is not exactly one SELECT, has no comment at its head, or two have the same name.
    """
    root = folder or sql_folder()
    found: dict[str, Model] = {}
    for layer in layers:
        for path in sorted((root / layer).glob("*.sql")):
            if path.stem in found:
                raise InputError(f"`{layer}/{path.name}`: a model of this name is in `{found[path.stem].layer}/`")
            found[path.stem] = _read_model(path, layer=layer)
    return found


def run_order(models: Mapping[str, Model], *, targets: Iterable[str], sources: Iterable[str]) -> list[str]:
    """Return the models that the targets need, each after those that it reads.

    Parameters
    ----------
    models
        All models by name.
    targets
        Models wanted.
    sources
        Tables that are given; a model of the same name is not run.

    Returns
    -------
    list of str
        Names, always in the same order.

    Raises
    ------
    InputError
        If a model reads something that is neither a model nor given, or models read each other in a circle.
    """
    given = set(sources)
    graph: dict[str, list[str]] = {}
    waiting = [(name, "the targets") for name in targets]
    while waiting:
        name, reader = waiting.pop()
        if name in given or name in graph:
            continue
        if name not in models:
            allowed = sorted({*models, *given})
            raise InputError(f"`{reader}` reads `{name}`, which is neither a model nor given; there are {allowed}")
        graph[name] = [read for read in models[name].reads if read not in given]
        waiting += [(read, name) for read in models[name].reads]
    try:
        return list(TopologicalSorter({name: graph[name] for name in sorted(graph)}).static_order())
    except CycleError as error:
        raise InputError(f"models read each other in a circle: {' -> '.join(error.args[1])}") from error


def _read_model(path: Path, *, layer: str) -> Model:
    return _parse(path.read_text(encoding="utf-8"), name=path.stem, layer=layer)


@lru_cache(maxsize=256)
def _parse(text: str, *, name: str, layer: str) -> Model:
    where = f"{layer}/{name}.sql"
    lines = text.splitlines()
    head = [line for line in lines if line.startswith("--")] if lines and lines[0].startswith("--") else []
    if not head:
        raise InputError(f"`{where}` must begin with a comment (`-- ...`) that describes it")
    try:
        statements = [s for s in sqlglot.parse(text, dialect="duckdb") if s is not None]
    except ParseError as error:
        raise InputError(f"`{where}` is not SQL: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        kinds = [type(s).__name__.lower() for s in statements]
        raise InputError(f"`{where}` must be exactly one select, got {kinds}")
    description = " ".join(line.removeprefix("--").strip() for line in head)
    return Model(name, layer, text, description, _reads(statements[0]))


def _reads(statement: exp.Query) -> tuple[str, ...]:
    named_within = {cte.alias for cte in statement.find_all(exp.CTE)}
    tables = {table.name for table in statement.find_all(exp.Table)}
    return tuple(sorted(tables - named_within))
