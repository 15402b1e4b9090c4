"""How sure a judge is of the questions, as PNG."""

import polars as pl

from provision_dagster.plotting import BLUE, GRAY, ORANGE, legend, panels, titled, to_png

BINS = 40


def share_between(rows: pl.DataFrame, *, low: float, high: float) -> float | None:
    """Share of the scored rows of JUDGE_SCORES with low <= P(Yes) < high; null where none is scored."""
    inside = (rows["p_yes"].drop_nulls() >= low) & (rows["p_yes"].drop_nulls() < high)
    return inside.cast(pl.Float64).mean()  # type: ignore[return-value]


def plot_p_yes(rows: pl.DataFrame, *, threshold: float, hard: float) -> bytes | None:
    """Draw P(Yes) of JUDGE_SCORES by form, the threshold and the hard band below it; None when nothing is scored."""
    scored = rows.filter(pl.col("p_yes").is_not_null())
    if scored.is_empty():
        return None
    figure, (panel,) = panels()
    forms = scored["form"].unique().sort(descending=True).to_list()
    values = [scored.filter(form=form)["p_yes"].to_numpy() for form in forms]
    panel.hist(values, bins=BINS, range=(0, 1), stacked=True, color=[BLUE, GRAY][: len(forms)], label=forms)
    if hard < threshold:
        panel.axvspan(hard, threshold, color=ORANGE, alpha=0.25, label="hard")
    panel.axvline(threshold, color=ORANGE, label=f"threshold {threshold:g}")
    legend(panel)
    below = float((scored["p_yes"] < threshold).cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]
    titled(panel, f"{scored.height:,} forms, {below:.1%} below", x="P(Yes)", y="forms of questions")
    return to_png(figure)
