"""Files that are there whole or not at all."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TextIO


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and put it in its place when the block ends without an error.

    The temporary name is always the same: what a killed process leaves, the next run overwrites.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class AtomicText:
    """A text file (UTF-8) that is written in turn, and there whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._file = atomic_file(path)
        self._out: TextIO | None = None

    def __enter__(self) -> "AtomicText":
        """Open it under its temporary name."""
        self._out = self._file.__enter__().open("w", encoding="utf-8", newline="\n")
        return self

    def write(self, text: str) -> None:
        """Add text."""
        assert self._out is not None
        self._out.write(text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put it in its place, or remove it after an error."""
        assert self._out is not None
        stack = ExitStack()
        stack.push(self._file)
        stack.callback(self._out.close)
        stack.__exit__(kind, error, trace)


class AtomicShards:
    """Files of a folder that are written one after another and put in their places together at the end.

    Parameters
    ----------
    folder
        Folder of the files; those of an earlier export that have no new one are removed.
    stem, suffix
        Of their names: `train-`, `.parquet`; the number stands between them.
    """

    def __init__(self, folder: Path, *, stem: str, suffix: str) -> None:
        self._folder = folder
        self._stem = stem
        self._suffix = suffix
        self._open: list[tuple[AbstractContextManager[Path], Path]] = []

    def next(self) -> Path:
        """Return the temporary path of the next file."""
        path = self._folder / f"{self._stem}{len(self._open):06d}{self._suffix}"
        file = atomic_file(path)
        self._open.append((file, path))
        return file.__enter__()

    @property
    def paths(self) -> list[Path]:
        """Where the files will be."""
        return [path for _, path in self._open]

    def close(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        *,
        end: Callable[[], None],
    ) -> None:
        """Close the last file with `end`; then put all files in their places, or after an error remove them all."""
        stack = ExitStack()
        for file, _ in self._open:
            stack.push(file)
        stack.callback(end)
        stack.__exit__(kind, error, trace)
        for old in set(self._folder.glob(f"{self._stem}*{self._suffix}")) - set(self.paths) if kind is None else ():
            old.unlink()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
