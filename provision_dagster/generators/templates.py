"""Question templates: data in YAML, checked when loaded, filled column-wise.

A file maps generator names to lists. An entry is a text, or `open` and `choice` texts where the two forms differ (a
question
that lists its candidates in the open form leaves them to the lettered options in the other). Slots stand in braces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import polars as pl
import yaml

from provision_dagster.errors import InputError
from provision_dagster.generators.hashing import below, draw

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


def fill(rows: pl.DataFrame, *, templates: Sequence[Template]) -> pl.DataFrame:
    """Choose a template per row by its hash `h` and fill it: adds `template`, `question` and `choice_question`."""
    chosen = below(draw(rows["h"].to_numpy(), "template"), len(templates)).astype(np.uint32)
    parts = rows.with_columns(_chosen=pl.Series(chosen, dtype=pl.UInt32)).partition_by("_chosen", as_dict=True)
    filled = [
        part.with_columns(
            template=pl.lit(template.id),
            question=_filled(template.open),
            choice_question=_filled(template.choice) if template.choice else pl.lit(None, dtype=pl.String),
        )
        for number, template in enumerate(templates)
        if (part := parts.get((number,))) is not None
    ]
    return pl.concat(filled).drop("_chosen")


def _filled(text: str) -> pl.Expr:
    pieces: list[pl.Expr] = []
    for literal, field, _, _ in Formatter().parse(text):
        if literal:
            pieces.append(pl.lit(literal))
        if field is not None:
            pieces.append(pl.col(field))
    return pl.concat_str(pieces)
