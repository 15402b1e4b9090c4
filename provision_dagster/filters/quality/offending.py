"""The rows behind a failed expectation: SQL that lists them all, and the first of them."""

from collections.abc import Mapping

import polars as pl

from provision_dagster.filters.quality.validate import Outcome
from provision_dagster.generators.integrity import qa_rules
from provision_dagster.scene_graphs.integrity import graph_rules

FIRST = 5
"""Rows that are shown."""

RULES = {"filtered_qa": qa_rules, "scene_graphs": graph_rules}
COUNTED = {"schema_and_ranges": "filtered_qa", "scene_graphs_in_range": "scene_graphs"}
"""Suites that count the rows that break rules, and of which table."""


def offending_sql(outcome: Outcome) -> str | None:
    """Return the SELECT of the offending rows over the tables of the store, for DuckDB and polars.

    Rules of whole tables are polars expressions: for these it is the expression that filters the table.
    """
    if outcome.passed or not outcome.offending:
        return None
    if outcome.expectation.column == "broken_rows":
        table = COUNTED[outcome.suite.name]
        rules = RULES[table]()
        return "\n".join(f"scan({table!r}).filter({rules[rule]})" for rule in outcome.offending)
    template = outcome.expectation.sql
    if template is None:
        return None
    parts = outcome.batch.parts.get(outcome.expectation.column, {})
    filled = [template.format(of=_quoted(of), part=_quoted(parts.get(of, ""))) for of in outcome.offending]
    return "\nunion all\n".join(dict.fromkeys(filled))


def first_rows(outcome: Outcome, *, tables: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """Return the first offending rows, as `offending_sql` lists them; none where no rows stand behind the figure.

    Parameters
    ----------
    tables
        By name: those that the SQL of suites reads.
    """
    sql = offending_sql(outcome)
    if sql is None:
        return pl.DataFrame()
    if outcome.expectation.column == "broken_rows":
        table = COUNTED[outcome.suite.name]
        broken = pl.any_horizontal(RULES[table]()[rule] for rule in outcome.offending)
        name = "id" if table == "filtered_qa" else "image_id"
        return tables[table].filter(broken).select(name, "shard").head(FIRST).collect()
    return pl.SQLContext(frames=dict(tables)).execute(f"{sql}\nlimit {FIRST}", eager=True)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
