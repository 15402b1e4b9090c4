"""Entries kept by key on disk, for files whose order differs from that of the images."""

import marshal
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any


class Spill:
    """Lists of JSON values by key, in a private temporary database that disappears with the object."""

    def __init__(self) -> None:
        # An empty name: SQLite keeps pages in memory up to its cache size, then in an unnamed temporary file.
        self._store = sqlite3.connect("", isolation_level=None)
        self._store.execute("PRAGMA journal_mode = OFF")
        self._store.execute("CREATE TABLE entries (place INTEGER PRIMARY KEY, key TEXT, value BLOB)")
        self._store.execute("CREATE INDEX by_key ON entries (key)")
        self._waiting: list[tuple[str, bytes]] = []

    def put(self, key: str, value: Any) -> None:
        """Add a JSON value to the list of a key."""
        self._waiting.append((key, marshal.dumps(value)))
        if len(self._waiting) >= 2_000:
            self._flush()

    def _flush(self) -> None:
        self._store.execute("BEGIN")
        self._store.executemany("INSERT INTO entries (key, value) VALUES (?, ?)", self._waiting)
        self._store.execute("COMMIT")
        self._waiting.clear()

    def take(self, key: str) -> list[Any]:
        """Remove and return the list of a key, in the order in which its values were added."""
        self._flush()
        rows = self._store.execute("SELECT value FROM entries WHERE key = ? ORDER BY place", (key,)).fetchall()
        if rows:
            self._store.execute("DELETE FROM entries WHERE key = ?", (key,))
        return [marshal.loads(value) for (value,) in rows]

    def rest(self) -> Iterator[tuple[str, Any]]:
        """Step through what was not taken, in the order in which it was added; it may be taken meanwhile."""
        self._flush()
        place = -1
        query = "SELECT place, key, value FROM entries WHERE place > ? ORDER BY place LIMIT 1"
        while row := self._store.execute(query, (place,)).fetchone():
            place, key, value = row
            self._store.execute("DELETE FROM entries WHERE place = ?", (place,))
            yield key, marshal.loads(value)


class KeyedEntries:
    """A stream of keyed entries that can be asked for any key; what is passed over waits on disk."""

    def __init__(self, entries: Iterable[tuple[str, Any]]) -> None:
        self._entries = iter(entries)
        self._passed: Spill | None = None
        self._passed_keys: set[str] = set()

    def take(self, key: str) -> Any | None:
        """Return the first entry of a key, reading ahead as far as needed; None when the stream has none."""
        if self._passed is not None and key in self._passed_keys:
            self._passed_keys.discard(key)
            first, *again = self._passed.take(key)
            for entry in again:
                self._pass(key, entry)
            return first
        for found, entry in self._entries:
            if found == key:
                return entry
            self._pass(found, entry)
        return None

    def _pass(self, key: str, entry: Any) -> None:
        if self._passed is None:
            self._passed = Spill()
        self._passed.put(key, entry)
        self._passed_keys.add(key)

    def rest(self) -> Iterator[tuple[str, Any]]:
        """Step through the entries that were not taken, those passed over first."""
        if self._passed is not None:
            for key, entry in self._passed.rest():
                self._passed_keys.discard(key)
                yield key, entry
        yield from self._entries
