"""How commits are made: fixed bytes, and again when another writer got in between."""

import itertools
import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from deltalake import WriterProperties
from deltalake.exceptions import CommitFailedError

logger = logging.getLogger(__name__)

WRITER = WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=1 << 17)
"""Of the files that upkeep makes by merging."""

PATIENCE = 600.0
"""Seconds of conflicts before a commit gives up. Attempts take milliseconds and are many: to delta-rs a commit that
removes files conflicts with any other that does, in whatever partition."""

T = TypeVar("T")


def retry_commit(action: Callable[[], T], *, name: str) -> T:
    """Run a commit again, from a fresh snapshot, while other writers get in between.

    Raises
    ------
    CommitFailedError
        After `PATIENCE` seconds of conflicts.
    """
    end = time.monotonic() + PATIENCE
    for attempt in itertools.count(1):
        try:
            return action()
        except CommitFailedError as error:
            if time.monotonic() >= end:
                raise
            logger.info("table `%s`: attempt %d met another commit: %s", name, attempt, error)
            time.sleep(random.uniform(0, min(0.2, 0.01 * 2**attempt)))
    raise AssertionError("unreachable")
