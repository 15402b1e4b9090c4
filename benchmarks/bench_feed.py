"""How fast an annotator is: the bare model, the pipeline from files to table, and a loop over single pictures."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from bench_cases import PAIRS, Case, asked
from bench_runs import resident_peak

from provision_dagster.annotate import TABLES, Model, annotate_shard, load_model
from provision_dagster.image_sets.decode import open_image
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.annotators.found import Asked, Pixels, Prompted
from provision_dagster.scene_graphs.annotators.steps import steps_of
from provision_dagster.storage.store import Store

SIDES = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class Speed:
    """What was measured of one annotator; medians of alternating repeats.

    Parameters
    ----------
    bare, pipeline, loop
        Pictures per second.
    busy
        Share of the pipeline's time in which the model was at work.
    waited
        Seconds in which it waited for a decoded picture.
    seconds
        Of one run of the pipeline.
    small, large
        Pictures of two shards, and peak of resident memory in bytes while each was annotated.
    device_peak
        Most memory in bytes that torch held on the GPU; 0 without one.
    """

    name: str
    batch: int
    pictures: int
    bare: float
    pipeline: float
    loop: float
    busy: float
    waited: float
    seconds: float
    small: tuple[int, int]
    large: tuple[int, int]
    device_peak: int


@dataclass(frozen=True)
class Plan:
    """How an annotator is measured: about `seconds` per run, `repeats` runs of each kind, at most `most` pictures."""

    seconds: float = 4.0
    repeats: int = 3
    most: int = 1024
    memory: bool = True


@dataclass(frozen=True)
class Subject:
    """A loaded annotator, and pictures for it."""

    case: Case
    model: Model
    annotator: Any
    batch: int
    images: pl.DataFrame
    scratch: Path

    def pictures(self, number: int) -> pl.DataFrame:
        """Rows of IMAGES for so many pictures; the files are used again when there are fewer."""
        rows = pl.select(row=pl.int_range(number) % self.images.height).to_series()
        keys = pl.format("{}-{}", pl.int_range(number), "image_key")
        return self.images[rows].with_columns(image_key=keys, image_id=keys)

    def given(self, row: int) -> Any:
        """What the annotator takes of a picture."""
        one = self.images.row(row % self.images.height, named=True)
        return given(self.case.table, np.array(open_image(one["uri"])), one.get("prompts"))


def given(table: str, picture: Pixels, prompts: Sequence[dict[str, Any]] | None) -> Any:
    """Put a picture and what is asked of it together, as the parts of a shard do."""
    if prompts is None:
        return picture
    boxes = np.array([[prompt["box"][side] for side in SIDES] for prompt in prompts])
    if table == "masks":
        return Prompted(picture, boxes)
    return Asked(picture, boxes, [prompt["label"] for prompt in prompts], PAIRS if table == "relations" else ())


def loaded(case: Case, annotators: AnnotatorsConfig, images: pl.DataFrame, scratch: Path) -> Subject:
    """Load an annotator."""
    model = load_model(case.table, annotators)
    assert model is not None
    return with_model(case, model, model.run.keywords["annotator"], annotators.batch, images, scratch)  # type: ignore[attr-defined]


def with_model(case: Case, model: Model, annotator: Any, batch: int, images: pl.DataFrame, scratch: Path) -> Subject:
    """Put a loaded annotator and its pictures together."""
    return Subject(case, model, annotator, batch, asked(images, case.table), scratch)


def of_annotator(case: Case, annotator: Any, *, images: pl.DataFrame, scratch: Path, name: str) -> Subject:
    """Measure an annotator that no configuration makes."""
    run = partial(TABLES[case.table][1], annotator=annotator, config="{}", batch=case.batch)
    return with_model(case, Model(case.table, name, "{}", run), annotator, case.batch, images, scratch)


def measure(case: Case, annotators: AnnotatorsConfig, images: pl.DataFrame, scratch: Path, plan: Plan) -> Speed:
    """Load an annotator and measure it; in a process of its own, memory is its own."""
    return speed(loaded(case, annotators, images, scratch), plan)


def speed(subject: Subject, plan: Plan) -> Speed:
    """Measure a loaded annotator."""
    bare, single = bare_run(subject), single_run(subject)
    bare(2)  # the first calls plan and allocate
    start = time.perf_counter()
    bare(2)
    rate = 2 * subject.batch / (time.perf_counter() - start)
    calls = int(np.clip(rate * plan.seconds / subject.batch, 2, max(2, plan.most // subject.batch)))
    number = calls * subject.batch
    runs: dict[str, list[float]] = {"bare": [], "pipeline": [], "loop": []}
    works: list[tuple[Work, float]] = []
    few = max(2, number // 4)
    annotate(subject, min(number, 2 * subject.batch))
    single(1)
    for _ in range(plan.repeats):
        runs["bare"].append(number / timed(lambda: bare(calls)))
        works.append(annotate(subject, number))
        runs["pipeline"].append(number / works[-1][1])
        runs["loop"].append(few / timed(lambda: single(few)))
    middle = {name: statistics.median(values) for name, values in runs.items()}
    sizes = (max(1, number // 2), 2 * number) if plan.memory else (number, number)
    peaks = [(size, peak_of(subject, size)) for size in sizes] if plan.memory else [(number, resident_peak())] * 2
    return Speed(
        subject.case.name,
        subject.batch,
        number,
        **middle,
        busy=statistics.median(work.model_seconds / seconds for work, seconds in works),
        waited=statistics.median(work.waited_seconds for work, _ in works),
        seconds=statistics.median(seconds for _, seconds in works),
        small=peaks[0],
        large=peaks[1],
        device_peak=device_peak(),
    )


def timed(run: Callable[[], Any]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def bare_run(subject: Subject) -> Callable[[int], None]:
    """The model alone, on batches that were read and prepared before: calls it as often as told."""
    steps = steps_of(subject.annotator)
    ready = [steps.prepare(subject.given(row))[0] for row in range(2 * subject.batch)]
    batches = [ready[: subject.batch], ready[subject.batch :]]

    def run(calls: int) -> None:
        for call in range(calls):
            steps.forward(batches[call % 2])

    return run


def single_run(subject: Subject) -> Callable[[int], None]:
    """A loop that opens one picture after the other and annotates it: as many as told."""

    def run(number: int) -> None:
        for row in range(number):
            subject.annotator.annotate([subject.given(row)])

    return run


def annotate(subject: Subject, number: int) -> tuple[Work, float]:
    """Run the pipeline over a shard: from files to a table on disk; returns its seconds, too."""
    images = subject.pictures(number).with_columns(shard=pl.lit("bench-00000"), image_set=pl.lit("bench"))
    store = Store(subject.scratch / f"tables-{time.perf_counter_ns()}")
    store.create_all()
    start = time.perf_counter()
    work = annotate_shard(subject.model, images, table=subject.case.table, shard="bench-00000", store=store)
    seconds = time.perf_counter() - start
    rows = store.scan(subject.case.table).collect()
    if rows.height != number or rows["error"].null_count() != number:
        raise RuntimeError(
            f"{subject.case.name}: {rows.height} rows of {number}, {rows['error'].drop_nulls().to_list()[:1]}"
        )
    return work, seconds


def peak_of(subject: Subject, number: int) -> int:
    """Highest resident memory while a shard of so many pictures is annotated."""
    resident_peak(reset=True)
    annotate(subject, number)
    return resident_peak()


def device_peak() -> int:
    """Most memory that torch held on the GPU."""
    import sys

    torch = sys.modules.get("torch")
    return int(torch.cuda.max_memory_allocated()) if torch is not None and torch.cuda.is_available() else 0


def with_batch(case: Case, batch: int) -> Case:
    """The same annotator with another batch."""
    return replace(case, batch=batch)
