"""The tables that the SQL of `dbt_like_sql/` reads and no model makes."""

import polars as pl

from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.schema import SCORES
from provision_dagster.generators.schema import RAW_QA
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.scene_graphs.schema import SCENE_GRAPHS

SOURCES: dict[str, dict[str, pl.DataType]] = {
    "raw_qa": {"row": pl.UInt32(), **RAW_QA},
    "images": IMAGES,
    "scene_graphs": SCENE_GRAPHS,
    "config": dict(FilterConfig().as_table().schema),
    **SCORES,
}
"""Schemas by name. `raw_qa` is all families together, `row` its order; `config` is one row of thresholds."""
