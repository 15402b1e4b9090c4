"""The store on local disk: schemas, replacement, idempotence, pruning."""

import hashlib
import logging
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from provision_dagster.errors import InputError, SchemaError
from provision_dagster.storage.store import Store
from provision_dagster.storage.tables import TABLES, TableSpec
from tests.storage.rows import raw_qa


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "tables")
    assert made.create_all() == list(TABLES)
    return made


def _payload(store: Store, name: str, partition: str) -> list[str]:
    return [hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in store.files(name, partitions=partition)]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_created_empty_with_its_declared_schema(store: Store, name: str) -> None:
    frame = store.scan(name).collect()
    assert dict(frame.schema) == TABLES[name].schema
    assert frame.is_empty()
    found = store.table(name)
    assert found.metadata().description == TABLES[name].description
    assert tuple(found.metadata().partition_columns) == TABLES[name].replace_by
    assert store.partitions(name) == []


@pytest.mark.parametrize("name", TABLES)
def test_declarations_name_existing_columns(name: str) -> None:
    spec = TABLES[name]
    assert {*spec.key, *spec.sort_by, *spec.replace_by} <= set(spec.schema)
    assert spec.partition_by is None or spec.replace_by[0] == spec.partition_by


def test_creating_again_changes_nothing(store: Store) -> None:
    assert store.create_all() == []
    assert {store.version(name) for name in TABLES} == {0}


def test_rows_come_back_exactly(store: Store) -> None:
    rows = raw_qa("s-00000", count=9)
    store.write_partition("qa_object", rows.sample(fraction=1, shuffle=True, seed=1), key="s-00000")
    assert store.scan("qa_object").collect().equals(rows)
    assert store.scan("qa_object").filter(pl.col("seed") == 2**64 - 1).collect().height == 1


def test_all_unsigned_types_survive_at_their_limits(tmp_path: Path) -> None:
    limits = {pl.UInt8(): 2**8 - 1, pl.UInt16(): 2**16 - 1, pl.UInt32(): 2**32 - 1, pl.UInt64(): 2**64 - 1}
    flat = {str(t).lower(): t for t in limits}
    nested = {f"in_{n}": pl.List(pl.Struct({"v": t})) for n, t in flat.items()}
    spec = TableSpec("t", {"k": pl.String(), **flat, **nested}, "", "k", ("k",), ("k",), ("k",))
    store = Store(tmp_path, tables={"t": spec})
    store.create_all()
    row = {"k": "a", **{str(t).lower(): v for t, v in limits.items()}}
    row |= {f"in_{str(t).lower()}": [{"v": v}, {"v": 0}, {"v": None}] for t, v in limits.items()}
    rows = pl.DataFrame([row], schema=spec.schema)
    store.write_partition("t", rows, key="a")
    assert store.scan("t").collect().equals(rows)


def test_a_table_without_partitions_is_replaced_whole(tmp_path: Path) -> None:
    spec = TableSpec("t", {"a": pl.Int64()}, "", None, ("a",), ("a",), ())
    store = Store(tmp_path, tables={"t": spec})
    store.create_all()
    store.write_partition("t", pl.DataFrame({"a": [2, 1]}))
    assert store.write_partition("t", pl.DataFrame({"a": [4, 3]})) == 2
    assert store.scan("t").collect()["a"].to_list() == [3, 4]
    assert store.partitions("t") == []
    with pytest.raises(InputError, match="`key` must name"):
        store.write_partition("t", pl.DataFrame({"a": [1]}), key="x")


def test_writing_replaces_only_its_partition(store: Store) -> None:
    for shard in ("s-00000", "s-00001"):
        store.write_partition("qa_object", raw_qa(shard, count=4), key=shard)
    store.write_partition("qa_object", raw_qa("s-00000", count=2, answer="b"), key="s-00000")
    found = store.scan("qa_object").collect()
    assert found.group_by("shard", "answer").len().sort("shard").rows() == [
        ("s-00000", "b", 2),
        ("s-00001", "a", 4),
    ]
    assert store.partitions("qa_object") == ["s-00000", "s-00001"]


def test_no_rows_empty_a_partition(store: Store) -> None:
    assert store.write_partition("qa_object", raw_qa("s").clear(), key="s") == 0
    store.write_partition("qa_object", raw_qa("s"), key="s")
    assert store.write_partition("qa_object", raw_qa("s").clear(), key="s") == 2
    assert store.scan("qa_object").collect().is_empty()


def test_the_same_rows_make_no_commit(store: Store) -> None:
    rows = raw_qa("s", count=50)
    first = store.write_partition("qa_object", rows, key="s")
    assert store.write_partition("qa_object", rows.reverse(), key="s") == first == store.version("qa_object")
    assert store.write_partition("qa_object", rows.with_columns(answer=pl.lit("c")), key="s") == first + 1
    null_for_empty = rows.with_columns(
        options=pl.when(pl.col("options").list.len() > 0).then("options"), answer=pl.lit("c")
    )
    assert store.write_partition("qa_object", null_for_empty, key="s") == first + 2


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rows = raw_qa("s", count=3000)
    chunked = pl.concat([rows.slice(i, 100) for i in range(2900, -1, -100)], rechunk=False)
    payloads = []
    for place, frame in (("a", rows), ("b", chunked)):
        store = Store(tmp_path / place)
        store.create_all()
        store.write_partition("qa_object", frame, key="s")
        payloads.append(_payload(store, "qa_object", "s"))
    assert payloads[0] == payloads[1]
    assert len(payloads[0]) == 1


def test_the_same_bytes_in_several_row_groups(tmp_path: Path) -> None:
    spec = TableSpec("t", {"k": pl.String(), "i": pl.Int64(), "v": pl.Float64()}, "", "k", ("i",), ("i",), ("k",))
    rows = pl.select(k=pl.lit("a"), i=pl.int_range(600_000)).with_columns(v=(pl.col("i") * 0.37).sin())
    payloads = []
    for place in ("a", "b"):
        store = Store(tmp_path / place, tables={"t": spec})
        store.create_all()
        store.write_partition("t", rows.sample(fraction=1, shuffle=True), key="a")
        payloads.append(_payload(store, "t", "a"))
        assert store.write_partition("t", rows, key="a") == 1
    assert payloads[0] == payloads[1]


def test_a_scan_opens_only_the_files_of_its_partitions(store: Store) -> None:
    shards = [f"s-{i:05d}" for i in range(6)]
    for shard in shards:
        store.write_partition("qa_object", raw_qa(shard), key=shard)
    wanted = shards[2:4]
    touched = store.files("qa_object", partitions=wanted)
    assert len(touched) == 2
    for other in set(store.files("qa_object")) - set(touched):
        Path(other).unlink()
    for pruned in (
        store.scan("qa_object", partitions=wanted),
        store.scan("qa_object", partitions={"shard": wanted}),
        store.scan("qa_object").filter(pl.col("shard").is_in(wanted)),
    ):
        assert pruned.collect().height == 6
    assert store.scan("qa_object", partitions=shards[2]).collect().height == 3
    with pytest.raises((OSError, pl.exceptions.ComputeError)):
        store.scan("qa_object").collect()


def test_a_scan_returns_the_columns_asked_for(store: Store) -> None:
    store.write_partition("qa_object", raw_qa("s"), key="s")
    found = store.scan("qa_object", columns=["seed", "id"]).collect()
    assert dict(found.schema) == {"seed": pl.UInt64(), "id": pl.String()}


def test_a_scan_of_an_older_version(store: Store) -> None:
    store.write_partition("qa_object", raw_qa("s", answer="old"), key="s")
    store.write_partition("qa_object", raw_qa("s", answer="new"), key="s")
    assert store.scan("qa_object", version=1).collect()["answer"].unique().to_list() == ["old"]
    assert store.version("qa_object") == 2


def test_families_of_one_shard_are_replaced_apart(store: Store) -> None:
    def rows(family: str, kept: int) -> pl.DataFrame:
        data = {"reason": ["candidate", "kept"], "count": [9, kept]}
        return pl.DataFrame(data).with_columns(
            shard=pl.lit("s"), family=pl.lit(family), generator=pl.lit("G"), rules=pl.lit("strict")
        )

    for family, kept in (("qa_object", 1), ("qa_relation", 2), ("qa_object", 3)):
        store.write_partition("funnel", rows(family, kept), key={"shard": "s", "family": family})
    kept = store.scan("funnel", partitions="s").filter(pl.col("reason") == "kept").collect()
    assert kept.select("family", "count").rows() == [("qa_object", 3), ("qa_relation", 2)]
    only = store.scan("funnel", partitions={"shard": "s", "family": "qa_object"}).collect()
    assert only.height == 2
    assert store.partitions("funnel") == ["s"]


@pytest.mark.parametrize("value", ["a b", "it's", "50%/ü", "a=b", "x' OR '1'='1"])
def test_any_text_is_a_partition_value(store: Store, value: str) -> None:
    store.write_partition("qa_object", raw_qa("other"), key="other")
    store.write_partition("qa_object", raw_qa(value, count=1), key=value)
    store.write_partition("qa_object", raw_qa(value, count=2), key=value)
    assert store.scan("qa_object", partitions=value).collect().height == 2
    assert store.partitions("qa_object") == sorted([value, "other"])


def test_a_lost_file_is_written_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.write_partition("qa_object", raw_qa("s"), key="s")
    Path(store.files("qa_object")[0]).unlink()
    with caplog.at_level(logging.WARNING):
        assert store.write_partition("qa_object", raw_qa("s"), key="s") == 2
    assert "unreadable, written again" in caplog.text
    assert store.scan("qa_object").collect().equals(raw_qa("s"))


def test_columns_without_values_take_their_declared_type(store: Store) -> None:
    rows = raw_qa("s", count=1).drop("options", "metadata", "answer_index")
    untyped = rows.with_columns(options=pl.Series([[]]), metadata=pl.lit(None), answer_index=pl.lit(None))
    store.write_partition("qa_object", untyped, key="s")
    assert store.scan("qa_object").collect()["options"].to_list() == [[]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d.drop("answer"),
            r"table `qa_object`: missing columns \['answer'\], unknown columns \[\]",
        ),
        (lambda d: d.with_columns(extra=1), r"unknown columns \['extra'\]"),
        (lambda d: d.with_columns(seed=pl.lit(1)), r"column `seed`: expected UInt64, got Int32"),
        (
            lambda d: d.with_columns(options=pl.lit("a")),
            r"column `options`: expected List\(String\), got String",
        ),
        (
            lambda d: d.with_columns(metadata=pl.struct(objects=pl.lit(["x"]))),
            r"column `metadata`: expected Struct\(.*got Struct",
        ),
    ],
)
def test_another_schema_is_refused(store: Store, change: object, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        store.write_partition("qa_object", change(raw_qa("s")), key="s")  # type: ignore[operator]
    assert store.version("qa_object") == 0


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("t", r"3 of 3 rows do not belong to the partition: `shard` must be 't', got \['s'\]"),
        (None, r"`key` must name \['shard'\], got None"),
        ("", r"`key` needs text for `shard`, got ''"),
        ({"recipe": "s"}, r"`key` must name \['shard'\], got \{'recipe': 's'\}"),
    ],
)
def test_rows_of_another_partition_are_refused(store: Store, key: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        store.write_partition("qa_object", raw_qa("s"), key=key)  # type: ignore[arg-type]


def test_rows_without_a_partition_value_are_refused(store: Store) -> None:
    rows = raw_qa("s").with_columns(shard=pl.when(pl.col("id") == f"{1:032x}").then(None).otherwise("shard"))
    with pytest.raises(InputError, match=r"1 of 3 rows do not belong .* got \[None\]"):
        store.write_partition("qa_object", rows, key="s")


def test_unknown_names_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"`name` must be one of \['annotations', .*got 'qa_objects'"):
        store.scan("qa_objects")
    with pytest.raises(InputError, match=r"`columns` must be of .*got \['answers'\]"):
        store.scan("qa_object", columns=["answers"])
    with pytest.raises(InputError, match=r"`partitions` must be values of \['shard'\], got \{'family': 'x'\}"):
        store.scan("qa_object", partitions={"family": "x"})
    with pytest.raises(InputError, match=r"table `images` does not exist at .*create_all"):
        Store(tmp_path / "elsewhere").scan("images")
    with pytest.raises(InputError, match=r"table `images` does not exist at .*create_all"):
        Store(tmp_path / "elsewhere").write_partition("images", pl.DataFrame(), key="s")


def test_a_table_of_another_layout_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame(schema={**TABLES["funnel"].schema, "count": pl.String()})
    DeltaTable.create(str(tmp_path / "funnel"), schema=frame.to_arrow().schema, partition_by="shard")
    with pytest.raises(SchemaError, match=r"column `count`: expected Int64, got String; partition columns: exp"):
        Store(tmp_path).create_all()
