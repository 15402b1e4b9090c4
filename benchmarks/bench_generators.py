"""Each single-image generator, and all jointly, on the images of the reference's totals."""

from collections.abc import Sequence

from bench_common import PAPER_FULL, Bench, attempted, existing, names, run
from bench_data import Shard
from bench_report import Table, megabytes, seconds


def generators(bench: Bench) -> tuple[Table, bool]:
    """Measure each single-image generator, and all jointly, on the images of the reference's totals."""
    single, _ = existing()
    table = Table("Single-image generators, full, paper rules", GENERATOR_COLUMNS, notes=_generator_notes(bench))
    parts: list[tuple[str, tuple[str, ...]]] = [(g.name, (g.name,)) for g in single]
    if bench.quick:
        families = list(dict.fromkeys(g.family for g in single))
        parts = [(family, tuple(g.name for g in single if g.family == family)) for family in families]
    plain, others = names(single, plain=True), names(single)
    parts += [(f"{len(plain)} without masks and scene-graph QA", plain), (f"{len(others)} but the caption", others)]
    shard = bench.data.partly_masked(bench.images, masked=bench.masked)
    good = True
    for label, part in parts:
        bench.say(f"generators: {label}")
        good &= attempted(table, label, _generator_row, bench, shard, label, part)
    return table, good


GENERATOR_COLUMNS = (
    "<generator",
    "images",
    "QA",
    "first s",
    "best s",
    "QA/s",
    "images/s",
    "before MB",
    "peak MB",
    "reference QA",
    "reference s",
    "ratio",
)


def _generator_notes(bench: Bench) -> list[str]:
    masks = f"{bench.masked:,}" if bench.data.script else "all"
    return [
        f"Rendered and written to Delta, from scene graphs in memory; {masks} images have masks and depth.",
        f"first = first run of a new process, best = best of {bench.repeats} later runs; rates are those of the best.",
        "Memory is resident memory of that process before the first run, and at most during it.",
        "The reference's seconds are those of listing its candidates; it renders 10,000 - 20,000 QA/s besides. "
        "Its generators that read masks were timed on the masked images alone.",
    ]


def _generator_row(bench: Bench, shard: Shard, label: str, part: Sequence[str]) -> list[str]:
    found = run(bench, [shard], part, PAPER_FULL)
    totals = [bench.data.totals.get(name) for name in part]
    whole = [t for t in totals if t is not None] if all(totals) and bench.images == 1_000 else []
    taken = sum(t["reference_seconds_one_worker"] for t in whole)
    return [
        label,
        f"{found.images:,}",
        f"{found.qa:,}",
        seconds(found.first),
        seconds(found.best),
        f"{found.rate:,.0f}",
        f"{found.images / found.best:,.0f}",
        megabytes(found.before),
        megabytes(found.peak),
        f"{sum(t['qa'] for t in whole):,}" if whole else "",
        f"{taken:.2f}" if whole else "",
        f"{taken / found.best:,.0f} x" if whole else "",
    ]
