"""Pixel evidence against slow and simple definitions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from provision_dagster.scene_graphs.evidence import depth_statistics, object_evidence, scene_evidence
from provision_dagster.scene_graphs.points import EDGE_DISTANCE, INTERIOR_POINTS, SCENE_GRID, lattice, scene_points
from provision_dagster.scene_graphs.rle import decode_mask

YY, XX = np.mgrid[0:480, 0:640]
NOTHING = np.zeros((0, 4))
CELLS = SCENE_GRID[0] * SCENE_GRID[1]


def ellipse(x: float, y: float, rx: float, ry: float) -> NDArray[np.bool_]:
    return np.asarray(((XX - x) / rx) ** 2 + ((YY - y) / ry) ** 2 <= 1)


def shapes() -> dict[str, NDArray[np.bool_]]:
    ring = ellipse(320, 240, 200, 200) & ~ellipse(320, 240, 180, 180)
    pole = np.zeros((480, 640), bool)
    pole[10:470, 300:307] = True
    wire = np.zeros((480, 640), bool)
    wire[200, 10:600] = True
    dots = ellipse(320, 240, 150, 150) & ((XX % 9 > 0) | (YY % 9 > 0))
    return {
        "ellipse": ellipse(300, 200, 120, 80),
        "whole picture": np.ones((480, 640), bool),
        "corner": ellipse(0, 0, 90, 90),
        "ring": ring,
        "pole of 7 px": pole,
        "wire of 1 px": wire,
        "diagonal": abs(XX - YY) < 5,
        "with holes": dots,
        "three pixels": (YY == 100) & (XX > 99) & (XX < 103),
        "one pixel": (YY == 479) & (XX == 639),
        "two islands": ellipse(60, 60, 30, 30) | ellipse(560, 400, 40, 40),
        "small": ellipse(222, 133, 9, 7),
    }


@pytest.mark.parametrize("name", shapes())
def test_interior_points(name: str) -> None:
    mask = shapes()[name]
    depth = (XX % 251).astype(np.uint8)
    (found,) = object_evidence(mask[None], depth)
    assert (found.mask_area, found.depth is None) == (int(mask.sum()), False)
    assert found.mask_rle is not None
    assert np.array_equal(decode_mask(found.mask_rle, width=640, height=480), mask)
    points = [(point["x"], point["y"]) for point in found.points]
    assert len(points) == len(set(points)) <= INTERIOR_POINTS
    assert len(points) == min(INTERIOR_POINTS, int(mask.sum()))
    framed = np.pad(mask, 1)
    distance = ndimage.distance_transform_cdt(framed, "chessboard")[1:-1, 1:-1]
    least = min(EDGE_DISTANCE, int(distance.max()))
    for point in found.points:
        assert mask[point["y"], point["x"]]
        assert distance[point["y"], point["x"]] >= least
        assert point["depth"] == depth[point["y"], point["x"]]


@pytest.mark.parametrize("name", ["ellipse", "whole picture", "ring", "corner"])
def test_points_of_large_masks_print_exactly(name: str) -> None:
    (found,) = object_evidence(shapes()[name][None], None)
    for point in found.points:
        for value, side in ((point["x"], 640), (point["y"], 480)):
            printed = round(value / side, 2), round((value + 0.5) / side, 2)
            assert {int(ratio * side + 1e-9) for ratio in printed} == {value}
        assert point["depth"] is None


def test_points_are_spread() -> None:
    (found,) = object_evidence(shapes()["two islands"][None], None)
    assert {point["x"] < 300 for point in found.points} == {True, False}


def simple_statistics(values: NDArray[Any]) -> dict[str, float]:
    levels, counts = np.unique(values, return_counts=True)
    quartiles = [float(np.quantile(values, q)) for q in (0.25, 0.5, 0.75)]
    return dict(zip(("p25", "p50", "p75"), quartiles, strict=True)) | {"mode": float(levels[counts.argmax()])}


@settings(deadline=None)
@given(
    st.sampled_from([np.uint8, np.uint16, np.int32, np.float32]).flatmap(
        lambda dtype: hnp.arrays(dtype, st.integers(1, 40), elements=st.integers(0, 9).map(dtype))
    )
)
def test_depth_statistics(values: NDArray[Any]) -> None:
    found = depth_statistics(values)
    assert found is not None
    assert found == pytest.approx(simple_statistics(values))


def test_unknown_depth_is_left_out() -> None:
    mask = np.zeros((1, 480, 640), bool)
    mask[0, 100:140, 100:140] = True
    depth = np.full((480, 640), np.nan)
    depth[100:140, 100:120] = 7.0
    (found,) = object_evidence(mask, depth)
    assert found.depth == {"p25": 7.0, "p50": 7.0, "p75": 7.0, "mode": 7.0}
    assert {point["depth"] for point in found.points} == {7.0, None}
    (nothing,) = object_evidence(mask, np.full((480, 640), np.nan))
    assert nothing.depth is None


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 3), st.integers(1, 30), st.integers(1, 30))))
def test_any_masks(masks: NDArray[np.bool_]) -> None:
    found = object_evidence(masks, None)
    assert len(found) == len(masks)
    for mask, one in zip(masks, found, strict=True):
        if not mask.any():
            assert one.mask_rle is None
            continue
        assert one.mask_area == mask.sum()
        assert 1 <= len(one.points) <= INTERIOR_POINTS
        assert all(mask[point["y"], point["x"]] for point in one.points)


@pytest.mark.parametrize("size", [(640, 480), (401, 400), (5000, 3000), (300, 200)])
def test_scene_points_cover_the_picture(size: tuple[int, int]) -> None:
    points = scene_points(width=size[0], height=size[1], seed="a" * 32)
    assert len(points) == CELLS
    assert len(np.unique(points, axis=0)) == CELLS
    cells = {(int(x * SCENE_GRID[0] / size[0]), int(y * SCENE_GRID[1] / size[1])) for x, y in points.tolist()}
    assert len(cells) >= 0.8 * CELLS
    assert set(points[:, 0]) <= set(lattice(size[0]).tolist())


@pytest.mark.parametrize("size", [(640, 480), (401, 400), (5000, 3000), (100, 80)])
def test_halves_of_scene_points_mirror_each_other(size: tuple[int, int]) -> None:
    """Printed, the points of the right half are those of the left half: 0.31 is beside 0.69 at the same height."""
    names = {int(ratio * size[0] // 100): ratio for ratio in range(1, 100)}
    points = {(names[x], y) for x, y in scene_points(width=size[0], height=size[1], seed="a").tolist()}
    assert points == {(100 - x, y) for x, y in points}
    assert all(x != 50 for x, _ in points)


def test_scene_points_are_fixed() -> None:
    one, again, other = (scene_points(width=640, height=480, seed=seed) for seed in ("a", "a", "b"))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_tiny_pictures_have_points() -> None:
    for side in (1, 2, 5):
        points = scene_points(width=side, height=side, seed="x")
        assert len(points) >= 1
        assert (points >= 0).all()
        assert (points < side).all()


def test_scene_points_know_the_topmost_object() -> None:
    masks = np.stack([ellipse(320, 240, 300, 220), ellipse(320, 240, 100, 100)])
    areas = [int(mask.sum()) for mask in masks]
    depth = YY.astype(np.uint16)
    rows = scene_evidence(masks, depth, places=[3, 1], areas=areas, unmasked=NOTHING, size=(640, 480), seed="s")
    assert len(rows) == CELLS
    for row in rows:
        inside = masks[:, row["y"], row["x"]]
        assert row["object"] == (1 if inside[1] else 3 if inside[0] else None)
        assert row["depth"] == row["y"]
    assert {row["object"] for row in rows} == {1, 3, None}


def test_points_that_an_object_without_mask_may_cover_are_left_out() -> None:
    mask = ellipse(100, 240, 80, 80)
    half = np.array([[320.0, 0.0, 640.0, 480.0]])
    rows = scene_evidence(
        mask[None], None, places=[0], areas=[int(mask.sum())], unmasked=half, size=(640, 480), seed="s"
    )
    assert 0.4 * CELLS <= len(rows) < CELLS
    assert all(row["x"] < 320 for row in rows)
