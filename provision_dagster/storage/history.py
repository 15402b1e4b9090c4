"""Earlier versions of a slice of a table: what its last change replaced."""

import logging
from collections.abc import Mapping

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from provision_dagster.storage.files import TableFiles
from provision_dagster.storage.slices import commit_note, lost_files, slice_files

logger = logging.getLogger(__name__)

COMMITS_AT_ONCE = 64
"""Commits that are looked at first, from the last one backwards: a slice is mostly asked for when it was just made."""


def version_before_change(table: DeltaTable, *, key: Mapping[str, str], files: TableFiles) -> int | None:
    """Return the version of a table just before the last commit that changed a slice.

    Equal rows make no commit, so the slice differs between that version and the latest. Commits to other slices, and
    upkeep that merges files, do not count.

    Parameters
    ----------
    table
        At its latest version; it is left at another.
    key
        Value per column that names the slice.
    files
        Of the table.

    Returns
    -------
    int or None
        None when the slice had no rows before, or they cannot be read any more: upkeep deletes old files and the log.
    """
    changed = _last_change(table, key=key)
    if changed is None or changed == 0:
        return None
    before = changed - 1
    try:
        table.load_as_version(before)
    except DeltaError as error:
        logger.info("`%s`: version %d cannot be opened any more: %s", files.uri, before, error)
        return None
    old = slice_files(table, key=key)
    return before if old and not lost_files(old, store=files) else None


def _last_change(table: DeltaTable, *, key: Mapping[str, str]) -> int | None:
    limit, note = COMMITS_AT_ONCE, commit_note(key)
    while True:
        commits = table.history(limit)
        found = next((commit for commit in commits if commit.get("userMetadata") == note), None)
        if found is not None:
            return int(found["version"])
        if len(commits) < limit:
            return None
        limit *= 8
