"""A device that is not this machine's processor: it takes its time for a picture and no core."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from bench_cases import Case
from bench_feed import Plan, Speed, of_annotator, speed

from provision_dagster.scene_graphs.annotators.found import Detections, Pixels
from provision_dagster.scene_graphs.annotators.steps import InSteps
from provision_dagster.scene_graphs.annotators.yolox import letterboxed

SIDE = 640


class Elsewhere(InSteps[Pixels, Detections]):
    """A detector that brings pictures to 640 x 640 and then waits for `seconds` a picture."""

    model = "elsewhere"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.load()

    def load(self) -> None:
        """There are no weights."""

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """All pictures go together."""
        return ()

    def prepare(self, given: Pixels) -> tuple[Any, tuple[int, ...]]:
        """Bring a picture to 640 x 640."""
        return letterboxed(given, height=SIDE, width=SIDE)[0], given.shape

    def forward(self, ready: list[Any]) -> list[Any]:
        """Wait as long as the device would take."""
        time.sleep(self.seconds * len(ready))
        return [None] * len(ready)

    def finish(self, about: tuple[int, ...], raw: Any) -> Detections:
        """Find a hundred things."""
        boxes = np.tile(np.array([[1.0, 1.0, 9.0, 9.0]]), (100, 1))
        return Detections(boxes, ["thing"] * 100, np.linspace(1, 0, 100))


def elsewhere(seconds: float, images: pl.DataFrame, scratch: Path, plan: Plan) -> Speed:
    """Measure the pipeline with a device that takes so many seconds a picture."""
    case = Case(f"{1000 * seconds:g} ms", "detections", "")
    return speed(of_annotator(case, Elsewhere(seconds), images=images, scratch=scratch, name="elsewhere"), plan)


MILLISECONDS = (0, 2, 4, 8, 16, 32)
"""Of a picture on the device."""

RUNS = [partial(elsewhere, milliseconds / 1000) for milliseconds in MILLISECONDS]
