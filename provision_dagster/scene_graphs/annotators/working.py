"""What was done so far, and whose turn it is at the model; shared by the threads that feed it."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from provision_dagster.errors import ProvisionError

IN_A_ROW = 16
"""After so many pictures one after the other on which the model fails, the fault is not in the pictures."""


class AnnotatorError(ProvisionError):
    """A model fails on whatever it is given."""


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
    turn
        Held by the thread that feeds the model.
    stopped
        Set when no more pictures are wanted.
    """

    pictures: int = 0
    failed: int = 0
    model_seconds: float = 0.0
    waited_seconds: float = 0.0
    batch: int = 0
    started: float = field(default_factory=time.perf_counter)
    turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _in_a_row: int = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.started

    @property
    def busy(self) -> float:
        """Share of the time that the model was at work, 0 .. 1."""
        return min(1.0, self.model_seconds / max(self.seconds, 1e-9))

    def limit(self, batch: int) -> None:
        """Begin with `batch` pictures at a time, unless fewer turned out to be all that fits."""
        self.batch = min(batch, self.batch or batch)

    @contextmanager
    def at_model(self) -> Iterator[None]:
        """Count the time within as the model's."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.model_seconds += time.perf_counter() - start

    def succeeded(self) -> None:
        """Note that a picture has its result."""
        with self._lock:
            self._in_a_row = 0

    def unusable(self) -> None:
        """Note a picture that cannot be opened."""
        with self._lock:
            self.failed += 1

    def lost(self, reason: str, error: Exception) -> None:
        """Note a picture on which the model failed.

        Raises
        ------
        AnnotatorError
            When it is one of `IN_A_ROW`.
        """
        with self._lock:
            self.failed += 1
            self._in_a_row += 1
            count = self._in_a_row
        if count >= IN_A_ROW:
            raise AnnotatorError(
                f"the model failed on {count} pictures one after the other; the last: {reason}"
            ) from error


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


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_TORCH = threading.Lock()


def one_core_each() -> None:
    """Let torch use one core in this thread; those that begin later use as many as before.

    Threads that prepare pictures have a core each already: what torch splits among cores would only wait for them.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return
    with _TORCH:
        most = torch.get_num_threads()
        torch.set_num_threads(1)
        # what is set last counts for threads to come, whichever thread sets it
        other = threading.Thread(target=torch.set_num_threads, args=(most,))
        other.start()
        other.join()


def all_cores() -> None:
    """Let torch use in this thread as many cores as the process has given it."""
    torch = sys.modules.get("torch")
    if torch is not None:
        with _TORCH:
            torch.get_num_threads()  # a thread takes over the number with its first question
