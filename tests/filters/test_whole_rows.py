"""Whole rows are what the SQL of the marts says, though DuckDB sees only their numbers."""

import random

import polars as pl
import pytest

from provision_dagster.filters import whole_rows
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import filter_qa, number_pairs
from provision_dagster.filters.models import Model, load_models
from provision_dagster.filters.run_sql import run_models
from provision_dagster.filters.schema import SCORES
from tests.filters.rows import images, qa, raw_qa, scene_graphs


def _rows() -> pl.DataFrame:
    rows = [qa(i, question=f"Is it {i % 30}?", image_ids=["i1"] if i % 9 else ["gone"]) for i in range(40)]
    rows += [qa(50, evidence=None, metadata=None, options=[], answer_index=None), qa(51, options=["a", None])]
    random.Random(0).shuffle(rows)
    return raw_qa(*rows)


def _by_sql(raw: pl.DataFrame) -> dict[str, pl.DataFrame]:
    sources = {
        "raw_qa": number_pairs(raw),
        "images": images(),
        "scene_graphs": scene_graphs(),
        "config": FilterConfig().as_table(),
        **{name: pl.DataFrame(schema=schema) for name, schema in SCORES.items()},
    }
    return run_models(sources, targets=["filtered_qa", "rejected_qa"])


def test_the_marts_say_the_same_over_whole_columns() -> None:
    raw = _rows()
    kept, rejected = filter_qa(raw, images=images(), scene_graphs=scene_graphs())
    assert min(kept.height, rejected.height) > 5
    wanted = _by_sql(raw)
    assert kept.equals(wanted["filtered_qa"].select(kept.columns).cast(kept.schema).sort("id"))
    assert rejected.equals(wanted["rejected_qa"].select(rejected.columns).cast(rejected.schema).sort("id"))


def test_a_mart_that_looks_into_columns_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    raw, models = _rows(), load_models()
    plain = filter_qa(raw, images=images(), scene_graphs=scene_graphs())[1]
    sql = models["rejected_qa"].sql.replace("raw_qa.* exclude (row)", "raw_qa.* replace (upper(answer) as answer)")
    assert sql != models["rejected_qa"].sql
    edited = models | {"rejected_qa": Model("rejected_qa", "marts", sql, "edited", models["rejected_qa"].reads)}
    monkeypatch.setattr(whole_rows, "load_models", lambda: edited)
    monkeypatch.setattr("provision_dagster.filters.run_sql.load_models", lambda _: edited)
    kept, rejected = filter_qa(raw, images=images(), scene_graphs=scene_graphs())
    assert rejected["answer"].to_list() == plain["answer"].str.to_uppercase().to_list()
    assert rejected.drop("answer").equals(plain.drop("answer"))
    assert kept.height + rejected.height == raw.height


def test_rows_that_share_an_id_are_told_apart_by_their_texts() -> None:
    raw = raw_qa(*(qa(3, question=f"Is it {i}?") for i in (4, 2, 9)))
    for order in (raw, raw.reverse()):
        kept, rejected = filter_qa(order, images=images(), scene_graphs=scene_graphs())
        assert kept["question"].to_list() == ["Is it 2?"]
        assert rejected["question"].to_list() == ["Is it 4?", "Is it 9?"]
        assert number_pairs(order)["question"].to_list() == ["Is it 2?", "Is it 4?", "Is it 9?"]
