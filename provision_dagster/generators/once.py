"""What is costly is made once, also when several threads ask for it."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Once:
    """Results by key; whoever asks first makes, the others wait for it."""

    def __init__(self) -> None:
        """Start empty."""
        self._made: dict[Hashable, Any] = {}
        self._locks: dict[Hashable, threading.RLock] = {}
        self._guard = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` gives; it may ask for other keys, but not for its own."""
        if key not in self._made:
            with self._guard:
                lock = self._locks.setdefault(key, threading.RLock())
            with lock:
                if key not in self._made:
                    self._made[key] = make()
        return self._made[key]  # type: ignore[no-any-return]
