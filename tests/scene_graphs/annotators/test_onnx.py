"""YOLOX and depth by ONNX Runtime: decoding, letterbox, directions, and errors that name the file."""

from pathlib import Path

import numpy as np
import pytest

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.configs import OnnxDepthConfig, YoloxConfig
from provision_dagster.scene_graphs.annotators.onnx_depth import OnnxDepth
from provision_dagster.scene_graphs.annotators.yolox import YoloxDetector
from tests.scene_graphs.annotators.tiny_onnx import averaging_model, constant_model

SIDE = 64
PLACES = 8 * 8 + 4 * 4 + 2 * 2


def yolox(
    folder: Path, *marks: tuple[int, list[float]], labels: str = "cup\nn/a\ndog\n", **fields: float
) -> YoloxDetector:
    """A detector with these rows (place, raw output) and nothing elsewhere."""
    raw = np.zeros((1, PLACES, 7))
    for place, values in marks:
        raw[0, place] = values
    weights = constant_model(folder / "yolox.onnx", raw, height=SIDE, width=SIDE)
    (folder / "labels.txt").write_text(labels)
    return YoloxDetector(YoloxConfig(kind="yolox-onnx", weights=weights, labels=folder / "labels.txt", **fields))  # type: ignore[arg-type]


def picture(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), dtype=np.uint8)


def test_raw_output_is_decoded_and_scaled_to_the_picture(tmp_path: Path) -> None:
    # place 9 of stride 8 is column 1, row 1: its centre is (1.5 + 1) * 8 = 20 in the frame, the sides are e^0 * 8
    detector = yolox(tmp_path, (9, [1.5, 0.5, 0.0, np.log(2), 0.9, 0.0, 1.0]))
    detector.load()
    (wide,) = detector.annotate([picture(64, 128)])
    assert wide.labels == ["dog"]
    assert wide.scores == pytest.approx([0.9])
    # the frame holds half the size: 20 -> 40 across, 12 -> 24 down
    assert wide.boxes.tolist() == pytest.approx(np.array([[32, 8, 48, 40]]), abs=1e-4)


def test_boxes_are_cut_at_the_picture_and_empty_ones_left_out(tmp_path: Path) -> None:
    outside = (63, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0])  # centre (56, 56) in the frame: below a picture of 64 x 32
    over = (0, [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    (found,) = yolox(tmp_path, outside, over).annotate([picture(32, 64)])
    assert found.boxes[:, :2].tolist() == [[0, 0]]


def test_weaker_boxes_of_one_class_are_dropped(tmp_path: Path) -> None:
    one, same = [0.0, 0.0, 1.0, 1.0, 0.9, 1.0, 0.0], [-1.0, 0.0, 1.0, 1.0, 0.8, 1.0, 0.0]
    other = [-1.0, 0.0, 1.0, 1.0, 0.7, 0.0, 1.0]
    detector = yolox(tmp_path, (18, one), (19, same))
    (found,) = detector.annotate([picture(64, 64)])
    assert found.labels == ["cup"]
    (found,) = yolox(tmp_path, (18, one), (19, other)).annotate([picture(64, 64)])
    assert found.labels == ["cup", "dog"]


def test_thresholds(tmp_path: Path) -> None:
    marks = [(8 * row, [0.0, 0.0, 0.0, 0.0, 0.1 * (row + 1), 1.0, 0.0]) for row in range(8)]
    assert len(yolox(tmp_path, *marks, score_threshold=0.55).annotate([picture(64, 64)])[0].labels) == 3
    found = yolox(tmp_path, *marks, score_threshold=0.0, most=2).annotate([picture(64, 64)])[0]
    assert found.scores == pytest.approx([0.8, 0.7])


def test_weak_boxes_go_down_to_their_own_threshold(tmp_path: Path) -> None:
    marks = [(8 * row, [0.0, 0.0, 0.0, 0.0, 0.1 * (row + 1), 1.0, 0.0]) for row in range(8)]

    def weak(**thresholds: float | None) -> list[float]:
        (found,) = yolox(tmp_path, *marks, score_threshold=0.55, **thresholds).annotate([picture(64, 64)])  # type: ignore[arg-type]
        assert len(found.labels) == 3
        assert found.weak is not None
        return found.weak.scores.round(2).tolist()

    assert weak() == [0.5, 0.4, 0.3, 0.2, 0.1]
    assert weak(weak_threshold=0.25) == [0.5, 0.4, 0.3]
    assert weak(weak_threshold=None) == []


def test_another_number_of_classes_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\.txt.*shape \(84, 8\), got \(84, 7\)"):
        yolox(tmp_path, labels="a\nb\nc\n").load()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "weights .* are missing"), (b"no model", "are no ONNX model"), (b"", "no ONNX model")],
)
def test_unusable_weights(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "weights.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        OnnxDepth(OnnxDepthConfig(kind="depth-onnx", weights=file)).load()
    with pytest.raises(InputError, match=message):
        YoloxDetector(YoloxConfig(kind="yolox-onnx", weights=file, labels=file)).load()


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    weights = constant_model(tmp_path / "x.onnx", np.zeros((1, 5, 4, 4)), height=8, width=8)
    with pytest.raises(InputError, match=r"one depth map \(1, 1, height, width\), got \(1, 5, 4, 4\)"):
        OnnxDepth(OnnxDepthConfig(kind="depth-onnx", weights=weights)).load()


def test_depth_is_larger_where_closer(tmp_path: Path) -> None:
    weights = averaging_model(tmp_path / "depth.onnx", height=8, width=8)
    left_bright = picture(20, 40)
    left_bright[:, :20] = 255
    far = OnnxDepth(OnnxDepthConfig(kind="depth-onnx", weights=weights, larger="farther")).annotate([left_bright])[0]
    near = OnnxDepth(OnnxDepthConfig(kind="depth-onnx", weights=weights, larger="closer")).annotate([left_bright])[0]
    assert near.dtype == np.uint16
    assert near.shape == (8, 8)
    assert near[:, 0].tolist() == [65_535] * 8
    assert near[:, -1].tolist() == [0] * 8
    assert (far == 65_535 - near).all()


def test_provenance_is_file_and_content(tmp_path: Path) -> None:
    first = OnnxDepth(
        OnnxDepthConfig(kind="depth-onnx", weights=averaging_model(tmp_path / "a.onnx", height=8, width=8))
    )
    second = OnnxDepth(
        OnnxDepthConfig(kind="depth-onnx", weights=averaging_model(tmp_path / "b.onnx", height=8, width=16))
    )
    assert first.model.startswith("a.onnx@sha256:")
    assert first.model.split(":")[1] != second.model.split(":")[1]


def test_a_picture_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (int(h), 30, 3), dtype=np.uint8) for h in rng.integers(10, 50, 8)]
    depth = OnnxDepth(
        OnnxDepthConfig(kind="depth-onnx", weights=averaging_model(tmp_path / "a.onnx", height=8, width=8))
    )
    together = depth.annotate(pictures)
    assert all((one == depth.annotate([picture])[0]).all() for one, picture in zip(together, pictures, strict=True))
    assert depth.annotate([]) == []
