"""Overlap, suppression and cutting of boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from provision_dagster.scene_graphs.annotators.boxes import detections, iou, suppress
from provision_dagster.scene_graphs.annotators.found import Detections

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


def found_in(raw: np.ndarray, scores: list[float], classes: list[int], **fields: float) -> Detections:
    """Detections of a picture of 10 x 12 pixels."""
    return detections(
        raw, np.array(scores), np.array(classes), labels=["a", "b"], width=10, height=12,
        **{"score_threshold": 0.5, "iou_threshold": 0.5, "most": 9, **fields},
    )  # type: ignore[arg-type]  # fmt: skip


def test_boxes_are_cut_and_empty_ones_dropped() -> None:
    raw = np.array([[-5, -5, 5, 5], [20, 20, 30, 30], [8, 8, 8, 12], [1, 1, np.inf, 3]], dtype=np.float64)
    found = found_in(raw, [0.5, 0.9, 0.9, 0.7], [0, 0, 0, 1])
    assert found.labels == ["b", "a"]
    assert found.boxes.tolist() == [[1, 1, 10, 3], [0, 0, 5, 5]]
    assert found.weak is not None
    assert found.weak.labels == []


LEFT, RIGHT, FULL = [0, 0, 4, 10], [6, 0, 10, 10], [0, 0, 4, 9]


def test_what_scores_too_little_is_weak() -> None:
    found = found_in(np.array([LEFT, RIGHT, LEFT], dtype=np.float64), [0.8, 0.4, 0.3], [0, 0, 1])
    assert (found.labels, found.scores.tolist()) == (["a"], [0.8])
    assert found.weak is not None
    assert (found.weak.labels, found.weak.scores.tolist(), found.weak.weak) == (["a", "b"], [0.4, 0.3], None)
    assert found.weak.boxes.tolist() == [RIGHT, LEFT]


def test_a_weak_box_over_a_kept_one_of_its_label_says_nothing_new() -> None:
    raw = np.array([LEFT, FULL], dtype=np.float64)
    same, other = (found_in(raw, [0.8, 0.4], [0, kind], iou_threshold=0.95).weak for kind in (0, 1))
    assert same is not None
    assert other is not None
    assert (same.labels, other.labels) == ([], ["b"])


def test_what_is_more_than_enough_is_weak_and_the_best_of_each_label_first() -> None:
    raw = np.array([[x, y, x + 1, y + 1] for y in (0, 5) for x in range(4)], dtype=np.float64)
    scores = [0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1, 0.05]
    found = found_in(raw, scores, [0, 0, 0, 0, 0, 0, 0, 1], most=3)
    assert found.scores.tolist() == [0.9, 0.8, 0.7]
    assert found.weak is not None
    assert found.weak.scores.tolist() == [0.6, 0.05, 0.3]
