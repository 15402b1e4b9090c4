"""What the tiny judge learns to see: squares of a picture, what lies in each, and the middles of objects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from provision_dagster.samples.rendering import LABELS
from provision_dagster.samples.rendering.raster import Raster
from provision_dagster.samples.rendering.truth import annotate, visible_boxes
from provision_dagster.training.expressions import KIND_OF, TERMS, terms_of
from provision_dagster.training.judge_nets import COLUMNS, HEIGHT, ROWS, WIDTH

SHOWN = tuple(term for term in TERMS if KIND_OF[term] != "size")
OUTPUTS = len(SHOWN) + len(LABELS)
"""Terms that are true of a square, and labels of the objects whose middle it holds."""
COVERED = 0.1
"""Share of a square that an object covers at least to lie in it."""


@dataclass(frozen=True)
class Scene:
    """A picture, (HEIGHT, WIDTH, 3), what its squares hold, (OUTPUTS, ROWS, COLUMNS), and its annotation."""

    pixels: NDArray[np.uint8]
    seen: NDArray[np.bool_]
    annotation: dict[str, Any]


def scene_of(raster: Raster) -> Scene:
    """Squeeze a scene into the judge's frame."""
    pixels = np.asarray(raster.image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    return Scene(pixels, _seen(raster), annotate(raster))


def _seen(raster: Raster) -> NDArray[np.bool_]:
    seen = np.zeros((OUTPUTS, ROWS, COLUMNS), np.bool_)
    middles = visible_boxes(raster).reshape(-1, 2, 2).mean(axis=1)
    height, width = raster.owner.shape
    for place, item in enumerate(raster.items):
        share = _shares(raster.owner == place)
        inside = (share >= COVERED) | (share == share.max())
        terms = [SHOWN.index(term) for term in terms_of(item) if term in SHOWN]
        seen[terms] |= inside
        column, row = middles[place] * (COLUMNS / width, ROWS / height)
        label = len(SHOWN) + LABELS.index(item.kind.label)
        seen[label, min(int(row), ROWS - 1), min(int(column), COLUMNS - 1)] = True
    return seen


def _shares(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each square that a mask covers, shape (ROWS, COLUMNS)."""
    height, width = mask.shape
    squares = mask.reshape(ROWS, height // ROWS, COLUMNS, width // COLUMNS)
    shares: NDArray[np.float64] = squares.mean(axis=(1, 3))
    return shares
