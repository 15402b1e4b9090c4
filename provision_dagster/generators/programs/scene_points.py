"""Points over the whole picture with their depth, and pairs of them that differ in depth."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, bools, ints, offsets_of
from provision_dagster.generators.graphs import Floats, Graphs
from provision_dagster.generators.programs.depths import margins
from provision_dagster.generators.programs.even_sides import SIDES
from provision_dagster.generators.programs.printed_points import mirrored_in_x, printed, ratios

SMOOTH = 0.5
"""The depth round a point may vary by this share of the margin: the two depths are apart at any pixel near by."""

_CODES = 1 << 14


@dataclass(frozen=True)
class ScenePoints:
    """Points with a known depth that are printed exactly, sorted by image and code; arrays of equal length.

    `code`: of the printed position. `obj`: row of the topmost object there, -1 = none. `smooth`: the depth hardly
    changes round the point. `of_image`: rows of image i are `of_image[i]` .. `of_image[i + 1] - 1`.
    """

    img: Ints
    code: Ints
    depth: Floats
    obj: Ints
    smooth: Bools
    of_image: Ints


@dataclass(frozen=True)
class DepthPairs:
    """Pairs of rows of `ScenePoints`, the closer one first, sorted by image and side.

    On side 0 the closer one is to the left, on the last one to the right. `count`: how many, shape (images, SIDES).
    """

    near: Ints
    far: Ints
    count: Ints


def scene_points(graphs: Graphs) -> ScenePoints:
    """Lay out the points of pictures with a depth map, once per shard."""
    return graphs.once("scene_points", lambda: _scene_points(graphs))


def _scene_points(graphs: Graphs) -> ScenePoints:
    nested = graphs.source.select("img", "points").filter(pl.col("points").list.len() > 0)
    flat = nested.explode("points").unnest("points").filter(pl.col("depth").is_not_null())
    img = ints(flat["img"])
    xy = np.stack([ints(flat["x"]), ints(flat["y"])], axis=1)
    code = printed(xy, graphs.sides[img].astype(np.int64))
    covered = bools(flat["object"].is_not_null())
    obj = np.where(covered, ints(graphs.images["first"])[img] + ints(flat["object"].fill_null(0)), -1)
    smooth = flat["relief"].fill_null(np.inf).to_numpy() <= margins(graphs)[img] * SMOOTH
    exact = np.flatnonzero(code >= 0)
    order = exact[np.argsort(img[exact] * _CODES + code[exact], kind="stable")]
    sizes = np.bincount(img[order], minlength=graphs.images.height)
    return ScenePoints(
        img=img[order],
        code=code[order],
        depth=flat["depth"].to_numpy()[order],
        obj=obj[order],
        smooth=smooth[order],
        of_image=offsets_of(sizes),
    )


def depth_pairs(graphs: Graphs) -> DepthPairs:
    """List pairs at the same height, as far from the middle on either side, whose depths differ; once per shard.

    Lower points, and points in the middle, are mostly closer: only such pairs do not tell (T4).
    """
    return graphs.once("depth_pairs", lambda: _depth_pairs(graphs))


def _depth_pairs(graphs: Graphs) -> DepthPairs:
    points = scene_points(graphs)
    left = np.flatnonzero((ratios(points.code)[:, 0] < 50) & points.smooth)
    key = points.img * _CODES + points.code
    wanted = points.img[left] * _CODES + mirrored_in_x(points.code[left])
    right = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
    met = (key[right] == wanted) & points.smooth[right]
    left, right = left[met], right[met]
    lead = points.depth[left] - points.depth[right]
    # a question needs evidence: at least one of the points lies on an annotated object
    shown = (points.obj[left] >= 0) | (points.obj[right] >= 0)
    apart = shown & (np.abs(lead) > margins(graphs)[points.img[left]])
    left, right, closer = left[apart], right[apart], lead[apart] > 0
    group = points.img[left] * SIDES + np.where(closer, 0, SIDES - 1)
    order = np.argsort(group, kind="stable")
    count = np.bincount(group, minlength=graphs.images.height * SIDES).reshape(-1, SIDES)
    return DepthPairs(np.where(closer, left, right)[order], np.where(closer, right, left)[order], count)
