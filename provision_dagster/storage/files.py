"""Data files of one table: named after their content, put into and deleted from its folder or bucket."""

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pyarrow.fs
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction

from provision_dagster.storage.encoding import Encoded

_NAME = re.compile(r"part-(?P<part>\d{5,})-(?P<digest>[0-9a-f]{32})-[0-9a-f]{12}\.zstd\.parquet")


@dataclass(frozen=True)
class Fingerprint:
    """What the name and the size of a data file say about its bytes."""

    part: int
    digest: str
    size: int


def fingerprint(path: str, *, size: int) -> Fingerprint | None:
    """Return the fingerprint of a data file, or None if something else than `PartitionWriter` wrote it."""
    found = _NAME.fullmatch(path.rpartition("/")[2])
    return None if found is None else Fingerprint(int(found["part"]), found["digest"], size)


@dataclass(frozen=True)
class Part:
    """One data file of a write: where it goes and what it holds."""

    path: str  # relative to the table
    fingerprint: Fingerprint
    rows: int
    statistics: str

    def add_action(self, key: Mapping[str, str]) -> AddAction:
        """Return the action that makes it part of the table."""
        now = int(time.time() * 1000)
        return AddAction(self.path, self.fingerprint.size, dict(key), now, True, self.statistics)


def name_part(encoded: Encoded, *, number: int, key: Mapping[str, str]) -> Part:
    """Name a file after its place and its bytes, and so that no two writes ever use the same name."""
    folders = [f"{column}={quote(value, safe='')}" for column, value in key.items()]
    name = f"part-{number:05d}-{encoded.digest}-{uuid.uuid4().hex[:12]}.zstd.parquet"
    mark = Fingerprint(number, encoded.digest, len(encoded.data))
    return Part("/".join([*folders, name]), mark, encoded.rows, encoded.statistics)


class TableFiles:
    """Files under the root of one table, through the object store that delta-rs commits with.

    Parameters
    ----------
    uri
        The table.
    storage_options
        As for `Store`.
    """

    def __init__(self, uri: str, *, storage_options: Mapping[str, str]) -> None:
        self.uri = uri
        # its pyarrow wrapper hands buffers on to a writer that takes bytes alone (deltalake 1.6)
        self._store: Any = DeltaStorageHandler(uri, dict(storage_options) or None)._handler

    def put(self, path: str, data: bytes) -> None:
        """Write one file; it is there whole or not at all."""
        stream = self._store.open_output_stream(path, None)
        stream.write(data)
        stream.close()

    def delete(self, path: str) -> None:
        """Delete one file."""
        self._store.delete_file(path)

    def missing(self, sizes: Mapping[str, int]) -> list[str]:
        """Return which of these files are not there with the given size in bytes."""
        found: list[pyarrow.fs.FileInfo] = self._store.get_file_info(list(sizes)) if sizes else []
        return [path for path, info in zip(sizes, found, strict=True) if info.size != sizes[path]]
