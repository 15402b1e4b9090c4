"""The two real models on real photographs: what they find, and how good that is."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from skimage import data

from provision_dagster.scene_graphs.annotators.configs import OnnxDepthConfig, YoloxConfig
from provision_dagster.scene_graphs.annotators.found import Detections, at_size, from_png, to_png
from provision_dagster.scene_graphs.annotators.onnx_depth import OnnxDepth
from provision_dagster.scene_graphs.annotators.quality import depth_agreement, detection_quality
from provision_dagster.scene_graphs.annotators.yolox import YoloxDetector
from provision_dagster.scene_graphs.readers import read_annotations

pytestmark = pytest.mark.shared


def detector(shared: Path, *, threshold: float) -> YoloxDetector:
    models = shared / "models"
    weights, labels = models / "yolox_nano_coco80_416.onnx", models / "coco_labels.txt"
    return YoloxDetector(YoloxConfig(kind="yolox-onnx", weights=weights, labels=labels, score_threshold=threshold))


def photo(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def test_average_precision_on_the_coco_photos(shared: Path) -> None:
    folder = shared / "data" / "coco"
    truth = pl.concat([rows for rows, _ in read_annotations(folder, format="coco", images=folder / "images")])
    model = detector(shared, threshold=0.01)
    found: dict[str, Detections] = {}
    for key in truth["image_key"]:
        (found[key],) = model.annotate([photo(folder / "images" / f"{key}.jpg")])
    quality = detection_quality(truth, found)
    # a plain script reached .245 and .417
    assert quality.ap >= 0.24
    assert quality.ap50 >= 0.41


def test_the_cat_and_the_dogs_are_found(shared: Path) -> None:
    photos = shared / "data" / "photos"
    cat, pets = detector(shared, threshold=0.5).annotate([photo(photos / "cat_720p.jpg"), photo(photos / "pets.jpg")])
    assert cat.labels == ["cat"]
    assert pets.labels == ["dog", "dog"]


def test_depth_of_the_motorcycle(shared: Path) -> None:
    left, _, disparity = data.stereo_motorcycle()
    model = OnnxDepth(OnnxDepthConfig(kind="depth-onnx", weights=shared / "models" / "meter_xxs_nyu_256x320.onnx"))
    (closeness,) = model.annotate([left])
    full = at_size(from_png(to_png(closeness)), width=left.shape[1], height=left.shape[0])
    truth = np.where(np.isfinite(disparity), disparity, np.nan)  # larger disparity = closer
    assert depth_agreement(truth, full) >= 0.69
