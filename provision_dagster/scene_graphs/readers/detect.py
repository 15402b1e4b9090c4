"""Which annotation format files look like, from their first entries."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers import coco, gqa, provision, visual_genome_files
from provision_dagster.scene_graphs.readers.json_stream import Cursor, entries, open_text, section_entries

AnnotationFormat = Literal["visual-genome", "gqa", "coco", "provision"]

_LOOK_AT = 20
_COCO_SECTIONS = frozenset({"info", "licenses", "images", "annotations", "categories"})


def _json_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    folders = [path, path / "annotations"]
    return sorted(
        file
        for folder in folders
        if folder.is_dir()
        for file in folder.iterdir()
        if file.name.endswith((".json", ".json.gz"))
    )


def _first_key(path: Path) -> tuple[str, str | None]:
    """Opening bracket and, in an object, its first key."""
    with open_text(path) as text:
        cursor = Cursor(text, path=path)
        bracket = cursor.peek()
        if bracket not in ("[", "{"):
            got = f"`{bracket}`" if bracket else "an empty file"
            cursor.fail(f"expected a JSON array or object, got {got}")
        return bracket, next(cursor.object_keys(), None) if bracket == "{" else None


def _guesses(path: Path) -> Iterator[AnnotationFormat]:
    bracket, key = _first_key(path)
    if bracket == "[":
        found = (value for _, value in islice(entries(path), _LOOK_AT))
        if any(visual_genome_files.looks_like(value) for value in found):
            yield "visual-genome"
    elif key in _COCO_SECTIONS:
        # A section may be longer than what is looked at; its name and place among the keys are enough.
        if coco.looks_like({name for name, _, _ in islice(section_entries(path), _LOOK_AT)}):
            yield "coco"
    else:
        for _, value in islice(entries(path), _LOOK_AT):
            if provision.looks_like(value):
                yield "provision"
            elif gqa.looks_like(value):
                yield "gqa"


def detect_format(path: Path) -> AnnotationFormat | None:
    """
    Say which format a file or folder looks like; None when it is none of them or empty.

    Raises
    ------
    InputError
        When the beginning of a file is no JSON.
    """
    votes = Counter(guess for file in _json_files(path) for guess in islice(_guesses(file), 1))
    return votes.most_common(1)[0][0] if votes else None


def check_format(path: Path, *, format: AnnotationFormat) -> None:
    """
    Check that files look like a format, or are empty.

    Raises
    ------
    InputError
        When they look like another format or like none; the message says which.
    """
    if path.is_dir() and not _json_files(path):
        raise InputError(f"`{path}`: no .json or .json.gz file in this folder")
    found = detect_format(path)
    if found is not None and found != format:
        raise InputError(f"`{path}` looks like format `{found}`, got `{format}`")
    wrong = [file for file in _json_files(path) if not path.is_dir() and _bracket_is_wrong(file, format=format)]
    if found is None and wrong:
        expected = "array" if format == "visual-genome" else "object"
        raise InputError(f"`{path}`: format `{format}` is a JSON {expected} at the top level, got the other")


def _bracket_is_wrong(file: Path, *, format: AnnotationFormat) -> bool:
    return (_first_key(file)[0] == "[") != (format == "visual-genome")
