"""One chart per suite: the figures, the thresholds, and in orange what breaks them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from provision_dagster.filters.quality.drift import DISTRIBUTIONS, Drift
from provision_dagster.filters.quality.suites import Suite
from provision_dagster.filters.quality.validate import Outcome
from provision_dagster.plotting import BLUE, GRAY, HEIGHT, ORANGE, legend, panels, titled, to_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS = 20
"""Bars of a chart: those that break a threshold, then the largest."""


def plot(suite: Suite, *, figures: pl.DataFrame, outcomes: Sequence[Outcome], drift: Drift | None) -> bytes | None:
    """Draw what a suite looked at, as PNG; None when there is nothing to draw.

    Parameters
    ----------
    figures
        Schema QA_QUALITY.
    outcomes
        Of this suite.
    drift
        Versions to compare; None when there is none before.
    """
    if suite.plotted == "drift":
        return _plot_drift(drift) if drift is not None else None
    shown = figures.filter(pl.col("measure") == suite.plotted)
    if shown.is_empty():
        return None
    broken = {name for o in outcomes if not o.passed for name in o.offending}
    return _histogram(suite, shown) if shown["of"].n_unique() == 1 else _bars(suite, shown, broken)


def _histogram(suite: Suite, shown: pl.DataFrame) -> bytes:
    figure, (panel,) = panels()
    ordered = shown.sort("part").head(60)
    panel.bar(_texts(ordered["part"]), ordered["value"].to_numpy(), color=BLUE)
    panel.tick_params(axis="x", rotation=90, labelsize=5)
    titled(panel, suite.plotted.replace("_", " "), y="share")
    return to_png(figure)


def _bars(suite: Suite, shown: pl.DataFrame, broken: set[str]) -> bytes:
    bad = pl.col("of").is_in(sorted(broken))
    ordered = shown.with_columns(bad=bad).sort("bad", "value", "of", descending=[True, True, False]).head(BARS)
    figure, (panel,) = panels(height=max(HEIGHT, 0.2 * ordered.height + 0.8))
    places = np.arange(ordered.height)
    panel.barh(places, ordered["value"].to_numpy(), color=[ORANGE if b else BLUE for b in ordered["bad"]])
    panel.set_yticks(places, _texts(ordered["of"]), fontsize=6)
    panel.invert_yaxis()
    for bound in _bounds(suite):
        panel.axvline(bound, color=GRAY, linestyle="--", linewidth=1)
    titled(panel, suite.plotted.replace("_", " "))
    return to_png(figure)


def _bounds(suite: Suite) -> list[float]:
    # the excess is judged where it is no accident
    told = [
        e.arguments
        for batch in suite.batches
        for e in batch.expectations
        if e.column.removeprefix("sure_") == suite.plotted
    ]
    return [float(one[side]) for one in told for side in ("min_value", "max_value") if one.get(side) is not None]


def _plot_drift(drift: Drift) -> bytes | None:
    """Draw the two distributions that moved most."""
    known = [name for name in DISTRIBUTIONS if drift.sides(*name).height]
    distances = drift.distances()
    order = dict(distances.drop_nulls("jensen_shannon").select("of", "jensen_shannon").iter_rows())
    moved = sorted(known, key=lambda name: -order.get(f"{name[0]}: {name[1]}", 0.0))[:2]
    if not moved:
        return None
    figure, shown = panels(columns=len(moved))
    for panel, name in zip(shown, moved, strict=True):
        _two_sides(panel, drift.sides(*name).head(BARS))
        titled(panel, f"{name[1].replace('_', ' ')}: JS {order.get(f'{name[0]}: {name[1]}', 0.0):.3f}")
    legend(shown[0])
    return to_png(figure)


def _two_sides(panel: "Axes", sides: pl.DataFrame) -> None:
    places = np.arange(sides.height)
    panel.barh(places - 0.2, sides["before"].to_numpy(), height=0.4, color=GRAY, label="before")
    panel.barh(places + 0.2, sides["now"].to_numpy(), height=0.4, color=BLUE, label="now")
    panel.set_yticks(places, _texts(sides["part"].replace("", "(others)")), fontsize=6)
    panel.invert_yaxis()


def _texts(names: Iterable[str]) -> list[str]:
    # a dollar sign would begin a formula
    return [name[:24].replace("$", r"\$") for name in names]
