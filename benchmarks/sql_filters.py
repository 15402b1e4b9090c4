"""What the SQL of the filters costs: rules, statistics and SQL tests over shards of synthetic questions.

    python benchmarks/sql_filters.py                                  # 10 million rows, 100,000 per shard, 2 processes
    python benchmarks/sql_filters.py --rows 1000000 --shard 500000 --processes 1 --memory-limit 512MiB

Each process takes shard after shard, as Dagster's runs do. Every question has a score of a judge, every third a region;
about one in eight is rejected by these. One in a hundred stands in a benchmark or is a near-duplicate. Making the rows
is not counted; memory is the sum of the highest resident memory of the processes, the synthetic rows included (Linux).
"""

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import polars as pl
from delta_write import synthetic_rows
from rich.console import Console
from rich.table import Table

from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import filter_qa, qa_statistics
from provision_dagster.filters.run_sql import run_sql_tests
from provision_dagster.filters.schema import SCORES
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.scene_graphs.schema import SCENE_GRAPHS


def images_of(raw: pl.DataFrame) -> pl.DataFrame:
    """Make the pictures that are asked about, all usable."""
    ids = raw.select(image_id=pl.col("image_ids").explode()).unique().sort("image_id")
    known = ids.with_columns(status=pl.lit("ok"), license=pl.lit("CC BY 4.0"))
    return known.select(known[n] if n in known.columns else pl.lit(None, dtype).alias(n) for n, dtype in IMAGES.items())


def graphs_of(raw: pl.DataFrame) -> pl.DataFrame:
    """Make scene graphs that hold every object that is named as evidence."""
    named = raw.select(image_id=pl.col("image_ids").list.first(), id=pl.col("evidence").struct.field("object_ids"))
    objects = named.explode("id").unique().sort("image_id", "id").group_by("image_id", maintain_order=True)
    graphs = objects.agg(objects=pl.struct("id"))
    return graphs.with_columns(
        pl.lit(None, dtype).alias(n) for n, dtype in SCENE_GRAPHS.items() if n not in graphs.columns
    )


def scores_of(raw: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Score questions by the hash of their id."""
    chance = pl.col("id").hash(5) % 10_000 / 10_000
    own = raw.select("shard", "id", chance=chance)
    rare = own.filter(pl.col("chance") < 0.01).with_columns(kind=pl.lit("question"))
    tables = {
        "judge_scores": own.with_columns(
            form=pl.lit("open"), p_yes=(pl.col("chance") + 0.6).clip(0, 1), model=pl.lit("m")
        ),
        "region_text_scores": own.gather_every(3).with_columns(
            expression=pl.lit("a dog"), cosine=pl.col("chance") / 5 + 0.18, model=pl.lit("m")
        ),
        "duplicates": rare.with_columns(of=pl.lit("0"), method=pl.lit("minhash"), distance=pl.lit(0.01)),
        "contamination": rare.gather_every(2).with_columns(
            benchmark=pl.lit("b"), method=pl.lit("ngram"), score=pl.lit(1.0)
        ),
    }
    return {name: _filled(frame, SCORES[name]) for name, frame in tables.items()}


def _filled(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(
        pl.col(n).cast(dtype) if n in frame.columns else pl.lit(None, dtype).alias(n) for n, dtype in schema.items()
    )


def one_shard(raw: pl.DataFrame, config: FilterConfig) -> tuple[dict[str, tuple[float, float]], int]:
    """Filter a shard, count it and test it; seconds and processor seconds of each, and rows kept."""
    images, graphs, scores = images_of(raw), graphs_of(raw), scores_of(raw)
    took: dict[str, tuple[float, float]] = {}
    with timed(took, "rules"):
        kept, rejected = filter_qa(raw, images=images, scene_graphs=graphs, config=config, scores=scores)
    with timed(took, "statistics"):
        statistics, labels = qa_statistics(raw, filtered_qa=kept, limits=config.sql)
    tables = {"raw_qa": raw, "images": images, "filtered_qa": kept, "rejected_qa": rejected}
    tables |= {"qa_statistics": statistics, "label_statistics": labels, "config": config.as_table()}
    with timed(took, "SQL tests"):
        failed = [test.name for test in run_sql_tests(tables, limits=config.sql) if not test.passed]
    if failed:
        raise AssertionError(f"SQL tests failed: {failed}")
    return took, kept.height


@contextmanager
def timed(took: dict[str, tuple[float, float]], step: str) -> Iterator[None]:
    """Note how long a step takes, and how many seconds all of its threads together ran."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    took[step] = (time.perf_counter() - wall, time.process_time() - processor)


def some_shards(shards: list[tuple[int, int]], config: FilterConfig) -> tuple[pl.DataFrame, int, float]:
    """Filter shards, each the number of its first row and of its rows; time by step, rows kept, GiB at most."""
    rows, kept = [], 0
    for start, count in shards:
        raw = synthetic_rows(count).with_columns(id=pl.format("{}-{}", "id", pl.int_range(start, start + count)))
        took, stayed = one_shard(raw, config)
        rows += [(step, *seconds) for step, seconds in took.items()]
        kept += stayed
    times = pl.DataFrame(rows, schema=["step", "wall", "processor"], orient="row")
    return times, kept, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--shard", type=int, default=100_000, help="rows per shard")
    parser.add_argument("--processes", type=int, default=2, help="shards at a time")
    parser.add_argument("--memory-limit", default="1GiB", help="DuckDB's, of each process")
    chosen = parser.parse_args()
    threads = max(1, (os.cpu_count() or 1) // chosen.processes)
    os.environ["POLARS_MAX_THREADS"] = str(threads)  # read by the processes
    config = FilterConfig.model_validate({"sql": {"memory_limit": chosen.memory_limit, "threads": threads}})
    shards = [(at, min(chosen.shard, chosen.rows - at)) for at in range(0, chosen.rows, chosen.shard)]
    with ProcessPoolExecutor(chosen.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        parts = [shards[n :: chosen.processes] for n in range(chosen.processes)]
        found = list(pool.map(some_shards, parts, [config] * len(parts)))
    times = pl.concat([times for times, _, _ in found])
    processes = pl.col("wall") / chosen.processes  # the mean of their times
    steps = times.group_by("step", maintain_order=True).agg(processes.sum(), pl.col("processor").sum())
    table = Table("step", "seconds of each process", "processor seconds", "rows/s")
    for step, wall, processor in [*steps.iter_rows(), ("all", *steps.select("wall", "processor").sum().row(0))]:
        table.add_row(step, f"{wall:.1f}", f"{processor:.1f}", f"{chosen.rows / wall:,.0f}")
    console = Console()
    console.print(table)
    kept, peak = sum(kept for _, kept, _ in found), sum(peak for _, _, peak in found)
    console.print(f"{chosen.rows:,} rows, {kept:,} kept; {chosen.processes} processes of {threads} threads")
    console.print(f"peak resident memory {peak:.2f} GiB in all")


if __name__ == "__main__":
    main()
