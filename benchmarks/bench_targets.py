"""The targets: generators jointly, and each multi-image generator."""

from collections.abc import Sequence

from bench_common import PAPER_FULL, SAMPLED, STRICT_FULL, Bench, attempted, existing, names, run, run_cells, told_met
from bench_data import Shard
from bench_report import Table

from provision_dagster.generators.generate import Settings

TARGET_COLUMNS = (
    "<work",
    "<measured",
    "<to reach",
    "<met",
    "<reference",
    "images",
    "QA",
    "first s",
    "best s",
    "before MB",
    "peak MB",
)


def targets_table(bench: Bench) -> Table:
    """Start the table of what is to be reached."""
    notes = [
        f"Rendered and written to Delta. Rates: best of {bench.repeats} runs after the first of a process, from scene "
        "graphs in memory; volume: one run, from scene graphs on disk.",
        "QA are rows: each has the open form, and most the multiple-choice form too.",
        "Memory is resident memory of all processes together before the first run, and at most during it.",
    ]
    return Table("Targets", TARGET_COLUMNS, notes=notes)


def joint(bench: Bench, table: Table) -> bool:
    """Measure generators jointly: without masks, with masks, sampled."""
    single, _ = existing()
    plain, others = names(single, plain=True), names(single)
    few, all_of = f"{len(plain)} generators without masks and scene-graph QA", f"{len(others)} single-image generators"
    masked = bench.data.masked(bench.images if not bench.quick else bench.masked)
    copied = bench.data.masked(masked.images, copies=5)
    reference = "12.8 s + rendering at 10,000 - 20,000 QA/s"
    rows: list[tuple[str, Shard, tuple[str, ...], Settings, float, str]] = [
        (f"{few}, full, {s.rules}", bench.data.plain(bench.images)[0], plain, s, 1e6, reference)
        for s in (PAPER_FULL, STRICT_FULL)
    ]
    rows += [
        (f"{all_of}, full, {s.rules}, masked images", masked, others, s, 4e5, "1,942 QA/s")
        for s in (PAPER_FULL, STRICT_FULL)
    ]
    rows += [
        (f"{all_of}, sampled, 1 per generator, masked images", shard, others, SAMPLED, 1e5, "42 QA/s")
        for shard in (masked, copied)
    ]
    good = True
    for label, shard, part, settings, reach, told in rows:
        bench.say(f"targets: {label}")
        good &= attempted(table, label, _rate_row, bench, label, [shard], part, settings, reach, told)
    return good


def multi(bench: Bench, table: Table) -> bool:
    """Measure each multi-image generator, and all jointly."""
    _, several = existing()
    shards = bench.data.plain(bench.images * (1 if bench.quick else 10))
    parts: list[tuple[tuple[str, ...], str]] = [] if bench.quick else [((g.name,), g.name) for g in several]
    parts += [(names(several), f"{len(several)} multi-image generators")] if several else []
    good = True
    for part, label in parts:
        bench.say(f"targets: {label}")
        told = f"{label}, 1 per image and number of images"
        reference = "14 - 28,000 QA/s, one never ends"
        good &= attempted(table, label, _rate_row, bench, told, shards, part, SAMPLED, 1e5, reference)
    return good


def _rate_row(
    bench: Bench,
    label: str,
    shards: Sequence[Shard],
    part: Sequence[str],
    settings: Settings,
    reach: float,
    reference: str,
) -> list[str]:
    found = run(bench, shards, part, settings)
    cells = [label, f"{found.rate:,.0f} QA/s", f">= {reach:,.0f} QA/s", told_met(found.rate >= reach), reference]
    return [*cells, *run_cells(found)]
