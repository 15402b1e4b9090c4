"""Which place answers for which object."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from provision_dagster.scene_graphs.annotators.boxes import iou
from provision_dagster.scene_graphs.annotators.yolox import grid
from provision_dagster.training.assignment import RADIUS, assign, ious

SIDE = 64
CLASSES = 3


def corners(count: int) -> st.SearchStrategy[np.ndarray]:
    """Boxes within a picture of 64 pixels, at least 4 wide and high."""
    low = arrays.arrays(np.float32, (count, 2), elements=st.floats(0, 56, width=32))
    size = arrays.arrays(np.float32, (count, 2), elements=st.floats(4, 40, width=32))
    return st.tuples(low, size).map(lambda parts: np.hstack([parts[0], np.minimum(parts[0] + parts[1], SIDE)]))


@given(corners(4), corners(3))
def test_overlaps_are_those_of_the_annotators(boxes: np.ndarray, others: np.ndarray) -> None:
    found = ious(torch.from_numpy(boxes)[:, None], torch.from_numpy(others)[None]).numpy()
    np.testing.assert_allclose(found, iou(boxes.astype(np.float64), others.astype(np.float64)), atol=1e-5)


def assigned(truth: np.ndarray, classes: list[int]) -> tuple[np.ndarray, np.ndarray, torch.Tensor, torch.Tensor]:
    places, strides = (torch.from_numpy(a.astype(np.float32)) for a in grid(SIDE, SIDE))
    points, strides = (places + 0.5) * strides, strides[:, 0]
    half = torch.full((len(points), 2), 8.0)
    found = torch.cat([points - half, points + half], 1)[None]
    scores = torch.full((1, CLASSES, len(points)), 0.3)
    owner, overlap = assign(
        found, scores, torch.from_numpy(truth)[None], torch.tensor([classes]), points=points, strides=strides
    )
    return owner[0].numpy(), overlap[0].numpy(), points, strides


@given(corners(5))
def test_only_objects_have_places_and_these_are_near_their_middle(truth: np.ndarray) -> None:
    owner, overlap, points, strides = assigned(truth, [0, 2, 1, -1, -1])
    assert set(owner) <= {-1, 0, 1, 2}
    assert (overlap[owner < 0] == 0).all()
    mine = owner >= 0
    middle = (truth[owner[mine], :2] + truth[owner[mine], 2:]) / 2
    away = np.abs(middle - points[mine].numpy()).max(1)
    assert (away < RADIUS * strides[mine].numpy()).all()


def test_an_object_that_is_found_well_has_more_places_than_one_that_is_not() -> None:
    truth = np.array([[8, 8, 24, 24], [40, 40, 44, 44]], np.float32)
    owner, overlap, _, _ = assigned(truth, [0, 1])
    counts = np.bincount(owner[owner >= 0], minlength=2)
    assert counts[1] == 1
    assert counts[0] > 1
    assert overlap.max() == pytest.approx(1, abs=0.5)
    # the best place is the one whose box is the object
    assert overlap[owner == 0].max() > 0.6


def test_one_place_answers_for_one_of_two_things_in_one_spot() -> None:
    truth = np.array([[8, 8, 24, 24], [9, 8, 25, 24]], np.float32)
    owner, _, _, _ = assigned(truth, [0, 1])
    assert {0, 1} <= set(owner)
