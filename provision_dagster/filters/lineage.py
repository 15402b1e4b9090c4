"""Where each column of a model comes from, read from its SQL."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from sqlglot import exp, parse_one
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from provision_dagster.filters.models import Model, load_models, run_order
from provision_dagster.filters.sources import SOURCES


class Source(NamedTuple):
    """A column of a table or model that a SELECT reads."""

    table: str
    column: str


Lineage = dict[str, tuple[Source, ...]]
"""By column of a model, in its order: the columns whose values go into it; none for constants and counts of rows."""


@cache
def shipped_lineage() -> dict[str, Lineage]:
    """Return the lineage of every model that ships, by name; it is worked out once per process."""
    return column_lineage(load_models(), sources={name: tuple(schema) for name, schema in SOURCES.items()})


def column_lineage(models: Mapping[str, Model], *, sources: Mapping[str, tuple[str, ...]]) -> dict[str, Lineage]:
    """Follow each column of each model one step back, to what its SELECT reads.

    Conditions (`where`, `join ... on`, `group by`, the order of windows) say which rows there are, not what is in them:
    columns that stand only there are no sources.

    Parameters
    ----------
    models
        Models by name.
    sources
        Columns of the tables that no model makes, by table.

    Returns
    -------
    dict of str to Lineage
        By model, each after those that it reads.

    Raises
    ------
    InputError
        If a model reads something that is neither a model nor a source.
    """
    known: dict[str, object] = {table: dict.fromkeys(columns, "UNKNOWN") for table, columns in sources.items()}
    found: dict[str, Lineage] = {}
    for name in run_order(models, targets=models, sources=sources):
        found[name] = _columns(models[name].sql, known=known)
        known[name] = dict.fromkeys(found[name], "UNKNOWN")
    return found


def _columns(sql: str, *, known: dict[str, object]) -> Lineage:
    query = qualify(
        parse_one(sql, dialect="duckdb"),
        schema=known,
        dialect="duckdb",
        # functions of DuckDB that are unknown here are no mistakes: the SQL itself is checked by running it
        validate_qualify_columns=False,
    )
    # trimming a copy of the query for every column is half of the time, and nobody reads it
    nodes = lineage(None, query, known, scope=build_scope(query), trim_selects=False, dialect="duckdb")
    assert isinstance(nodes, dict)
    return {column: _leaves(node) for column, node in nodes.items()}


def _leaves(node: Node) -> tuple[Source, ...]:
    """Columns of tables at the ends of the walk through the common table expressions."""
    ends = [end for end in node.walk() if not end.downstream and isinstance(end.expression, exp.Table)]
    return tuple(sorted({Source(end.expression.name, exp.to_column(end.name).name) for end in ends}))
