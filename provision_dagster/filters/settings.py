"""The configuration of the filters as tables, so that what depends on it is out of date when it changes."""

import json
from typing import Any

import polars as pl
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from provision_dagster.filters.config import RULE_FIELDS, FilterConfig
from provision_dagster.filters.schema import FILTER_SETTINGS, SCORE_SETTINGS
from provision_dagster.scene_graphs.annotators.base_config import MACHINE

SCORE_SECTIONS = ("region_text", "judge", "duplicates", "benchmarks")
"""Sections of the configuration that say how scores are made."""


def filter_settings(config: FilterConfig) -> pl.DataFrame:
    """Return the thresholds that the SQL compares with, schema FILTER_SETTINGS."""
    fields = type(config).model_fields
    rows = [
        {
            "setting": name,
            "value": _json(getattr(config, name)),
            "default": _json(fields[name].get_default(call_default_factory=True)),
            "description": fields[name].description,
        }
        for name in RULE_FIELDS
    ]
    return pl.DataFrame(rows, schema=FILTER_SETTINGS).sort("setting")


def score_settings(config: FilterConfig) -> pl.DataFrame:
    """Return what makes scores, schema SCORE_SETTINGS."""
    rows = [{"section": name, "settings": _told(getattr(config, name))} for name in SCORE_SECTIONS]
    return pl.DataFrame(rows, schema=SCORE_SETTINGS).sort("section")


def _told(section: Any) -> str | None:
    """Leave out how and where the work is done: that changes no score."""
    if section is None:
        return None
    if isinstance(section, BaseModel):
        return section.model_dump_json(exclude=set(MACHINE))
    return _json(section)


def _json(value: Any) -> str:
    return json.dumps(to_jsonable_python(value))
