"""Writer of one slice: takes rows in turn, holds few of them, and commits once at the end."""

import io
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from provision_dagster.errors import InputError
from provision_dagster.storage.checking import check_belongs, conform
from provision_dagster.storage.commits import retry_commit
from provision_dagster.storage.comparing import same_rows
from provision_dagster.storage.encoding import ROWS_PER_FILE, encode
from provision_dagster.storage.files import Part, TableFiles, name_part
from provision_dagster.storage.slices import SliceFile, has_same_bytes, lost_files, replace_slice, slice_files
from provision_dagster.storage.tables import TableSpec

logger = logging.getLogger(__name__)

HELD_BYTES = 1 << 26
"""Encoded files are kept in memory, so that nothing is written when nothing changed, up to this many bytes."""

COMPARED_ROWS = 4_000_000
"""A larger slice whose bytes differ is written anew without comparing its rows: one column may not fit in memory."""


@dataclass(frozen=True)
class Slice:
    """What one write replaces, and how to reach it."""

    spec: TableSpec
    key: Mapping[str, str]
    files: TableFiles
    open: Callable[[], DeltaTable]  # at its latest version
    read: Callable[[DeltaTable], pl.LazyFrame]  # the slice's rows, with the declared types
    storage_options: Mapping[str, str]


class PartitionWriter:
    """Replaces one slice of a table with the rows it is given, atomically, when the `with` block ends.

    Rows are kept in the order in which they come: the caller sees to it that equal inputs give an equal order. How
    they are cut into frames changes neither bytes nor files. A block that ends with an exception changes nothing.

    Attributes
    ----------
    version
        Version of the table that holds the rows; None until the block has ended.
    """

    def __init__(self, where: Slice) -> None:
        self._slice = where
        self._rows: list[pl.DataFrame] = []
        self._parts: list[Part] = []
        self._held: dict[str, bytes] = {}  # by path: encoded, not written yet
        self._written: list[str] = []  # paths
        self._differing: set[str] = set()  # paths of stored files that were compared: not again at every attempt
        self._open = False
        self.version: int | None = None

    def write(self, df: pl.DataFrame) -> None:
        """Take rows.

        Raises
        ------
        SchemaError
            If the frame has not exactly the declared columns and types.
        InputError
            If a row belongs to another slice, or this is called outside the `with` block.
        """
        if not self._open:
            raise InputError(
                f"table `{self._slice.spec.name}`: `write` must be called within the writer's `with` block"
            )
        rows = conform(df, spec=self._slice.spec)
        check_belongs(rows, key=self._slice.key, spec=self._slice.spec)
        self._rows.append(rows)
        waiting = sum(r.height for r in self._rows)
        if waiting < ROWS_PER_FILE:
            return
        whole = pl.concat(self._rows, rechunk=False)
        for start in range(0, waiting - ROWS_PER_FILE + 1, ROWS_PER_FILE):
            self._encode(whole.slice(start, ROWS_PER_FILE))
        self._rows = [whole.slice(waiting - waiting % ROWS_PER_FILE)]

    def __enter__(self) -> "PartitionWriter":
        """Start with no rows."""
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or after an exception remove what was written."""
        self._open = False
        try:
            if kind is None:
                self.version = self._commit()
        finally:
            self._remove_leftovers()

    def _encode(self, rows: pl.DataFrame) -> None:
        encoded = encode(rows.rechunk(), spec=self._slice.spec)
        part = name_part(encoded, number=len(self._parts), key=self._slice.key)
        self._parts.append(part)
        self._held[part.path] = encoded.data
        if sum(map(len, self._held.values())) > HELD_BYTES:
            self._put()

    def _put(self) -> None:
        for path in list(self._held):
            self._written.append(path)
            self._slice.files.put(path, self._held[path])
            del self._held[path]

    def _commit(self) -> int:
        rest = pl.concat(self._rows, rechunk=False) if self._rows else pl.DataFrame()
        if rest.height:
            self._encode(rest)
        self._rows = []
        return retry_commit(self._replace, name=self._slice.spec.name)

    def _replace(self) -> int:
        table = self._slice.open()
        old = slice_files(table, key=self._slice.key)
        if self._is_stored(table, old):
            return int(table.version())
        self._put()
        version = replace_slice(table, old=old, new=self._parts, key=self._slice.key)
        self._written.clear()
        return version

    def _is_stored(self, table: DeltaTable, old: list[SliceFile]) -> bool:
        rows = sum(part.rows for part in self._parts)
        counts = [f.rows for f in old]
        if not old or not rows:
            return not old and not rows
        if None not in counts and sum(n or 0 for n in counts) != rows:
            return False
        if {f.path for f in old} == self._differing:
            return False
        lost: object = lost_files(old, store=self._slice.files)
        if not lost and has_same_bytes(old, parts=self._parts):
            return True
        try:
            if not lost and rows <= COMPARED_ROWS and self._has_same_rows(table):
                return True
        except (OSError, pl.exceptions.ComputeError) as error:
            lost = error
        if lost:
            key = dict(self._slice.key)
            logger.warning("table `%s`, %s: unreadable, written again: %s", self._slice.spec.name, key, lost)
        self._differing = {f.path for f in old}
        return False

    def _has_same_rows(self, table: DeltaTable) -> bool:
        spec = self._slice.spec
        columns = [c for c in spec.schema if c not in spec.replace_by]
        fresh = pl.concat([self._scan(part) for part in self._parts])
        fresh = fresh.select(pl.col(c).cast(spec.schema[c]) for c in columns)
        return same_rows(self._slice.read(table), fresh, sort_by=spec.sort_by, columns=columns)

    def _scan(self, part: Part) -> pl.LazyFrame:
        if part.path in self._held:
            return pl.scan_parquet(io.BytesIO(self._held[part.path]))
        place = f"{self._slice.files.uri}/{part.path}"
        options = dict(self._slice.storage_options) or None
        return pl.scan_parquet(place, storage_options=options, hive_partitioning=False, glob=False)

    def _remove_leftovers(self) -> None:
        """Delete what was written and is not part of the table.

        Asked of the log, for a commit may have failed after it was made: while writing a checkpoint, or because its
        answer was lost. Where it cannot be asked, files stay that the vacuum deletes later.
        """
        self._held.clear()
        if not self._written:
            return
        try:
            live = {f.path for f in slice_files(self._slice.open(), key=self._slice.key)}
            for path in [p for p in self._written if p not in live]:
                with suppress(FileNotFoundError):
                    self._slice.files.delete(path)
        except (DeltaError, OSError) as error:
            logger.warning("table `%s`: files of an unfinished write stay: %s", self._slice.spec.name, error)
        self._written.clear()
