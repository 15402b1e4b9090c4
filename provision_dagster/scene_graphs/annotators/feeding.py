"""Pictures to a model: decoded in the background, in batches of like size, halved when memory runs out.

A picture that cannot be opened, or that the model fails on, is an outcome with its reason; the others go on.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from provision_dagster.errors import InputError, ProvisionError
from provision_dagster.image_sets.decode import PictureError, open_image
from provision_dagster.scene_graphs.annotators.found import Pixels

T = TypeVar("T")

IN_A_ROW = 16
"""After so many pictures one after the other on which the model fails, the fault is not in the pictures."""


class AnnotatorError(ProvisionError):
    """A model fails on whatever it is given."""


@dataclass(frozen=True)
class Place:
    """Where a picture is: row number in the caller's table, file, and member of a tar."""

    row: int
    uri: str
    member: str | None = None


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one picture: what the model found, or the reason why it found nothing."""

    row: int
    found: T | None
    error: str | None = None


@dataclass
class Work:
    """What was done so far; seconds of wall clock.

    Attributes
    ----------
    pictures, failed
        How many the model was given, and how many have no result.
    model_seconds
        Time within the model.
    waited_seconds
        Time the model waited for decoded pictures.
    batch
        Batch that fits: smaller than asked for after memory ran out.
    """

    pictures: int = 0
    failed: int = 0
    model_seconds: float = 0.0
    waited_seconds: float = 0.0
    batch: int = 0
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.started

    @property
    def busy(self) -> float:
        """Share of the time that the model was at work, 0 .. 1."""
        return min(1.0, self.model_seconds / max(self.seconds, 1e-9))


def no_bucket(picture: Pixels) -> tuple[int, ...]:
    """All pictures go together: the model brings them to one size."""
    return ()


def pixels_alone(row: int, picture: Pixels) -> Any:
    """What a model without prompts is given of a picture."""
    return picture


def annotate_all(
    places: Iterable[Place],
    model: Callable[[list[Any]], list[T]],
    *,
    batch: int = 8,
    decoders: int = 2,
    bucket: Callable[[Pixels], tuple[int, ...]] = no_bucket,
    given: Callable[[int, Pixels], Any] = pixels_alone,
    work: Work | None = None,
) -> Iterator[Outcome[T]]:
    """Run a model over pictures.

    Parameters
    ----------
    places
        Pictures; read as they are needed.
    model
        Takes a batch, gives a result for each picture of it.
    batch
        Pictures per call at most.
    decoders
        Threads that open pictures ahead of the model; at most three batches wait.
    bucket
        Pictures of equal value go together.
    given
        From row and picture to what the model takes: the picture, or one with its prompts.
    work
        Filled in as pictures are done.

    Returns
    -------
    iterator of Outcome
        One per picture; within a bucket in the order of `places`.

    Raises
    ------
    InputError
        When `batch` or `decoders` is less than 1.
    AnnotatorError
        When the model failed on `IN_A_ROW` pictures one after the other.
    """
    for name, value in (("batch", batch), ("decoders", decoders)):
        if value < 1:
            raise InputError(f"`{name}` must be at least 1, got {value}")
    feed = _Feed(model, work or Work(), batch, given)
    held: dict[tuple[int, ...], list[tuple[int, Pixels]]] = {}
    for row, opened in _opened(places, ahead=3 * batch, decoders=decoders, work=feed.work):
        if isinstance(opened, PictureError):
            feed.work.failed += 1
            yield Outcome(row, None, f"{opened.status}: {opened}")
            continue
        full = held.setdefault(bucket(opened), [])
        full.append((row, opened))
        # what waits is bounded however many sizes there are: the bucket that began first goes as it is
        if len(full) >= feed.work.batch:
            yield from feed.run(held.pop(bucket(opened)))
        elif sum(map(len, held.values())) >= 3 * batch:
            yield from feed.run(held.pop(next(iter(held))))
    for rest in held.values():
        yield from feed.run(rest)


def _opened(
    places: Iterable[Place], *, ahead: int, decoders: int, work: Work
) -> Iterator[tuple[int, Pixels | PictureError]]:
    """Open pictures in threads, in order, a bounded number ahead."""
    rest = iter(places)
    waiting: deque[tuple[int, Future[Pixels | PictureError]]] = deque()
    pool = ThreadPoolExecutor(decoders, thread_name_prefix="decode")
    try:
        for place in islice(rest, ahead):
            waiting.append((place.row, pool.submit(_open, place)))
        while waiting:
            row, future = waiting.popleft()
            start = time.perf_counter()
            opened = future.result()
            work.waited_seconds += time.perf_counter() - start
            for place in islice(rest, 1):
                waiting.append((place.row, pool.submit(_open, place)))
            yield row, opened
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _open(place: Place) -> Pixels | PictureError:
    try:
        return np.asarray(open_image(place.uri, place.member))
    except PictureError as error:
        return error


class _Feed(Generic[T]):
    """Calls the model, with smaller batches when memory runs out and picture by picture when it fails."""

    def __init__(
        self, model: Callable[[list[Any]], list[T]], work: Work, batch: int, given: Callable[[int, Pixels], Any]
    ) -> None:
        self._model = model
        self._given = given
        self._failures = 0
        self.work = work
        work.batch = batch

    def run(self, pictures: list[tuple[int, Pixels]]) -> Iterator[Outcome[T]]:
        """Annotate pictures, at most `work.batch` at a time."""
        queue = pictures
        while queue:
            now, rest = queue[: self.work.batch], queue[self.work.batch :]
            try:
                found = self._call(now)
            except Exception as error:  # a model may raise anything; the pictures at fault are found one by one
                if is_out_of_memory(error) and len(now) > 1:
                    self.work.batch = len(now) // 2
                    release_memory()
                    continue
                if len(now) > 1:
                    for one in now:
                        yield from self._alone(one)
                else:
                    yield self._failed(now[0], error)
            else:
                self._failures = 0
                for (row, _), result in zip(now, found, strict=True):
                    yield Outcome(row, result)
            queue = rest

    def _alone(self, picture: tuple[int, Pixels]) -> Iterator[Outcome[T]]:
        try:
            found = self._call([picture])
        except Exception as error:  # becomes the picture's reason
            yield self._failed(picture, error)
            return
        self._failures = 0
        yield Outcome(picture[0], found[0])

    def _call(self, batch: list[tuple[int, Pixels]]) -> list[T]:
        start = time.perf_counter()
        try:
            found = self._model([self._given(row, picture) for row, picture in batch])
        finally:
            self.work.model_seconds += time.perf_counter() - start
        if len(found) != len(batch):
            raise AnnotatorError(f"the model gave {len(found)} results for {len(batch)} pictures")
        self.work.pictures += len(batch)
        return found

    def _failed(self, picture: tuple[int, Pixels], error: Exception) -> Outcome[T]:
        self._failures += 1
        self.work.failed += 1
        height, width = picture[1].shape[:2]
        kind = "out of memory" if is_out_of_memory(error) else type(error).__name__
        reason = f"{kind} on a picture of {width} x {height} pixels: {' '.join(str(error).split())[:200]}"
        if self._failures >= IN_A_ROW:
            raise AnnotatorError(
                f"the model failed on {self._failures} pictures one after the other; the last: {reason}"
            ) from error
        return Outcome(picture[0], None, reason)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory of the device or the machine ran out, as torch, ONNX Runtime and Python say it."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "bad_alloc" in text)


def release_memory() -> None:
    """Give cached memory of the device back before the next try."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
