"""Do the next piece of work while the last one is being used."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

DEPTH = 2
"""Items that may wait: enough to hide uneven sizes, few enough to bound memory."""


class Ahead(Generic[T]):
    """Draws from an iterator in a thread of its own, at once and at most DEPTH items ahead.

    An error of the iterator is raised where its item would have come. `close` ends the thread at its next item.
    """

    def __init__(self, items: Iterator[T]) -> None:
        """Begin."""
        self._items = items
        self._waiting: queue.Queue[tuple[list[T], BaseException | None]] = queue.Queue(DEPTH)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        """Give the items in order."""
        try:
            while True:
                item, error = self._waiting.get()
                if error is not None:
                    raise error
                if not item:
                    return
                yield item[0]
        finally:
            self.close()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            for item in self._items:
                self._put(([item], None))
                if self._stop.is_set():
                    return
            self._put(([], None))
        except BaseException as error:  # raised again by whoever reads
            self._put(([], error))

    def _put(self, entry: tuple[list[T], BaseException | None]) -> None:
        while not self._stop.is_set():
            try:
                return self._waiting.put(entry, timeout=0.1)
            except queue.Full:
                continue


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Draw from an iterator in a thread of its own, at most DEPTH items ahead."""
    yield from Ahead(items)


def chained(sources: Sequence[Callable[[], Iterator[T]]], *, together: int = 2) -> Iterator[T]:
    """Read several iterators one after the other; the next ones begin while one is being read.

    Parameters
    ----------
    sources
        Each gives an iterator.
    together
        How many work at a time, at least 1.
    """
    running: list[Ahead[T]] = []
    try:
        for number in range(len(sources)):
            while len(running) < together and number + len(running) < len(sources):
                running.append(Ahead(sources[number + len(running)]()))
            yield from running[0]
            running.pop(0)
    finally:
        for one in running:
            one.close()
