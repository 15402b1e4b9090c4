"""The volume of ProVision-10M's Visual Genome half."""

from collections.abc import Sequence
from dataclasses import replace

from bench_common import SAMPLED, Bench, attempted, existing, run_cells, told_met
from bench_data import Shard
from bench_pool import measure_volume
from bench_report import Table, seconds
from bench_runs import Work, fresh, prepared, supply

from provision_dagster.generators.registry import AnyGenerator

VOLUME_IMAGES, VOLUME_SINGLE, VOLUME_MULTI = 108, 1_537_630, 4_200_000
"""Visual Genome's half of ProVision-10M: thousands of images, questions about one and about several."""

SHARD = 2_500
"""Images per shard: memory grows with it."""

MOST, RESERVE = 8, 1.01
"""Questions per generator and image at most, and how much more than its share the first shard must give."""


def volume(bench: Bench, table: Table) -> bool:
    """Make as many questions as the published data set has of Visual Genome."""
    good, works = True, list[Work]()
    shards = tuple(bench.data.plain(bench.images * VOLUME_IMAGES, size=SHARD))
    bench.data.make(shards, workers=bench.workers)
    for number in (1, 2):
        label = f"volume of ProVision-10M's VG half, {number} worker{'s' * (number > 1)}"
        bench.say(f"targets: {label}")
        good &= attempted(table, label, _volume_row, bench, works, shards, label, number)
    return good


def _volume_row(bench: Bench, works: list[Work], shards: tuple[Shard, ...], label: str, number: int) -> list[str]:
    works[:] = works or _volume_works(bench, shards)
    share = bench.images / 1_000
    found = measure_volume(works, number=number, scratch=bench.scratch)
    single, multi = (sum(found.by_generator.get(g.name, 0) for g in group) for group in _groups())
    enough = single >= share * VOLUME_SINGLE and multi >= share * VOLUME_MULTI
    met = enough and found.first <= 180 * share and found.peak < 2 * 2**30
    measured = (
        f"{seconds(found.first)} s ({seconds(found.prepared)} s of it before the first question), "
        f"{found.peak / 2**30:.2f} GiB; {single:,} single, {multi:,} multi, {found.choice:,} with choice form"
    )
    wanted = f">= {share * VOLUME_SINGLE:,.0f} single, {share * VOLUME_MULTI:,.0f} multi"
    told = f"{label}; {' and '.join(f'{w.settings.per_generator} per generator' for w in works)} (single, multi)"
    cells = [told, measured, f"{wanted}, <= {180 * share:,.0f} s, < 2 GiB", told_met(met), ""]
    return [*cells, *run_cells(found)]


def _groups() -> tuple[Sequence[AnyGenerator], Sequence[AnyGenerator]]:
    return existing()


def _volume_works(bench: Bench, shards: tuple[Shard, ...]) -> list[Work]:
    """Choose how many questions per generator and image give the volume, from what the first shard gives."""
    works = []
    share = bench.images / 1_000 * shards[0].images / sum(shard.images for shard in shards)
    for group, wanted in zip(_groups(), (VOLUME_SINGLE, VOLUME_MULTI), strict=True):
        if not group:
            continue
        work = Work(shards[:1], tuple(g.name for g in group), SAMPLED, bench.data.words)
        known = prepared(work, scratch=bench.scratch)
        for per in range(1, MOST + 1):
            tried = replace(work, settings=replace(SAMPLED, per_generator=per))
            if fresh(supply, tried, known, scratch=bench.scratch).qa >= wanted * share * RESERVE:
                break
        works.append(replace(tried, shards=shards))
    return works
