"""Masks by ONNX Runtime: a model that takes what is bright for the object, on pictures whose masks are known."""

from pathlib import Path

import numpy as np
import pytest

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from provision_dagster.scene_graphs.annotators.found import Prompted
from provision_dagster.scene_graphs.annotators.make import make_mask_maker
from provision_dagster.scene_graphs.annotators.onnx_masks import OnnxMasks, window_of
from tests.scene_graphs.annotators.tiny_onnx import averaging_model, constant_model


@pytest.fixture
def maker(tmp_path: Path) -> OnnxMasks:
    averaging_model(tmp_path / "bright.onnx", height=48, width=48)
    file = tmp_path / "annotators.yaml"
    file.write_text("masks: {kind: masks-onnx, weights: bright.onnx, score_threshold: 0.7}\n")
    config = load_annotators(file).masks
    assert config is not None
    made = make_mask_maker(config)
    assert isinstance(made, OnnxMasks)
    made.load()
    return made


def with_bright(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (120, 160)) -> np.ndarray:
    picture = np.zeros((*size, 3), np.uint8)
    for x1, y1, x2, y2 in boxes:
        picture[y1:y2, x1:x2] = 255
    return picture


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_each_box_gets_what_is_bright_in_it(maker: OnnxMasks) -> None:
    bright = [(10, 20, 60, 50), (90, 60, 100, 110), (0, 100, 30, 120), (130, 0, 160, 20)]
    picture = with_bright(*bright)
    (found,) = maker.annotate([Prompted(picture, np.array(bright, np.float64))])
    assert found.masks.shape == (4, 120, 160)
    assert maker.least == 0.7
    for mask, (x1, y1, x2, y2) in zip(found.masks, bright, strict=True):
        truth = np.zeros((120, 160), bool)
        truth[y1:y2, x1:x2] = True
        assert overlap(mask, truth) > 0.95
        # nothing beyond the box
        assert not (mask & ~truth).any()
    assert (found.scores > 0.7).all()


def test_half_of_a_box_is_bright(maker: OnnxMasks) -> None:
    picture = with_bright((20, 20, 60, 100))
    (found,) = maker.annotate([Prompted(picture, np.array([[20.0, 20, 100, 100], [110, 10, 150, 90]]))])
    truth = picture[:, :, 0] > 0
    assert overlap(found.masks[0], truth) > 0.95
    assert not found.masks[1].any()


def test_what_is_found_does_not_depend_on_the_batch(maker: OnnxMasks) -> None:
    rng = np.random.default_rng(0)
    given = [
        Prompted(with_bright((5 * n, 10, 40 + 5 * n, 60)), rng.uniform(0, 50, (n, 4)) + np.array([0, 0, 55, 55]))
        for n in range(6)
    ]
    together = maker.annotate(given)
    for one, found in zip(given, together, strict=True):
        (alone,) = maker.annotate([one])
        assert found.masks.shape == (len(one.boxes), 120, 160)
        assert (alone.masks == found.masks).all()
        assert (alone.scores == found.scores).all()


def test_no_picture_and_no_box_give_nothing(maker: OnnxMasks) -> None:
    assert maker.annotate([]) == []
    (found,) = maker.annotate([Prompted(with_bright(), np.zeros((0, 4)))])
    assert found.masks.shape == (0, 120, 160)


def test_the_margin_is_an_eighth_and_may_reach_out_of_the_picture() -> None:
    assert window_of(np.array([8.0, 16, 16, 32])) == (7, 14, 17, 34)
    assert window_of(np.array([0.0, 0, 8, 8])) == (-1, -1, 9, 9)


def test_another_model_is_refused(tmp_path: Path) -> None:
    constant_model(tmp_path / "two.onnx", np.zeros((1, 2, 8, 8)), height=16, width=16)
    file = tmp_path / "annotators.yaml"
    file.write_text("masks: {kind: masks-onnx, weights: two.onnx}\n")
    config = load_annotators(file).masks
    assert config is not None
    with pytest.raises(InputError, match=r"expected logits \(1, 1, height, width\), got \(1, 2, 8, 8\)"):
        make_mask_maker(config).load()
    file.write_text("masks: {kind: masks, weights: two.onnx}\n")
    with pytest.raises(InputError, match=r"`masks.kind` must be one of `masks-onnx`, `sam2`, got `masks`"):
        load_annotators(file)
