"""Upkeep of the tables: merge small files, write checkpoints, delete files that no version needs."""

from collections.abc import Iterable
from dataclasses import dataclass

from provision_dagster.errors import InputError
from provision_dagster.storage.commits import WRITER, retry_commit
from provision_dagster.storage.store import Store

RETENTION_HOURS = 168
"""Delta's own default: a reader may still be using a file that was replaced less than a week ago."""


@dataclass(frozen=True)
class Upkeep:
    """What was done to one table."""

    table: str
    version: int
    merged_files: int  # small files that were merged away
    deleted_files: int  # files that no kept version needs


def maintain(
    store: Store,
    *,
    tables: Iterable[str] | None = None,
    retention_hours: int = RETENTION_HOURS,
    dry_run: bool = False,
) -> list[Upkeep]:
    """Merge the small files of each partition, write a checkpoint and delete files older than the retention.

    Parameters
    ----------
    store
        The tables.
    tables
        Names; all when None.
    retention_hours
        Files that were replaced longer ago are deleted, and with them the versions that need them.
    dry_run
        Merge and delete nothing, only count the files that would be deleted.

    Returns
    -------
    list of Upkeep
        One per table.

    Raises
    ------
    InputError
        If the retention is negative or a table unknown.
    """
    if retention_hours < 0:
        raise InputError(f"`retention_hours` must be 0 or more, got {retention_hours}")
    names = list(store.tables) if tables is None else list(tables)
    return [_maintain_one(store, name, retention_hours=retention_hours, dry_run=dry_run) for name in names]


def _maintain_one(store: Store, name: str, *, retention_hours: int, dry_run: bool) -> Upkeep:
    merged = 0 if dry_run else retry_commit(lambda: _compact(store, name), name=name)
    table = store.table(name)
    deleted = table.vacuum(
        retention_hours=retention_hours,
        dry_run=dry_run,
        enforce_retention_duration=retention_hours >= RETENTION_HOURS,
        full=True,
    )
    if not dry_run:
        table.create_checkpoint()
    return Upkeep(name, store.version(name), merged, len(deleted))


def _compact(store: Store, name: str) -> int:
    metrics = store.table(name).optimize.compact(writer_properties=WRITER)
    return int(metrics["numFilesRemoved"])
