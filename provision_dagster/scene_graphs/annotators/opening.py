"""Pictures opened and brought into a model's form by threads, a bounded number ahead."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from provision_dagster.image_sets.decode import PictureError, open_image
from provision_dagster.scene_graphs.annotators.found import Pixels
from provision_dagster.scene_graphs.annotators.working import Work, one_core_each

T = TypeVar("T")


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


@dataclass(frozen=True)
class Ready:
    """A picture in the model's form (`given`), with what must be known of it afterwards (`about`)."""

    row: int
    size: tuple[int, int]  # height, width
    bucket: tuple[int, ...]
    given: Any
    about: Any


@dataclass(frozen=True)
class Refused:
    """A picture that cannot be brought into the model's form."""

    row: int
    size: tuple[int, int]  # height, width
    error: Exception


@dataclass(frozen=True)
class Preparation:
    """What is done to a picture before the model sees it: see `annotate_all`."""

    bucket: Callable[[Pixels], tuple[int, ...]]
    given: Callable[[int, Pixels], Any]
    prepare: Callable[[Any], tuple[Any, Any]]

    def __call__(self, place: Place) -> "Ready | Refused | Outcome[Any]":
        """Open a picture and prepare it."""
        try:
            picture = np.array(open_image(place.uri, place.member))  # torch wants an array that could be written to
        except PictureError as error:
            return Outcome(place.row, None, f"{error.status}: {error}")
        size = (picture.shape[0], picture.shape[1])
        try:
            return Ready(place.row, size, self.bucket(picture), *self.prepare(self.given(place.row, picture)))
        except Exception as error:  # becomes the picture's reason
            return Refused(place.row, size, error)


class Opening:
    """Prepares pictures from the start, `ahead` of those that are taken; they come in the order of their places."""

    def __init__(
        self, places: Iterable[Place], preparation: Preparation, *, ahead: int, threads: int, work: Work
    ) -> None:
        self._rest = iter(places)
        self._preparation = preparation
        self._work = work
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode", initializer=one_core_each)
        self._waiting: deque[Future[Ready | Refused | Outcome[Any]]] = deque()
        self._begin(ahead)

    def __iter__(self) -> Iterator[Ready | Refused | Outcome[Any]]:
        """Give pictures; for each one that is taken another one is begun."""
        while self._waiting and not self._work.stopped.is_set():
            start = time.perf_counter()
            taken = self._waiting.popleft().result()
            self._work.waited_seconds += time.perf_counter() - start
            self._begin(1)
            yield taken

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, number: int) -> None:
        for place in islice(self._rest, number):
            self._waiting.append(self._pool.submit(self._preparation, place))
