"""Training sets of others: LLaVA's JSON or JSON lines, read record by record, as rows of a mix."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.mixes.recipe_parts import Base
from provision_dagster.mixes.schema import MIX

CHUNK = 4 << 20
"""Characters that are read at once."""

BLOCK = 20_000
"""Records that are held in memory at once."""

BASE = "base"
"""Family, generator and origin of rows from a base set."""

BASE_SOURCE = -1
"""Their `source`: none of the recipe's."""

_HUMAN = ("human", "user")
_TOKEN = "<image>"

_BASE_COLUMNS = ("id", "image_uris", "conversation", "prompt", "response", "metadata")
_BASE_SCHEMA = {name: MIX[name] for name in _BASE_COLUMNS}


def read_base(base: Base) -> Iterator[pl.DataFrame]:
    """Read a base set, `BLOCK` records at a time.

    Parameters
    ----------
    base
        File, folder of its pictures and licence. The file is a JSON array or JSON lines, plain or gzip; each record has
        `conversations` (turns with `from` and `value`) and may have `image`, one path or a list of them.

    Yields
    ------
    pl.DataFrame
        Schema MIX but for `recipe` and `position`. `id` is "base-" and a hash of the record; a record that stands there
        again has "-2", "-3", ... behind it.

    Raises
    ------
    InputError
        If the file cannot be read, a record is not as above, or there is none; the message names file and record.
    """
    seen: dict[bytes, int] = {}
    rows: list[dict[str, Any]] = []
    count = 0
    for count, record in enumerate(_records(base.file), start=1):
        rows.append(_row(record, where=f"base set `{base.file}`, record {count}", base=base, seen=seen))
        if len(rows) == BLOCK:
            yield _frame(rows, license=base.license)
            rows = []
    if not count:
        raise InputError(f"base set `{base.file}` holds no record; it must be LLaVA JSON or JSON lines")
    if rows:
        yield _frame(rows, license=base.license)


def missing_base(base: Base) -> str | None:
    """Say what is missing before a base set can be read; None when its file is there."""
    if Path(base.file).is_file():
        return None
    return f"base set `{base.file}` is not there: put LLaVA JSON or JSON lines in its place, or change `base.file`"


def _row(record: object, *, where: str, base: Base, seen: dict[bytes, int]) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise InputError(f"{where}: must be an object with `conversations`, got {type(record).__name__}")
    turns = _turns(record.get("conversations"), where=where)
    asks = next((place for place, (speaker, _) in enumerate(turns) if speaker in _HUMAN), len(turns))
    if asks + 1 >= len(turns):
        raise InputError(f"{where}: `conversations` must have a turn of `human` and an answer, got {record!r:.80}")
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    try:
        digest = hashlib.sha256(text.encode()).digest()[:16]
    except UnicodeEncodeError as error:
        raise InputError(f"{where}: holds half of a surrogate pair, which no text file can hold") from error
    seen[digest] = seen.get(digest, 0) + 1
    name = f"base-{digest.hex()}" + (f"-{seen[digest]}" if seen[digest] > 1 else "")
    return {
        "id": name,
        "image_uris": _paths(record.get("image"), where=where, root=base.image_root),
        "conversation": [{"from": speaker, "value": value} for speaker, value in turns],
        "prompt": turns[asks][1].replace(_TOKEN, "").strip(),
        "response": turns[asks + 1][1],
        "metadata": json.dumps({"id": name, "image_ids": [], **_NOTHING, "base_id": record.get("id")}),
    }


_NOTHING = {"template": "", "objects": [], "attributes": [], "relations": [], "counts": []}


def _turns(found: object, *, where: str) -> list[tuple[str, str]]:
    must = "`conversations` must be a list of turns, each with the texts `from` and `value`"
    if not isinstance(found, list) or not found:
        raise InputError(f"{where}: {must}, got {found!r:.80}")
    turns: list[tuple[Any, Any]] = [
        (turn.get("from"), turn.get("value")) if isinstance(turn, dict) else (None, None) for turn in found
    ]
    for place, (turn, texts) in enumerate(zip(found, turns, strict=True)):
        if not all(isinstance(text, str) for text in texts):
            raise InputError(f"{where}: {must}, got {turn!r:.80} at place {place}")
    return turns


def _paths(found: object, *, where: str, root: str | None) -> list[str]:
    """Paths of a record's pictures, below the folder that they are relative to."""
    paths = [found] if isinstance(found, str) else [] if found is None else found
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InputError(f"{where}: `image` must be a path or a list of paths, got {found!r:.80}")
    if root is None:
        return paths
    return [path if "://" in path else str(Path(root) / path) for path in paths]


def _frame(rows: list[dict[str, Any]], *, license: str) -> pl.DataFrame:
    told = pl.DataFrame({name: [row[name] for row in rows] for name in _BASE_SCHEMA}, schema=_BASE_SCHEMA)
    unknown = pl.when(pl.element().is_null()).then(pl.lit(0, dtype=pl.Int32))  # null for every path
    columns: dict[str, pl.Expr] = {
        "source": pl.lit(BASE_SOURCE),
        "shard": pl.lit(""),
        "family": pl.lit(BASE),
        "generator": pl.lit(BASE),
        "image_ids": pl.lit([], dtype=MIX["image_ids"]),
        "form": pl.lit("open"),
        "question": pl.col("prompt"),
        "answer": pl.col("response"),
        "options": pl.lit([], dtype=MIX["options"]),
        "answer_index": pl.lit(None),
        "license": pl.lit(license),
        "origin": pl.lit(BASE),
        "boxes": pl.lit([], dtype=MIX["boxes"]),
        "sizes": pl.col("image_uris").list.eval(pl.struct(width=unknown, height=unknown)),
        "scores": pl.lit(None, dtype=MIX["scores"]),
        "template": pl.lit(""),
        "split": pl.lit("train"),
    }
    whole = told.with_columns(**columns)
    return whole.select(pl.col(n).cast(t) for n, t in MIX.items() if n not in ("recipe", "position"))


def _records(file: str) -> Iterator[object]:
    """Read the records of a JSON array or of JSON lines, without holding the file."""
    with _opened(file) as stream:
        head = stream.read(CHUNK)
        while head and not head.strip("\ufeff \t\r\n"):
            head = stream.read(CHUNK)
        head = head.lstrip("\ufeff \t\r\n")
        try:
            yield from _array(head[1:], stream) if head.startswith("[") else _lines(head, stream)
        except json.JSONDecodeError as error:
            raise InputError(
                f"base set `{file}` is neither a JSON array nor JSON lines: {error.msg}, at {_near(error)}"
            ) from error


def _near(error: json.JSONDecodeError) -> str:
    return repr(error.doc[max(0, error.pos - 20) : error.pos + 20])


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    """Open a text file, plain or gzip; whatever goes wrong while it is read names it."""
    try:
        with Path(file).open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(file, "rt", encoding="utf-8") if packed else Path(file).open(encoding="utf-8") as stream:
            yield stream
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(f"base set `{file}` cannot be read: {error}") from error


def _array(text: str, stream: TextIO) -> Iterator[object]:
    """Records of a JSON array whose "[" was read."""
    decode = json.JSONDecoder().raw_decode
    place, ended = 0, False
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        if place < len(text) and text[place] == "]":
            return
        try:
            record, place = decode(text, place)
        except json.JSONDecodeError:
            # the record may go on in what is not read yet
            if ended:
                raise
            more = stream.read(max(CHUNK, len(text) - place))
            text, place, ended = text[place:] + more, 0, not more
            continue
        yield record


def _lines(text: str, stream: TextIO) -> Iterator[object]:
    """Records of JSON lines."""
    while text:
        *lines, rest = text.split("\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)
        more = stream.read(CHUNK)
        if not more:
            if rest.strip():
                yield json.loads(rest)
            return
        text = rest + more
