"""Training a few steps: the loss falls, the files load, the same seed gives the same files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from provision_dagster.errors import InputError
from provision_dagster.samples.rendering import LABELS, render_scene
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from provision_dagster.scene_graphs.annotators.found import Prompted
from provision_dagster.scene_graphs.annotators.make import make_depth_estimator, make_detector, make_mask_maker
from provision_dagster.training.nets import Detector, OneMap
from provision_dagster.training.onnx_file import write_onnx
from provision_dagster.training.train import FOLDERS, PARTS, Part, train_tiny

# a scene has a dozen objects
PASSES_OF: dict[Part, int] = {"detections": 16, "masks": 3, "depth_maps": 16}


@pytest.mark.parametrize("part", ["detections", "masks", "depth_maps"])
def test_the_loss_falls_and_the_file_loads(part: Part, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    (trained,) = train_tiny(
        tmp_path, parts=(part,), scenes=32, passes=PASSES_OF[part], progress=lambda *step: told.append(step)
    )
    assert trained.steps >= 32
    assert trained.last < 0.8 * trained.first
    assert ("scenes", 32, 32) in told
    assert (f"train {part}", trained.steps, trained.steps) in told
    config = load_annotators(tmp_path / "annotators.yaml")
    picture = np.asarray(render_scene(0, seed=3).image)
    if part == "detections":
        assert config.detections is not None
        detector = make_detector(config.detections)
        detector.load()
        assert set(detector.annotate([picture])[0].labels) <= set(LABELS)
    elif part == "masks":
        assert config.masks is not None
        maker = make_mask_maker(config.masks)
        maker.load()
        (cut,) = maker.annotate([Prompted(picture, np.array([[100.0, 100, 200, 220]]))])
        assert cut.masks.shape == (1, 480, 640)
    else:
        assert config.depth_maps is not None
        depth = make_depth_estimator(config.depth_maps)
        depth.load()
        (found,) = depth.annotate([picture])
        # the ground before the camera is closer than the sky or the wall
        assert found[-8:].mean() > found[:8].mean()


def test_models_for_filters_name_no_annotators(tmp_path: Path) -> None:
    trained = train_tiny(tmp_path, parts=FOLDERS, scenes=24, passes=8)
    assert [one.part for one in trained] == list(FOLDERS)
    assert all(one.last < 0.8 * one.first for one in trained)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny_clip", "tiny_judge"]


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    files = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        for one in train_tiny(tmp_path / name, scenes=16, passes=1, seed=seed):
            assert one.file.is_relative_to(tmp_path / name)
            files[name, one.part] = one.file.read_bytes()
    for part in PARTS:
        assert files["a", part] == files["b", part]
        assert files["a", part] != files["c", part]


@pytest.mark.parametrize(("net", "size"), [(Detector(5, width=24), (64, 96)), (OneMap(8), (64, 96))])
def test_a_file_gives_what_the_network_gives(net: torch.nn.Module, size: tuple[int, int], tmp_path: Path) -> None:
    import onnxruntime

    torch.manual_seed(0)
    net.train()
    with torch.no_grad():  # batch normalization learns what it sees
        for _ in range(3):
            net(torch.rand(4, 3, *size) * 255)
        net.eval()
        pictures = torch.rand(2, 3, *size) * 255
        expected = net(pictures).numpy()
    session = onnxruntime.InferenceSession(str(write_onnx(net, tmp_path / "net.onnx", size=size)))
    (found,) = session.run(None, {"pictures": pictures.numpy()})
    assert found.shape == expected.shape
    # weights have 16 bits in the file
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.parametrize(("field", "value"), [("scenes", 0), ("passes", 0), ("threads", -1)])
def test_numbers_out_of_range_are_refused(field: str, value: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"`{field}` must be at least 1, got {value}"):
        train_tiny(tmp_path, **{field: value})
