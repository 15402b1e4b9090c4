"""The weights that ship with the package, judged on scenes that they have not seen, without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from provision_dagster.evaluate import Measured, evaluate
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.samples import TINY_ANNOTATORS
from provision_dagster.samples.rendering import LABELS, render_scenes
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from provision_dagster.scene_graphs.annotators.labels import read_labels


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("held_out")
    path = render_scenes(folder, n=100, seed=2_000)
    spec = {
        "name": "held-out",
        "reader": "annotations",
        "annotations": path,
        "annotations_format": "provision",
        "images": folder / "images",
        "depth": folder / "depth_masks",
    }
    return evaluate(parse_spec(spec, source="test"), load_annotators(TINY_ANNOTATORS))


def test_objects_are_found(measured: Measured) -> None:
    assert measured.detections is not None
    assert measured.detections.ap50 >= 0.8
    # most kinds are known, not only the frequent ones
    known = measured.detections.by_label.filter(measured.detections.by_label["objects"] >= 5)
    assert known.height > 30
    assert (known["ap50"] >= 0.5).mean() >= 0.85


def test_objects_are_cut_out(measured: Measured) -> None:
    masks = measured.quality.masks
    assert masks is not None
    assert masks.mean >= 0.8
    assert masks.missing == 0


def test_depth_is_in_order(measured: Measured) -> None:
    assert measured.depth.height == 100
    assert measured.spearman is not None
    assert measured.spearman >= 0.9
    assert measured.depth["spearman"].min() >= 0.5  # type: ignore[operator]


def test_the_files_are_small_and_name_every_label() -> None:
    files = list(TINY_ANNOTATORS.parent.glob("*.onnx"))
    assert len(files) == 3
    assert all(file.stat().st_size < 1_000_000 for file in files)
    assert read_labels(TINY_ANNOTATORS.parent / "labels.txt") == list(LABELS)


def test_they_need_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from provision_dagster.annotate import load_model\n"
        "from provision_dagster.samples import TINY_ANNOTATORS\n"
        "from provision_dagster.scene_graphs.annotators.configs import load_annotators\n"
        "config = load_annotators(TINY_ANNOTATORS)\n"
        "assert all(load_model(table, config) for table in ('detections', 'masks', 'depth_maps'))\n"
        "assert 'onnxruntime' in sys.modules\n"
        "assert not {'torch', 'onnx', 'provision_dagster.training'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
