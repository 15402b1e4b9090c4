"""How commits are made: fixed bytes, and again when another writer got in between."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from deltalake import WriterProperties
from deltalake.exceptions import CommitFailedError

logger = logging.getLogger(__name__)

WRITER = WriterProperties(compression="ZSTD", compression_level=3, max_row_group_size=1 << 17)
"""Fixed, so that the same rows give the same bytes."""

MAX_ATTEMPTS = 12
"""Conflicts in a row, after delta-rs's own retries, before a commit gives up."""

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
            time.sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))
    return action()


def equals(key: Mapping[str, str]) -> str:
    """Return the SQL predicate of the rows with these values."""
    quoted = {column: value.replace("'", "''") for column, value in key.items()}
    return " AND ".join(f"{column} = '{value}'" for column, value in quoted.items())
