"""Charts as SVG: the same numbers give the same text. In a page they take its colors; as a file they stand on white."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
from markupsafe import Markup

from provision_dagster.mixes.card.pages import number, percent, render_page

WIDTH = 560
NAME, VALUE = 175, 165
"""Pixels for the name of a bar, and for its number."""
LINE, TOP = 20, 34
LONGEST = 28
"""Letters of the name of a bar."""
PLOT = (64, 40, 476, 210)
"""Left, top, width and height of the area in which curves are drawn."""
MOST_POINTS = 120
"""Points of a curve; ranks in between are left out evenly on the logarithmic axis."""

_NO_XML = re.compile(r"[\x00-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Chart:
    """A chart with a name for its file; `described` says in words what it shows."""

    name: str
    title: str
    described: str
    svg: Markup
    file: str


@dataclass(frozen=True)
class Bar:
    """A bar: full name, name as it is written, where it stands and how long it is, in pixels, and its number."""

    full: str
    name: str
    y: int
    length: float
    value: str


def bars(name: str, title: str, counts: pl.DataFrame, *, logarithmic: bool = False) -> Chart:
    """Draw horizontal bars.

    Parameters
    ----------
    name
        Name of the file, without its end.
    title
        What is counted.
    counts
        `value`, `rows`, `share` (null: none is told), from top to bottom.
    logarithmic
        Whether a bar grows with the logarithm of its number.
    """
    most = _long(max([*counts["rows"].to_list(), 1]), logarithmic)
    room = WIDTH - NAME - VALUE
    drawn = [
        Bar(
            full=_said(row["value"]),
            name=_short(_said(row["value"])),
            y=TOP + place * LINE,
            length=round(max(room * _long(row["rows"], logarithmic) / most, 1.0 if row["rows"] else 0.0), 1),
            value=number(row["rows"]) + (f" ({percent(row['share'])})" if row["share"] is not None else ""),
        )
        for place, row in enumerate(counts.iter_rows(named=True))
    ]
    described = "; ".join(f"{bar.full}: {bar.value}" for bar in drawn) or "no rows"
    given = {"width": WIDTH, "height": TOP + len(drawn) * LINE + 8, "name": NAME, "line": LINE, "bars": drawn}
    return _chart("bars.svg.jinja", name, title, described, given)


def curve(name: str, title: str, counts: pl.DataFrame) -> Chart:
    """Draw how often values occur against their rank, both axes logarithmic: a straight line is a power law.

    Parameters
    ----------
    name
        Name of the file, without its end.
    title
        What is counted.
    counts
        `value`, `rows`, the most frequent first.
    """
    rows = counts["rows"].to_list()
    ranks = _spread(len(rows))
    decades_x, decades_y = _decades(len(rows)), _decades(max([*rows, 1]))
    points = [
        (
            round(PLOT[0] + PLOT[2] * math.log10(rank) / decades_x, 1),
            round(PLOT[1] + PLOT[3] * (1 - math.log10(rows[rank - 1]) / decades_y), 1),
        )
        for rank in ranks
    ]
    described = f"{len(rows)} values, from {max([*rows, 0])} to {min([*rows], default=0)} examples"
    ticks_x = [(round(PLOT[0] + PLOT[2] * d / decades_x, 1), number(10**d)) for d in range(decades_x + 1)]
    ticks_y = [(round(PLOT[1] + PLOT[3] * (1 - d / decades_y), 1), number(10**d)) for d in range(decades_y + 1)]
    given = {
        "width": WIDTH,
        "height": PLOT[1] + PLOT[3] + 46,
        "plot": PLOT,
        "points": points,
        "ends": points[:1] + points[-1:],
    }
    return _chart("curve.svg.jinja", name, title, described, given | {"ticks_x": ticks_x, "ticks_y": ticks_y})


def _chart(template: str, name: str, title: str, described: str, given: dict[str, object]) -> Chart:
    told = {"title": title, "described": described, "id": name, **given}
    svg = Markup(render_page(template, file=False, **told))
    return Chart(name, title, described, svg, render_page(template, file=True, **told))


def _long(rows: int, logarithmic: bool) -> float:
    return math.log10(rows + 1) if logarithmic else rows


def _said(value: str | None) -> str:
    return _NO_XML.sub("\ufffd", " ".join((value or "").split())) or "(none)"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _decades(most: int) -> int:
    return max(1, math.ceil(math.log10(most))) if most else 1


def _spread(ranks: int) -> Sequence[int]:
    """Some ranks from the first to the last, evenly on a logarithmic axis."""
    if ranks <= MOST_POINTS:
        return range(1, ranks + 1)
    steps = (round(ranks ** (step / (MOST_POINTS - 1))) for step in range(MOST_POINTS))
    return list(dict.fromkeys(steps))
