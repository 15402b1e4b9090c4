"""Where columns come from, against what a reader of the SQL finds."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from provision_dagster.filters.lineage import Lineage, column_lineage, shipped_lineage
from provision_dagster.filters.models import LAYERS, load_models
from provision_dagster.filters.run_sql import create_models, run_models
from provision_dagster.filters.schema import LABEL_STATISTICS, QA_STATISTICS
from provision_dagster.filters.sources import SOURCES
from provision_dagster.generators.schema import FILTERED_QA, REJECTED_QA


def of(tmp_path: Path, **models: str) -> dict[str, Lineage]:
    """Lineage of SELECTs over the tables t(a, b, parts) and u(a, c)."""
    for layer in LAYERS:
        (tmp_path / layer).mkdir()
    for name, sql in models.items():
        (tmp_path / "marts" / f"{name}.sql").write_text(f"-- a model of this test\n{sql}")
    return column_lineage(load_models(tmp_path), sources={"t": ("a", "b", "parts"), "u": ("a", "c")})


CASES: list[tuple[str, dict[str, set[str]]]] = [
    ("select a, b as other from t", {"a": {"t.a"}, "other": {"t.b"}}),
    ("select * from t", {"a": {"t.a"}, "b": {"t.b"}, "parts": {"t.parts"}}),
    ("select t.* exclude (b) from t", {"a": {"t.a"}, "parts": {"t.parts"}}),
    ("select a + b as x, 1 as one, count(*) over () as n from t", {"x": {"t.a", "t.b"}, "one": set(), "n": set()}),
    ("select parts.names as names, unnest(parts.boxes) as box from t", {"names": {"t.parts"}, "box": {"t.parts"}}),
    (
        "select list_transform(parts, lambda part: part.x + a) as xs from t",
        {"xs": {"t.parts", "t.a"}},
    ),
    ("with w as (select a, max(b) as top from t group by a) select top, a from w", {"top": {"t.b"}, "a": {"t.a"}}),
    # what is only compared says which rows there are, not what is in them
    ("select t.b from t inner join u on t.a = u.a where u.c > 0", {"b": {"t.b"}}),
    ("select t.b, u.c from t left join u using (a)", {"b": {"t.b"}, "c": {"u.c"}}),
    ("select b from t anti join u on t.a = u.a", {"b": {"t.b"}}),
    ("select a from t union all select c as a from u", {"a": {"t.a", "u.c"}}),
    ("select case when b > 0 then a else 0 end as x from t", {"x": {"t.a", "t.b"}}),
    ("select first_value(a) over (partition by b) as x from t", {"x": {"t.a", "t.b"}}),
    ("select x from (select a + 1 as x from t) qualify row_number() over (order by x) = 1", {"x": {"t.a"}}),
]


@pytest.mark.parametrize(("sql", "wanted"), CASES)
def test_columns_are_followed(sql: str, wanted: dict[str, set[str]], tmp_path: Path) -> None:
    found = of(tmp_path, m=sql)["m"]
    assert {column: {f"{s.table}.{s.column}" for s in sources} for column, sources in found.items()} == wanted


def test_models_are_followed_one_step(tmp_path: Path) -> None:
    found = of(tmp_path, first="select a as x from t", second="select *, x + c as y from first cross join u")
    assert found["second"] == {
        "x": (("first", "x"),),
        "a": (("u", "a"),),
        "c": (("u", "c"),),
        "y": (("first", "x"), ("u", "c")),
    }


def _sources(model: str, column: str) -> set[str]:
    return {f"{source.table}.{source.column}" for source in shipped_lineage()[model][column]}


@pytest.mark.parametrize(
    ("model", "column", "wanted"),
    [
        ("stg_raw_qa", "boxes", {"raw_qa.evidence"}),
        ("stg_raw_qa", "question_key", {"raw_qa.question"}),
        ("stg_images", "usable", {"images.status", "config.usable_statuses"}),
        ("stg_objects", "object_id", {"scene_graphs.objects"}),
        ("stg_duplicates", "other_id", {"duplicates.of"}),
        (
            "stg_duplicates",
            "threshold",
            {"config.near_duplicate_phash_bits", "config.near_duplicate_embedding", "config.near_duplicate_minhash"},
        ),
        ("stg_safety", "unsafe_score", {"picture_safety.unsafe_score"}),
        ("int_rule_safety", "score", {"stg_safety.unsafe_score", "config.max_unsafe_score"}),
        ("int_rule_safety", "threshold", {"config.max_unsafe_score", "stg_safety.unsafe_score"}),
        ("int_rule_judge", "score", {"stg_judge.p_yes"}),
        ("int_rule_judge", "threshold", {"config.min_judge_p_yes"}),
        ("int_rule_judge", "rule", set()),
        ("int_rule_region_text", "model", {"stg_region_text.model"}),
        ("int_rule_region_size", "score", {"stg_raw_qa.boxes"}),
        ("int_repeated_questions", "first_id", {"stg_raw_qa.id"}),
        (
            "int_verdicts",
            "score",
            {"int_row_verdicts.score", "int_rule_conflicting_answers.score", "int_rule_duplicate.score"},
        ),
        ("filtered_qa", "question", {"raw_qa.question"}),
        ("rejected_qa", "evidence", {"raw_qa.evidence"}),
        ("rejected_qa", "threshold", {"int_verdicts.threshold"}),
        ("rejected_qa", "model", {"int_verdicts.model"}),
        ("qa_statistics", "raw_rows", set()),
        ("qa_statistics", "generator", {"raw_qa.generator"}),
        ("qa_statistics", "top_answer", {"filtered_qa.answer"}),
        ("qa_statistics", "mean_options", {"filtered_qa.options"}),
        ("qa_statistics", "templates", {"filtered_qa.template"}),
        ("label_statistics", "value", {"filtered_qa.metadata"}),
        ("label_statistics", "kind", set()),
        ("label_statistics", "family", {"filtered_qa.family"}),
    ],
)
def test_models_that_ship(model: str, column: str, wanted: set[str]) -> None:
    assert _sources(model, column) == wanted


def test_every_column_of_every_model_is_told() -> None:
    """DuckDB itself says which columns a model has."""
    models, lineage = load_models(), shipped_lineage()
    with duckdb.connect(":memory:") as connection:
        for name, schema in SOURCES.items():
            connection.register(name, pl.DataFrame(schema=schema))
        create_models(connection, models=models, order=list(lineage))
        for name in lineage:
            columns = [row[0] for row in connection.execute(f'describe "{name}"').fetchall()]
            assert columns == list(lineage[name]), name


def test_every_source_is_a_column() -> None:
    lineage = shipped_lineage()
    known = {name: set(schema) for name, schema in SOURCES.items()} | {n: set(c) for n, c in lineage.items()}
    for columns in lineage.values():
        assert all(source.column in known[source.table] for sources in columns.values() for source in sources)


def test_marts_have_the_columns_of_their_tables() -> None:
    lineage = shipped_lineage()
    for name, schema in (("filtered_qa", FILTERED_QA), ("rejected_qa", REJECTED_QA)):
        assert list(lineage[name]) == list(schema)
    assert list(lineage["qa_statistics"]) == list(QA_STATISTICS)
    assert list(lineage["label_statistics"]) == list(LABEL_STATISTICS)


def test_a_source_changes_what_comes_of_it() -> None:
    """What lineage says is seen in the rows: `top_answer` follows `answer` and not `question`."""
    row = {"shard": "s", "family": "f", "generator": "g", "id": "1", "question": "q", "answer": "a", "options": []}

    def top(**changes: str) -> list[str]:
        kept = pl.DataFrame([row | changes], schema=FILTERED_QA)
        raw = kept.select("shard", "family", "generator")
        found = run_models({"raw_qa": raw, "filtered_qa": kept}, targets=["qa_statistics"])
        return found["qa_statistics"]["top_answer"].to_list()

    assert (top(answer="b"), top(question="other")) == (["b"], ["a"])
