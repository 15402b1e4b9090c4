"""The file of filters: what it may hold, where its paths are, and what of it filters anew or scores anew."""

from pathlib import Path

import pytest

from provision_dagster.errors import InputError
from provision_dagster.filters.config import RULE_FIELDS, FilterConfig, load_filters
from provision_dagster.filters.schema import FILTER_SETTINGS, SCORE_SETTINGS
from provision_dagster.filters.settings import SCORE_SECTIONS, filter_settings, score_settings


def write(folder: Path, text: str) -> Path:
    file = folder / "filters.yaml"
    file.write_text(text)
    return file


def test_without_a_file_there_are_defaults_and_no_model(tmp_path: Path) -> None:
    config = load_filters(tmp_path / "none.yaml")
    assert config == FilterConfig()
    assert (config.region_text, config.judge, config.benchmarks) == (None, None, ())


def test_a_file_says_what_differs(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    text = """
min_region_side_px: 30
allowed_licences: [CC BY 4.0]
benchmarks: [{name: MMBench, images: bench}]
sql: {memory_limit: 1GiB, temp_directory: spill}
"""
    config = load_filters(write(tmp_path, text))
    assert config.min_region_side_px == 30
    assert config.allowed_licences == ("CC BY 4.0",)
    # paths count from the file
    assert config.benchmarks[0].images == tmp_path / "bench"
    assert config.sql.temp_directory == tmp_path / "spill"
    assert config.min_judge_p_yes == FilterConfig().min_judge_p_yes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("min_judge_p_yes: 70", "field `min_judge_p_yes`: input should be less than or equal to 1, got 70"),
        ("min_judge_p_yes: .nan", "field `min_judge_p_yes`: input should be a finite number, got nan"),
        ("min_region_side: 50", "unknown field `min_region_side`; allowed: `min_region_side_px`, "),
        ("allowed_licences: gpl", "field `allowed_licences`: input should be a valid tuple, got 'gpl'"),
        ("max_unsafe_score: 1.5", "field `max_unsafe_score`: input should be less than or equal to 1, got 1.5"),
        ("denied_safety_labels: nsfw", "field `denied_safety_labels`: input should be a valid tuple, got 'nsfw'"),
        ("sql: {memory: 2GiB}", "unknown field `sql.memory`; allowed: `memory_limit`, `temp_directory`, `threads`"),
        ("benchmarks: [{name: a}]", "field `benchmarks.0`: a benchmark needs `questions`, `images` or both"),
        ("benchmarks: [{name: a, image: b}]", "unknown field `benchmarks.0.image`; allowed: `name`, `questions`, "),
        ("judge: {kind: oracle}", "field `judge.kind` must be one of "),
        ("- 1", "must hold the settings of filters, got list"),
        ("a: [", "is not valid YAML"),
    ],
)
def test_mistakes_are_told(text: str, message: str, tmp_path: Path) -> None:
    file = write(tmp_path, text)
    with pytest.raises(InputError) as error:
        load_filters(file)
    assert message in str(error.value)
    assert str(file) in str(error.value)


def test_thresholds_and_scorers_are_told_apart() -> None:
    plain = FilterConfig()
    stricter = FilterConfig(min_judge_p_yes=0.9, denied_licences=("gpl",))
    searched = FilterConfig.model_validate({"duplicates": {"max_phash_distance": 4}})
    quicker = FilterConfig.model_validate({"sql": {"memory_limit": "1GiB"}})
    assert set(RULE_FIELDS).isdisjoint(SCORE_SECTIONS)
    assert score_settings(stricter).equals(score_settings(plain))
    assert not filter_settings(stricter).equals(filter_settings(plain))
    assert filter_settings(searched).equals(filter_settings(plain))
    assert not score_settings(searched).equals(score_settings(plain))
    for told in (filter_settings, score_settings):
        assert told(quicker).equals(told(plain))


def test_settings_are_tables() -> None:
    told = filter_settings(FilterConfig(denied_licences=("gpl",), min_judge_p_yes=0.9))
    assert dict(told.schema) == FILTER_SETTINGS
    assert dict(score_settings(FilterConfig()).schema) == SCORE_SETTINGS
    changed = {row["setting"]: row for row in told.iter_rows(named=True) if row["value"] != row["default"]}
    assert {name: (row["value"], row["default"]) for name, row in changed.items()} == {
        "denied_licences": ('["gpl"]', "[]"),
        "min_judge_p_yes": ("0.9", "0.7"),
    }
    assert told["description"].str.len_chars().min() > 20  # type: ignore[operator]
    assert told["setting"].to_list() == sorted(RULE_FIELDS)


def test_every_threshold_is_a_column_of_the_sql() -> None:
    table = FilterConfig().as_table()
    assert table.columns == list(RULE_FIELDS)
    assert table.height == 1
