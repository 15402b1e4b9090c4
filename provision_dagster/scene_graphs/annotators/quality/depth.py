"""Depth of a model against depth files: the order of the pixels, since depth from one picture has no scale."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.found import at_size, from_png
from provision_dagster.scene_graphs.pixels import read_depth

PIXELS_SHOWN = 200
"""Pixels of a picture that go into the plot of ranks."""

BY_PICTURE = {"image_key": pl.String, "spearman": pl.Float64, "error": pl.String}
RANKS = {"truth": pl.Float64, "found": pl.Float64}


@dataclass(frozen=True)
class DepthQuality:
    """How well a model orders pixels by depth.

    Attributes
    ----------
    by_picture
        `image_key`, `spearman` (null where one map has a single value), `error` (why the depth file cannot be used).
    ranks
        Some pixels of each picture: their rank in it by `truth` and as `found`, 0 (farthest) .. 1 (closest).
    """

    by_picture: pl.DataFrame
    ranks: pl.DataFrame

    @property
    def spearman(self) -> float | None:
        """Mean over the pictures."""
        mean = self.by_picture["spearman"].mean()
        return float(mean) if isinstance(mean, float) else None


def depth_quality(truth: pl.DataFrame, depth_maps: pl.DataFrame) -> DepthQuality | None:
    """Compare the maps of a model with depth files.

    Parameters
    ----------
    truth
        `image_key`, `width`, `height`, `depth_uri`, as in ANNOTATIONS.
    depth_maps
        Schema DEPTH_MAPS, of the same image set.

    Returns
    -------
    DepthQuality | None
        None when no picture has both.
    """
    made = depth_maps.select("image_key", "closeness").drop_nulls()
    both = truth.filter(pl.col("depth_uri").is_not_null()).join(made, on="image_key", maintain_order="left")
    if both.is_empty():
        return None
    rows, ranks = [], [pl.DataFrame(schema=RANKS)]
    for key, known, found, error in _pairs(both):
        agreement = math.nan if error else depth_agreement(known, found)
        rows.append((key, None if math.isnan(agreement) else agreement, error))
        ranks.append(_ranks(known, found))
    return DepthQuality(pl.DataFrame(rows, schema=BY_PICTURE, orient="row"), pl.concat(ranks))


def _pairs(both: pl.DataFrame) -> Iterator[tuple[str, NDArray[Any], NDArray[Any], str | None]]:
    """Open one picture's maps at a time."""
    for row in both.select("image_key", "width", "height", "depth_uri", "closeness").iter_rows(named=True):
        size = {"width": row["width"], "height": row["height"]}
        try:
            known = read_depth(row["depth_uri"], **size).astype(np.float64)
        except InputError as error:
            yield row["image_key"], np.empty(0), np.empty(0), str(error)
        else:
            yield row["image_key"], known, at_size(from_png(row["closeness"]), **size), None


def _ranks(truth: NDArray[Any], found: NDArray[Any]) -> pl.DataFrame:
    """Ranks of pixels that lie as far apart as the number of pixels shown allows."""
    known = np.flatnonzero(np.isfinite(truth))
    step = max(1, len(known) // PIXELS_SHOWN)
    # from the middle of each stretch: the first pixels are the top edge's
    chosen = known[step // 2 :: step][:PIXELS_SHOWN]
    places = max(1, len(chosen) - 1)
    shown = {name: (rankdata(map_.ravel()[chosen]) - 1) / places for name, map_ in (("truth", truth), ("found", found))}
    return pl.DataFrame(shown, schema=RANKS)


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
