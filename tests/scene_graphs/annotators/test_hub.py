"""Models of transformers: tiny ones of the real architectures, saved, and loaded as real ones are."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.configs import (
    HubDepthConfig,
    Sam2Config,
    ZeroShotConfig,
    load_annotators,
)
from provision_dagster.scene_graphs.annotators.found import Detections
from provision_dagster.scene_graphs.annotators.hub_depth import HubDepth
from provision_dagster.scene_graphs.annotators.sam2 import Prompted, Sam2Masks
from provision_dagster.scene_graphs.annotators.zero_shot import ZeroShotDetector
from provision_dagster.scene_graphs.annotators.zero_shot_families import grounding_prompt, token_shares
from tests.scene_graphs.annotators import tiny_detectors, tiny_models

LABELS = "cat\nred car\ntraffic light\n"


def pictures(*sizes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in sizes]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for make in (tiny_models.grounding_dino, tiny_models.owlv2, tiny_models.depth_anything, tiny_models.sam2):
        make(folder / make.__name__)
    tiny_detectors.omdet_turbo(folder / "omdet_turbo")
    (folder / "labels.txt").write_text(LABELS)
    return folder


def detector(models: Path, name: str, **fields: object) -> ZeroShotDetector:
    """All boxes with all scores, unless told otherwise."""
    every = {"score_threshold": 0.0, "iou_threshold": 1.0, "most": 10_000}
    named = {"kind": "zero-shot", "model": str(models / name), "labels": models / "labels.txt"}
    return ZeroShotDetector(ZeroShotConfig.model_validate({**named, **every, **fields}))


ZERO_SHOT = ["grounding_dino", "owlv2", "omdet_turbo"]


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_boxes_lie_in_the_picture_best_first(models: Path, name: str) -> None:
    found = detector(models, name).annotate(pictures((60, 80), (60, 80)))
    for one in found:
        assert one.boxes.shape == (len(one.labels), 4)
        assert (one.boxes[:, :2] >= 0).all()
        assert (one.boxes[:, 2:] <= [80, 60]).all()
        assert (one.boxes[:, 2:] > one.boxes[:, :2]).all()
        assert one.scores.tolist() == sorted(one.scores, reverse=True)
        assert set(one.labels) == set(LABELS.split("\n")[:3])
    assert not np.array_equal(found[0].boxes, found[1].boxes)


def by_label(found: Detections) -> dict[str, np.ndarray]:
    """Sorted scores of each label."""
    return {label: np.sort(found.scores[[one == label for one in found.labels]]) for label in set(found.labels)}


def assert_alike(one: Detections, other: Detections) -> None:
    first, second = by_label(one), by_label(other)
    assert set(first) == set(second)
    for label, scores in first.items():
        assert scores == pytest.approx(second[label], abs=1e-5)


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_a_batch_changes_nothing(models: Path, name: str) -> None:
    model, given = detector(models, name), pictures(*[(60, 80)] * 8)
    for together, picture in zip(model.annotate(given), given, strict=True):
        assert_alike(together, model.annotate([picture])[0])


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_boxes_grow_with_the_picture(models: Path, name: str) -> None:
    (small,) = pictures((60, 80))
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    one, other = detector(models, name).annotate([small])[0], detector(models, name).annotate([large])[0]
    assert other.boxes.max() == pytest.approx(2 * one.boxes.max(), rel=0.1)
    assert other.boxes[:, 2].max() > 80


def test_omdet_turbo_is_read_as_the_library_does(models: Path) -> None:
    """Transformers reads the same output: its best boxes are ours, in pixels of the picture."""
    (picture,) = pictures((60, 80))
    processor = AutoProcessor.from_pretrained(models / "omdet_turbo")
    network = AutoModelForZeroShotObjectDetection.from_pretrained(models / "omdet_turbo").eval()
    labels = ["cat", "red car", "traffic light"]
    task = "Detect cat, red car, traffic light."
    with torch.inference_mode():
        output = network(**processor(images=[picture], text=[labels], task=[task], return_tensors="pt"))
    (theirs,) = processor.post_process_grounded_object_detection(
        output, text_labels=[labels], threshold=0.0, nms_threshold=1.0, target_sizes=[(60, 80)]
    )
    (ours,) = detector(models, "omdet_turbo").annotate([picture])
    best = theirs["scores"].argsort(descending=True)[:10]
    assert ours.scores[:10] == pytest.approx(theirs["scores"][best].numpy(), abs=1e-5)
    assert ours.boxes[:10] == pytest.approx(theirs["boxes"][best].numpy(), abs=1e-3)
    assert ours.labels[:10] == [theirs["text_labels"][place] for place in best]


def test_owlv2_sees_a_square(models: Path) -> None:
    """It fills pictures up to a square: the longer side is the square's, the shorter one is cut off."""
    model = detector(models, "owlv2", score_threshold=0.0)
    (wide,), (tall,) = model.annotate(pictures((40, 80))), model.annotate(pictures((80, 40)))
    assert wide.boxes[:, 2].max() == pytest.approx(80)
    assert wide.boxes[:, 3].max() <= 40
    assert tall.boxes[:, 3].max() == pytest.approx(80)
    assert tall.boxes[:, 2].max() <= 40


def test_labels_in_turns_have_the_scores_of_their_turn(models: Path) -> None:
    """OWLv2 looks at each label for itself: how they are split into prompts does not matter."""
    given = pictures((60, 80))
    assert_alike(
        detector(models, "owlv2").annotate(given)[0], detector(models, "owlv2", labels_per_prompt=1).annotate(given)[0]
    )


def test_a_prompt_that_is_too_long_is_said(models: Path, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("\n".join(f"cat {'red ' * n}car" for n in range(12)))
    model = detector(models, "grounding_dino", labels=tmp_path / "many.txt")
    with pytest.raises(InputError, match="`labels_per_prompt` is 12: too many tokens"):
        model.annotate(pictures((60, 80)))


def test_labels_are_found_in_a_prompt() -> None:
    prompt, spans = grounding_prompt(["Cat", "red car"])
    assert prompt == "cat. red car."
    assert [prompt[start:end] for start, end in spans] == ["cat", "red car"]
    offsets = [(0, 0), (0, 3), (3, 4), (5, 8), (9, 12), (12, 13), (0, 0)]
    assert token_shares(offsets, spans, size=8).tolist() == [[0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0.5, 0.5, 0, 0, 0]]


def test_provenance_is_the_content_of_the_weights(models: Path) -> None:
    model = detector(models, "owlv2")
    name, digest = model.model.split(" ")[0].split("@")
    assert name == "owlv2"
    assert digest.startswith("sha256:")
    assert digest != detector(models, "grounding_dino").model.split(" ")[0].split("@")[1]
    assert json.loads(model.config.told())["score_threshold"] == 0


def depth(models: Path, **fields: object) -> HubDepth:
    return HubDepth(HubDepthConfig.model_validate({"kind": "depth", "model": str(models / "depth_anything"), **fields}))


def test_depth_keeps_the_pictures_proportions(models: Path) -> None:
    wide, tall = depth(models).annotate(pictures((60, 120)))[0], depth(models).annotate(pictures((120, 60)))[0]
    assert wide.dtype == np.uint16
    assert wide.shape == tall.shape[::-1]
    assert wide.shape[1] > wide.shape[0]
    assert (wide.min(), wide.max()) == (0, 65_535)


def test_depth_does_not_depend_on_the_batch(models: Path) -> None:
    model, given = depth(models), pictures(*[(60, 80)] * 8)
    for together, picture in zip(model.annotate(given), given, strict=True):
        alone = model.annotate([picture])[0]
        # the last digits of sums depend on how they are vectorized
        assert np.abs(together.astype(int) - alone).max() <= 8


def test_what_larger_means(models: Path) -> None:
    given = pictures((60, 80))
    near, far = depth(models).annotate(given)[0], depth(models, larger="farther").annotate(given)[0]
    assert np.abs(near.astype(int) + far - 65_535).max() <= 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "nobody/nothing", "offline": True}, "model `nobody/nothing` cannot be loaded: .*; give a folder"),
        ({"model": "nobody/nothing", "revision": "v9", "offline": True}, "revision `v9` cannot be loaded"),
        ({"device": "cuda:3"}, "`device` is `cuda:3`, but no NVIDIA GPU can be used here; use `auto` or `cpu`"),
    ],
)
def test_what_cannot_be_loaded(models: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        detector(models, "owlv2", **change).load()


def test_no_network(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    with pytest.raises(InputError, match=r"cannot be loaded: .*check name, revision and network, or give a folder"):
        detector(models, "owlv2", model="nobody/nothing").load()


def test_another_architecture_is_named(models: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no AutoModelForZeroShotObjectDetection"):
        detector(models, "depth_anything").load()
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="Unrecognized model"):
        detector(models, "owlv2", model=str(empty)).load()


def test_damaged_weights_are_named(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    tiny_models.owlv2(folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"model `.*damaged`"):
        detector(models, "owlv2", model=str(folder)).load()


def test_a_folder_is_found_beside_the_file_of_annotators(models: Path) -> None:
    file = models / "annotators.yaml"
    file.write_text(
        "detections: {kind: zero-shot, model: owlv2, labels: labels.txt}\n"
        "depth_maps: {kind: depth, model: org/name-of-a-hub}\n"
    )
    config = load_annotators(file)
    assert config.detections is not None
    assert config.depth_maps is not None
    assert config.detections.model == str(models / "owlv2")  # type: ignore[union-attr]
    assert config.depth_maps.model == "org/name-of-a-hub"  # type: ignore[union-attr]


@pytest.mark.parametrize(("text", "message"), [("", "names no label"), ("cat\n\ncat\n", "names `cat` twice")])
def test_unusable_labels(models: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        _ = detector(models, "owlv2", labels=tmp_path / "labels.txt").labels


def masks(models: Path, **fields: object) -> Sam2Masks:
    return Sam2Masks(Sam2Config.model_validate({"kind": "sam2", "model": str(models / "sam2"), **fields}))


def test_masks_of_boxes(models: Path) -> None:
    given = pictures((60, 80), (40, 30), (60, 80))
    boxes = [[[0, 0, 40, 30], [10, 10, 70, 50], [5, 5, 20, 20]], [], [[1, 1, 50, 50]]]
    prompts = [
        Prompted(picture, np.array(some, dtype=np.float64).reshape(-1, 4))
        for picture, some in zip(given, boxes, strict=True)
    ]
    together = masks(models, boxes_per_call=2).annotate(prompts)
    assert [one.masks.shape for one in together] == [(3, 60, 80), (0, 40, 30), (1, 60, 80)]
    assert all(((one.scores >= 0) & (one.scores <= 1)).all() for one in together)
    assert not np.array_equal(together[0].masks[0], together[0].masks[1])
    # neither the pictures beside it nor how its boxes are split changes what is cut out
    for one, prompt in zip(together, prompts, strict=True):
        alone = masks(models).annotate([prompt])[0]
        assert (alone.masks != one.masks).mean() < 0.001 if len(alone.masks) else one.masks.size == 0
        assert alone.scores == pytest.approx(one.scores, abs=1e-5)
