"""Outcomes of suites as a table, and as what an asset check tells."""

import re
from collections.abc import Sequence

import polars as pl

from provision_dagster.filters.quality.offending import offending_sql
from provision_dagster.filters.quality.validate import Outcome
from provision_dagster.filters.schema import QUALITY_RESULTS


def results_table(outcomes: Sequence[Outcome]) -> pl.DataFrame:
    """Return one row per expectation, schema QUALITY_RESULTS."""
    rows = [
        (
            o.suite.name,
            title(o),
            o.expectation.threshold,
            o.observed,
            o.allowed,
            o.passed,
            o.suite.severity,
            list(o.offending),
            offending_sql(o),
        )
        for o in outcomes
    ]
    return pl.DataFrame(rows, schema=QUALITY_RESULTS, orient="row").sort("suite", "expectation")


def title(outcome: Outcome) -> str:
    """Name an expectation: the column, and what is expected of its values."""
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", outcome.expectation.kind.removeprefix("Expect")).lower()
    return f"{outcome.expectation.column}: {words}"
