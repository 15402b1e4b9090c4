"""Sorts raw question-answer pairs into those that are kept and those that break a rule."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.errors import InputError, SchemaError
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.run_sql import connect, run_models
from provision_dagster.filters.schema import LABEL_STATISTICS, QA_STATISTICS, SCORES
from provision_dagster.filters.sql_config import SqlConfig
from provision_dagster.filters.whole_rows import whole_rows
from provision_dagster.generators.schema import FILTERED_QA, RAW_QA, REJECTED_QA

RULES = (
    "format",
    "length",
    "image",
    "licence",
    "safety",
    "region_size",
    "options",
    "evidence",
    "contaminated",
    "region_text",
    "judge",
    "near_duplicate",
    "conflicting_answers",
    "duplicate",
)
"""In the order in which they are applied: a pair is rejected by the first that it breaks.

A pair that breaks any but the last two is no longer compared with others by these.
"""

IMAGE_COLUMNS = ("image_set", "image_key", "image_id", "status", "license")
"""What the rules read of IMAGES."""

Frame = pl.DataFrame | pl.LazyFrame


def filter_qa(
    raw_qa: Frame,
    *,
    images: Frame,
    scene_graphs: Frame,
    config: FilterConfig | None = None,
    scores: Mapping[str, Frame] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Apply the rules; models have spoken before, by their scores.

    Parameters
    ----------
    raw_qa
        Schema RAW_QA: all families of one or several shards, in any order.
    images
        Schema IMAGES: at least the images that are asked about.
    scene_graphs
        Schema SCENE_GRAPHS of these images.
    config
        Thresholds; the defaults when None.
    scores
        What models and comparisons with other data found, by the names of `schema.SCORES`, at least of these pairs
        and images. Without a table, or a row in it, the rule that reads it has no verdict.

    Returns
    -------
    tuple of pl.DataFrame
        Kept pairs (FILTERED_QA) and rejected pairs (REJECTED_QA), sorted by id, the same whatever the
        order of the input. `score` and `threshold` are null for rules that measure nothing.

    Raises
    ------
    SchemaError
        If a frame lacks a column that the rules read.
    InputError
        If `scores` has a table of another name.
    """
    sorted_qa = sort_qa(raw_qa, images=images, scene_graphs=scene_graphs, config=config, scores=scores)
    return sorted_qa.filtered, sorted_qa.rejected


@dataclass(frozen=True)
class SortedQA:
    """Kept pairs (FILTERED_QA) and rejected ones (REJECTED_QA)."""

    filtered: pl.DataFrame
    rejected: pl.DataFrame


def sort_qa(
    raw_qa: Frame,
    *,
    images: Frame,
    scene_graphs: Frame,
    config: FilterConfig | None = None,
    scores: Mapping[str, Frame] | None = None,
) -> SortedQA:
    """Apply the rules as `filter_qa`."""
    settings = config or FilterConfig()
    raw = _columns(raw_qa, names=tuple(RAW_QA), table="raw_qa")
    order, ids_are_unique = _order_of(raw)
    verdicts = run_models(
        {
            "raw_qa": raw.with_columns(row=_places(order)),
            "images": _columns(images, names=IMAGE_COLUMNS, table="images"),
            "scene_graphs": _columns(scene_graphs, names=("image_id", "objects"), table="scene_graphs"),
            "config": settings.as_table(),
            **_scores(scores or {}),
        },
        targets=("int_verdicts",),
        limits=settings.sql,
    )["int_verdicts"]
    found = whole_rows(raw, order=order, verdicts=verdicts, limits=settings.sql)
    filtered = _typed(found["filtered_qa"], schema=FILTERED_QA)
    rejected = _typed(found["rejected_qa"], schema=REJECTED_QA)
    if not ids_are_unique:
        rejected = rejected.sort(*_order(), "rule", "detail")
    if len(filtered) + len(rejected) != len(raw):
        raise AssertionError(f"{len(raw)} raw rows became {len(filtered)} kept and {len(rejected)} rejected ones")
    return SortedQA(filtered, rejected)


def qa_statistics(
    raw_qa: Frame, *, filtered_qa: Frame, limits: SqlConfig | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Describe what the filters kept.

    Parameters
    ----------
    raw_qa
        Schema RAW_QA.
    filtered_qa
        Schema FILTERED_QA: what was kept of it.
    limits
        What DuckDB may take.

    Returns
    -------
    tuple of pl.DataFrame
        QA_STATISTICS, a row per shard, family and generator, and LABEL_STATISTICS, a row per value mentioned.
    """
    sources = {
        "raw_qa": _columns(raw_qa, names=("shard", "family", "generator"), table="raw_qa"),
        "filtered_qa": _columns(filtered_qa, names=tuple(FILTERED_QA), table="filtered_qa"),
    }
    found = run_models(sources, targets=("qa_statistics", "label_statistics"), limits=limits)
    return (
        _typed(found["qa_statistics"], schema=QA_STATISTICS),
        _typed(found["label_statistics"], schema=LABEL_STATISTICS),
    )


def _scores(given: Mapping[str, Frame]) -> dict[str, pl.DataFrame]:
    """Return all tables of scores; those that are not given are empty."""
    unknown = sorted(set(given) - set(SCORES))
    if unknown:
        raise InputError(f"`scores` must be among {sorted(SCORES)}, got {unknown}")
    return {
        name: _columns(given[name], names=tuple(schema), table=name) if name in given else pl.DataFrame(schema=schema)
        for name, schema in SCORES.items()
    }


def _columns(frame: Frame, *, names: tuple[str, ...], table: str) -> pl.DataFrame:
    missing = [name for name in names if name not in frame.lazy().collect_schema()]
    if missing:
        raise SchemaError(f"table `{table}`: missing columns {missing}")
    return frame.lazy().select(names).collect()


def number_pairs(raw: pl.DataFrame) -> pl.DataFrame:
    """Number raw QA by id in a column `row`, so that "the first" does not depend on the order of the input."""
    return raw[_order_of(raw)[0]].with_row_index("row")


def _order_of(raw: pl.DataFrame) -> tuple[pl.Series, bool]:
    """Return the places of the rows in the order of ids, and whether each row has an id of its own."""
    # DuckDB sorts texts several times faster than polars
    with connect({"ids": raw.select("id").with_row_index("place")}) as connection:
        order = connection.sql("select place from ids order by id nulls first").pl()["place"]
    ids = raw["id"].gather(order)
    if not ids.null_count() and not (ids == ids.shift()).any():
        return order, True
    return raw.select(pl.arg_sort_by(_order())).to_series(), False


def _places(order: pl.Series) -> pl.Series:
    """Turn an order around: the place of each row in it."""
    places = np.empty(len(order), dtype=np.uint32)
    places[order.to_numpy()] = np.arange(len(order), dtype=np.uint32)
    return pl.Series("row", places)


def _order() -> list[pl.Expr]:
    """Ids decide; the rest only matters for pairs that wrongly share one."""
    names = ("id", "family", "generator", "question", "answer", "choice_question", "template", "answer_index")
    return [*(pl.col(name) for name in names), pl.col("options").list.join("\x1f")]


def _typed(frame: pl.DataFrame, *, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
