"""Great Expectations looks at the frames of suites. It is read on the first call: that takes seconds."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import MissingExtraError
from provision_dagster.filters.quality.suites import Batch, Expectation, Suite

SHOWN = 20
"""Values that break an expectation, and the names of their rows, that are kept."""

SITE = "data_docs"


@dataclass(frozen=True)
class Outcome:
    """What became of one expectation.

    Attributes
    ----------
    observed
        The values that were looked at, as text: their range, or how many break the expectation.
    offending
        `of` of the rows that break it, at most SHOWN.
    """

    suite: Suite
    batch: Batch
    expectation: Expectation
    passed: bool
    observed: str
    offending: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """What is expected, as text."""
        told = self.expectation.arguments
        low, high = told.get("min_value"), told.get("max_value")
        if low is None and high is None:
            return " ".join(f"{name} {value}" for name, value in told.items() if name != "column")
        if low is None or high is None:
            return f"<= {high:.6g}" if low is None else f">= {low:.6g}"
        return f"{low:.6g} .. {high:.6g}"


def validate(suites: Sequence[Suite], *, docs: Path | None = None) -> list[Outcome]:
    """Let Great Expectations validate suites.

    Parameters
    ----------
    docs
        Folder that gets the data docs, a static site; none are built when None.

    Returns
    -------
    list of Outcome
        One per expectation, in order.

    Raises
    ------
    MissingExtraError
        If the extra `quality` is not installed.
    """
    with _context(docs) as context:
        found = [
            outcome
            for suite in suites
            for batch in suite.batches
            if batch.frame.height
            for outcome in _validate_batch(context, suite, batch)
        ]
        if docs is not None:
            context.build_data_docs(site_names=[SITE])
    return found


@contextmanager
def _context(docs: Path | None) -> Iterator[Any]:
    """Open a context that lives in memory and tells nobody of itself."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    try:
        import great_expectations as gx
    except ModuleNotFoundError as error:
        raise MissingExtraError("quality", needs="great-expectations") from error
    from great_expectations.data_context.types.base import ProgressBarsConfig

    with warnings.catch_warnings(), _quiet("great_expectations"):
        warnings.simplefilter("ignore", DeprecationWarning)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        for name in list(context.get_site_names()):
            context.delete_data_docs_site(name)
        if docs is not None:
            context.add_data_docs_site(SITE, _site(docs))
        yield context


def _site(folder: Path) -> Any:
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": store,
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _validate_batch(context: Any, suite: Suite, batch: Batch) -> list[Outcome]:
    import great_expectations as gx
    from great_expectations import expectations

    name = suite.name if batch.name == "figures" else f"{suite.name}_{batch.name}"
    made = [getattr(expectations, e.kind)(**e.arguments) for e in batch.expectations]
    suite_of = context.suites.add(gx.ExpectationSuite(name=name, expectations=made))
    source = context.data_sources.add_pandas(name=name)
    definition = source.add_dataframe_asset(name=name).add_batch_definition_whole_dataframe(name)
    validation = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=definition, suite=suite_of))
    wanted = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": ["of"],
        "include_unexpected_rows": False,
    }
    done = validation.run(batch_parameters={"dataframe": batch.frame.to_pandas()}, result_format=wanted)
    by_id = {result.expectation_config.id: result for result in done.results}
    pairs = [(e, by_id[one.id]) for e, one in zip(batch.expectations, suite_of.expectations, strict=True)]
    return [_outcome(suite, batch, expectation, result) for expectation, result in pairs]


def _outcome(suite: Suite, batch: Batch, expectation: Expectation, result: Any) -> Outcome:
    if result.exception_info and result.exception_info.get("raised_exception"):
        raise RuntimeError(f"suite `{suite.name}`, {expectation.kind}: {result.exception_info}")
    broken = result.result.get("unexpected_index_list") or []
    named = tuple(dict.fromkeys(str(row["of"]) for row in broken))[:SHOWN]
    return Outcome(
        suite=suite,
        batch=batch,
        expectation=expectation,
        passed=bool(result.success),
        observed=_observed(batch.frame, expectation, result.result),
        offending=named,
    )


def _observed(frame: pl.DataFrame, expectation: Expectation, result: Mapping[str, Any]) -> str:
    """The worst value and what it is about, or how many values break the expectation."""
    column = expectation.column
    if expectation.kind != "ExpectColumnValuesToBeBetween":
        return f"{result.get('unexpected_count', 0)} of {result.get('element_count', frame.height)} break it"
    seen = frame.select("of", value=pl.col(column).cast(pl.Float64)).drop_nulls("value")
    if seen.is_empty():
        return "nothing to judge"
    worst = seen.sort(_badness(expectation.arguments), "of", descending=[True, False]).row(0)
    return f"{worst[1]:.6g} ({worst[0]})" if worst[0] else f"{worst[1]:.6g}"


def _badness(bounds: Mapping[str, Any]) -> pl.Expr:
    """How far a value is outside of the bounds, or how near to one from inside (negative)."""
    low, high = bounds.get("min_value"), bounds.get("max_value")
    sides = []
    if low is not None:
        sides.append(low - pl.col("value"))
    if high is not None:
        sides.append(pl.col("value") - high)
    return pl.max_horizontal(sides)
