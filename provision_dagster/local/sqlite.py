"""Dagster's SQLite files on one machine: fewer waits for the disk, fewer openings of files."""

import atexit
import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

MOST = 8
"""Files that are kept open: those of the instance, and those of the last runs."""

_kept: OrderedDict[tuple[int, int], sqlite3.Connection] = OrderedDict()
"""By device and inode: a file that takes the place of a deleted one is another."""

_lock = threading.Lock()


def commit_without_waiting() -> None:
    """Let commits of this process to SQLite files with a write-ahead log return before the disk has them.

    Dagster commits each of the some 400 events of a shard twice. SQLite's `synchronous = NORMAL` keeps the files whole
    whatever happens, and loses nothing when a process is killed; only a power cut can lose the last events, and
    what they tell of is in the Delta tables. https://www.sqlite.org/pragma.html#pragma_synchronous

    Dagster also opens a file anew for each of them. Whoever closes it last moves the log into the file and deletes the
    log, so one more connection, which does nothing, stays open until the process ends.
    https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files tells when the log is moved while it is open.
    """
    if not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)
        atexit.register(_close_all)


def _relax(connection: Any, _: Any) -> None:
    # without a write-ahead log NORMAL could lose more than the last commits
    if isinstance(connection, sqlite3.Connection) and _keep_open(connection):
        connection.execute("pragma synchronous = normal")


def _keep_open(connection: sqlite3.Connection) -> bool:
    """Open the file of a connection once more, if it has a write-ahead log; whether it has one."""
    file = str(connection.execute("pragma database_list").fetchone()[2])
    if not file:
        return False
    status = Path(file).stat()
    key = status.st_dev, status.st_ino
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return True
        if _journal(connection) != "wal":
            return False
        _kept[key] = _reader(file)
        if len(_kept) > MOST:
            _kept.popitem(last=False)[1].close()
        return True


def _reader(file: str) -> sqlite3.Connection:
    # threads take turns: it may be closed by another than the one that opened it
    opened = sqlite3.connect(file, check_same_thread=False)
    # only who has read is connected to the log; all rows, so that no transaction stays open
    opened.execute("select name from sqlite_master").fetchall()
    return opened


def _journal(connection: sqlite3.Connection) -> str:
    return str(connection.execute("pragma journal_mode").fetchone()[0])


def _close_all() -> None:
    with _lock:
        while _kept:
            _kept.popitem()[1].close()
