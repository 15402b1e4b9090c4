"""The SQL stays within its memory: what does not fit goes to a folder, and comes back the same."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import filter_qa, qa_statistics
from provision_dagster.filters.models import load_models
from provision_dagster.filters.run_sql import connect, create_models
from provision_dagster.filters.sql_config import SqlConfig
from tests.filters.rows import images, qa, raw_qa, scene_graphs

ROWS = 1_000_000


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A model that keeps about 60 MB."""
    folder = tmp_path / "models" / "intermediate"
    folder.mkdir(parents=True)
    text = "-- long texts in another order\nselect number, sha256(number::varchar) as text from numbers order by text"
    (folder / "texts.sql").write_text(text)
    return tmp_path / "models"


def test_what_does_not_fit_is_spilled_and_read_again(models: Path, tmp_path: Path) -> None:
    numbers = pl.DataFrame({"number": pl.int_range(ROWS, eager=True)})
    limits = SqlConfig(memory_limit="48MiB", temp_directory=tmp_path / "spill", threads=1)
    with connect({"numbers": numbers}, limits=limits) as connection:
        create_models(connection, models=load_models(models), order=["texts"])
        spilled = connection.execute("select sum(size) from duckdb_temporary_files()").fetchall()[0][0]
        assert spilled > 8 * 2**20
        found = connection.sql("select count(*) as rows, sum(number)::bigint as total from texts").pl()
        assert found.rows() == [(ROWS, ROWS * (ROWS - 1) // 2)]
        assert sum(file.stat().st_size for file in (tmp_path / "spill").rglob("*") if file.is_file()) > 0
    # nothing stays behind
    assert list((tmp_path / "spill").iterdir()) == []


def test_without_a_folder_it_would_not_have_fitted(models: Path) -> None:
    """The data of the test above are too many for its memory: it is spilling that makes it pass."""
    numbers = pl.DataFrame({"number": pl.int_range(ROWS, eager=True)})
    with duckdb.connect(config={"memory_limit": "48MiB", "temp_directory": "", "threads": 1}) as connection:
        connection.register("numbers", numbers)
        with pytest.raises(duckdb.OutOfMemoryException):
            create_models(connection, models=load_models(models), order=["texts"])


def test_limits_change_nothing_that_comes_out() -> None:
    one = raw_qa(*(qa(i, question=f"What is it {i % 900}?", answer=f"a{i % 3}") for i in range(1000)))
    raw = pl.concat([one.with_columns(id=pl.format("{}{}", "id", pl.lit(part))) for part in range(30)])
    tight = FilterConfig.model_validate({"sql": {"memory_limit": "48MiB", "threads": 1}})
    outcomes = [filter_qa(raw, images=images(), scene_graphs=scene_graphs(), config=c) for c in (None, tight)]
    assert outcomes[0][0].height > 0
    assert outcomes[0][1].height > 0
    for whole, limited in zip(*outcomes, strict=True):
        assert whole.equals(limited)
    kept = outcomes[0][0]
    free, limited = (qa_statistics(raw, filtered_qa=kept, limits=limits) for limits in (None, tight.sql))
    assert all(a.equals(b) for a, b in zip(free, limited, strict=True))


@pytest.mark.parametrize("given", ["2", "2 gigabytes", "-1GiB", ""])
def test_a_limit_is_a_size(given: str) -> None:
    with pytest.raises(ValueError, match="memory_limit"):
        SqlConfig(memory_limit=given)
