"""What `provision sql` and `provision why` print."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from provision_dagster.stored_sql import Explained
from provision_dagster.why import Story

CELL = 80
"""Characters of a cell at most."""

WIDE = 6
"""Columns of a table at most; wider ones are printed row by row."""


def print_frame(console: Console, frame: pl.DataFrame, *, title: str | None = None) -> None:
    """Print a frame as a table, or that it has no rows."""
    if frame.is_empty():
        console.print(f"{title}: none" if title else "no rows", markup=False)
        return
    if frame.width > WIDE:
        for place, named in enumerate(frame.iter_rows(named=True), start=1):
            console.print(f"{title or 'row'} {place}", style="bold", markup=False)
            _print_pairs(console, _told(named, frame.columns))
        return
    table = Table(*frame.columns, title=title, title_justify="left", title_style="bold")
    for row in frame.iter_rows():
        table.add_row(*(_cut(_cell(value)) for value in row))
    console.print(table, markup=False)


def print_explained(console: Console, explained: Explained) -> None:
    """Print SQL, description, upstream, columns with their sources, and DuckDB's plan."""
    model = explained.model
    console.print(f"{model.layer}/{model.name}.sql", style="bold", markup=False)
    console.print(model.description, markup=False)
    console.print(f"\n{model.sql}", markup=False, highlight=False)
    console.print(f"reads: {', '.join(model.reads)}", markup=False, soft_wrap=True)
    console.print(f"runs after: {', '.join(explained.upstream) or 'nothing'}", markup=False, soft_wrap=True)
    table = Table("column", "from")
    for column, sources in explained.columns.items():
        table.add_row(column, ", ".join(f"{s.table}.{s.column}" for s in sources) or "a constant or a count of rows")
    console.print(table)
    console.print(explained.plan, markup=False, highlight=False, soft_wrap=True)


def print_story(console: Console, story: Story) -> None:
    """Print what is known of a question, from the picture to the mixes."""
    qa = story.qa
    _print_pairs(console, _told(qa, ("id", "shard", "question", "answer", "choice_question", "options")))
    if len(story.shards) > 1:
        console.print(f"also in shards: {', '.join(story.shards[1:])}", markup=False, soft_wrap=True)
    made = ("family", "generator", "generator_version", "template", "rules", "seed")
    _print_pairs(console, _told(qa, made))
    picture = ["image_id", "image_set", "image_key", "uri", "width", "height", "status", "license"]
    picture += ["safety", "unsafe_score", "error"]
    print_frame(console, story.pictures.select(picture), title="pictures")
    print_frame(console, story.objects, title="objects that prove the answer")
    print_frame(console, story.relations, title="relations between them")
    print_frame(console, story.funnel, title=f"candidates of {qa['generator']} in this shard")
    for name, rows in story.scores.items():
        print_frame(console, rows.drop("shard"), title=name)
    print_frame(console, story.verdicts, title="rules, in order, with the thresholds of today")
    console.print(_outcome(story), style="bold", markup=False, soft_wrap=True)
    print_frame(console, story.mixes, title="mixes that hold it")


def _outcome(story: Story) -> str:
    if story.kept is None:
        return "neither kept nor rejected: the filters have not run since it was generated"
    rule = story.stored["rule"] if story.stored else None
    told = "kept: it is in filtered_qa" if story.kept else f"rejected by the rule {rule}: it is in rejected_qa"
    if story.outdated:
        told += "; with the thresholds and scores of today it would not be so: filter again"
    return told


def _told(row: dict[str, Any], names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, _cell(row[name])) for name in names if row[name] not in (None, [])]


def _print_pairs(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    for name, value in pairs:
        console.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{name}={_cell(part)}" for name, part in value.items())
    text = "" if value is None else str(value)
    return text


def _cut(text: str) -> str:
    return text if len(text) <= CELL else text[: CELL - 1] + "…"
