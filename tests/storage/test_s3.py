"""The same store on S3-style storage: a real HTTP server that speaks S3."""

import multiprocessing
import threading
from collections.abc import Iterator

import boto3
import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from provision_dagster.storage import writer
from provision_dagster.storage.maintenance import maintain
from provision_dagster.storage.store import Store
from provision_dagster.storage.tables import TABLES
from tests.storage.rows import raw_qa

BUCKET = "provision"


def _serve(ports: "multiprocessing.Queue[int]") -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    ports.put(server.get_host_and_port()[1])
    threading.Event().wait()


@pytest.fixture(scope="module")
def options() -> Iterator[dict[str, str]]:
    # a process of its own: delta-rs holds Python's lock while it waits for an answer
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    server = context.Process(target=_serve, args=(ports,), daemon=True)
    server.start()
    endpoint = f"http://127.0.0.1:{ports.get(timeout=60)}"
    names = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=BUCKET)
    yield {**names, "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}
    server.terminate()
    server.join()


def _create(task: tuple[str, dict[str, str]]) -> list[str]:
    url, options = task
    return Store(url, storage_options=options, tables=_FEW).create_all()


def _write(task: tuple[str, dict[str, str], str]) -> int:
    url, options, shard = task
    store = Store(url, storage_options=options, tables=_FEW)
    return store.write_partition("qa_object", raw_qa(shard, count=20), key=shard)


_FEW = {name: TABLES[name] for name in ("images", "qa_object")}


def test_rows_round_trip_and_partitions_are_pruned(options: dict[str, str]) -> None:
    store = Store(f"s3://{BUCKET}/one/", storage_options=options)
    assert store.create_all() == list(TABLES)
    assert store.create_all() == []
    for shard in ("a", "b"):
        store.write_partition("qa_object", raw_qa(shard, count=6), key=shard)
    version = store.version("qa_object")
    assert store.write_partition("qa_object", raw_qa("a", count=6), key="a") == version
    assert store.scan("qa_object", partitions="b").collect().equals(raw_qa("b", count=6))
    assert store.partitions("qa_object") == ["a", "b"]
    (file,) = store.files("qa_object", partitions="a")
    assert file.startswith(f"s3://{BUCKET}/one/qa_object/shard=a/")
    store.write_partition("qa_object", raw_qa("a", count=3), key="a")
    assert store.scan("qa_object").select(pl.len()).collect().item() == 9
    (done,) = maintain(store, tables=["qa_object"], retention_hours=0)
    assert done.deleted_files == 1


def test_rows_in_turn_leave_no_files_behind(options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "ROWS_PER_FILE", 10)
    monkeypatch.setattr(writer, "HELD_BYTES", 0)  # every file is written before it is known whether it is needed
    store = Store(f"s3://{BUCKET}/turn", storage_options=options, tables=_FEW)
    store.create_all()
    rows = raw_qa("a b/ü", count=25)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=1)  # other bytes: compared by rows
    for frame in (rows, rows, shuffled):
        with store.partition_writer("qa_object", key="a b/ü") as target:
            for start in range(0, 25, 4):
                target.write(frame.slice(start, 4))
        assert target.version == 1
    assert store.scan("qa_object", partitions="a b/ü").collect().equals(rows)
    assert len(store.files("qa_object")) == 3
    assert _objects(options, "turn/qa_object/shard=") == 3


def _objects(options: dict[str, str], prefix: str) -> int:
    client = boto3.client(
        "s3",
        endpoint_url=options["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
    )
    return int(client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["KeyCount"])


def test_many_processes_create_and_write(options: dict[str, str]) -> None:
    url = f"s3://{BUCKET}/many"
    shards = [f"s-{i}" for i in range(8)]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = pool.map(_create, [(url, options)] * 4, chunksize=1)
        pool.map(_write, [(url, options, shard) for shard in shards], chunksize=1)
    store = Store(url, storage_options=options, tables=_FEW)
    assert sorted(name for names in made for name in names) == sorted(_FEW)
    assert store.partitions("qa_object") == shards
    assert store.version("qa_object") == len(shards)
