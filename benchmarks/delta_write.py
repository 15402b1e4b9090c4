"""What it costs to write question-answer pairs to Delta: rows/s, processor time, memory and size on disk.

    python benchmarks/delta_write.py                     # synthetic rows
    python benchmarks/delta_write.py --qa out/qa         # rows that `provision generate --out out` made

Each case runs in a process of its own and writes one partition of a new table; the best of the repeats counts.
Memory is the highest resident memory of the first write above that before it (Linux).
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
from rich.console import Console
from rich.table import Table

from provision_dagster.generators.schema import RAW_QA
from provision_dagster.storage.store import Store
from provision_dagster.storage.stored_types import stored_schema
from provision_dagster.storage.tables import TABLES

SHARD = "bench-00000"
CHUNK = 20_000
Write = Callable[[Store, pl.DataFrame], Any]


def synthetic_rows(count: int) -> pl.DataFrame:
    """Make rows as long and as nested as those of 13 generators over Visual Genome-like scene graphs."""
    i = pl.int_range(count)
    number = i.hash(1)
    label = pl.format("label{}", number % 400)
    sides = [(number // (7 + 3 * n) % 640).cast(pl.Float64).alias(c) for n, c in enumerate(("x1", "y1", "x2", "y2"))]
    region = pl.format("[0.{}, 0.{}, 0.{}, 0.{}]", *((number // p % 100) for p in (3, 11, 29, 71)))
    ids = pl.concat_list((number // p % 40).cast(pl.String) for p in (1, 41))
    frame = pl.select(
        family=pl.lit("qa_attribute"),
        id=pl.concat_str(i.hash(2).cast(pl.String).str.zfill(20), number.cast(pl.String).str.slice(0, 12)),
        generator=pl.format("Generator{}", i * 13 // count),
        generator_version=pl.lit("1"),
        rules=pl.lit("strict"),
        seed=pl.lit(0, pl.UInt64),
        template=pl.format("Generator{}/{}", i * 13 // count, number % 20),
        image_ids=pl.concat_list(pl.format("{}", (i * 7919 % 1000).hash(3)).str.zfill(32)),
        question=pl.format(
            "Which description fits the {} whose bounding box is {}, the first or the last?", label, region
        ),
        answer=label,
        choice_question=pl.when(number % 3 > 0).then(
            pl.format("Select what fits the {} in the region {}.", label, region)
        ),
        options=pl.concat_list(pl.format("label{}", number // p % 400) for p in (1, 401, 163, 67)),
        answer_index=pl.lit(0, pl.Int8),
        metadata=pl.struct(
            objects=pl.concat_list(label),
            attributes=pl.concat_list(label),
            relations=ids.list.head(0),
            counts=ids.list.head(0),
        ),
        evidence=pl.struct(object_ids=ids, boxes=pl.concat_list(pl.struct(sides), pl.struct(sides))),
    )
    return frame.select(pl.lit(SHARD).alias("shard"), pl.all()).cast(pl.Schema(RAW_QA))


def read_rows(folder: Path) -> pl.DataFrame:
    """Read what `provision generate` wrote, as rows of one partition."""
    frame = pl.read_delta(str(folder)).with_columns(shard=pl.lit(SHARD))
    return frame.select(list(RAW_QA)).cast(pl.Schema(RAW_QA)).rechunk()


def deltalake_default(store: Store, rows: pl.DataFrame) -> None:
    """Write as deltalake does if told nothing."""
    stored = rows.cast(pl.Schema(stored_schema(RAW_QA)))
    deltalake.write_deltalake(store.table("qa_object"), stored, mode="overwrite", predicate=f"shard = '{SHARD}'")


def deltalake_zstd(store: Store, rows: pl.DataFrame) -> None:
    """Write as deltalake does, compressed and sorted as `Store` does it."""
    properties = deltalake.WriterProperties(compression="ZSTD", compression_level=1, max_row_group_size=1 << 17)
    stored = rows.sort("id").cast(pl.Schema(stored_schema(RAW_QA)))
    deltalake.write_deltalake(
        store.table("qa_object"), stored, mode="overwrite", predicate=f"shard = '{SHARD}'", writer_properties=properties
    )


def store_sorted(store: Store, rows: pl.DataFrame) -> None:
    """Write rows in any order."""
    store.write_partition("qa_object", rows, key=SHARD)


def store_ordered(store: Store, rows: pl.DataFrame) -> None:
    """Write rows whose order is to stay."""
    store.write_partition("qa_object", rows, key=SHARD, ordered=True)


def store_in_turn(store: Store, rows: pl.DataFrame) -> None:
    """Write rows that come in chunks."""
    with store.partition_writer("qa_object", key=SHARD) as writer:
        for start in range(0, rows.height, CHUNK):
            writer.write(rows.slice(start, CHUNK))


def store_again(store: Store, rows: pl.DataFrame) -> None:
    """Write what is there already."""
    assert store.write_partition("qa_object", rows, key=SHARD, ordered=True) == 1


CASES: dict[str, Write] = {
    "write_deltalake, defaults": deltalake_default,
    "write_deltalake, zstd 1, sorted": deltalake_zstd,
    "write_partition": store_sorted,
    "write_partition, ordered": store_ordered,
    f"partition_writer, {CHUNK:,} in turn": store_in_turn,
    "write_partition, nothing new": store_again,
}


def measure(case: str, path: str, repeats: int) -> dict[str, float]:
    """Run one case; seconds, processor seconds, extra bytes of memory, bytes on disk."""
    rows, write = pl.read_ipc(path).rechunk(), CASES[case]
    found = []
    for repeat in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder, tables={"qa_object": TABLES["qa_object"]})
            store.create_all()
            if write is store_again:
                store_ordered(store, rows)
            before = _highest_memory(reset=True)
            wall, cpu = time.perf_counter(), time.process_time()
            write(store, rows)
            taken = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
            memory = _highest_memory() - before if repeat == 0 else 0
            disk = sum(f.stat().st_size for f in Path(folder).rglob("*.parquet"))
            found.append({**taken, "memory": memory, "disk": disk})
    best = min(found, key=lambda f: f["wall"])
    return {**best, "memory": found[0]["memory"]}


def _highest_memory(*, reset: bool = False) -> int:
    """Return the highest resident memory of this process in bytes, since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qa", type=Path, help="Delta table of `provision generate`; default: synthetic rows")
    parser.add_argument("--rows", type=int, default=220_823, help="synthetic rows")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    rows = read_rows(given.qa) if given.qa else synthetic_rows(given.rows)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rows.arrow"
        rows.write_ipc(path)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
            found = {case: pool.submit(measure, case, path, given.repeats).result() for case in CASES}
    _print(found, rows)


def _print(found: dict[str, dict[str, float]], rows: pl.DataFrame) -> None:
    versions = f"polars {pl.__version__}, deltalake {deltalake.__version__}, {os.cpu_count()} cores"
    table = Table(title=f"{rows.height:,} rows, {rows.estimated_size('mb'):.0f} MB in memory; {versions}")
    for column in ("case", "seconds", "CPU s", "rows/s", "ratio", "extra MB", "MB on disk"):
        table.add_column(column, justify="left" if column == "case" else "right")
    first = next(iter(found.values()))["wall"]
    for case, f in found.items():
        cells = (f"{f['wall']:.3f}", f"{f['cpu']:.3f}", f"{rows.height / f['wall']:,.0f}", f"{first / f['wall']:.1f} x")
        table.add_row(case, *cells, f"{f['memory'] / 1e6:.0f}", f"{f['disk'] / 1e6:.1f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
