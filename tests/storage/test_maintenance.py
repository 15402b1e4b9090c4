"""Upkeep keeps the rows and deletes only what no version needs."""

from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from provision_dagster.errors import InputError
from provision_dagster.storage.maintenance import maintain
from provision_dagster.storage.store import Store
from tests.storage.rows import raw_qa


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    made.create_all()
    for answer in ("a", "b", "c"):
        made.write_partition("qa_object", raw_qa("s", count=6, answer=answer), key="s")
    return made


def _parquet_files(store: Store) -> int:
    return len(list(Path(store.uri("qa_object")).glob("shard=*/*.parquet")))


def test_young_files_stay(store: Store) -> None:
    (done,) = maintain(store, tables=["qa_object"])
    assert (done.merged_files, done.deleted_files) == (0, 0)
    assert _parquet_files(store) == 3


def test_replaced_files_go_after_the_retention(store: Store) -> None:
    (asked,) = maintain(store, tables=["qa_object"], retention_hours=0, dry_run=True)
    assert asked.deleted_files == 2
    assert _parquet_files(store) == 3
    (done,) = maintain(store, tables=["qa_object"], retention_hours=0)
    assert done.deleted_files == 2
    assert _parquet_files(store) == 1
    assert store.scan("qa_object").collect().equals(raw_qa("s", count=6, answer="c"))
    version = store.version("qa_object")
    assert store.write_partition("qa_object", raw_qa("s", count=6, answer="c"), key="s") == version


def test_files_that_an_old_version_lost_are_told(store: Store) -> None:
    store.write_partition("qa_object", raw_qa("t", count=2, answer="a"), key="t")
    old, now = store.version("qa_object") - 2, store.version("qa_object")
    assert store.lost_files("qa_object", version=old) == []
    maintain(store, tables=["qa_object"], retention_hours=0)
    (lost,) = store.lost_files("qa_object", version=old)
    assert lost.startswith("shard=s/part-")
    assert store.lost_files("qa_object", key="s", version=old) == [lost]
    assert store.lost_files("qa_object", key="t", version=old) == []
    assert store.lost_files("qa_object", version=now) == []


def test_small_files_are_merged(store: Store) -> None:
    more = raw_qa("s", count=8, answer="c").slice(6).with_columns(pl.col("seed").cast(pl.Decimal(20, 0)))
    write_deltalake(store.table("qa_object"), more, mode="append")
    (done,) = maintain(store, tables=["qa_object"])
    assert done.merged_files == 2
    assert len(store.files("qa_object")) == 1
    assert store.scan("qa_object").collect().sort("id").equals(raw_qa("s", count=8, answer="c"))


def test_all_tables_by_default(store: Store) -> None:
    assert [done.table for done in maintain(store)] == list(store.tables)


def test_a_negative_retention_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="`retention_hours` must be 0 or more, got -1"):
        maintain(store, retention_hours=-1)
