"""How far the scene graphs of a shard are from those before: distributions, compared one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from provision_dagster.plotting import BLUE, GRAY, legend, panels, titled, to_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMITS = {
    "objects per image": 0.2,
    "labels": 0.15,
    "scores": 0.2,
    "attributes": 0.15,
    "relations per image": 0.2,
    "predicates": 0.15,
}
"""Largest distance that is taken for the same. Of numbers: Kolmogorov and Smirnov's statistic, the largest difference
of the two shares of values up to x; of words: total variation, the share of mentions that would have to change. Both
0 .. 1. The pictures are mostly the same, so what is small in two samples is already a change here."""

WORDS = ("labels", "attributes", "predicates")
PLOTTED = ("objects per image", "labels", "scores", "relations per image")
SHOWN = 10
"""Words of the head of a distribution."""

DISTANCES = {
    "what": pl.String(),
    "distance": pl.Float64(),
    "limit": pl.Float64(),
    "before": pl.String(),
    "now": pl.String(),
}

Values = Mapping[str, pl.Series]


def values_of(graphs: pl.LazyFrame) -> dict[str, pl.Series]:
    """Take what is compared out of scene graphs: a series per name of LIMITS.

    Parameters
    ----------
    graphs
        Schema SCENE_GRAPHS; only `objects` and `relations` are read.
    """
    objects, relations = pl.col("objects").list, pl.col("relations").list
    lists = {
        "labels": objects.eval(pl.element().struct.field("label")),
        "scores": objects.eval(pl.element().struct.field("score")),
        "attributes": objects.eval(pl.element().struct.field("attributes").explode()),
        "predicates": relations.eval(pl.element().struct.field("predicate")),
    }
    numbers = {"objects per image": objects.len(), "relations per image": relations.len()}
    rows = graphs.select(**lists, **numbers).collect()
    return {name: rows[name].explode().drop_nulls() if name in lists else rows[name] for name in LIMITS}


@dataclass(frozen=True)
class Drift:
    """Two versions of the scene graphs of a shard.

    Attributes
    ----------
    before, now
        As `values_of` returns them.
    """

    before: Values
    now: Values

    def distances(self) -> pl.DataFrame:
        """Return columns of DISTANCES; what neither version has (scores of humans, attributes) has no row."""
        rows = []
        for name, limit in LIMITS.items():
            before, now = self.before[name], self.now[name]
            if len(before) or len(now):
                rows.append((name, _distance(name, before, now), limit, _head(name, before), _head(name, now)))
        return pl.DataFrame(rows, schema=DISTANCES, orient="row")

    def plot(self) -> bytes:
        """Draw both versions side by side, as PNG."""
        names = [name for name in PLOTTED if len(self.before[name]) or len(self.now[name])]
        figure, shown = panels(columns=len(names))
        for panel, name in zip(shown, names, strict=True):
            before, now = self.before[name], self.now[name]
            draw = _bars if name in WORDS else _histogram
            draw(panel, before, now)
            titled(panel, f"{name}: distance {_distance(name, before, now):.2f}")
        legend(shown[0])
        return to_png(figure)


def _bars(panel: "Axes", before: pl.Series, now: pl.Series) -> None:
    shares = _shares(before, now).head(SHOWN)
    places = np.arange(shares.height)
    panel.barh(places - 0.2, shares["before"].to_numpy(), height=0.4, color=GRAY, label="before")
    panel.barh(places + 0.2, shares["now"].to_numpy(), height=0.4, color=BLUE, label="now")
    # a dollar sign would begin a formula
    panel.set_yticks(places, [text[:20].replace("$", r"\$") for text in shares["word"]], fontsize=7)
    panel.invert_yaxis()


def _histogram(panel: "Axes", before: pl.Series, now: pl.Series) -> None:
    sides = [before.cast(pl.Float64).to_numpy(), now.cast(pl.Float64).to_numpy()]
    edges = np.histogram_bin_edges(np.concatenate(sides), bins=20)
    panel.hist(sides, bins=edges.tolist(), color=[GRAY, BLUE], label=["before", "now"])


def _distance(name: str, before: pl.Series, now: pl.Series) -> float:
    """0 .. 1; 1 where only one of the two has any value."""
    if before.is_empty() or now.is_empty():
        return float(len(before) != len(now))
    if name in WORDS:
        shares = _shares(before, now)
        return min(1.0, float((shares["before"] - shares["now"]).abs().sum()) / 2)
    return number_distance(before, now)


def number_distance(before: pl.Series, now: pl.Series) -> float:
    """Kolmogorov and Smirnov's statistic of two samples of numbers, neither of them empty."""
    # not scipy's `ks_2samp`: it computes a probability as well, which takes long and is not used
    values = pl.concat([before.cast(pl.Float64), now.cast(pl.Float64)]).unique().to_numpy()
    sides = [np.searchsorted(np.sort(side.to_numpy()), values, side="right") / len(side) for side in (before, now)]
    return float(np.abs(sides[0] - sides[1]).max())


def _shares(before: pl.Series, now: pl.Series) -> pl.DataFrame:
    """Share of each word in both: `word`, `before`, `now`, most frequent of both together first."""
    sides = []
    for name, series in (("before", before), ("now", now)):
        words = series.alias("word").cast(pl.String).to_frame()
        sides.append(words.group_by("word").agg((pl.len() / max(1, words.height)).alias(name)))
    both = (
        sides[0].join(sides[1], on="word", how="full", coalesce=True).with_columns(pl.col("before", "now").fill_null(0))
    )
    return both.sort(-(pl.col("before") + pl.col("now")), "word")


def _head(name: str, values: pl.Series) -> str:
    """The most frequent words with their shares, or how many numbers there are and their mean and quartiles."""
    if values.is_empty():
        return "none"
    if name in WORDS:
        shares = _shares(values, values.clear()).head(SHOWN).select("word", "before")
        return ", ".join(f"{word} {share:.0%}" for word, share in shares.iter_rows())
    numbers = values.cast(pl.Float64)
    sample = numbers.to_numpy()
    quartiles = ", ".join(f"{value:.3g}" for value in np.quantile(sample, (0.25, 0.5, 0.75)).tolist())
    return f"{len(sample):,}: mean {float(sample.mean()):.3g}; {quartiles}"
