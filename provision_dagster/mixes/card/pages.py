"""Pages from templates: every value is escaped, whatever it holds, and the pages run no code but their own."""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

ROOM = Path(__file__).parents[1]
FOLDERS = (ROOM / "card" / "templates", ROOM / "gallery" / "templates")

_LEAST = 0.001
"""Shares nearer to nothing, or to all, are not told more precisely."""

_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")


def markdown(value: object) -> str:
    """Write a value as Markdown that shows it as it is, in one line; our own Markdown (`Markup`) stays."""
    if isinstance(value, Markup):
        return value
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)


def number(value: float | None, digits: int = 0) -> str:
    """Write a number with its thousands set apart."""
    return "" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """Write a share with one decimal; only nothing is 0.0%, and only all is 100.0%."""
    if value is None:
        return ""
    if 0 < value < _LEAST:
        return f"< {_LEAST:.1%}"
    return f"> {1 - _LEAST:.1%}" if 1 - _LEAST < value < 1 else f"{value:.1%}"


@cache
def _environment(kind: str) -> Environment:
    """Templates of HTML and SVG are escaped by Jinja2, those of Markdown value by value by `markdown`."""
    plain = kind == "md"
    made = Environment(
        loader=FileSystemLoader(FOLDERS),
        autoescape=not plain,
        finalize=markdown if plain else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # what a macro of Markdown gives is Markdown already
    made.filters |= {"number": number, "percent": percent, "own": Markup}
    return made


def render_page(template: str, **values: object) -> str:
    """Fill a template.

    Parameters
    ----------
    template
        Name of a template, `<page>.<html, svg or md>.jinja`.
    values
        What it names; a name that is not given is an error.

    Returns
    -------
    str
        The page.
    """
    kind = template.split(".")[-2]
    return _environment(kind).get_template(template).render(**values)


def asset(name: str) -> Markup:
    """Return a style sheet or script of ours, to be written into a page."""
    file = next(folder / name for folder in FOLDERS if (folder / name).is_file())
    return Markup(file.read_text(encoding="utf-8"))


def content_policy(*, styles: Sequence[str], scripts: Sequence[str] = ()) -> str:
    """Return the policy that lets a page use these styles, these scripts and the pictures in it, and nothing else."""
    allowed = {"style-src": styles, "script-src": scripts}
    rules = ["default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"]
    rules += [f"{name} {' '.join(map(_digest, texts))}" for name, texts in allowed.items() if texts]
    return "; ".join(rules)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
