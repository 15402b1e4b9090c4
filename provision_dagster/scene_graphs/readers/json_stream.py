"""JSON files of any size, one top-level entry at a time, plain or gzip.

Python's own decoder rather than ijson: annotation files written by Python may hold `NaN` and `Infinity`,
which ijson's backends refuse; it also says where a file is broken, and is somewhat faster on these layouts.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

from provision_dagster.errors import InputError

CHUNK = 1 << 20
LARGEST_ENTRY = 1 << 28
"""Characters of one entry; an image's annotations are far below, and a file without an end stops here."""

_NEAR_END = 16
"""A decoder that fails this close to the end may only need more text (`-Infinity`, `\\uXXXX`)."""

_NUMBER_GOES_ON = 3
"""A number this close to the end may go on in the next piece: `1e-` of `1e-5` reads as 1."""


class RepeatedKeys(dict[str, Any]):
    """A JSON object that names a key more than once: the first value of each, the others in `repeated`."""

    repeated: tuple[tuple[str, Any], ...] = ()


def _keep_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    first, again = RepeatedKeys(), []
    for key, value in pairs:
        if key in first:
            again.append((key, value))
        else:
            first[key] = value
    first.repeated = tuple(again)
    return first


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """
    Open a file as UTF-8 text, unpacking gzip by its first bytes, whatever the name says.

    Raises
    ------
    InputError
        When it cannot be opened or is a zip archive.
    """
    try:
        with path.open("rb") as raw:
            magic = raw.read(4)
            raw.seek(0)
            if magic == b"PK\x03\x04":
                raise InputError(f"`{path}` is a zip archive; unpack it first (expected .json or .json.gz)")
            unpacked = gzip.GzipFile(fileobj=raw) if magic[:2] == b"\x1f\x8b" else raw
            yield io.TextIOWrapper(unpacked, encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"`{path}` cannot be read: {error}") from error


class Cursor:
    """A place in a JSON text of which only one piece is held."""

    def __init__(self, text: IO[str], *, path: Path, repeats: bool = False) -> None:
        self.path, self._text = path, text
        self._decoder = json.JSONDecoder(object_pairs_hook=_keep_repeats if repeats else None)
        self._piece, self._at, self._dropped, self._lines, self._whole = "", 0, 0, 1, False

    def _read(self, *, size: int = CHUNK) -> bool:
        """Drop what was decoded and add `size` characters; false when the file is at its end."""
        if self._whole:
            return False
        self._lines += self._piece.count("\n", 0, self._at)
        self._dropped += self._at
        try:
            more = self._text.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
            self._at, self._piece = 0, self._piece[self._at :]
            self.fail(f"cannot be decoded: {error}", at=len(self._piece))
        self._piece, self._at = self._piece[self._at :] + more, 0
        self._whole = not more
        return not self._whole

    def fail(self, message: str, *, at: int | None = None) -> NoReturn:
        """Raise InputError with the file, the position in its text and the line."""
        at = self._at if at is None else at
        line = self._lines + self._piece.count("\n", 0, at)
        raise InputError(f"`{self.path}`: {message} at character {self._dropped + at} (line {line})")

    def peek(self) -> str:
        """Next character that is no white space, or empty at the end of the file."""
        while True:
            while self._at < len(self._piece):
                if self._piece[self._at] not in " \t\r\n":
                    return self._piece[self._at]
                self._at += 1
            if not self._read():
                return ""

    def expect(self, allowed: str) -> str:
        """Step over one of the allowed characters."""
        found = self.peek()
        if found == "" or found not in allowed:
            names = " or ".join(f"`{character}`" for character in allowed)
            got = f"`{found}`" if found else "the end of the file: it is cut off"
            self.fail(f"expected {names}, got {got}")
        self._at += 1
        return found

    def value(self) -> Any:
        """Decode the value that starts here."""
        if self.peek() == "":
            self.fail("expected a value, got the end of the file: it is cut off")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._piece, self._at)
            except json.JSONDecodeError as error:
                self._grow(error)
                continue
            except (ValueError, RecursionError) as error:
                self.fail(f"value cannot be decoded ({error})")
            if end < len(self._piece) - _NUMBER_GOES_ON or self._whole:
                self._at = end
                return value
            self._read()

    def _grow(self, error: json.JSONDecodeError) -> None:
        cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._piece) - _NEAR_END
        held = len(self._piece) - self._at
        if not cut:
            self.fail(f"not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}", at=error.pos)
        if held > LARGEST_ENTRY:
            self.fail(f"an entry is longer than {LARGEST_ENTRY} characters")
        if not self._read(size=max(CHUNK, held)):
            self.fail(f"cut off or broken: {error.msg[:1].lower()}{error.msg[1:]}", at=len(self._piece))

    def array(self) -> Iterator[tuple[int, Any]]:
        """Step through an array: place and value of each element."""
        self.expect("[")
        if self.peek() == "]":
            self.expect("]")
            return
        place, closed = 0, False
        while not closed:
            yield place, self.value()
            place, closed = place + 1, self.expect(",]") == "]"

    def object_keys(self) -> Iterator[str]:
        """Step through an object: each key; the caller must take its value before the next."""
        self.expect("{")
        if self.peek() == "}":
            self.expect("}")
            return
        closed = False
        while not closed:
            if self.peek() != '"':
                self.fail(f"expected a key in quotes, got `{self.peek()}`")
            yield self.value()
            closed = self.expect(",}") == "}"

    def end(self) -> None:
        """Check that nothing follows."""
        if self.peek() != "":
            self.fail(f"expected the end of the file, got `{self.peek()}`")


def entries(path: Path, *, repeats: bool = False) -> Iterator[tuple[int | str, Any]]:
    """
    Read the entries of a top-level array or object one by one.

    Parameters
    ----------
    path
        JSON file, plain or gzip.
    repeats
        Return objects with repeated keys as RepeatedKeys instead of keeping the last value.

    Yields
    ------
    tuple
        Place (array) or key (object) and value of each entry.

    Raises
    ------
    InputError
        When the file cannot be read, is no array or object, or is broken; it names the position.
    """
    with open_text(path) as text:
        cursor = Cursor(text, path=path, repeats=repeats)
        if cursor.peek() == "[":
            yield from cursor.array()
        elif cursor.peek() == "{":
            for key in cursor.object_keys():
                cursor.expect(":")
                yield key, cursor.value()
        else:
            cursor.fail(f"expected a JSON array or object, got `{cursor.peek() or 'an empty file'}`")
        cursor.end()


def section_entries(path: Path) -> Iterator[tuple[str, int | None, Any]]:
    """
    Read a top-level object whose values are long arrays, such as COCO's.

    Yields
    ------
    tuple
        Key, place and element for values that are arrays, after key, None and [] for their beginning; key,
        None and value for the others.

    Raises
    ------
    InputError
        As `entries`.
    """
    with open_text(path) as text:
        cursor = Cursor(text, path=path)
        for key in cursor.object_keys():
            cursor.expect(":")
            if cursor.peek() == "[":
                yield key, None, []
                for place, element in cursor.array():
                    yield key, place, element
            else:
                yield key, None, cursor.value()
        cursor.end()
