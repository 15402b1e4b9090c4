"""YOLOX by ONNX Runtime (Ge et al., arXiv 2107.08430): closed-set detection on a machine without GPU."""

from functools import cache, cached_property

import numpy as np
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.boxes import detections
from provision_dagster.scene_graphs.annotators.configs import YoloxConfig
from provision_dagster.scene_graphs.annotators.found import Detections, Floats, Pixels
from provision_dagster.scene_graphs.annotators.labels import digest_of, read_labels
from provision_dagster.scene_graphs.annotators.onnx_model import Frame, OnnxModel
from provision_dagster.scene_graphs.annotators.steps import InSteps

STRIDES = (8, 16, 32)
"""Pixels between the places of each of the three heads (section 2)."""

GREY = 114
"""What a letterboxed picture is filled up with, as in training."""


class YoloxDetector(InSteps[Pixels, Detections]):
    """A detector with the raw head output of YOLOX: (n, places, 4 + 1 + classes), to be decoded here."""

    def __init__(self, config: YoloxConfig) -> None:
        self.config = config
        self._onnx = OnnxModel(config.weights, threads=config.threads)

    @property
    def model(self) -> str:
        """File name and digest of the weights, and digest of the labels."""
        return f"{self._onnx.name} {digest_of(self.labels)}"

    @cached_property
    def labels(self) -> list[str]:
        """Labels of the classes, in order."""
        return read_labels(self.config.labels)

    def load(self) -> None:
        """Read weights and labels.

        Raises
        ------
        InputError
            When the file is not of such a model, or has another number of classes than the label file.
        """
        self._onnx.load()
        height, width = self._onnx.size
        blank = np.full((1, 3, height, width), GREY, dtype=np.float32)
        wanted = (len(grid(height, width)[0]), 5 + len(self.labels))
        found = self._onnx.run(list(blank))[0].shape
        if found != wanted:
            raise InputError(
                f"weights `{self.config.weights}`: expected the raw output of YOLOX with {len(self.labels)} classes "
                f"(of `{self.config.labels}`), shape {wanted}, got {found}"
            )

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """All pictures go together: each is brought to the size of the model."""
        return ()

    def prepare(self, picture: Pixels) -> tuple[Frame, tuple[float, tuple[int, ...]]]:
        """Fit a picture into the model's frame; returns what its sides were scaled by, and its size, too."""
        height, width = self._onnx.size
        frame, scale = letterboxed(picture, height=height, width=width)
        return frame, (scale, picture.shape)

    def forward(self, ready: list[Frame]) -> list[Frame]:
        """Run the network; its output for each picture, shape (places, 4 + 1 + classes)."""
        return list(self._onnx.run(ready))

    def finish(self, about: tuple[float, tuple[int, ...]], raw: Frame) -> Detections:
        """Find objects; boxes in pixels of the picture."""
        scale, (height, width, _) = about
        places, strides = grid(*self._onnx.size)
        # of 3,500 places few have a class that is sure enough
        best = raw[:, 4].astype(np.float64) * max(float(raw[:, 5:].max()), 1)
        good = np.flatnonzero(best >= self.config.least_score)
        raw, places, strides = raw[good].astype(np.float64), places[good], strides[good]
        scores = raw[:, 4:5] * raw[:, 5:]
        at, classes = np.nonzero(scores >= self.config.least_score)
        center = (raw[at, :2] + places[at]) * strides[at]
        half = np.exp(raw[at, 2:4]) * strides[at] / 2
        return detections(
            np.concatenate([center - half, center + half], axis=1) / scale,
            scores[at, classes].astype(np.float64),
            classes,
            labels=self.labels,
            width=width,
            height=height,
            score_threshold=self.config.score_threshold,
            iou_threshold=self.config.iou_threshold,
            most=self.config.most,
        )


def letterboxed(picture: Pixels, *, height: int, width: int) -> tuple[Frame, float]:
    """Fit a picture into the model's frame, top left, as BGR 0 .. 255; return it and what its sides were scaled by."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    inner = (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale)))
    small = np.asarray(Image.fromarray(picture).resize(inner, Image.Resampling.BILINEAR))
    frame = np.full((3, height, width), GREY, dtype=np.float32)
    frame[:, : inner[1], : inner[0]] = small[:, :, ::-1].transpose(2, 0, 1)
    return frame, scale


@cache
def grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Column and row of each place of the heads, shape (places, 2), and its stride, shape (places, 1)."""
    places, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride]
        places.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full((x.size, 1), stride))
    return np.concatenate(places).astype(np.float64), np.concatenate(strides).astype(np.float64)
