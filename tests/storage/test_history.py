"""Which version a partition last differed in: of its own rows, whatever happened to others."""

from pathlib import Path

import pytest

from provision_dagster.storage.history import COMMITS_AT_ONCE
from provision_dagster.storage.maintenance import maintain
from provision_dagster.storage.store import Store
from tests.storage.rows import raw_qa


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    made.create_all()
    return made


def write(store: Store, shard: str, answer: str) -> int:
    return store.write_partition("qa_object", raw_qa(shard, answer=answer), key=shard)


def before(store: Store, shard: str) -> list[str] | None:
    """Answers of the version before, None without one."""
    version = store.previous_version("qa_object", key=shard)
    if version is None:
        return None
    return store.scan("qa_object", partitions=shard, version=version).collect()["answer"].unique().to_list()


def test_the_first_version_has_none_before(store: Store) -> None:
    assert store.previous_version("qa_object", key="s") is None
    write(store, "other", "x")
    write(store, "s", "a")
    assert before(store, "s") is None


def test_equal_rows_and_other_partitions_do_not_count(store: Store) -> None:
    write(store, "s", "a")
    write(store, "other", "x")
    write(store, "s", "b")
    write(store, "other", "y")
    assert write(store, "s", "b") == store.version("qa_object")
    assert before(store, "s") == ["a"]
    assert before(store, "other") == ["x"]
    write(store, "s", "c")
    assert before(store, "s") == ["b"]


def test_a_change_may_lie_far_back(store: Store) -> None:
    write(store, "s", "a")
    write(store, "s", "b")
    for number in range(COMMITS_AT_ONCE + 3):
        write(store, "other", str(number))
    assert before(store, "s") == ["a"]


def test_a_partition_that_was_empty_has_none_before(store: Store) -> None:
    write(store, "s", "a")
    store.write_partition("qa_object", raw_qa("s").clear(), key="s")
    assert before(store, "s") == ["a"]
    write(store, "s", "b")
    assert before(store, "s") is None


def test_upkeep_is_no_change_and_takes_old_versions_away(store: Store) -> None:
    write(store, "s", "a")
    write(store, "s", "b")
    maintain(store, tables=["qa_object"])
    assert before(store, "s") == ["a"]
    maintain(store, tables=["qa_object"], retention_hours=0)
    assert before(store, "s") is None
