"""What the quality suites cost over ten million questions, and how much memory they take.

    python benchmarks/quality.py                         # 10 million questions in shards of 250,000
    python benchmarks/quality.py --rows 1000000

The questions are synthetic, with answers at random places; writing them is not counted. Memory is the highest resident
memory of a process of its own (Linux).
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import polars as pl
import polars_hash as plh
from delta_write import synthetic_rows

from provision_dagster.filters.filter_qa import qa_statistics
from provision_dagster.filters.quality_config import QualityConfig
from provision_dagster.lexicon import Lexicon
from provision_dagster.storage.store import Store

SHARD = 250_000


def write(store: Store, *, rows: int) -> None:
    """Fill the tables that the suites read; the scene graphs are left empty."""
    for number in range(-(-rows // SHARD)):
        shard = f"synthetic-{number:05d}"
        made = synthetic_rows(min(SHARD, rows - number * SHARD)).with_columns(shard=pl.lit(shard))
        key = pl.format("{} {}", pl.lit(shard), "id")
        place = (key.hash() % 4).cast(pl.Int8)
        made = made.with_columns(
            id=plh.concat_str(key).chash.sha2_256().str.head(32),  # type: ignore[attr-defined]
            answer_index=place,
            answer=pl.col("options").list.get(place),
        ).select(list(store.spec("filtered_qa").schema))
        store.write_partition("filtered_qa", made, key=shard)
        statistics, labels = qa_statistics(made, filtered_qa=made)
        store.write_partition("qa_statistics", statistics, key=shard)
        store.write_partition("label_statistics", labels, key=shard)


def judge(folder: str) -> None:
    """Measure and validate, and print seconds and memory."""
    from provision_dagster.filters.quality.figures import figures
    from provision_dagster.filters.quality.suites import SAMPLED, suites

    begun = time.process_time()
    store, config, began = Store(folder), QualityConfig(), time.perf_counter()
    tables = {name: store.scan(name) for name in ("qa_statistics", "label_statistics", "scene_graphs")}
    qa = store.scan("filtered_qa")
    found = figures(qa, **tables, config=config, lexicon=Lexicon.load())
    measured = time.perf_counter()
    sample = qa.select(SAMPLED).bottom_k(config.sample_rows, by="id").collect(engine="streaming")
    sampled = time.perf_counter()
    from provision_dagster.filters.quality.validate import validate

    declared = suites(found, sample=sample, drift=None, config=config)
    with tempfile.TemporaryDirectory() as docs:
        outcomes = validate(declared, docs=Path(docs))
    ended = time.perf_counter()
    print(f"figures {measured - began:.1f} s, sample {sampled - measured:.1f} s, suites {ended - sampled:.1f} s")
    print(f"{time.process_time():.1f} processor seconds, {begun:.1f} of them before")
    print(f"{len(outcomes)} expectations, {found.height} figures")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB at most")


def main() -> None:
    """Write questions once, and judge them in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=10_000_000)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        store.create_all()
        write(store, rows=parser.parse_args().rows)
        process = multiprocessing.get_context("spawn").Process(target=judge, args=(folder,))
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(process.exitcode)


if __name__ == "__main__":
    main()
