"""Which threshold keeps what is true: precision and recall of a score over labelled pairs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.plotting import BLUE, GRAY, ORANGE, legend, panels, titled, to_png

Chosen = Literal["f1", "precision", "recall"]

STEPS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Precisions whose thresholds are told."""

THRESHOLDS: dict[str, pl.DataType] = {
    "threshold": pl.Float64(),
    "kept": pl.Int64(),
    "true_kept": pl.Int64(),
    "precision": pl.Float64(),
    "recall": pl.Float64(),
    "f1": pl.Float64(),
}
"""One row per distinct score, highest first: what is kept when scores from there on are."""


@dataclass(frozen=True)
class Calibration:
    """What labelled scores say of thresholds.

    Attributes
    ----------
    pairs, true
        How many there are, and how many of them are labelled true.
    auc
        Area under the ROC curve: how often a true pair has a higher score than a false one; ties count half.
    thresholds
        Schema THRESHOLDS.
    chosen
        The row of `thresholds` that is proposed.
    by
        Why: best F1, the lowest threshold of the wanted precision, or the highest of the wanted recall.
    """

    pairs: int
    true: int
    auc: float
    thresholds: pl.DataFrame
    chosen: dict[str, float]
    by: Chosen


def calibrate(scores: pl.DataFrame, *, precision: float | None = None, recall: float | None = None) -> Calibration:
    """Choose the threshold of a score from pairs of which it is known whether they are true.

    Parameters
    ----------
    scores
        Columns `score` (higher: truer) and `label` (true or false), without nulls.
    precision
        Share of true ones among those that are kept, 0 .. 1: the lowest threshold that reaches it is chosen.
    recall
        Share of the true ones that are kept, 0 .. 1: the highest threshold that reaches it is chosen. Without either:
        the threshold of the best F1.

    Returns
    -------
    Calibration
        A pair is kept when its score is at least the threshold.

    Raises
    ------
    InputError
        When `precision` or `recall` is no share or both are given, no threshold reaches the precision, or all labels
        are alike.
    """
    if precision is not None and recall is not None:
        raise InputError("`precision` and `recall` cannot both be asked for: each chooses a threshold")
    for name, share in (("precision", precision), ("recall", recall)):
        if share is not None and not 0 <= share <= 1:
            raise InputError(f"`{name}` must be 0 .. 1, got {share:g}")
    true = int(scores["label"].sum())
    if true in (0, scores.height):
        raise InputError(
            f"labels must be both true and false, got {true:,} true and {scores.height - true:,} false: a threshold "
            "tells one from the other"
        )
    table = _thresholds(scores, true=true)
    chosen = _chosen(table, precision, recall)
    by: Chosen = "precision" if precision is not None else "recall" if recall is not None else "f1"
    return Calibration(scores.height, true, _auc(scores, true=true), table, chosen, by)


def _thresholds(scores: pl.DataFrame, *, true: int) -> pl.DataFrame:
    steps = scores.group_by(threshold="score").agg(kept=pl.len(), true_kept=pl.col("label").sum())
    table = steps.sort("threshold", descending=True).with_columns(pl.col("kept", "true_kept").cast(pl.Int64).cum_sum())
    shares = table.with_columns(precision=pl.col("true_kept") / pl.col("kept"), recall=pl.col("true_kept") / true)
    f1 = 2 * pl.col("true_kept") / (pl.col("kept") + true)
    return shares.with_columns(f1=f1).select(pl.col(name).cast(dtype) for name, dtype in THRESHOLDS.items())


def _chosen(table: pl.DataFrame, precision: float | None, recall: float | None) -> dict[str, float]:
    if recall is not None:
        return table.filter(pl.col("recall") >= recall).sort("threshold", descending=True).row(0, named=True)
    if precision is None:
        # of equal ones the stricter
        return table.sort("f1", "threshold", descending=True).row(0, named=True)
    enough = table.filter(pl.col("precision") >= precision)
    if enough.is_empty():
        best = table.sort("precision", "recall", descending=True).row(0, named=True)
        raise InputError(
            f"no threshold reaches a precision of {precision:g}: the best is {best['precision']:.3f}, at "
            f"{best['threshold']:.4f}, which keeps {best['kept']:,} of {int(table['kept'][-1]):,}"
        )
    return enough.sort("threshold").row(0, named=True)


def _auc(scores: pl.DataFrame, *, true: int) -> float:
    """Mann and Whitney's statistic as a share."""
    ranks = scores.select(pl.col("score").rank("average").filter("label").sum()).item()
    return float((ranks - true * (true + 1) / 2) / (true * (scores.height - true)))


def told_thresholds(found: Calibration) -> pl.DataFrame:
    """List the lowest threshold of each of some precisions; null where none reaches it. Schema THRESHOLDS, `wanted`."""
    rows = [
        found.thresholds.filter(pl.col("precision") >= step).sort("threshold").head(1).with_columns(wanted=pl.lit(step))
        for step in STEPS
    ]
    wanted = pl.DataFrame({"wanted": STEPS}, schema={"wanted": pl.Float64()})
    return wanted.join(pl.concat(rows), on="wanted", how="left", maintain_order="left")


def write_calibration(found: Calibration, out: Path) -> list[Path]:
    """Write `calibration.json` (what is proposed), `thresholds.csv` (all) and `precision_recall.png`."""
    out.mkdir(parents=True, exist_ok=True)
    files = [out / "calibration.json", out / "thresholds.csv", out / "precision_recall.png"]
    summary = {"pairs": found.pairs, "true": found.true, "auc": found.auc, "chosen_by": found.by, **found.chosen}
    files[0].write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    found.thresholds.write_csv(files[1])
    files[2].write_bytes(plot_calibration(found))
    return files


def plot_calibration(found: Calibration) -> bytes:
    """Draw precision over recall, and both over the threshold, with the chosen one; PNG."""
    figure, (curve, both) = panels(columns=2)
    table, chosen = found.thresholds, found.chosen
    curve.plot(table["recall"].to_numpy(), table["precision"].to_numpy(), color=BLUE)
    curve.plot([chosen["recall"]], [chosen["precision"]], "o", color=ORANGE)
    curve.axhline(found.true / found.pairs, color=GRAY, linewidth=1, linestyle=":")
    curve.set(xlim=(0, 1.02), ylim=(0, 1.02))
    titled(curve, f"ROC AUC {found.auc:.3f}, {found.pairs:,} pairs, {found.true:,} true", x="recall", y="precision")
    for name, color in (("precision", BLUE), ("recall", GRAY)):
        both.plot(table["threshold"].to_numpy(), table[name].to_numpy(), color=color, label=name)
    both.axvline(chosen["threshold"], color=ORANGE, label=f"threshold {chosen['threshold']:.4g}")
    both.set_ylim(0, 1.02)
    legend(both)
    kept = f"precision {chosen['precision']:.3f}, recall {chosen['recall']:.3f}"
    titled(both, f"At {chosen['threshold']:.4g}: {kept}", x="threshold", y="share")
    return to_png(figure)
