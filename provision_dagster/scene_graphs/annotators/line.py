"""The model's place in the line: called with batches that fit, its results read out by threads behind it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from provision_dagster.scene_graphs.annotators.opening import Outcome, Ready, Refused
from provision_dagster.scene_graphs.annotators.steps import Steps
from provision_dagster.scene_graphs.annotators.working import (
    AnnotatorError,
    Work,
    is_out_of_memory,
    one_core_each,
    release_memory,
)

T = TypeVar("T")


class Line(Generic[T]):
    """Calls the model, with smaller batches when memory runs out and picture by picture when it fails."""

    def __init__(self, steps: Steps[T], kept: Callable[[int, T], Any], *, threads: int, work: Work) -> None:
        self._steps = steps
        self._kept = kept
        self._work = work
        self._outcomes: deque[Future[Outcome[Any]]] = deque()
        self._behind = ThreadPoolExecutor(threads, thread_name_prefix="finish", initializer=one_core_each)

    def usable(self, pictures: Iterable[Ready | Refused | Outcome[Any]]) -> Iterator[Ready]:
        """Keep the pictures that the model can be given; the others have their outcomes already."""
        for picture in pictures:
            if isinstance(picture, Ready):
                yield picture
            elif isinstance(picture, Refused):
                self._skip(self._failed(picture, picture.error))
            else:
                self._work.unusable()
                self._skip(picture)

    def done(self, *, most: int) -> Iterator[Outcome[Any]]:
        """Give the outcomes that are there, in order; wait for one only when more than `most` are under way."""
        while self._outcomes and (len(self._outcomes) > most or self._outcomes[0].done()):
            yield self._outcomes.popleft().result()

    def close(self) -> None:
        """End the threads."""
        self._behind.shutdown(wait=True, cancel_futures=True)

    def run(self, pictures: list[Ready]) -> None:
        """Annotate pictures, at most `work.batch` at a time."""
        queue = pictures
        while queue:
            now, queue = queue[: self._work.batch], queue[self._work.batch :]
            if not self._fits(now):
                self._work.batch = len(now) // 2
                release_memory()
                queue = now + queue

    def _fits(self, now: list[Ready]) -> bool:
        """Annotate pictures at once; False when memory does not suffice for so many."""
        try:
            found = self._call(now)
        except Exception as error:  # a model may raise anything; the pictures at fault are found one by one
            if len(now) == 1:
                self._skip(self._failed(now[0], error))
                return True
            if is_out_of_memory(error):
                return False
        else:
            for picture, raw in zip(now, found, strict=True):
                self._outcomes.append(
                    self._behind.submit(self._finished, picture.row, picture.size, picture.about, raw)
                )
            return True
        return all(self._fits([one]) for one in now)

    def _call(self, batch: list[Ready]) -> list[Any]:
        with self._work.at_model():
            found = self._steps.forward([picture.given for picture in batch])
        if len(found) != len(batch):
            raise AnnotatorError(f"the model gave {len(found)} results for {len(batch)} pictures")
        self._work.pictures += len(batch)
        return found

    def _finished(self, row: int, size: tuple[int, int], about: Any, raw: Any) -> Outcome[Any]:
        try:
            found = self._kept(row, self._steps.finish(about, raw))
        except Exception as error:  # becomes the picture's reason
            return self._failed(Refused(row, size, error), error)
        self._work.succeeded()
        return Outcome(row, found)

    def _skip(self, outcome: Outcome[Any]) -> None:
        """Give an outcome that needs no model in its turn."""
        future: Future[Outcome[Any]] = Future()
        future.set_result(outcome)
        self._outcomes.append(future)

    def _failed(self, picture: Ready | Refused, error: Exception) -> Outcome[Any]:
        height, width = picture.size
        kind = "out of memory" if is_out_of_memory(error) else type(error).__name__
        reason = f"{kind} on a picture of {width} x {height} pixels: {' '.join(str(error).split())[:200]}"
        self._work.lost(reason, error)
        return Outcome(picture.row, None, reason)
