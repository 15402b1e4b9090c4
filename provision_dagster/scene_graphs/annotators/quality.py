"""How good an annotator is, measured against annotated pictures."""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import spearmanr

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.found import Detections

MOST = 100
"""Detections per picture that COCO's AP looks at."""


@dataclass(frozen=True)
class DetectionQuality:
    """Average precision as COCO defines it (Lin et al., arXiv 1405.0312).

    Attributes
    ----------
    ap
        Mean over labels and over overlaps .50 .. .95.
    ap50
        Mean over labels at overlap .50.
    by_label
        One row per label that occurs in the truth: `label`, `objects`, `ap`, `ap50`.
    """

    ap: float
    ap50: float
    by_label: pl.DataFrame


def detection_quality(truth: pl.DataFrame, found: Mapping[str, Detections]) -> DetectionQuality:
    """Compare detections with marked objects, by pycocotools.

    Detections with a label that no picture of the truth has are left out: nothing is known about them.

    Parameters
    ----------
    truth
        `image_key`, `width`, `height`, `objects` (label, box, is_group), as in SCENE_GRAPHS; groups are COCO's crowds.
    found
        Detections of the same pictures by `image_key`; a picture without an entry counts as one in which nothing
        was found.

    Raises
    ------
    InputError
        When the truth marks no object.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    labels = _labels(truth)
    if not labels:
        raise InputError("the annotated pictures have no object to compare with")
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    places = {key: number for number, key in enumerate(truth["image_key"], start=1)}
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools talks
        marked = COCO()
        marked.dataset = _coco(truth, numbers, places)
        marked.createIndex()
        results = _results(found, numbers, places)
        detected = marked.loadRes(results) if results else _nothing(marked)
        run = COCOeval(marked, detected, "bbox")
        run.evaluate()
        run.accumulate()
    return _quality(run.eval["precision"], truth, labels)


def _labels(truth: pl.DataFrame) -> list[str]:
    labels = truth.select(pl.col("objects").list.eval(pl.element().struct.field("label"))).explode("objects")
    return sorted(set(labels["objects"].drop_nulls()))


def _coco(truth: pl.DataFrame, numbers: Mapping[str, int], places: Mapping[str, int]) -> dict[str, Any]:
    objects = truth.select("image_key", "objects").filter(pl.col("objects").list.len() > 0).explode("objects")
    marks = []
    for number, (key, thing) in enumerate(objects.iter_rows(), start=1):
        box = _xywh([thing["box"][side] for side in ("x1", "y1", "x2", "y2")])
        kind = numbers[thing["label"]]
        crowd = int(bool(thing["is_group"]))
        marks.append(
            {"id": number, "image_id": places[key], "category_id": kind, "bbox": box, "iscrowd": crowd}
            | {"area": box[2] * box[3]}
        )
    sizes = truth.select("image_key", "width", "height").iter_rows()
    return {
        "info": {},
        "images": [{"id": places[key], "width": width, "height": height} for key, width, height in sizes],
        "categories": [{"id": number, "name": label} for label, number in numbers.items()],
        "annotations": marks,
    }


def _results(
    found: Mapping[str, Detections], numbers: Mapping[str, int], places: Mapping[str, int]
) -> list[dict[str, Any]]:
    return [
        {"image_id": places[key], "category_id": numbers[label], "bbox": _xywh(box), "score": float(score)}
        for key, one in found.items()
        if key in places
        for label, box, score in zip(one.labels, one.boxes.tolist(), one.scores, strict=True)
        if label in numbers
    ]


def _xywh(box: list[float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def _nothing(marked: Any) -> Any:
    from pycocotools.coco import COCO

    empty = COCO()
    empty.dataset = {**marked.dataset, "annotations": []}
    empty.createIndex()
    return empty


def _quality(precision: NDArray[np.float64], truth: pl.DataFrame, labels: list[str]) -> DetectionQuality:
    """`precision`: overlaps x recalls x labels x sizes of objects x limits, -1 where nothing is marked."""
    whole = np.where(precision < 0, np.nan, precision)[:, :, :, 0, -1]
    counts = truth.select(pl.col("objects").list.eval(pl.element().struct.field("label"))).explode("objects")
    objects = dict(counts.drop_nulls()["objects"].value_counts().iter_rows())
    rows = [
        {
            "label": label,
            "objects": objects[label],
            "ap": float(np.mean(whole[:, :, place])),
            "ap50": float(np.mean(whole[0, :, place])),
        }
        for place, label in enumerate(labels)
    ]
    schema = {"label": pl.String, "objects": pl.Int64, "ap": pl.Float64, "ap50": pl.Float64}
    # a label that only groups bear has no precision
    table = pl.DataFrame(rows, schema=schema).with_columns(pl.col("ap", "ap50").fill_nan(None))
    return DetectionQuality(_mean(table["ap"]), _mean(table["ap50"]), table.sort("objects", "label", descending=True))


def _mean(values: pl.Series) -> float:
    known = values.drop_nulls().to_numpy()
    return float(known.mean()) if len(known) else 0.0


def depth_agreement(truth: NDArray[Any], found: NDArray[Any]) -> float:
    """Spearman's rank correlation of two maps of one picture, larger = closer in both.

    Rank, because depth from one picture has no scale: 1 is the same order of all pixels.

    Parameters
    ----------
    truth
        NaN where the depth is unknown: these pixels are left out. Shape (height, width).
    found
        The same shape.

    Raises
    ------
    InputError
        When the shapes differ.

    Returns
    -------
    float
        -1 .. 1, or NaN where one map has a single value.
    """
    if truth.shape != found.shape:
        raise InputError(f"depth maps must have one shape, got {truth.shape} and {found.shape}")
    known = np.isfinite(truth)
    if len(np.unique(truth[known])) < 2 or len(np.unique(found[known])) < 2:
        return float("nan")
    return float(spearmanr(truth[known], found[known]).statistic)
