"""Questions of a benchmark: read from JSON, JSON lines, Parquet or CSV."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from provision_dagster.errors import InputError
from provision_dagster.image_sets.readers.tables import SUFFIXES, read_rows

ALLOWED = (".json", *SUFFIXES)


def read_questions(path: Path, *, column: str) -> Iterator[tuple[str, str | None, str | None]]:
    """Read the questions of a file.

    Parameters
    ----------
    path
        A table; or JSON: a list of objects, an object that holds such a list in one of its fields (VQA), or an object
        of objects by id (GQA).
    column
        Column or field with the question.

    Yields
    ------
    tuple
        Row number (from 1) or id, question, and why there is none.

    Raises
    ------
    InputError
        If the file cannot be read at all, or no row has the column.
    """
    if not path.is_file():
        got = "a folder" if path.is_dir() else "nothing"
        raise InputError(f"field `questions`: expected a file of questions at `{path}`, got {got}")
    if path.suffix.lower() not in ALLOWED:
        raise InputError(f"field `questions`: `{path}` must end in {', '.join(ALLOWED)}, got `{path.suffix}`")
    rows = _json(path, column) if path.suffix.lower() == ".json" else _table(path, column)
    seen = False
    for item, values, error in rows:
        seen = seen or column in values
        yield item, *_question(values, column=column, error=error)
    if not seen:
        raise InputError(f"field `column`: no row of `{path}` has `{column}`")


def _question(values: Mapping[str, object], *, column: str, error: str | None) -> tuple[str | None, str | None]:
    if error is not None:
        return None, error
    text = values.get(column)
    if isinstance(text, str) and text.strip():
        return text, None
    return None, f"field `{column}` must be text, got {repr(text)[:60]}"


def _table(path: Path, column: str) -> Iterator[tuple[str, Mapping[str, object], str | None]]:
    for row in read_rows(path, wanted=frozenset([column]), one_of=(column, column)):
        yield str(row.number), row.values, row.error


def _json(path: Path, column: str) -> Iterator[tuple[str, Mapping[str, object], str | None]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"`{path}` cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"`{path}` is not valid JSON: {error}") from error
    for item, value in _items(data, path=path, column=column):
        if isinstance(value, dict):
            yield item, value, None
        else:
            yield item, {}, f"must be a JSON object, got {type(value).__name__}"


def _items(data: Any, *, path: Path, column: str) -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict):
        lists = [value for value in data.values() if _holds(value, column)]
        if len(lists) == 1:
            data = lists[0]
        elif not lists and any(isinstance(value, dict) and column in value for value in data.values()):
            yield from data.items()
            return
    if not isinstance(data, list):
        raise InputError(
            f"`{path}` must hold a list of objects, one such list in an object, or objects by id, "
            f"with the field `{column}`; got {type(data).__name__}"
        )
    for number, value in enumerate(data, start=1):
        yield str(number), value


def _holds(value: Any, column: str) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) and column in item for item in value)
