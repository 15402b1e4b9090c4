"""The SQL that ships, the order in which it runs, and what it says about itself."""

from pathlib import Path

import polars as pl
import pytest
import sqlglot
from sqlglot import exp

from provision_dagster.errors import InputError
from provision_dagster.filters.config import RULE_FIELDS, FilterConfig
from provision_dagster.filters.filter_qa import filter_qa, qa_statistics
from provision_dagster.filters.models import LAYERS, TESTS, load_models, run_order, sql_folder
from provision_dagster.filters.run_sql import run_models, run_sql_tests
from provision_dagster.filters.schema import SCORES
from tests.filters.rows import images, qa, raw_qa, scene_graphs

SOURCES = ("raw_qa", "images", "scene_graphs", "config", *SCORES)


def _write(folder: Path, **files: str) -> Path:
    for layer in (*LAYERS, TESTS):
        (folder / layer).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / "marts" / f"{name}.sql").write_text(text)
    return folder


@pytest.mark.parametrize("layer", [*LAYERS, TESTS])
def test_every_file_describes_itself(layer: str) -> None:
    models = load_models(layers=[layer])
    assert {path.stem for path in (sql_folder() / layer).glob("*.sql")} == set(models)
    assert all(len(model.description) > 20 for model in models.values())


def test_each_model_runs_after_what_it_reads() -> None:
    models = load_models()
    order = run_order(models, targets=models, sources=SOURCES)
    assert sorted(order) == sorted(models)
    for place, name in enumerate(order):
        assert set(models[name].reads) <= {*order[:place], *SOURCES}


def test_thresholds_are_not_written_into_rules() -> None:
    """Numbers in the SQL of rules are only 0, 1 and lengths of what a message shows."""
    allowed = {"0", "0.0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "20", "31"}
    for name in load_models():
        if name.startswith("int_"):
            tree = sqlglot.parse_one(load_models()[name].sql, dialect="duckdb")
            numbers = {found.name for found in tree.find_all(exp.Literal) if not found.is_string}
            assert numbers <= allowed, name
    given = {name: value for name, value in FilterConfig() if name in RULE_FIELDS and value not in (None, (), 1, 2)}
    words = {str(value) for value in given.values()}
    text = "".join(load_models()[name].sql for name in load_models() if name.startswith("int_rule"))
    assert not [word for word in words if word in text]


def test_a_given_table_takes_the_place_of_a_model(tmp_path: Path) -> None:
    folder = _write(tmp_path, a="-- first of all\nselect 1 as x", b="-- doubles a\nselect x * 2 as x from a")
    assert run_models({}, targets=["b"], folder=folder)["b"]["x"].to_list() == [2]
    given = {"a": pl.DataFrame({"x": [21]})}
    assert run_models(given, targets=["b"], folder=folder)["b"]["x"].to_list() == [42]


def test_a_target_may_read_a_target(tmp_path: Path) -> None:
    folder = _write(tmp_path, a="-- first of all\nselect 1 as x", b="-- doubles a\nselect x * 2 as x from a")
    found = run_models({}, targets=["a", "b"], folder=folder)
    assert {name: frame["x"].to_list() for name, frame in found.items()} == {"a": [1], "b": [2]}


def test_a_name_in_sql_is_never_a_python_variable(tmp_path: Path) -> None:
    secret = pl.DataFrame({"x": [1]})
    folder = _write(tmp_path, a="-- reads what is not there\nselect * from secret")
    with pytest.raises(InputError, match=r"`a` reads `secret`, which is neither a model nor given; there are \['a'\]"):
        run_models({}, targets=["a"], folder=folder)
    assert secret.height == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1", "`marts/a.sql` must begin with a comment"),
        ("", "`marts/a.sql` must begin with a comment"),
        ("-- two of them\nselect 1; select 2", r"must be exactly one select, got \['select', 'select'\]"),
        ("-- changes things\ndrop table x", r"must be exactly one select, got \['drop'\]"),
        ("-- not sql\nselect from where (", "`marts/a.sql` is not SQL"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_models(_write(tmp_path, a=text))


def test_a_circle_is_refused(tmp_path: Path) -> None:
    folder = _write(tmp_path, a="-- reads b\nselect * from b", b="-- reads a\nselect * from a")
    with pytest.raises(InputError, match="models read each other in a circle: "):
        run_models({}, targets=["a"], folder=folder)


def test_a_name_is_used_once(tmp_path: Path) -> None:
    folder = _write(tmp_path, a="-- one\nselect 1")
    (folder / "staging" / "a.sql").write_text("-- the other\nselect 2")
    with pytest.raises(InputError, match=r"`marts/a.sql`: a model of this name is in `staging/`"):
        load_models(folder)


def _tables() -> dict[str, pl.DataFrame]:
    raw = raw_qa(*(qa(i, question=f"Is it {i % 4}?") for i in range(6)), qa(9, answer=""))
    kept, rejected = filter_qa(raw, images=images(), scene_graphs=scene_graphs())
    statistics, labels = qa_statistics(raw, filtered_qa=kept)
    return {
        "raw_qa": raw,
        "filtered_qa": kept,
        "rejected_qa": rejected,
        "images": images(),
        "qa_statistics": statistics,
        "label_statistics": labels,
        "config": FilterConfig().as_table(),
    }


def test_the_sql_tests_pass_on_what_the_filters_return() -> None:
    outcomes = run_sql_tests(_tables())
    assert {outcome.name for outcome in outcomes} == set(load_models(layers=[TESTS]))
    assert [outcome.name for outcome in outcomes if not outcome.passed] == []


def test_tests_without_their_tables_are_left_out() -> None:
    outcomes = run_sql_tests({"filtered_qa": _tables()["filtered_qa"]})
    assert [outcome.name for outcome in outcomes] == ["answer_among_options", "unique_ids"]


def _first(frame: pl.DataFrame, **changes: pl.Expr) -> pl.DataFrame:
    changed = frame.head(1).with_columns(**changes).cast(frame.schema)
    return pl.concat([changed, frame.slice(1)])


@pytest.mark.parametrize(
    ("test", "table", "change"),
    [
        ("unique_ids", "filtered_qa", lambda d: pl.concat([d, d.head(1)])),
        ("unique_ids", "filtered_qa", lambda d: _first(d, id=pl.lit(None))),
        ("kept_and_rejected_are_all", "rejected_qa", lambda d: d.slice(1)),
        ("answer_among_options", "filtered_qa", lambda d: _first(d, answer_index=pl.lit(7))),
        ("answer_among_options", "filtered_qa", lambda d: _first(d, answer_index=pl.lit(None))),
        ("known_images", "filtered_qa", lambda d: _first(d, image_ids=pl.lit(["x"]))),
        ("known_images", "images", lambda d: d.with_columns(status=pl.lit("truncated"))),
        ("one_answer_per_question", "filtered_qa", lambda d: d.with_columns(question=pl.lit("Is it?"))),
        ("rejections_have_a_reason", "rejected_qa", lambda d: _first(d, rule=pl.lit(None))),
        ("rejections_have_a_reason", "rejected_qa", lambda d: _first(d, detail=pl.lit(""))),
        ("statistics_match_rows", "qa_statistics", lambda d: d.clear()),
    ],
)
def test_each_sql_test_can_fail(test: str, table: str, change: object) -> None:
    tables = _tables()
    tables[table] = change(tables[table])  # type: ignore[operator]
    outcomes = {outcome.name: outcome for outcome in run_sql_tests(tables)}
    assert not outcomes[test].passed


def test_a_configuration_is_strict() -> None:
    with pytest.raises(ValueError, match="min_region_side"):
        FilterConfig(min_region_side=50)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        FilterConfig(min_options=1)
