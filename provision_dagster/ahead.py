"""Do the next piece of work while the last one is being written."""

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")

DEPTH = 2
"""Items that may wait: enough to hide uneven sizes, few enough to bound memory."""


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Draw from an iterator in a thread of its own, at most DEPTH items ahead.

    An error of the iterator is raised where its item would have come. When the caller stops early, the thread ends
    at its next item.
    """
    waiting: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(DEPTH)
    stop = threading.Event()

    def put(entry: tuple[T | None, BaseException | None, bool]) -> None:
        while not stop.is_set():
            try:
                return waiting.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put((item, None, False))
                if stop.is_set():
                    return
            put((None, None, True))
        except BaseException as error:  # raised again by the consumer
            put((None, error, True))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error, last = waiting.get()
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()
