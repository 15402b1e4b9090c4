"""One slice of a table (a partition, or a family of it): its files now, and their replacement in one commit."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import RemoveAction, Transaction

from provision_dagster.storage.files import Fingerprint, Part, TableFiles, fingerprint

COMMITS_BETWEEN = 100
"""Commits to other slices that one commit lets go first; delta-rs's own 15 are few for 16 writers on 2 cores."""


@dataclass(frozen=True)
class SliceFile:
    """A data file that a version of the table names."""

    path: str  # relative to the table
    size: int
    rows: int | None


def slice_files(table: DeltaTable, *, key: Mapping[str, str]) -> list[SliceFile]:
    """Return the data files of a slice at the version that is open."""
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    if actions.is_empty():
        return []
    mine = actions.filter([pl.col(f"partition.{column}") == value for column, value in key.items()] or pl.lit(True))
    rows = mine["num_records"] if "num_records" in mine.columns else [None] * mine.height
    # the log keeps paths percent-encoded once more, actions are given without
    return [SliceFile(unquote(p), s, n) for p, s, n in zip(mine["path"], mine["size_bytes"], rows, strict=True)]


def replace_slice(table: DeltaTable, *, old: Sequence[SliceFile], new: Sequence[Part], key: Mapping[str, str]) -> int:
    """Replace files of a slice in one commit, made on the version that is open.

    delta-rs tries again by itself when commits to other slices came first. It would see no conflict between two
    writers that fill one empty slice; so each names the slice as its application id, which no two concurrent
    commits may share. Upkeep that merges the same files is a conflict too. What another program appends to the
    slice meanwhile is none, and stays.

    Returns
    -------
    int
        A version that has the new files.

    Raises
    ------
    CommitFailedError
        If another commit to the slice came first: open the table again.
    """
    now = int(time.time() * 1000)
    name = json.dumps(dict(key), ensure_ascii=False)
    removed = [RemoveAction(f.path, True, now, f.size, dict(key)) for f in old]
    table.create_write_transaction(
        [*removed, *(part.add_action(key) for part in new)],
        mode="append",  # the mode in which the removals are those named here
        schema=table.schema(),
        partition_by=list(key) or None,
        commit_properties=CommitProperties(
            max_commit_retries=COMMITS_BETWEEN,
            custom_metadata={"userMetadata": commit_note(key)},
            app_transactions=[Transaction(f"provision_dagster {name}", now, now)],
        ),
    )
    table.update_incremental()
    return int(table.version())


def commit_note(key: Mapping[str, str]) -> str:
    """Return what a commit that replaces a slice says of itself in the log."""
    return f"replaced {json.dumps(dict(key), ensure_ascii=False)}"


def has_same_bytes(files: Sequence[SliceFile], *, parts: Sequence[Part]) -> bool:
    """Tell whether a slice consists of the very bytes of these parts, by the names of its files."""
    stored = [fingerprint(f.path, size=f.size) for f in files]
    known = [mark for mark in stored if mark is not None]
    return len(known) == len(stored) and sorted(known, key=_number) == [part.fingerprint for part in parts]


def lost_files(files: Sequence[SliceFile], *, store: TableFiles) -> list[str]:
    """Return the files of a slice that the log names and that are not there."""
    return store.missing({f.path: f.size for f in files})


def _number(mark: Fingerprint) -> int:
    return mark.part
