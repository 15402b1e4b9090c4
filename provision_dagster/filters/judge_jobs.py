"""The work of a judge cut into calls of its model, whose pictures are opened and written ahead of it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from provision_dagster.filters.judge_inputs import Pictures, Shared, Writer, opened
from provision_dagster.filters.judge_questions import Case
from provision_dagster.filters.judge_words import Judged
from provision_dagster.image_sets.decode import PictureError
from provision_dagster.scene_graphs.annotators.working import cores

AHEAD = 4
"""Calls whose pictures are opened while the model works."""

Spot = tuple[int, int]
"""Number of a case, and of a prompt in it."""


@dataclass(frozen=True)
class Job:
    """Prompts that go to the model together: all of one case, whose beginning is shared, or those of several."""

    spots: tuple[Spot, ...]
    shared: bool


@dataclass
class Written:
    """A job in the model's form.

    Attributes
    ----------
    asked
        Pictures and prompt by spot, but for what cannot be asked.
    inputs
        For the model; null where there is nothing to ask.
    refused
        Why something cannot be asked.
    failure
        What the model's processor raised.
    """

    job: Job
    asked: dict[Spot, tuple[Pictures, str]] = field(default_factory=dict)
    inputs: Shared | Any = None
    refused: dict[Spot, Judged] = field(default_factory=dict)
    failure: Exception | None = None


def jobs_of(cases: Sequence[Case], *, batch: int, share: Callable[[], bool], refused: set[int]) -> Iterator[Job]:
    """Cut cases into jobs; those in `refused` are left out. `share` is asked anew for every case."""
    waiting: list[Spot] = []
    for number, case in enumerate(cases):
        if number in refused:
            continue
        spots = tuple((number, place) for place in range(len(case.prompts)))
        if share() and len(spots) > 1:
            yield Job(spots, shared=True)
            continue
        waiting += spots
        while len(waiting) >= batch:
            yield Job(tuple(waiting[:batch]), shared=False)
            waiting = waiting[batch:]
    if waiting:
        yield Job(tuple(waiting), shared=False)


def refused_cases(cases: Sequence[Case], *, most: int | None) -> dict[int, str]:
    """Which cases cannot be asked at all, and why: a picture is missing, or there are more than a model takes."""
    found = {number: case.problem for number, case in enumerate(cases) if case.problem is not None}
    too_many = f"the model takes {most} picture per question, the question is about"
    many = {n: f"{too_many} {len(case.places)}" for n, case in enumerate(cases) if most and len(case.places) > most}
    return {**many, **found}


def written(jobs: Iterable[Job], cases: Sequence[Case], *, writer: Writer, longest_side: int) -> Iterator[Written]:
    """Open pictures and write prompts, some jobs ahead, in the order of the jobs."""
    rest = iter(jobs)
    waiting: deque[Future[Written]] = deque()
    decode = ThreadPoolExecutor(cores(), thread_name_prefix="decode")
    write = ThreadPoolExecutor(1, thread_name_prefix="write")

    def begin(number: int) -> None:
        for job in islice(rest, number):
            shown = {n: decode.submit(opened, cases[n].places, longest_side=longest_side) for n, _ in job.spots}
            waiting.append(write.submit(_written, job, cases, shown, writer))

    try:
        begin(AHEAD)
        while waiting:
            ready = waiting.popleft().result()
            begin(1)
            yield ready
    finally:
        for pool in (decode, write):
            pool.shutdown(wait=True, cancel_futures=True)


def _written(job: Job, cases: Sequence[Case], shown: dict[int, "Future[Pictures]"], writer: Writer) -> Written:
    found = Written(job)
    for spot in job.spots:
        number, place = spot
        try:
            found.asked[spot] = (shown[number].result(), cases[number].prompts[place])
        except PictureError as error:
            found.refused[spot] = Judged(None, None, f"{error.status}: {error}")
    try:
        found.inputs = inputs_of(list(found.asked.values()), writer=writer, shared=job.shared) if found.asked else None
    except Exception as error:  # becomes the reason of those that it happens with alone
        found.failure = error
    return found


def inputs_of(asked: Sequence[tuple[Pictures, str]], *, writer: Writer, shared: bool) -> Any:
    """Bring questions into the model's form."""
    if shared:
        return writer.shared(asked[0][0], [prompt for _, prompt in asked])
    return writer.batch(asked)
