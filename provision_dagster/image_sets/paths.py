"""Safe paths: names as text, natural order, and the folder that pictures may not leave."""

import os
import re
import stat
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes, urlsplit

from provision_dagster.errors import InputError

_DIGITS = re.compile(r"([0-9]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Place(NamedTuple):
    """A path that may be read (`status` is null), or the reason why not."""

    path: str
    status: str | None = None
    error: str | None = None


def natural_key(path: str) -> tuple[list[str | int], str]:
    """Sort key in which `img2` comes before `img10`; the text itself decides between `img1` and `img01`."""
    parts: list[str | int] = list(_DIGITS.split(path))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return parts, path


def utf8(text: str) -> str:
    r"""Text that can be stored: bytes of a file name that are not UTF-8 become `\xff`."""
    return text if text.isascii() else os.fsencode(text).decode("utf-8", "backslashreplace")


def shown(text: str) -> str:
    """Text for a message: one line, control characters escaped."""
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], utf8(text))


def to_uri(path: str) -> str:
    """Absolute path as stored; a `file://` URI when the name is not UTF-8, which no table could hold."""
    raw = os.fsencode(path)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "file://" + quote_from_bytes(raw)
    return path


def from_uri(uri: str) -> str:
    """
    Local path of a URI or path.

    Raises
    ------
    InputError
        When the URI names another scheme or host than the local file system.
    """
    if not _SCHEME.match(uri):
        return uri
    parts = urlsplit(uri)
    if parts.scheme.lower() != "file" or parts.netloc not in ("", "localhost"):
        raise InputError(f"`{shown(uri)}` is not a local file; allowed: a path or a `file:///` URI")
    return os.fsdecode(unquote_to_bytes(parts.path))


def kind_of(mode: int) -> str:
    """What a file that is not a regular file is, in words."""
    kinds = {
        stat.S_IFDIR: "folder",
        stat.S_IFIFO: "FIFO",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "character device",
        stat.S_IFBLK: "block device",
        stat.S_IFLNK: "link",
    }
    return kinds.get(stat.S_IFMT(mode), "special file")


class Root:
    """A folder that pictures may be read from; paths and links that leave it are refused."""

    def __init__(self, folder: str | Path, *, field: str) -> None:
        if not Path(folder).is_dir():
            found = "a file" if Path(folder).exists() else "nothing"
            raise InputError(f"field `{field}`: expected a folder at `{folder}`, got {found}")
        self.folder = str(Path(os.path.normpath(Path(folder).absolute())))
        self.real = os.path.realpath(folder)
        self._real_folder = lru_cache(maxsize=4096)(os.path.realpath)

    def holds(self, path: str) -> bool:
        """Whether a path with no `..` and no links left lies in the folder."""
        return path == self.real or path.startswith(self.real.rstrip("/") + "/")

    def relative(self, path: str) -> str:
        """Path relative to the folder, `/` between its parts."""
        if path in (self.folder, self.real):
            return "."
        for folder in (self.folder, self.real):
            if path.startswith(folder.rstrip("/") + "/"):
                return path[len(folder.rstrip("/")) + 1 :]
        return path

    def locate(self, path: str) -> Place:
        """
        Find a file by its path, relative to the folder or absolute.

        Returns
        -------
        Place
            Its status is null or, when it may not or cannot be read, `unsafe_path`, `missing`, `unreadable`,
            `not_an_image` (not a regular file) or `duplicate` (link to a folder).
        """
        if "\0" in path:
            return Place(path, "unsafe_path", f"`{shown(path)}` has a null byte in its name")
        full = os.path.normpath(path if path.startswith("/") else f"{self.folder}/{path}")
        parent, _, name = full.rpartition("/")
        real = f"{self._real_folder(parent or '/')}/{name}"
        if not self.holds(real):
            return Place(full, "unsafe_path", f"`{shown(path)}` leaves the folder `{self.folder}`")
        try:
            mode = os.lstat(full).st_mode
            return self._follow(full) if stat.S_ISLNK(mode) else _regular(full, mode)
        except (FileNotFoundError, NotADirectoryError):
            return Place(full, "missing", f"`{shown(full)}` does not exist")
        except OSError as error:
            return Place(full, "unreadable", f"`{shown(full)}` cannot be reached: {error.strerror}")

    def _follow(self, link: str) -> Place:
        target = os.path.realpath(link)
        if not self.holds(target):
            return Place(link, "unsafe_path", f"`{shown(link)}` is a link that leaves the folder `{self.folder}`")
        try:
            mode = os.stat(link).st_mode  # noqa: PTH116 - called once a file: no Path object
        except FileNotFoundError:
            return Place(link, "missing", f"`{shown(link)}` is a link to `{shown(target)}`, which does not exist")
        if stat.S_ISDIR(mode):
            # Its files are listed where they lie; following would list them twice or for ever.
            where = shown(self.relative(target))
            return Place(link, "duplicate", f"`{shown(link)}` is a link to the folder `{where}` of the same image set")
        return _regular(link, mode)


def _regular(path: str, mode: int) -> Place:
    if stat.S_ISREG(mode):
        return Place(path)
    return Place(path, "not_an_image", f"`{shown(path)}` is a {kind_of(mode)}, not a regular file")
