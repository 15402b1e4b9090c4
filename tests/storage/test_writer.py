"""Rows that come in turn: bounded files, one commit, nothing left behind."""

import hashlib
import json
import logging
from itertools import pairwise
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision_dagster.errors import InputError, SchemaError
from provision_dagster.storage import commits, encoding, writer
from provision_dagster.storage.encoding import encode
from provision_dagster.storage.maintenance import maintain
from provision_dagster.storage.store import Store
from provision_dagster.storage.tables import TABLES
from tests.storage.rows import raw_qa

QA = {"qa_object": TABLES["qa_object"]}
ROWS = raw_qa("s", count=950)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "tables", tables=QA)
    made.create_all()
    return made


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 100 rows, of which two are held in memory."""
    monkeypatch.setattr(writer, "ROWS_PER_FILE", 100)
    monkeypatch.setattr(writer, "HELD_BYTES", 2 * len(encode(ROWS.head(100), spec=TABLES["qa_object"]).data))


def _stream(store: Store, rows: pl.DataFrame, *, size: int, key: str = "s") -> int:
    with store.partition_writer("qa_object", key=key) as target:
        for start in range(0, rows.height, size):
            target.write(rows.slice(start, size))
    assert target.version is not None
    return target.version


def _on_disk(store: Store) -> set[str]:
    return {str(p) for p in Path(store.uri("qa_object")).rglob("part-*")}


def _digests(store: Store) -> list[str]:
    return [hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in store.files("qa_object")]


@pytest.mark.usefixtures("small_files")
def test_chunks_become_files_of_one_size_in_one_commit(store: Store) -> None:
    assert _stream(store, ROWS, size=37) == 1
    files = store.files("qa_object")
    assert [pl.read_parquet(f, hive_partitioning=False).height for f in files] == [100] * 9 + [50]
    assert store.scan("qa_object").collect().equals(ROWS)
    assert _on_disk(store) == set(files)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("size", [1, 99, 100, 101, 333, 950])
def test_chunks_change_no_byte(store: Store, tmp_path: Path, size: int) -> None:
    whole = Store(tmp_path / "whole", tables=QA)
    whole.create_all()
    whole.write_partition("qa_object", ROWS, key="s", ordered=True)
    _stream(store, ROWS, size=size)
    assert _digests(store) == _digests(whole)
    assert _stream(store, ROWS, size=950) == 1
    assert _on_disk(store) == set(store.files("qa_object"))


@pytest.mark.usefixtures("small_files")
def test_no_chunks_empty_the_partition(store: Store) -> None:
    assert _stream(store, ROWS.clear(), size=1) == 0
    _stream(store, ROWS, size=100)
    assert _stream(store, ROWS.clear(), size=1) == 2
    assert store.scan("qa_object").collect().is_empty()


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize(("last", "error"), [(ROWS.drop("answer"), SchemaError), (raw_qa("t"), InputError)])
def test_a_failure_leaves_the_old_rows_and_no_files(store: Store, last: pl.DataFrame, error: type) -> None:
    _stream(store, ROWS.head(10), size=10)
    before, target = _on_disk(store), store.partition_writer("qa_object", key="s")

    def fail() -> None:
        with target:
            target.write(ROWS.tail(900))
            assert len(_on_disk(store)) > len(before)
            target.write(last)

    with pytest.raises(error):
        fail()
    assert target.version is None
    assert _on_disk(store) == before
    assert store.version("qa_object") == 1
    assert store.scan("qa_object").collect().equals(ROWS.head(10))


@pytest.mark.usefixtures("small_files")
def test_a_commit_that_never_succeeds_leaves_no_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_first(*args: object, **kwargs: object) -> int:
        raise CommitFailedError("another commit")

    monkeypatch.setattr(commits, "PATIENCE", 0.05)
    monkeypatch.setattr(writer, "replace_slice", other_first)
    with pytest.raises(CommitFailedError):
        _stream(store, ROWS, size=100)
    assert _on_disk(store) == set()


@pytest.mark.usefixtures("small_files")
def test_a_commit_whose_answer_is_lost_keeps_its_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = writer.replace_slice

    def then_fail(*args: object, **kwargs: object) -> int:
        real(*args, **kwargs)  # type: ignore[arg-type]
        raise OSError("connection reset")

    monkeypatch.setattr(writer, "replace_slice", then_fail)
    with pytest.raises(OSError, match="connection reset"):
        _stream(store, ROWS, size=100)
    assert store.scan("qa_object").collect().equals(ROWS)


def test_a_writer_takes_rows_only_within_its_block(store: Store) -> None:
    target = store.partition_writer("qa_object", key="s")
    with pytest.raises(InputError, match="within the writer's `with` block"):
        target.write(ROWS)
    with target:
        target.write(ROWS)
        with pytest.raises(InputError, match="50 of 50 rows do not belong"):
            target.write(raw_qa("t", count=50))
    with pytest.raises(InputError, match="within the writer's `with` block"):
        target.write(ROWS)
    assert store.scan("qa_object").collect().equals(ROWS)


def test_a_writer_that_meets_another_commit_tries_again(store: Store) -> None:
    with store.partition_writer("qa_object", key="s") as target:
        target.write(ROWS)
        store.write_partition("qa_object", raw_qa("t"), key="t")
        store.write_partition("qa_object", raw_qa("s", count=7), key="s")
    assert target.version == 3
    assert store.scan("qa_object", partitions="s").collect().equals(ROWS)
    assert store.scan("qa_object", partitions="t").collect().equals(raw_qa("t"))


def test_two_writers_of_one_empty_partition_do_not_mix(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real, met = writer.replace_slice, []

    def late(*args: object, **kwargs: object) -> int:
        if not met:
            met.append(True)
            store.write_partition("qa_object", raw_qa("s", count=7), key="s")
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "replace_slice", late)
    assert store.write_partition("qa_object", ROWS, key="s") == 2
    assert store.scan("qa_object").collect().equals(ROWS)


def test_ordered_rows_stay_in_their_order(store: Store) -> None:
    mixed = ROWS.sample(fraction=1, shuffle=True, seed=1)
    assert store.write_partition("qa_object", mixed, key="s", ordered=True) == 1
    assert store.scan("qa_object").collect().equals(mixed)
    assert store.write_partition("qa_object", mixed, key="s", ordered=True) == 1
    # other bytes, same rows: the comparison of rows decides
    assert store.write_partition("qa_object", ROWS, key="s") == 1


def test_rows_are_read_only_if_bytes_differ(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object, **kwargs: object) -> bool:
        raise AssertionError("rows were compared")

    store.write_partition("qa_object", ROWS, key="s")
    monkeypatch.setattr(writer, "same_rows", never)
    assert store.write_partition("qa_object", ROWS.reverse(), key="s") == 1
    assert store.write_partition("qa_object", ROWS.head(7), key="s") == 2


@pytest.mark.parametrize("column", [c for c in ROWS.columns if c != "shard"])
def test_a_change_in_any_column_is_noticed(store: Store, column: str) -> None:
    store.write_partition("qa_object", ROWS, key="s")
    other = ROWS.select(pl.col(column).reverse()).to_series()
    if other.equals(ROWS[column]):  # one value throughout
        other = pl.Series(["x"] * ROWS.height)
    changed = ROWS.with_columns(pl.when(pl.col("id") == f"{300:032x}").then(other).otherwise(column).alias(column))
    assert not changed.equals(ROWS)
    assert store.write_partition("qa_object", changed, key="s") == 2
    assert store.scan("qa_object").collect().equals(changed.sort("id"))


def test_rows_that_another_writer_stored_are_not_written_again(store: Store) -> None:
    stored = ROWS.sample(fraction=1, shuffle=True, seed=1).with_columns(pl.col("seed").cast(pl.Decimal(20, 0)))
    write_deltalake(store.table("qa_object"), stored, mode="append")
    assert store.write_partition("qa_object", ROWS, key="s") == 1
    assert store.write_partition("qa_object", ROWS.with_columns(answer=pl.lit("z")), key="s") == 2


@pytest.mark.usefixtures("small_files")
def test_merged_files_are_compared_by_their_rows(store: Store) -> None:
    _stream(store, ROWS, size=100)
    (done,) = maintain(store, retention_hours=0)
    assert done.merged_files == 10
    version = store.version("qa_object")
    assert _stream(store, ROWS, size=100) == version
    assert _stream(store, ROWS.with_columns(answer=pl.lit("z")), size=100) == version + 1
    assert set(store.files("qa_object")) <= _on_disk(store)


def test_a_file_of_another_size_is_written_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.write_partition("qa_object", ROWS, key="s")
    (file,) = store.files("qa_object")
    Path(file).write_bytes(Path(file).read_bytes()[:-100])
    with caplog.at_level(logging.WARNING):
        assert store.write_partition("qa_object", ROWS, key="s") == 2
    assert "unreadable, written again" in caplog.text
    assert store.scan("qa_object").collect().equals(ROWS)


@pytest.mark.usefixtures("small_files")
def test_every_reader_reads_the_files(store: Store) -> None:
    store.write_partition("qa_object", ROWS.with_columns(shard=pl.lit("a b/ü")), key="a b/ü")
    store.write_partition("qa_object", ROWS, key="s")
    path = store.uri("qa_object")
    table = DeltaTable(path)
    expected = pl.concat([ROWS.with_columns(shard=pl.lit("a b/ü")), ROWS]).with_columns(
        pl.col("seed").cast(pl.Decimal(20, 0))
    )
    arrow = table.to_pyarrow_table()
    by_query = QueryBuilder().register("qa", table).execute("SELECT * FROM qa").read_all()
    duck = duckdb.connect().from_arrow(arrow).filter("shard = 's'").aggregate("count(*), sum(len(evidence.boxes))")
    for found in (pl.read_delta(path), pl.from_arrow(arrow), pl.DataFrame(by_query)):
        assert isinstance(found, pl.DataFrame)
        same = found.select(expected.columns).cast(pl.Schema(expected.schema)).sort("shard", "id")
        assert same.equals(expected.sort("shard", "id"))
    assert duck.fetchall() == [(950, ROWS["evidence"].struct.field("boxes").list.len().sum())]
    parquet = store.files("qa_object", partitions="s")
    assert duckdb.sql(f"SELECT count(*), max(seed) FROM read_parquet({parquet})").fetchall() == [(950, 2**64 - 1)]


@pytest.mark.usefixtures("small_files")
def test_the_log_knows_rows_and_bounds(store: Store) -> None:
    _stream(store, ROWS, size=950)
    actions = pl.DataFrame(store.table("qa_object").get_add_actions(flatten=True)).sort("path")
    assert actions["num_records"].to_list() == [100] * 9 + [50]
    assert actions["min.id"].to_list() == [f"{i:032x}" for i in range(0, 950, 100)]
    assert all(a < b for a, b in pairwise(actions["max.id"].to_list()))
    one = store.scan("qa_object").filter(pl.col("id") == f"{333:032x}")
    for file in sorted(store.files("qa_object"))[4:]:
        Path(file).unlink()
    assert one.collect().height == 1, "a scan opens only the files whose bounds fit"


def test_long_texts_are_no_bounds() -> None:
    spec = TABLES["rejected_annotations"]
    row = {c: "x" * (200 if c == "detail" else 3) for c in spec.schema}
    found = json.loads(encode(pl.DataFrame([row], schema=spec.schema), spec=spec).statistics)
    assert "detail" not in found["maxValues"]
    assert found["maxValues"]["file"] == "xxx"
    assert found["nullCount"]["detail"] == 0


_texts = st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=3)
_boxes = st.fixed_dictionaries({"x1": st.floats(0, 9), "y1": st.none(), "x2": st.floats(0, 9), "y2": st.just(0.0)})


@st.composite
def _frames(draw: st.DrawFn) -> pl.DataFrame:
    rows = raw_qa("s", count=draw(st.integers(1, 12)))
    options = [draw(st.one_of(st.none(), _texts)) for _ in range(rows.height)]
    boxes = [draw(st.one_of(st.none(), st.lists(st.one_of(st.none(), _boxes), max_size=2))) for _ in range(rows.height)]
    evidence = [draw(st.sampled_from([None, {"object_ids": ["1", None], "boxes": b}])) for b in boxes]
    return rows.with_columns(
        pl.Series("options", options, dtype=rows.schema["options"]),
        pl.Series("evidence", evidence, dtype=rows.schema["evidence"]),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=_frames(), cut=st.integers(0, 12))
def test_equal_rows_have_equal_bytes_however_they_lie_in_memory(rows: pl.DataFrame, cut: int) -> None:
    spec = TABLES["qa_object"]
    nulls = pl.DataFrame([dict.fromkeys(rows.columns)], schema=rows.schema)
    shown = pl.int_range(pl.len()) < rows.height
    # lists and structs whose hidden values lie under nulls, as `when` leaves them
    nested = [pl.when(shown & pl.col(c).is_not_null()).then(c) for c in ("options", "metadata", "evidence")]
    same = (
        pl.concat([rows.head(cut), rows.slice(cut)], rechunk=False),
        pl.concat([rows, rows, nulls], rechunk=True).slice(rows.height, rows.height),
        pl.concat([rows, nulls], rechunk=True).head(rows.height),
        rows.reverse().reverse(),
        rows.with_columns(nested),
        pl.DataFrame(rows.to_dicts(), schema=rows.schema),
    )
    expected = encode(rows, spec=spec)
    for other in same:
        assert other.equals(rows)
        assert encode(other, spec=spec) == expected


def test_many_rows_with_values_hidden_under_nulls_have_equal_bytes() -> None:
    rows = raw_qa("s", count=60_000)
    keep = pl.int_range(pl.len()) % 3 == 0
    hidden = rows.with_columns(pl.when(keep).then(c) for c in ("options", "evidence", "metadata", "image_ids"))
    visible = pl.DataFrame(hidden.to_dicts(), schema=rows.schema)
    spec = TABLES["qa_object"]
    assert encode(hidden.slice(7, 50_000), spec=spec).digest == encode(visible.slice(7, 50_000), spec=spec).digest
    assert encoding.ROWS_PER_FILE >= 50_000
