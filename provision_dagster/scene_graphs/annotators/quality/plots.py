"""Charts of how good annotators are, as PNG by name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from provision_dagster.plotting import BLUE, GRAY, HEIGHT, ORANGE, legend, panels, titled, to_png
from provision_dagster.scene_graphs.annotators.quality.attributes import AttributeQuality
from provision_dagster.scene_graphs.annotators.quality.boxes import DetectionQuality
from provision_dagster.scene_graphs.annotators.quality.depth import DepthQuality
from provision_dagster.scene_graphs.annotators.quality.masks import MaskQuality
from provision_dagster.scene_graphs.annotators.quality.measured import Quality
from provision_dagster.scene_graphs.annotators.quality.relations import RelationQuality

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 20
"""Labels, categories or predicates of one chart: the most frequent."""
LINE = 0.17
"""Inches of a bar with its name."""


def plot_quality(quality: Quality) -> dict[str, bytes]:
    """
    Draw what was measured.

    Returns
    -------
    dict
        PNGs by name: `precision_recall`, `ap_by_label`, `mask_iou`, `depth_ranks`, `attributes`, `relations`; parts
        that were not compared are left out.
    """
    drawn: dict[str, bytes] = {}
    if quality.detections is not None:
        drawn["precision_recall"] = _precision_recall(quality.detections)
        drawn["ap_by_label"] = _by_label(quality.detections)
    if quality.masks is not None:
        drawn["mask_iou"] = _mask_iou(quality.masks)
    if quality.depth is not None:
        drawn["depth_ranks"] = _depth_ranks(quality.depth)
    if quality.attributes is not None:
        drawn["attributes"] = _attributes(quality.attributes)
    if quality.relations is not None:
        drawn["relations"] = _relations(quality.relations)
    return drawn


def _precision_recall(found: DetectionQuality) -> bytes:
    figure, (panel,) = panels()
    for column, name, color in (
        ("at_50", "IoU .50", BLUE),
        ("at_75", "IoU .75", ORANGE),
        ("mean", "mean of .50 - .95", GRAY),
    ):
        panel.plot(found.curve["recall"].to_numpy(), found.curve[column].to_numpy(), color=color, label=name)
    panel.set(xlim=(0, 1), ylim=(0, 1.02))
    legend(panel)
    titled(panel, f"Detections: AP {found.ap:.3f}, AP50 {found.ap50:.3f}", x="recall", y="precision")
    return to_png(figure)


def _by_label(found: DetectionQuality) -> bytes:
    rows = found.by_label.head(MOST_BARS)
    figure, (panel,) = panels(height=_height(rows))
    _bars(panel, _named(rows, "label", "objects"), [("AP50", rows["ap50"], GRAY), ("AP", rows["ap"], BLUE)])
    titled(panel, _most("Average precision by label", rows, found.by_label), x="AP")
    return to_png(figure)


def _mask_iou(found: MaskQuality) -> bytes:
    figure, (panel,) = panels()
    panel.hist(found.by_object["iou"].to_numpy(), bins=np.linspace(0, 1, 21).tolist(), color=BLUE)
    panel.axvline(found.median, color=ORANGE, label=f"median {found.median:.3f}")
    panel.set_xlim(0, 1)
    legend(panel)
    titled(panel, f"Masks: mean IoU {found.mean:.3f} of {found.by_object.height:,} objects", x="IoU", y="objects")
    return to_png(figure)


def _depth_ranks(found: DepthQuality) -> bytes:
    figure, (panel,) = panels()
    truth, made = (found.ranks[name].to_numpy() for name in ("truth", "found"))
    panel.hist2d(truth, made, bins=25, range=[[0, 1], [0, 1]], cmap="Blues")
    panel.plot([0, 1], [0, 1], color=ORANGE, linewidth=1)
    pictures = found.by_picture["spearman"].drop_nulls().len()
    title = f"Depth: Spearman {found.spearman or 0:.3f}, {pictures:,} pictures"
    titled(panel, title, x="true rank of a pixel (1: closest)", y="the model's rank")
    return to_png(figure)


def _attributes(found: AttributeQuality) -> bytes:
    rows = found.by_category.head(MOST_BARS)
    figure, (panel,) = panels(height=_height(rows))
    bars = [("precision", rows["precision"], GRAY), ("recall", rows["recall"], BLUE)]
    _bars(panel, _named(rows, "category", "true"), bars)
    titled(panel, f"Attributes of {found.objects:,} objects", x="share")
    return to_png(figure)


def _relations(found: RelationQuality) -> bytes:
    rows = found.by_predicate.head(MOST_BARS)
    figure, (panel,) = panels(height=_height(rows))
    bars = [("no answer", rows["none"] / rows["pairs"], GRAY), ("right", rows["right"] / rows["pairs"], BLUE)]
    _bars(panel, _named(rows, "predicate", "pairs"), bars)
    titled(panel, _most(f"Relations of {found.pairs:,} pairs", rows, found.by_predicate), x="share")
    return to_png(figure)


def _bars(panel: "Axes", names: Sequence[str], series: Sequence[tuple[str, pl.Series, str]]) -> None:
    """Lying bars, the first name on top; several values of a name side by side. Null has no bar."""
    places, high = np.arange(len(names)), 0.8 / len(series)
    for number, (name, values, color) in enumerate(series):
        offset = (number - (len(series) - 1) / 2) * high
        panel.barh(places - offset, values.fill_null(0.0).to_numpy(), height=high, color=color, label=name)
    panel.set_yticks(places, names, fontsize=7)
    panel.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))
    legend(panel)


def _named(rows: pl.DataFrame, name: str, count: str) -> list[str]:
    """Names with how many things they are of; a dollar sign would begin a formula."""
    return [f"{text[:24]} ({number:,})".replace("$", r"\$") for text, number in rows.select(name, count).iter_rows()]


def _most(title: str, shown: pl.DataFrame, every: pl.DataFrame) -> str:
    return title if shown.height == every.height else f"{title} ({shown.height} of {every.height})"


def _height(rows: pl.DataFrame) -> float:
    return max(HEIGHT, 0.8 + LINE * rows.height)
