"""Several processes at once, and processes that are killed."""

import multiprocessing
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.storage.store import Store
from provision_dagster.storage.tables import TABLES
from tests.storage.rows import raw_qa

PROCESSES = 8


def _create(url: str) -> list[str]:
    return Store(url).create_all()


def _write_shard(task: tuple[str, str]) -> int:
    url, shard = task
    return Store(url).write_partition("qa_object", raw_qa(shard, count=200), key=shard)


def _write_family(task: tuple[str, str]) -> int:
    url, family = task
    rows = pl.DataFrame({"reason": ["candidate"], "count": [1]}).with_columns(
        shard=pl.lit("s"), family=pl.lit(family), generator=pl.lit("G"), rules=pl.lit("strict")
    )
    return Store(url).write_partition("funnel", rows, key={"shard": "s", "family": family})


def _write_same(task: tuple[str, int]) -> int:
    url, number = task
    return Store(url).write_partition("qa_object", raw_qa("s", count=50, answer=f"{number}"), key="s")


def _rewrite(task: tuple[str, str]) -> int:
    url, shard = task
    return Store(url).write_partition("qa_object", raw_qa(shard, count=20, answer="new"), key=shard)


@pytest.fixture(scope="module")
def pool():
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as made:
        yield made


def test_creation_by_many_processes_commits_each_table_once(pool, tmp_path: Path) -> None:
    made = pool.map(_create, [str(tmp_path)] * PROCESSES, chunksize=1)
    assert sorted(name for names in made for name in names) == sorted(TABLES)
    store = Store(tmp_path)
    assert {name: store.version(name) for name in TABLES} == dict.fromkeys(TABLES, 0)


def test_disjoint_partitions_all_succeed(pool, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create_all()
    shards = [f"s-{i:05d}" for i in range(4 * PROCESSES)]
    pool.map(_write_shard, [(str(tmp_path), shard) for shard in shards], chunksize=1)
    assert store.partitions("qa_object") == shards
    assert store.version("qa_object") == len(shards)
    for shard in shards:
        assert store.scan("qa_object", partitions=shard).collect().equals(raw_qa(shard, count=200))


def test_disjoint_partitions_that_hold_rows_are_all_replaced(pool, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create_all()
    shards = [f"s-{i:05d}" for i in range(2 * PROCESSES)]
    for shard in shards:
        store.write_partition("qa_object", raw_qa(shard, count=20), key=shard)
    pool.map(_rewrite, [(str(tmp_path), shard) for shard in shards], chunksize=1)
    assert store.version("qa_object") == 2 * len(shards)
    assert store.scan("qa_object").collect()["answer"].to_list() == ["new"] * 20 * len(shards)
    folder = Path(store.uri("qa_object"))
    assert len(list(folder.glob("shard=*/part-*"))) == 2 * len(shards)


def test_families_of_one_shard_all_succeed(pool, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create_all()
    families = [f"qa_{i}" for i in range(PROCESSES)]
    pool.map(_write_family, [(str(tmp_path), family) for family in families], chunksize=1)
    assert store.scan("funnel").collect()["family"].sort().to_list() == families


def test_writers_of_one_partition_never_mix(pool, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create_all()
    pool.map(_write_same, [(str(tmp_path), i) for i in range(PROCESSES)], chunksize=1)
    found = store.scan("qa_object").collect()
    assert found.height == 50
    assert found["answer"].n_unique() == 1


WRITER = """
import sys
from provision_dagster.storage.store import Store
from tests.storage.rows import raw_qa
store = Store(sys.argv[1])
states = [raw_qa("s", count=8_000, answer=answer) for answer in ("new", "old")]
while True:
    for rows in states:
        store.write_partition("qa_object", rows, key="s")
        print("written", flush=True)
"""


def _data_files(store: Store) -> set[str]:
    return {file.name for file in (Path(store.uri("qa_object")) / "shard=s").iterdir()}


def _unfinished(store: Store) -> int:
    """Count data files that no commit names: their writer was killed before it could commit."""
    logs = (Path(store.uri("qa_object")) / "_delta_log").glob("*.json")
    committed = "".join(log.read_text() for log in logs)
    return sum(name not in committed for name in _data_files(store))


def _wait_for_data_file(store: Store) -> None:
    before, end = _data_files(store), time.monotonic() + 60
    while _data_files(store) == before:
        assert time.monotonic() < end, "the writer wrote nothing"


def test_a_killed_writer_leaves_the_old_or_the_new_rows(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create_all()
    old, new = (raw_qa("s", count=8_000, answer=answer) for answer in ("old", "new"))
    store.write_partition("qa_object", old, key="s")
    rng = random.Random(0)
    for attempt in range(40):  # 10, or more until a kill came between a data file and its commit
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        if attempt % 2:
            _wait_for_data_file(store)  # its commit comes a few milliseconds later
        else:
            time.sleep(rng.uniform(0, 0.2))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        found = store.scan("qa_object").collect()
        assert found.equals(old) or found.equals(new)
        for rows in (new, old):
            store.write_partition("qa_object", rows, key="s")
            assert store.scan("qa_object").collect().equals(rows)
        if attempt >= 9 and _unfinished(store):
            break
    assert _unfinished(store) > 0, "no kill came between a data file and its commit"
