"""Closed-set detectors of transformers: tiny ones of the real architectures, saved, and loaded as real ones are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, AutoModelForObjectDetection

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.closed_set import ClosedSetDetector
from provision_dagster.scene_graphs.annotators.configs import ClosedSetConfig, load_annotators
from provision_dagster.scene_graphs.annotators.make import make_detector
from tests.scene_graphs.annotators import tiny_detectors, tiny_models
from tests.scene_graphs.annotators.test_hub import assert_alike, pictures

FAMILIES = ["rt_detr", "rt_detr_v2", "d_fine", "detr"]
KNOWN = ["person", "traffic light", "gray dog"]
"""The names of the model's classes, normalized; "N/A" is none."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in FAMILIES:
        getattr(tiny_detectors, name)(folder / name)
    return folder


def detector(models: Path, name: str, **fields: object) -> ClosedSetDetector:
    """All boxes with all scores, unless told otherwise."""
    every = {"kind": "closed-set", "score_threshold": 0.0, "iou_threshold": 1.0, "most": 10_000}
    return ClosedSetDetector(ClosedSetConfig.model_validate({**every, "model": str(models / name), **fields}))


@pytest.mark.parametrize("name", FAMILIES)
def test_boxes_lie_in_the_picture_best_first(models: Path, name: str) -> None:
    found = detector(models, name).annotate(pictures((60, 80), (60, 80)))
    for one in found:
        assert one.boxes.shape == (len(one.labels), 4)
        assert len(one.labels) > 10
        assert (one.boxes[:, :2] >= 0).all()
        assert (one.boxes[:, 2:] <= [80, 60]).all()
        assert (one.boxes[:, 2:] > one.boxes[:, :2]).all()
        assert one.scores.tolist() == sorted(one.scores, reverse=True)
        assert set(one.labels) <= set(KNOWN)
        assert one.tags is None
    assert not np.array_equal(found[0].boxes, found[1].boxes)


def line(label: str, score: float, box: np.ndarray) -> tuple[object, ...]:
    """One found object, rounded."""
    return (label, round(float(score), 3), *(round(float(side)) for side in box))


@pytest.mark.parametrize("name", FAMILIES)
def test_boxes_and_scores_are_those_of_the_library(models: Path, name: str) -> None:
    """Transformers reads the same output: its best boxes are ours, in pixels of the picture."""
    (picture,) = pictures((60, 80))
    processor = AutoImageProcessor.from_pretrained(models / name)
    with torch.inference_mode():
        output = AutoModelForObjectDetection.from_pretrained(models / name).eval()(
            **processor(images=[picture], return_tensors="pt")
        )
    (theirs,) = processor.post_process_object_detection(output, threshold=0.0, target_sizes=[(60, 80)])
    renamed = {"Person": "person", "Traffic  Light": "traffic light", "grey dog": "gray dog"}
    boxes = theirs["boxes"].clamp(min=0).minimum(torch.tensor([80, 60, 80, 60])).numpy()
    expected = {
        line(renamed[name], float(score), box)
        for name, score, box in zip(
            [tiny_detectors.CLASSES[int(number)] for number in theirs["labels"]], theirs["scores"], boxes, strict=True
        )
        if name != "N/A" and (box[2:] > box[:2]).all()
    }
    (ours,) = detector(models, name).annotate([picture])
    found = {line(*one) for one in zip(ours.labels, ours.scores, ours.boxes, strict=True)}
    assert len(expected) > 3
    # numbers may round to either side
    assert len(expected - found) <= len(expected) // 10


@pytest.mark.parametrize("name", FAMILIES)
def test_a_batch_changes_nothing(models: Path, name: str) -> None:
    model, given = detector(models, name), pictures(*[(60, 80)] * 8)
    for together, picture in zip(model.annotate(given), given, strict=True):
        assert_alike(together, model.annotate([picture])[0])


@pytest.mark.parametrize("name", ["rt_detr", "rt_detr_v2", "d_fine"])
def test_pictures_of_all_sizes_go_together_where_they_are_squeezed(models: Path, name: str) -> None:
    model, given = detector(models, name), pictures((60, 80), (80, 60), (33, 120))
    assert {model.bucket(picture) for picture in given} == {()}
    for together, picture in zip(model.annotate(given), given, strict=True):
        assert_alike(together, model.annotate([picture])[0])
        assert together.boxes[:, 2].max() > 0.5 * picture.shape[1]


def test_pictures_that_would_be_filled_up_go_by_size(models: Path) -> None:
    model = detector(models, "detr")
    assert [model.bucket(picture) for picture in pictures((60, 80), (80, 60))] == [(60, 80), (80, 60)]


@pytest.mark.parametrize("name", FAMILIES)
def test_boxes_grow_with_the_picture(models: Path, name: str) -> None:
    (small,) = pictures((60, 80))
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    one, other = detector(models, name).annotate([small])[0], detector(models, name).annotate([large])[0]
    assert other.boxes.max() == pytest.approx(2 * one.boxes.max(), rel=0.1)
    assert other.boxes[:, 2].max() > 80


def test_one_label_per_query_where_the_scores_of_a_query_are_shares(models: Path) -> None:
    (found,) = detector(models, "detr").annotate(pictures((60, 80)))
    assert len(found.labels) <= 20
    assert len({tuple(box) for box in found.boxes}) == len(found.boxes)


def test_thresholds_and_overlaps(models: Path) -> None:
    (every,) = detector(models, "rt_detr").annotate(pictures((60, 80)))
    middle = float(np.median(every.scores))
    (some,) = detector(models, "rt_detr", score_threshold=middle).annotate(pictures((60, 80)))
    assert some.scores.tolist() == every.scores[every.scores >= middle].tolist()
    (few,) = detector(models, "rt_detr", most=3).annotate(pictures((60, 80)))
    assert few.scores.tolist() == every.scores[:3].tolist()
    (crowded,) = detector(models, "detr").annotate(pictures((60, 80)))
    (apart,) = detector(models, "detr", iou_threshold=0.1).annotate(pictures((60, 80)))
    assert 0 < len(apart.labels) < len(crowded.labels)


def test_labels_that_are_kept(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("Grey Dog\nperson\n")
    model = detector(models, "rt_detr", labels=file)
    (found,), (every,) = model.annotate(pictures((60, 80))), detector(models, "rt_detr").annotate(pictures((60, 80)))
    assert set(found.labels) == {"gray dog", "person"}
    kept = [label != "traffic light" for label in every.labels]
    assert found.boxes.tolist() == every.boxes[kept].tolist()
    assert "labels@sha256:" in model.model
    assert "labels@" not in detector(models, "rt_detr").model


def test_a_label_that_the_model_does_not_know(models: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("person\ntraffic lights\n")
    with pytest.raises(InputError, match=r"labels\.txt`: no `traffic lights` among what .* knows, .*`traffic light`"):
        detector(models, "rt_detr", labels=file).load()


def test_classes_without_names(tmp_path: Path) -> None:
    names = {number: f"LABEL_{number}" for number in range(4)}
    tiny_detectors.rt_detr(tmp_path / "unnamed", id2label=names, label2id={n: i for i, n in names.items()})
    with pytest.raises(InputError, match="unnamed` has no names for its classes"):
        detector(tmp_path, "unnamed").load()


def test_another_architecture_is_named(tmp_path: Path) -> None:
    tiny_models.owlv2(tmp_path / "owlv2")
    with pytest.raises(InputError, match="is no AutoModelForObjectDetection"):
        detector(tmp_path, "owlv2").load()


def test_it_is_made_from_a_file(models: Path) -> None:
    file = models / "annotators.yaml"
    file.write_text("detections: {kind: closed-set, model: rt_detr, score_threshold: 0.4}\n")
    config = load_annotators(file).detections
    assert isinstance(config, ClosedSetConfig)
    assert config.model == str(models / "rt_detr")
    made = make_detector(config)
    made.load()
    assert made.model.startswith("rt_detr@sha256:")


@pytest.mark.parametrize("name", ["d_fine", "detr"])
def test_half_numbers(models: Path, name: str) -> None:
    """The number type of a GPU: boxes and scores are about the same."""
    one, other = (detector(models, name, dtype=dtype) for dtype in ("float32", "bfloat16"))
    (exact,), (coarse,) = one.annotate(pictures((60, 80))), other.annotate(pictures((60, 80)))
    assert coarse.scores[:5] == pytest.approx(exact.scores[:5], abs=0.03)
    assert coarse.boxes[:1] == pytest.approx(exact.boxes[:1], abs=1)
