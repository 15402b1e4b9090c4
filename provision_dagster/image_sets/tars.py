"""Tar shards: what lies in them, as far as they can be read, and single members for reading."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import IO

from provision_dagster.image_sets.paths import utf8

_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"(\xb5": "zstd"}


@dataclass(frozen=True, eq=False)
class Scan:
    """Members of a tar in their order; `status` and `reason` say why there are no more, null when whole."""

    members: list[tarfile.TarInfo]
    status: str | None = None
    reason: str | None = None

    @cached_property
    def by_name(self) -> dict[str, tarfile.TarInfo]:
        """Members by name as stored in tables; of several with one name the first."""
        return {utf8(member.name): member for member in reversed(self.members)}


@lru_cache(maxsize=8)
def _scan(path: str, changed: tuple[int, int]) -> Scan:
    members: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(path, "r:") as tar:
            while (member := tar.next()) is not None:
                members.append(member)
            whole = _ends_well(path, tar.offset)
    except (tarfile.TarError, OSError, ValueError) as error:
        return Scan(members, *_why(path, error=error, seen=len(members)))
    if not whole:
        return Scan(members, "truncated", f"is damaged or cut behind member {len(members)}")
    return Scan(members)


def scan_tar(path: str) -> Scan:
    """List a tar; a cut or damaged one gives what comes before the damage, and the reason."""
    try:
        facts = Path(path).stat()
    except OSError as error:
        return Scan([], *_why(path, error=error, seen=0))
    # The result is kept until the file changes: pictures of a shard are opened one by one.
    return _scan(path, (facts.st_mtime_ns, facts.st_size))


def _ends_well(path: str, offset: int) -> bool:
    """Whether a block of zeros follows, as at the end of any archive; tarfile takes any end for the end."""
    with Path(path).open("rb") as file:
        file.seek(offset - offset % tarfile.BLOCKSIZE)
        return file.read(tarfile.BLOCKSIZE) == bytes(tarfile.BLOCKSIZE)


def _why(path: str, *, error: Exception, seen: int) -> tuple[str, str]:
    if isinstance(error, OSError) and error.strerror:
        return "unreadable", f"cannot be read: {error.strerror.lower()}"
    if seen:
        return "truncated", f"is damaged or cut behind member {seen}: {error}"
    with Path(path).open("rb") as file:
        start = file.read(2)
    if not start:
        return "empty_file", "has 0 bytes"
    if start in _COMPRESSED:
        return (
            "unreadable",
            f"is compressed ({_COMPRESSED[start]}); allowed: plain .tar, whose members can be read singly",
        )
    return "unreadable", f"is not a tar file: {error}"


@contextmanager
def open_member(path: str, *, member: str) -> Iterator[tuple[IO[bytes], int]]:
    """
    Open one member of a tar; yields the stream and its length in bytes.

    Raises
    ------
    FileNotFoundError
        When the tar has no such member.
    tarfile.TarError, OSError
        When the tar cannot be opened.
    """
    info = scan_tar(path).by_name.get(member)
    if info is None:
        raise FileNotFoundError(f"no member `{member}`")
    with tarfile.open(path, "r:") as tar:
        stream = tar.extractfile(info) if info.isreg() else None
        if stream is None:
            raise tarfile.ReadError(f"member `{member}` is not a regular file")
        with stream:
            yield stream, info.size
