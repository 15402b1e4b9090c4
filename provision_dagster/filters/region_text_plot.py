"""How the scores of regions and expressions are distributed, as PNG."""

import numpy as np
import polars as pl

from provision_dagster.plotting import BLUE, ORANGE, legend, panels, titled, to_png

BINS = 40


def plot_scores(rows: pl.DataFrame, *, threshold: float) -> bytes | None:
    """Draw the cosines of REGION_TEXT_SCORES and the threshold; None when there are none."""
    cosines = rows["cosine"].drop_nulls()
    if cosines.is_empty():
        return None
    figure, (panel,) = panels()
    panel.hist(cosines.to_numpy(), bins=BINS, color=BLUE)
    panel.axvline(threshold, color=ORANGE, label=f"threshold {threshold:g}")
    legend(panel)
    values = cosines.to_numpy()
    below, median = float(np.mean(values < threshold)), float(np.median(values))
    title = f"{len(values):,} questions, median {median:.3f}, {below:.1%} below"
    titled(panel, title, x="cosine of region and expression", y="questions")
    return to_png(figure)
