"""In which masks points lie, how much the depth varies round them, and what depth differences are measured by."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from provision_dagster.scene_graphs.evidence import RELIEF_RADIUS, depth_span, object_evidence, relief_at
from provision_dagster.scene_graphs.overlaps import with_overlaps
from provision_dagster.scene_graphs.rle import encode_mask
from tests.scene_graphs.test_assemble import DEPTH, MASKS, run, scene

NOTHING = np.zeros((0, 4))


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 4), st.integers(1, 20), st.integers(1, 20))))
def test_points_know_the_masks_that_hold_them(masks: NDArray[np.bool_]) -> None:
    shown = [n for n in range(len(masks)) if masks[n].any()]
    found = with_overlaps(object_evidence(masks, None), masks[shown], places=shown, unmasked=NOTHING)
    for place, one in enumerate(found):
        assert bool(one.points) == (place in shown)
        for point in one.points:
            assert point["inside"] == np.flatnonzero(masks[:, point["y"], point["x"]]).tolist()
            assert place in point["inside"]


def test_points_that_an_object_without_mask_may_hold_are_unknown(tmp_path: Path) -> None:
    cat = encode_mask(np.asfortranarray(MASKS[0].astype(np.uint8)))
    (tmp_path / "a").mkdir()
    graph, _ = run(scene(tmp_path / "a", seg_mask_id=..., mask_rle=[cat, None])[0])
    points = graph["objects"][0]["points"]
    assert {(p["y"] >= 40, p["inside"] is None) for p in points} == {(True, True), (False, False)}
    assert all(p["inside"] in (None, [0]) for p in points)
    assert graph["objects"][1]["points"] == []


def test_overlaps_are_in_the_table(tmp_path: Path) -> None:
    graph, _ = run(scene(tmp_path)[0])
    for place, one in enumerate(graph["objects"]):
        for p in one["points"]:
            assert p["inside"] == np.flatnonzero(MASKS[:, p["y"], p["x"]]).tolist()
            assert place in p["inside"]
    for p in graph["points"]:
        rows = [min(max(p["y"] + step, 0), 79) for step in (-RELIEF_RADIUS, RELIEF_RADIUS)]
        assert p["relief"] == DEPTH[rows[1], 0] - DEPTH[rows[0], 0]
    assert graph["depth_span"] == 255


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (np.array([[10, 20]], dtype=np.uint8), 255.0),
        (np.array([[10, 300]], dtype=np.uint16), 290.0),
        (np.array([[np.nan, -1.0], [2.5, np.nan]], dtype=np.float32), 3.5),
        (np.array([[7.0, 7.0]]), 0.0),
    ],
)
def test_depth_span(depth: NDArray[Any], expected: float) -> None:
    assert depth_span(depth) == expected


@pytest.mark.parametrize(("y", "expected"), [(10, 0.0), (17, 0.0), (18, 40.0), (20, 40.0), (22, 0.0), (28, None)])
def test_relief_sees_edges_and_unknown_depth(y: int, expected: float | None) -> None:
    depth = np.full((40, 30), 100.0, dtype=np.float32)
    depth[20:] = 60
    depth[30:] = np.nan
    assert relief_at(depth, np.array([[15, y], [0, y]])) == [expected, expected]


def test_no_depth_map(tmp_path: Path) -> None:
    graph, _ = run(scene(tmp_path, depth_mask_id=...)[0])
    assert graph["depth_span"] is None
    assert {p["relief"] for p in graph["points"]} == {None}
    assert relief_at(None, np.array([[1, 1]])) == [None]
