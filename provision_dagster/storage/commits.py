"""How commits are made: fixed bytes, and again when another writer got in between."""

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

MAX_ATTEMPTS = 40
"""Conflicts in a row before a commit gives up. An attempt takes milliseconds: its files are written already."""

T = TypeVar("T")


def retry_commit(action: Callable[[], T], *, name: str) -> T:
    """Run a commit again, from a fresh snapshot, while other writers get in between.

    Raises
    ------
    CommitFailedError
        After `MAX_ATTEMPTS` conflicts in a row.
    """
    for attempt in range(1, MAX_ATTEMPTS):
        try:
            return action()
        except CommitFailedError as error:
            logger.info("table `%s`: attempt %d met another commit: %s", name, attempt, error)
            time.sleep(random.uniform(0, min(1.0, 0.01 * 2**attempt)))
    return action()
