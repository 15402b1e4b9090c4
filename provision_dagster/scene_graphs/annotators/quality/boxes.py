"""Boxes and labels of a detector against marked objects: average precision as COCO defines it."""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.found import Detections
from provision_dagster.scene_graphs.normalize import normalized

SIDES = ("x1", "y1", "x2", "y2")
AT_50, AT_75 = 0, 5
"""Places of two overlaps among .50, .55, .. .95."""


@dataclass(frozen=True)
class DetectionQuality:
    """Average precision as COCO defines it (Lin et al., arXiv 1405.0312).

    Attributes
    ----------
    ap
        Mean over labels and over overlaps .50 .. .95.
    ap50
        Mean over labels at overlap .50.
    ar
        Average recall: the share of marked objects that are among the detections, mean over labels and overlaps.
    by_label
        One row per label that occurs in the truth: `label`, `objects`, `ap`, `ap50`.
    curve
        Mean precision over labels at 101 recalls: `recall`, `at_50`, `at_75` and `mean` over all overlaps.
    """

    ap: float
    ap50: float
    ar: float
    by_label: pl.DataFrame
    curve: pl.DataFrame


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
    return _quality(run.eval, truth, labels)


def detections_of(rows: pl.DataFrame) -> dict[str, Detections]:
    """Take what a model found out of rows of DETECTIONS, by `image_key`; labels in normal form."""
    flat = rows.select("image_key", "objects").filter(pl.col("objects").list.len() > 0).explode("objects")
    flat = flat.unnest("objects").unnest("box").with_columns(normalized(pl.col("label")))
    return {
        str(key): Detections(things.select(SIDES).to_numpy(), things["label"].to_list(), things["score"].to_numpy())
        for (key,), things in flat.partition_by("image_key", as_dict=True, maintain_order=True).items()
    }


def _labels(truth: pl.DataFrame) -> list[str]:
    labels = truth.select(pl.col("objects").list.eval(pl.element().struct.field("label"))).explode("objects")
    return sorted(set(labels["objects"].drop_nulls()))


def _coco(truth: pl.DataFrame, numbers: Mapping[str, int], places: Mapping[str, int]) -> dict[str, Any]:
    objects = truth.select("image_key", "objects").filter(pl.col("objects").list.len() > 0).explode("objects")
    marks = []
    for number, (key, thing) in enumerate(objects.iter_rows(), start=1):
        box = _xywh([thing["box"][side] for side in SIDES])
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


def _quality(found: Mapping[str, NDArray[np.float64]], truth: pl.DataFrame, labels: list[str]) -> DetectionQuality:
    """`precision`: overlaps x recalls x labels x sizes of objects x limits; `recall`: without the recalls."""
    precision, recall = found["precision"][:, :, :, 0, -1], found["recall"][:, :, 0, -1]
    # -1: nothing is marked; a label that only groups bear has no precision
    whole = np.where(precision < 0, np.nan, precision)
    counts = truth.select(pl.col("objects").list.eval(pl.element().struct.field("label"))).explode("objects")
    objects = dict(counts.drop_nulls()["objects"].value_counts().iter_rows())
    columns = {
        "label": labels,
        "objects": [objects[label] for label in labels],
        "ap": whole.mean(axis=(0, 1)),
        "ap50": whole[AT_50].mean(axis=0),
    }
    schema = {"label": pl.String, "objects": pl.Int64, "ap": pl.Float64, "ap50": pl.Float64}
    table = pl.DataFrame(columns, schema=schema).with_columns(pl.col("ap", "ap50").fill_nan(None))
    known = recall[recall >= 0]
    return DetectionQuality(
        _mean(table["ap"]),
        _mean(table["ap50"]),
        float(known.mean()) if known.size else 0.0,
        table.sort("objects", "label", descending=True),
        _curve(whole[:, :, ~np.isnan(whole).all(axis=(0, 1))]),
    )


def _curve(precision: NDArray[np.float64]) -> pl.DataFrame:
    """Mean over the labels, which is the last axis; no rows without one."""
    schema = {"recall": pl.Float64, "at_50": pl.Float64, "at_75": pl.Float64, "mean": pl.Float64}
    if not precision.shape[2]:
        return pl.DataFrame(schema=schema)
    mean = precision.mean(axis=2)
    recall = np.linspace(0, 1, mean.shape[1])
    return pl.DataFrame({"recall": recall, "at_50": mean[AT_50], "at_75": mean[AT_75], "mean": mean.mean(axis=0)})


def _mean(values: pl.Series) -> float:
    known = values.drop_nulls().to_numpy()
    return float(known.mean()) if len(known) else 0.0
