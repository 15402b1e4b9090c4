"""Tables of measurements, on the screen and as Markdown; where and with what they were taken."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

PACKAGES = ("polars", "numpy", "deltalake", "pyarrow")


@dataclass
class Table:
    """One table.

    Parameters
    ----------
    columns
        Headings; those that begin with "<" are set left.
    notes
        Sentences below it.
    """

    title: str
    columns: Sequence[str]
    notes: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)

    @property
    def headings(self) -> list[str]:
        """Headings without marks."""
        return [column.removeprefix("<") for column in self.columns]

    def rich(self) -> RichTable:
        """Lay it out for the screen."""
        table = RichTable(title=self.title, caption=" ".join(self.notes), caption_justify="left")
        for column, heading in zip(self.columns, self.headings, strict=True):
            left = column.startswith("<")
            table.add_column(heading, justify="left" if left else "right", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """Lay it out as Markdown."""
        marks = [":--" if column.startswith("<") else "--:" for column in self.columns]
        lines = ["| " + " | ".join(row) + " |" for row in (self.headings, marks, *self.rows)]
        return "\n".join([*lines, "", *(f"{note}  " for note in self.notes)]).rstrip()


def machine(source: str, command: str, *, packages: Sequence[str] = PACKAGES) -> list[tuple[str, str]]:
    """Say what was measured on, with and how: (what, value)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return [
        ("command", f"`{command}`"),
        ("data", source),
        ("machine", f"{platform.system()} {platform.machine()}, {_cpu()}, {cores} cores, {memory:.0f} GiB memory"),
        ("versions", f"python {platform.python_version()}, {versions}"),
        ("measured", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; load average at the start {load}"),
    ]


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found.group(1) if found else platform.processor() or "unknown processor"


def show(console: Console, table: Table) -> None:
    """Print a table."""
    console.print(table.rich(), "")


def write(path: Path, tables: Sequence[Table], *, about: Sequence[tuple[str, str]]) -> None:
    """Write tables as sections of a Markdown file; its other sections stay as they are."""
    text = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    for table in tables:
        lines = "\n".join(f"- {what}: {value}" for what, value in about)
        text = _replaced(text, f"## {table.title}", f"\n{lines}\n\n{table.markdown()}\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _replaced(text: str, heading: str, body: str) -> str:
    """Replace the section of a heading, up to the next heading of its level or above; add it if there is none."""
    section = re.compile(rf"^{re.escape(heading)}\n.*?(?=^##? |\Z)", re.MULTILINE | re.DOTALL)
    fresh = f"{heading}\n{body}\n"
    found = section.search(text)
    if found is None:
        return text.rstrip("\n") + "\n\n" + fresh.rstrip("\n") + "\n"
    return (text[: found.start()] + fresh + text[found.end() :]).rstrip("\n") + "\n"


def megabytes(size: int) -> str:
    """Format bytes."""
    return f"{size / 1e6:,.0f}"


def seconds(value: float) -> str:
    """Format a time with three digits."""
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
