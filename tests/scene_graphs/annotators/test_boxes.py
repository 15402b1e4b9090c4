"""Overlap, suppression and cutting of boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from provision_dagster.scene_graphs.annotators.boxes import detections, iou, suppress

Numbers = st.lists(st.tuples(*[st.integers(0, 30)] * 4, st.integers(0, 100), st.integers(0, 2)), max_size=25)


def boxes_of(rows: list[tuple[int, ...]]) -> np.ndarray:
    """Corner and sides of at least 1 as corners."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)[:, :4]
    return np.concatenate([table[:, :2], table[:, :2] + table[:, 2:] + 1], axis=1)


@given(Numbers)
def test_overlap_is_that_of_pycocotools(rows: list[tuple[int, ...]]) -> None:
    boxes = boxes_of(rows)
    if not len(boxes):
        assert iou(boxes, boxes).shape == (0, 0)
        return
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    assert iou(boxes, boxes) == pytest.approx(coco_mask.iou(sides, sides, [0] * len(sides)))


@given(Numbers, st.sampled_from([0.3, 0.5, 0.7]))
def test_what_stays_is_apart_and_what_goes_has_a_better_one(rows: list[tuple[int, ...]], limit: float) -> None:
    boxes = boxes_of(rows)
    scores = np.array([row[4] for row in rows], dtype=np.float64)
    classes = np.array([row[5] for row in rows], dtype=np.int64)
    kept = suppress(boxes, scores, classes, iou_threshold=limit).tolist()
    assert scores[kept].tolist() == sorted(scores[kept], reverse=True)
    over = iou(boxes, boxes) > limit
    for one in range(len(rows)):
        rivals = [k for k in kept if k != one and classes[k] == classes[one] and over[k, one]]
        if one in kept:
            assert not rivals
        else:
            assert any(scores[k] >= scores[one] for k in rivals)


def test_boxes_are_cut_and_empty_ones_dropped() -> None:
    raw = np.array([[-5, -5, 5, 5], [20, 20, 30, 30], [8, 8, 8, 12], [1, 1, np.inf, 3]], dtype=np.float64)
    found = detections(
        raw, np.array([0.5, 0.9, 0.9, 0.7]), np.array([0, 0, 0, 1]),
        labels=["a", "b"], width=10, height=12, iou_threshold=0.5, most=9,
    )  # fmt: skip
    assert found.labels == ["b", "a"]
    assert found.boxes.tolist() == [[1, 1, 10, 3], [0, 0, 5, 5]]
