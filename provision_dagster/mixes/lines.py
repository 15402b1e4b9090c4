"""Text files with a JSON object a line: JSON lines, or a list with one element a line."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import polars as pl

from provision_dagster.mixes.atomic import AtomicText


class LinesWriter:
    """Writes what a format makes of rows, one a line.

    Parameters
    ----------
    path
        File; replaced whole.
    lines
        Returns JSON texts of rows as they come from `with_turns`; a format may have several of a row, or none.
    listed
        A JSON list in place of JSON lines.
    """

    def __init__(self, path: Path, *, lines: Callable[[pl.DataFrame], pl.Series], listed: bool = False) -> None:
        self.files = {path: 0}
        self._path = path
        self._lines = lines
        self._listed = listed
        self._out = AtomicText(path)

    def __enter__(self) -> "LinesWriter":
        """Open the file."""
        self._out.__enter__()
        if self._listed:
            self._out.write("[")
        return self

    def write(self, batch: pl.DataFrame) -> None:
        """Write rows as they come from `with_turns`."""
        found = self._lines(batch).to_list()
        if not found:
            return
        if self._listed:
            first = "\n" if self.files[self._path] == 0 else ",\n"
            self._out.write(first + ",\n".join(found))
        else:
            self._out.write("".join(f"{line}\n" for line in found))
        self.files[self._path] += len(found)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, and after an error leave what was there before."""
        if kind is None and self._listed:
            self._out.write("\n]\n")
        self._out.__exit__(kind, error, trace)
