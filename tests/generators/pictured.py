"""Scene graphs with pixels: the evidence is taken from small masks and depth maps as for real pictures."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from provision_dagster.generators.generate import Generated, Settings, generate
from provision_dagster.scene_graphs.image_evidence import Task, gather
from provision_dagster.scene_graphs.rle import encode_mask
from tests.generators.scenes import graphs, lexicon, scene, vocabulary

Mask = NDArray[np.bool_]


def pictured(
    key: str, labels: Sequence[str], masks: Sequence[Mask | None], *, depth: str | None = None, **rest: Any
) -> dict[str, Any]:
    """
    Make one row of the scene-graph table.

    Parameters
    ----------
    labels, masks
        Of each object; one without a mask has the whole picture as its box.
    depth
        File of the depth map.
    """
    height, width = next(mask.shape for mask in masks if mask is not None)
    boxes = [(0, 0, width, height) if mask is None else box_of(mask) for mask in masks]
    row = scene(key, [(a, b, []) for a, b in zip(labels, boxes, strict=True)], size=(width, height), **rest)
    rles = [None if mask is None else encode_mask(np.asfortranarray(mask.astype(np.uint8))) for mask in masks]
    task = Task(
        image_id=row["image_id"],
        width=width,
        height=height,
        mask_uri=None,
        mask_places=[],
        mask_count=0,
        depth_uri=depth,
        closeness=None,
        ids=[one["id"] for one in row["objects"]],
        boxes=[one["box"] for one in row["objects"]],
        mask_rles=rles,
    )
    found = gather(task)
    for one, evidence in zip(row["objects"], found.objects, strict=True):
        one |= evidence._asdict()
    return row | {"points": found.points, "depth_span": found.depth_span}


def box_of(mask: Mask) -> tuple[float, float, float, float]:
    ys, xs = np.nonzero(mask)
    return (float(xs.min()), float(ys.min()), float(xs.max()) + 1, float(ys.max()) + 1)


def block(x1: int, y1: int, x2: int, y2: int, *, size: tuple[int, int] = (200, 200)) -> Mask:
    """A rectangular mask."""
    mask = np.zeros((size[1], size[0]), dtype=bool)
    mask[y1:y2, x1:x2] = True
    return mask


def make(table: pl.DataFrame, *generators: str, mode: str = "full", rules: str = "strict", seed: int = 0) -> Generated:
    """Generate with the shipped lexicon."""
    settings = Settings(rules=rules, mode=mode, seed=seed)  # type: ignore[arg-type]
    return generate(table, vocabulary=vocabulary(table), lexicon=lexicon(), settings=settings, generators=generators)


def ask(*scenes: dict[str, Any], of: str, **settings: Any) -> Generated:
    """Generate one generator's questions about some pictures."""
    return make(graphs(*scenes), of, **settings)


def reasons(made: Generated) -> dict[str, int]:
    """What became of the candidates of one generator."""
    return dict(made.funnel.filter(pl.col("count") > 0).select("reason", "count").iter_rows())


_POINT = re.compile(r"\((\d\.\d\d), (\d\.\d\d)\)")


def points_in(text: str) -> list[tuple[int, int]]:
    """Points in a text, in hundredths."""
    return [(round(float(x) * 100), round(float(y) * 100)) for x, y in _POINT.findall(text)]


def pixel(point: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Pixel that a printed point names: (x, y)."""
    return point[0] * size[0] // 100, point[1] * size[1] // 100


def same_whatever_the_order(table: pl.DataFrame, *generators: str) -> None:
    """Demand the same questions of shuffled images and of two shards."""
    for mode in ("full", "sampled"):
        whole = make(table, *generators, mode=mode).qa.sort("id")
        words = vocabulary(table)
        turned = table.reverse()
        halves = [turned[: len(table) // 2], turned[len(table) // 2 :]]
        settings = Settings(mode=mode)
        parts = [
            generate(part, vocabulary=words, lexicon=lexicon(), settings=settings, generators=generators).qa
            for part in halves
        ]
        assert make(turned, *generators, mode=mode).qa.sort("id").equals(whole)
        assert pl.concat(parts).sort("id").equals(whole)
        assert whole["id"].is_unique().all()
