"""Question templates: data in YAML, checked when loaded, filled column-wise.

A file maps generator names to lists. An entry is a text, or `open` and `choice` texts where the two forms differ (a
question
that lists its candidates in the open form leaves them to the lettered options in the other). Slots stand in braces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import polars as pl
import yaml

from provision_dagster.errors import InputError
from provision_dagster.generators.arrays import Ints
from provision_dagster.generators.hashing import U64, below, draw

SHIPPED = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Template:
    """One phrasing: `choice` is null where the open text serves for both forms."""

    id: str
    open: str
    choice: str | None


Templates = Mapping[str, Sequence[Template]]


@cache
def shipped_templates() -> Templates:
    """Load the templates that come with the package."""
    return load_templates(sorted(SHIPPED.glob("*.yaml")))


def load_templates(files: Sequence[Path]) -> Templates:
    """Read template files; lists of one generator in several files are joined.

    Raises
    ------
    InputError
        If a file is not a mapping of generator names to texts, or a text is not a question or instruction.
    """
    found: dict[str, list[Template]] = {}
    for file in files:
        content = _read(file)
        for name, entries in content.items():
            if not isinstance(entries, list) or not entries:
                got = "an empty list" if entries == [] else type(entries).__name__
                raise InputError(f"{file}: `{name}` must be a list of templates, got {got}")
            kept = found.setdefault(str(name), [])
            first = len(kept)
            kept.extend([_entry(file, str(name), first + i, entry) for i, entry in enumerate(entries)])
    return found


class _Loader(yaml.SafeLoader):
    """YAML in which a key given twice is an error: the first list would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (k for k, _ in node.value if isinstance(k, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"`{key.value}` is given twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _read(file: Path) -> dict[Any, Any]:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a readable template file: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: must map generator names to lists of templates, got {type(content).__name__}")
    return content


def _entry(file: Path, name: str, number: int, entry: Any) -> Template:
    where = f"{file}: `{name}` template {number}"
    match entry:
        case str():
            texts = {"open": entry}
        case {"open": str(), "choice": str()} if len(entry) == 2:
            texts = {str(k): str(v) for k, v in entry.items()}
        case _:
            raise InputError(f"{where}: must be a text or a mapping with exactly `open` and `choice`, got {entry!r}")
    for text in texts.values():
        _check_text(text, where=where)
    return Template(id=f"{name}/{number}", open=texts["open"], choice=texts.get("choice"))


def _check_text(text: str, *, where: str) -> None:
    if not text.endswith(("?", ".")) or "\n" in text:
        raise InputError(f"{where}: must be one line that ends in '?' (question) or '.' (instruction), got {text!r}")
    try:
        fields = [parts[1:] for parts in Formatter().parse(text) if parts[1] is not None]
    except ValueError as error:
        raise InputError(f"{where}: braces must stand in pairs ({error}), got {text!r}") from error
    if any(not str(name).isidentifier() or spec or conversion for name, spec, conversion in fields):
        raise InputError(f"{where}: a slot must be a plain name in braces, got {text!r}")


def slots_of(text: str) -> list[str]:
    """Names in braces of a template text, in order."""
    return [field for _, field, _, _ in Formatter().parse(text) if field is not None]


def check_slots(templates: Sequence[Template], *, allowed: Sequence[str]) -> None:
    """Check that templates name only slots that the generator fills.

    Raises
    ------
    InputError
        If a slot is unknown; the message lists the allowed ones.
    """
    for template in templates:
        for text in filter(None, (template.open, template.choice)):
            unknown = sorted(set(slots_of(text)) - set(allowed))
            if unknown:
                names = ", ".join(f"`{s}`" for s in unknown)
                raise InputError(f"template {template.id}: unknown slot {names}; allowed: {', '.join(allowed)}")


@dataclass(frozen=True)
class Filled:
    """Texts of n rows: `template` (id), `question`, and `choice_question` (null where the question serves)."""

    template: pl.Series
    question: pl.Series
    choice_question: pl.Series


def fill(slots: Mapping[str, pl.Series], h: U64, *, templates: Sequence[Template]) -> Filled:
    """Choose a template per row by its hash and fill it.

    Parameters
    ----------
    slots
        Text per slot, each of length n.
    h
        Hash of each row, shape (n,).
    """
    chosen = below(draw(h, "template"), len(templates)).astype(np.int64)
    return Filled(
        pl.Series([t.id for t in templates]).gather(chosen),
        _texts([t.open for t in templates], chosen, slots),
        _texts([t.choice for t in templates], chosen, slots),
    )


@dataclass(frozen=True)
class _Shape:
    """Templates that name the same slots in the same order are one expression: literal, slot, literal, ..., literal.

    `templates`: their numbers. `literals`: for each place a literal per template. `capital`: the text begins with a
    slot.
    """

    slots: tuple[str, ...]
    capital: bool
    templates: tuple[int, ...]
    literals: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=512)
def _shapes(texts: tuple[str | None, ...]) -> list[_Shape]:
    """Sort template texts by shape."""
    found: dict[tuple[tuple[str, ...], bool], list[tuple[int, list[str]]]] = {}
    for number, text in enumerate(texts):
        if text is None:
            continue
        literals, slots = [""], []
        for literal, field, _, _ in Formatter().parse(text):
            literals[-1] += literal
            if field is not None:
                slots.append(field)
                literals.append("")
        found.setdefault((tuple(slots), not literals[0]), []).append((number, literals))
    return [
        _Shape(
            slots, capital, tuple(n for n, _ in members), tuple(zip(*(pieces for _, pieces in members), strict=True))
        )
        for (slots, capital), members in found.items()
    ]


def _texts(texts: Sequence[str | None], chosen: Ints, slots: Mapping[str, pl.Series]) -> pl.Series:
    """Fill the chosen template of each row; null where it has no text."""
    parts, places = [pl.Series("t", [], dtype=pl.String)], []
    for shape in _shapes(tuple(texts)):
        member = np.full(len(texts), -1, dtype=np.int64)
        member[list(shape.templates)] = np.arange(len(shape.templates))
        which = member[chosen]
        rows = np.flatnonzero(which >= 0)
        if len(rows):
            parts.append(_filled(shape, which[rows], slots, rows if len(rows) < len(chosen) else None))
            places.append(rows)
    if len(places) == 1 and len(places[0]) == len(chosen):
        return parts[1]
    order = np.full(len(chosen), -1, dtype=np.int64)
    order[np.concatenate([*places, np.zeros(0, dtype=np.int64)])] = np.arange(sum(map(len, places)))
    index = pl.Series(order).to_frame("i").select(pl.when(pl.col("i") >= 0).then("i")).to_series()
    return pl.concat(parts, rechunk=True).gather(index)


def _filled(shape: _Shape, which: Ints, slots: Mapping[str, pl.Series], rows: Ints | None) -> pl.Series:
    pieces: list[pl.Series] = []
    for place, literals in enumerate(shape.literals):
        if any(literals):
            same = len(set(literals)) == 1
            pieces.append(pl.Series(literals[:1]) if same else pl.Series(literals).gather(which))
        if place < len(shape.slots):
            slot = slots[shape.slots[place]]
            pieces.append(slot if rows is None else slot.gather(rows))
    columns = {f"{i}": piece for i, piece in enumerate(pieces) if len(piece) == len(which)}
    every = [pl.col(f"{i}") if f"{i}" in columns else pl.lit(piece[0]) for i, piece in enumerate(pieces)]
    whole = pl.concat_str(every)
    if shape.capital:
        whole = whole.str.head(1).str.to_uppercase() + whole.str.slice(1)
    frame = pl.DataFrame(columns) if columns else pl.DataFrame({"_": which})
    return frame.with_columns(t=whole)["t"]
