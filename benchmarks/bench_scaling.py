"""Ever more images, with 1 and 2 processes."""

import os

from bench_common import SAMPLED, STRICT_FULL, Bench, attempted, existing
from bench_pool import measure_pool
from bench_report import Table, megabytes, seconds
from bench_runs import Work, prepared

from provision_dagster.generators.generate import Settings
from provision_dagster.generators.registry import AnyGenerator

SCALING_COLUMNS = (
    "<mode",
    "images",
    "shards",
    "workers",
    "QA",
    "seconds",
    "QA/s",
    "images/s",
    "against 1 worker",
    "before MB",
    "peak MB",
)


def scaling(bench: Bench) -> tuple[Table, bool]:
    """Measure ever more images with 1 and 2 processes."""
    cores = os.cpu_count() or 1
    masks = " on graphs without masks" if bench.data.script else ""
    notes = [
        f"All generators{masks}, strict; scene graphs read from disk, questions rendered and written. "
        "One run each; the processes are up, but have looked no word up yet.",
        f"1 worker: polars uses all {cores} cores; 2 workers: {max(1, cores // 2)} thread(s) of polars each.",
        "Memory is that of all processes together; the sum of their highest is an upper bound.",
    ]
    table = Table("Scaling", SCALING_COLUMNS, notes=notes)
    cases = [(SAMPLED, 1), (SAMPLED, 10), (SAMPLED, 100), (STRICT_FULL, 1), (STRICT_FULL, 10)]
    good = True
    for settings, times in cases if not bench.quick else [(SAMPLED, 1)]:
        alone: list[float] = []
        for number in (1, 2):
            label = f"{settings.mode}, {times * bench.images:,} images, {number} worker(s)"
            bench.say(f"scaling: {label}")
            good &= attempted(table, label, _scaling_row, bench, settings, times, number, alone)
    return table, good


def _scaling_row(bench: Bench, settings: Settings, times: int, number: int, alone: list[float]) -> list[str]:
    single, several = existing()
    chosen: list[AnyGenerator] = [*single, *several]
    n = times * bench.images
    shards = tuple(bench.data.plain(n, size=5_000 if n >= 10_000 else max(1, n // 2)))
    work = Work(shards, tuple(g.name for g in chosen), settings, bench.data.words)
    bench.data.make(shards, workers=bench.workers)
    known = prepared(work, scratch=bench.scratch)
    found = measure_pool([work], known, number=number, scratch=bench.scratch)
    if number == 1:
        alone.append(found.first)
    return [
        settings.mode,
        f"{found.images:,}",
        f"{len(shards)}",
        f"{number}",
        f"{found.qa:,}",
        seconds(found.first),
        f"{found.rate:,.0f}",
        f"{found.images / found.first:,.0f}",
        f"{alone[0] / found.first:.2f} x" if alone else "",
        megabytes(found.before),
        megabytes(found.peak),
    ]
