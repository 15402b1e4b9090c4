"""Dagster's SQLite files on one machine: fewer waits for the disk."""

import sqlite3
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


def commit_without_waiting() -> None:
    """Let commits of this process to SQLite files with a write-ahead log return before the disk has them.

    Dagster commits each of the some 400 events of a shard twice. SQLite's `synchronous = NORMAL` keeps the files whole
    whatever happens, and loses nothing when a process is killed; only a power cut can lose the last events, and
    what they tell of is in the Delta tables. https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    if not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)


def _relax(connection: Any, _: Any) -> None:
    # without a write-ahead log NORMAL could lose more than the last commits
    if isinstance(connection, sqlite3.Connection) and _journal(connection) == "wal":
        connection.execute("pragma synchronous = normal")


def _journal(connection: sqlite3.Connection) -> str:
    return str(connection.execute("pragma journal_mode").fetchone()[0])
