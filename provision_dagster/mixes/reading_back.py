"""Exported files row by row: whether each row is what its format promises, and how many there are."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from provision_dagster.mixes.hugging_face import SCHEMA
from provision_dagster.mixes.provision_10m import FORM_FILES, PROVISION_10M
from provision_dagster.mixes.turns import IMAGE_TOKEN, ROLES

_BLOCK = 512  # bytes: unit of a tar


class RowError(Exception):
    """A row is not what its format promises; the message says which and why."""


def count_rows(path: Path) -> int | None:
    """Read a file of an export to its end, in bounded memory.

    Returns
    -------
    int or None
        Its rows; None for a file that holds none (the card of a Hugging Face folder).

    Raises
    ------
    RowError
        If a row cannot be parsed or is not complete.
    """
    if path.name in _BY_NAME:
        return _counted(path, _BY_NAME[path.name])
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix == ".tar":
        return _tar(path)
    return None


def _counted(path: Path, check: Callable[[Any], None]) -> int:
    number = 0
    with path.open("rb") as file:
        for number, line in enumerate(_elements(file) if path.suffix == ".json" else file, 1):
            try:
                check(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                raise RowError(f"row {number}: {_why(error)}") from error
    return number


def _elements(file: IO[bytes]) -> Iterator[bytes]:
    """Elements of a JSON list that has one a line, as it is written here."""
    if file.readline() != b"[\n":
        raise RowError("does not begin with `[` on a line of its own")
    last = False
    for number, line in enumerate(file):
        if line == b"]\n":
            if number and not last:
                raise RowError("ends with a comma")
            if file.read(1):
                raise RowError("goes on behind its end")
            return
        if last:
            raise RowError(f"has no comma behind row {number}")
        last = not line.endswith(b",\n")
        yield line.removesuffix(b"\n").removesuffix(b",")
    raise RowError("has no end")


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"has no {error}"
    return str(error) or type(error).__name__


def _need(right: bool, problem: str) -> None:
    if not right:
        raise ValueError(problem)


def _llava(row: Any) -> None:
    _need(bool(row["id"]), "has an empty id")
    image = row.get("image", [])
    _conversation(row["conversations"], pictures=len(image) if isinstance(image, list) else 1)


def _conversation(turns: Any, *, pictures: int) -> None:
    _need(bool(turns), "has no turns")
    _need(all(turn["from"] in ROLES for turn in turns), f"`from` must be one of {', '.join(ROLES)}")
    tokens = sum(turn["value"].count(IMAGE_TOKEN) for turn in turns)
    _need(tokens == pictures, f"has {pictures} pictures, but {tokens} times `{IMAGE_TOKEN}`")


def _messages(row: Any) -> None:
    _need(bool(row["id"]), "has an empty id")
    _need(bool(row["messages"]), "has no messages")
    for message in row["messages"]:
        _need(message["role"] in ROLES.values(), f"`role` must be one of {', '.join(ROLES.values())}")
        parts = message["content"]
        _need(bool(parts), "has a message without parts")
        # where nothing is said, an empty text stands alone
        mute = len(parts) == 1 and parts[0]["type"] == "text"
        for part in parts:
            _need(bool(part[part["type"]]) or mute, "has an empty part")


def _refcoco(row: Any) -> None:
    x, y, width, height = row["bbox"]
    _need(bool(row["file_name"] and row["sentences"][0]), "names no picture or no object")
    _need(min(x, y) >= 0 and min(width, height) > 0, f"has an impossible box {row['bbox']}")


def _shikra(row: Any) -> None:
    boxes = row["target"]["boxes"]
    for turn in row["conversations"]:
        marks = turn["value"].count("<boxes>")
        _need(marks == len(turn["boxes_seq"]), f"has {marks} times `<boxes>`, but {len(turn['boxes_seq'])} references")
        _need(all(0 <= n < len(boxes) for seq in turn["boxes_seq"] for n in seq), "refers to a box that is not there")


_BY_NAME: dict[str, Callable[[Any], None]] = {
    "llava.json": _llava,
    "llava.jsonl": _llava,
    "messages.jsonl": _messages,
    "refcoco.jsonl": _refcoco,
    "shikra.jsonl": _shikra,
}


def _parquet(path: Path) -> int:
    wanted = PROVISION_10M if path.name in FORM_FILES.values() else SCHEMA
    rows = 0
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(wanted):
                raise RowError(f"has the columns {file.schema_arrow.names}, must have {wanted.names} of their types")
            for number in range(file.num_row_groups):
                rows += file.read_row_group(number).num_rows
    except (OSError, ValueError) as error:
        raise RowError(f"row group behind row {rows}: {error}") from error
    return rows


def _tar(path: Path) -> int:
    """Examples of a WebDataset tar: pictures, then the JSON that ends each."""
    rows, pictures, key = 0, 0, ""
    with path.open("rb") as file:
        for name, data in _members(file):
            of, _, suffix = name.partition(".")
            if pictures and of != key:
                raise RowError(f"example {key} has no JSON")
            key = of
            if suffix != "json":
                _filled(name, data)
                pictures += 1
                continue
            try:
                _conversation(json.loads(data)["conversations"], pictures=pictures)
            except (ValueError, KeyError, TypeError) as error:
                raise RowError(f"example {key}: {_why(error)}") from error
            rows, pictures = rows + 1, 0
    if pictures:
        raise RowError(f"example {key} has no JSON")
    return rows


def _filled(name: str, data: bytes) -> None:
    if not data:
        raise RowError(f"`{name}` is empty")


def _members(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a tar's files; `tarfile` takes ten times as long for many small ones."""
    while (head := file.read(_BLOCK)) != bytes(_BLOCK):
        if len(head) < _BLOCK or head[257:262] != b"ustar":
            raise RowError("is damaged or cut")
        size = int(head[124:135], 8)
        data = file.read(size + -size % _BLOCK)
        if len(data) < size:
            raise RowError("is cut")
        yield head[:100].rstrip(b"\0").decode(), data[:size]
