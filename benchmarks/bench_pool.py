"""Shards asked about by several processes."""

import multiprocessing
import os
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing.synchronize import Barrier
from pathlib import Path

from bench_data import Shard
from bench_runs import Figures, Known, Work, ask, count_rows, count_words, fit, fresh, resident_peak, store

from provision_dagster.generators.registry import select_generators
from provision_dagster.generators.templates import shipped_templates

START_SECONDS = 120
"""A worker that is not up by then will never be."""


@contextmanager
def workers(number: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes that have imported all they need; several share the cores."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(number + 1)
    set_before = os.environ.get("POLARS_MAX_THREADS")
    if number > 1:
        os.environ["POLARS_MAX_THREADS"] = str(max(1, (os.cpu_count() or 1) // number))
    try:
        with ProcessPoolExecutor(number, mp_context=context, initializer=_start, initargs=(gate,)) as pool:
            started = [pool.submit(os.getpid) for _ in range(number)]
            gate.wait(START_SECONDS)
            for future in started:
                future.result()
            yield pool
    finally:
        os.environ.pop("POLARS_MAX_THREADS", None)
        if set_before is not None:
            os.environ["POLARS_MAX_THREADS"] = set_before


def _start(gate: Barrier) -> None:
    select_generators()
    shipped_templates()
    gate.wait(START_SECONDS)


@dataclass(frozen=True)
class Used:
    """Memory of a process: before its first task, and at most."""

    pid: int
    before: int
    peak: int


def _in_worker(function: Callable[..., object], *args: object) -> tuple[object, Used]:
    before = _before()
    return function(*args), Used(os.getpid(), before, resident_peak())


@cache
def _before() -> int:
    return resident_peak(reset=True)


def _ask_shard(shard: Shard, folder: Path, work: Work, known: Known) -> None:
    ask(shard.read(), key=shard.key, folder=folder, work=work, known=known)


class Memory:
    """Adds up the memory of the processes that took part, and this one's."""

    def __init__(self) -> None:
        self.own = resident_peak(reset=True)
        self._used: dict[int, list[Used]] = defaultdict(list)

    def collect(self, futures: Iterable["Future[tuple[object, Used]]"]) -> list[object]:
        """Wait for tasks; return what they returned."""
        done = []
        for future in futures:
            result, used = future.result()
            self._used[used.pid].append(used)
            done.append(result)
        return done

    @property
    def before(self) -> int:
        """Bytes before the first task."""
        return self.own + sum(used[0].before for used in self._used.values())

    @property
    def peak(self) -> int:
        """Bytes at most: an upper bound, for the highest of each process need not fall together."""
        return resident_peak() + sum(max(u.peak for u in used) for used in self._used.values())


def measure_pool(works: Sequence[Work], known: Known, *, number: int, scratch: Path) -> Figures:
    """Ask about shards on disk, in `number` processes that are up already but have looked no word up yet."""
    folder, memory = Path(tempfile.mkdtemp(dir=scratch)), Memory()
    store(folder).create_all()
    with workers(number) as pool:
        begin = time.perf_counter()
        memory.collect(_submitted(pool, works, folder, known))
        seconds = time.perf_counter() - begin
    return _figures(works, folder, memory, seconds=seconds)


def measure_volume(works: Sequence[Work], *, number: int, scratch: Path) -> Figures:
    """Do all between scene graphs on disk and questions: start processes, count words, measure strengths, ask."""
    folder, memory = Path(tempfile.mkdtemp(dir=scratch)), Memory()
    known = Known(Path(tempfile.mkdtemp(dir=scratch)), works[0].words)
    begin = time.perf_counter()
    store(folder).create_all()
    shards = works[0].shards
    with workers(number) as pool:
        counted = memory.collect([pool.submit(_in_worker, count_words, shard, known.folder) for shard in shards])
        memory.collect([pool.submit(_in_worker, fit, counted, shards, works[0].settings, known)])
        prepared_in = time.perf_counter() - begin
        memory.collect(_submitted(pool, works, folder, known))
    figures = _figures(works, folder, memory, seconds=time.perf_counter() - begin)
    shutil.rmtree(known.folder)
    return replace(figures, prepared=prepared_in)


def _submitted(
    pool: ProcessPoolExecutor, works: Sequence[Work], folder: Path, known: Known
) -> list["Future[tuple[object, Used]]"]:
    """Submit one task per shard and work; each work has partitions of its own."""
    return [
        pool.submit(_in_worker, _ask_shard, replace(shard, key=f"{shard.key}-{place}"), folder, work, known)
        for place, work in enumerate(works)
        for shard in work.shards
    ]


def _figures(works: Sequence[Work], folder: Path, memory: Memory, *, seconds: float) -> Figures:
    before, peak = memory.before, memory.peak
    counted = fresh(count_rows, folder)
    shutil.rmtree(folder)
    images = sum(shard.images for shard in works[0].shards)
    return Figures(
        images, counted.qa, counted.choice, seconds, seconds, before, peak, by_generator=counted.by_generator
    )
