"""How well scores tell what is true from what was corrupted: the ROC curve and the area under it."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from provision_dagster import plotting

Floats = NDArray[np.float64]


def roc_auc(true: ArrayLike, false: ArrayLike) -> float:
    """Return the chance that a true one has a higher score than a false one; where they are equal, a half counts.

    Parameters
    ----------
    true, false
        Scores, shapes (n,) and (m,), at least one each.
    """
    high, low = np.asarray(true, dtype=np.float64), np.sort(np.asarray(false, dtype=np.float64))
    below, most = (np.searchsorted(low, high, side=side) for side in ("left", "right"))
    return float((below + most).mean() / (2 * len(low)))


def roc_curve(true: ArrayLike, false: ArrayLike) -> tuple[Floats, Floats]:
    """Return the shares of false and of true ones that are kept at each threshold, from none to all."""
    scores = np.concatenate([np.asarray(true, dtype=np.float64), np.asarray(false, dtype=np.float64)])
    truth = np.arange(len(scores)) < len(np.asarray(true))
    order = np.argsort(-scores, kind="stable")
    # equal scores are kept together
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits, misses = np.cumsum(truth[order])[ends], np.cumsum(~truth[order])[ends]
    return np.append(0.0, misses / max(misses[-1], 1)), np.append(0.0, hits / max(hits[-1], 1))


def roc_chart(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, title: str) -> bytes:
    """Draw curves as PNG.

    Parameters
    ----------
    curves
        By name, scores of true and of false ones; the first curve is drawn thickest.
    """
    figure, (panel,) = plotting.panels(height=plotting.WIDTH)
    panel.plot([0, 1], [0, 1], color=plotting.GRAY, linewidth=0.8, linestyle=":")
    for place, (name, (true, false)) in enumerate(curves.items()):
        label = f"{name} ({roc_auc(true, false):.3f})"
        color = plotting.BLUE if place == 0 else None
        panel.plot(*roc_curve(true, false), linewidth=2.0 if place == 0 else 0.9, color=color, label=label)
    plotting.titled(panel, title, x="share of false ones kept", y="share of true ones kept")
    panel.legend(loc="lower right", fontsize=7, frameon=False)
    return plotting.to_png(figure)
