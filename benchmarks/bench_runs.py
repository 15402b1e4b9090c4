"""What is timed: questions about scene graphs made, rendered and written to Delta, in processes of their own."""

import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar

import polars as pl
from bench_data import Shard

from provision_dagster.generators.generate import Settings
from provision_dagster.generators.registry import select_generators
from provision_dagster.generators.strengths import (
    DEPTH_FAMILIES,
    DEPTH_SAMPLE,
    SAMPLE,
    image_set_strengths,
    measure_strengths,
)
from provision_dagster.lexicon import Lexicon
from provision_dagster.pipeline import QA_TABLE, write_questions
from provision_dagster.scene_graphs.schema import ANNOTATIONS
from provision_dagster.scene_graphs.vocabulary import count_vocabulary
from provision_dagster.storage.store import Store

P = ParamSpec("P")
T = TypeVar("T")


def resident_peak(*, reset: bool = False) -> int:
    """Return the highest resident memory of this process in bytes, since the last reset (where there is one).

    Linux reports it as `ru_maxrss` too, but there it begins with what the parent had when it started the process.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = status.read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def fresh(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a new process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


@dataclass(frozen=True)
class Known:
    """What an image set's questions need besides its graphs: files in `folder`, and the words of the synthetic data."""

    folder: Path
    words: Path | None

    @property
    def vocabulary(self) -> Path:
        """File of the vocabulary."""
        return self.folder / "vocabulary.parquet"

    @property
    def strengths(self) -> Path:
        """File of the strengths of options."""
        return self.folder / "strengths.parquet"


@dataclass(frozen=True)
class Work:
    """Questions to be asked about shards."""

    shards: tuple[Shard, ...]
    generators: tuple[str, ...]
    settings: Settings
    words: Path | None = None


@dataclass(frozen=True)
class Figures:
    """What one work took.

    Parameters
    ----------
    first, best
        Seconds of the first run in a process (words are looked up, templates read), and of the best later one.
    before, peak
        Bytes of resident memory before the first run, and at most during it; of all processes together.
    prepared
        Seconds within `first` that went into vocabulary and strengths.
    """

    images: int
    qa: int
    choice: int
    first: float
    best: float
    before: int
    peak: int
    prepared: float = 0.0
    by_generator: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Questions per second of the best run."""
        return self.qa / self.best


@cache
def _lexicon(words: Path | None) -> Lexicon:
    return Lexicon.load(None, vocabulary=words)


@cache
def _table(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path)


def store(folder: Path) -> Store:
    """Open the store of one run."""
    return Store(folder, tables={"qa": QA_TABLE})


def ask(graphs: pl.DataFrame, *, key: str, folder: Path, work: Work, known: Known) -> None:
    """Ask about one shard and write."""
    write_questions(
        graphs,
        store=store(folder),
        key=key,
        vocabulary=_table(known.vocabulary),
        strengths=_table(known.strengths),
        lexicon=_lexicon(known.words),
        settings=work.settings,
        generators=work.generators,
    )


def count_words(shard: Shard, folder: Path) -> Path:
    """Count the words of a shard into a file."""
    path = folder / f"{shard.key}.words.parquet"
    count_vocabulary(shard.read()).write_parquet(path)
    return path


def fit(counted: Sequence[Path], shards: Sequence[Shard], settings: Settings, known: Known) -> None:
    """Add up the words of all shards, and measure strengths on as many images as the pipeline takes."""
    keys = ["image_set", "kind", "value", "context"]
    added = pl.concat([pl.scan_parquet(p) for p in counted]).group_by(keys).agg(pl.col("count").sum())
    vocabulary = added.sort(keys).collect()
    vocabulary.write_parquet(known.vocabulary)
    graphs, wanted = [], SAMPLE[settings.mode]
    for shard in shards:
        if wanted > 0 and settings.rules == "strict":
            graphs.append(shard.read().head(wanted))
            wanted -= graphs[-1].height
    sample = pl.concat([*graphs, shards[0].read().clear()])
    _strengths(sample, vocabulary, settings, _lexicon(known.words)).write_parquet(known.strengths)


def _strengths(graphs: pl.DataFrame, vocabulary: pl.DataFrame, settings: Settings, lexicon: Lexicon) -> pl.DataFrame:
    """Measure strengths as `image_set_strengths` does, whose pixels are those that the scene graphs hold already."""
    unknown = {name: pl.lit(None, dtype=kind) for name, kind in ANNOTATIONS.items() if name not in graphs.columns}
    annotations = graphs.with_columns(**unknown).select(list(ANNOTATIONS))
    found = image_set_strengths(annotations, vocabulary=vocabulary, lexicon=lexicon, settings=settings)
    deep = graphs.filter(pl.col("depth_span").is_not_null()).head(DEPTH_SAMPLE)
    if deep.is_empty():
        return found
    full = replace(settings, mode="full")
    more = measure_strengths(
        deep, vocabulary=vocabulary, lexicon=lexicon, settings=full, generators=DEPTH_FAMILIES
    ).with_columns(image_set=pl.lit(deep["image_set"][0]))
    return pl.concat([found, more.select(found.columns)]).sort("generator", "option")


def _prepare(work: Work, known: Known) -> None:
    fit([count_words(shard, known.folder) for shard in work.shards], work.shards, work.settings, known)


_prepared: dict[tuple[tuple[Shard, ...], str, str], Known] = {}


def prepared(work: Work, *, scratch: Path) -> Known:
    """Count words and measure strengths in another process, once per image set, rules and mode."""
    kind = (work.shards, work.settings.rules, work.settings.mode)
    if kind not in _prepared:
        known = Known(Path(tempfile.mkdtemp(dir=scratch)), work.words)
        fresh(_prepare, work, known)
        _prepared[kind] = known
    return _prepared[kind]


def measure(work: Work, known: Known, *, repeats: int, scratch: Path) -> Figures:
    """Ask and write in this process, which must be new: once, then `repeats` times more."""
    shards = [(shard.key, shard.read()) for shard in work.shards]
    for path in (known.vocabulary, known.strengths):
        _table(path)
    _lexicon(known.words), select_generators(work.generators)
    before, found = resident_peak(reset=True), Counted()
    seconds: list[float] = []
    for run in range(1 + repeats):
        folder = scratch / f"run-{os.getpid()}-{run}"
        store(folder).create_all()
        begin = time.perf_counter()
        for key, graphs in shards:
            ask(graphs, key=key, folder=folder, work=work, known=known)
        seconds.append(time.perf_counter() - begin)
        if run == 0:
            peak, found = resident_peak(), count_rows(folder)
        shutil.rmtree(folder)
    images = sum(shard.images for shard in work.shards)
    return Figures(images, found.qa, found.choice, seconds[0], min(seconds[1:] or seconds), before, peak)


@dataclass(frozen=True)
class Counted:
    """Rows of a table of questions, those with a multiple-choice form, and rows by generator."""

    qa: int = 0
    choice: int = 0
    by_generator: dict[str, int] = field(default_factory=dict)


def count_rows(folder: Path) -> Counted:
    """Count what was written."""
    asked = store(folder).scan("qa", columns=["generator", "answer_index"])
    rows = asked.group_by("generator").agg(qa=pl.len(), choice=pl.col("answer_index").count()).collect()
    by_generator = dict(rows.select("generator", "qa").iter_rows())
    return Counted(int(rows["qa"].sum()), int(rows["choice"].sum()), by_generator)


def supply(work: Work, known: Known, *, scratch: Path) -> Counted:
    """Ask once, and count by generator."""
    folder = scratch / f"supply-{os.getpid()}"
    store(folder).create_all()
    for shard in work.shards:
        ask(shard.read(), key=shard.key, folder=folder, work=work, known=known)
    found = count_rows(folder)
    shutil.rmtree(folder)
    return found
