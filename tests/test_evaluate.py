"""`provision evaluate-annotator`: what it prints is what was measured, and it says when there is nothing to compare."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision_dagster.errors import InputError
from provision_dagster.evaluate import evaluate
from provision_dagster.image_sets.spec import ImageSetSpec, parse_spec
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from tests.scene_graphs.annotators.tiny_onnx import tiny_annotators


def annotators(folder: Path) -> Path:
    """A detector that sees one "dog" at the top left of everything, and depth by brightness."""
    return tiny_annotators(folder, larger="closer", depth=(48, 64))


def rendered(folder: Path, **fields: object) -> ImageSetSpec:
    graphs = render_scenes(folder / "scenes", n=3, seed=2, width=160, height=120)
    spec = {"name": "scenes", "reader": "annotations", "annotations": graphs, "annotations_format": "provision"}
    return parse_spec(spec | fields, source="test")


def test_boxes_and_depth_are_measured(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    spec = rendered(tmp_path, images=folder / "images", depth=folder / "depth_masks")
    measured = evaluate(spec, load_annotators(annotators(tmp_path)))
    assert measured.pictures == 3
    assert measured.detections is not None
    assert measured.detections.by_label["objects"].sum() > 5
    assert measured.detections.ap < 0.1
    assert measured.depth["spearman"].is_between(-1, 1).all()
    assert measured.spearman == pytest.approx(measured.depth["spearman"].mean())
    assert measured.models.select("table", "pictures", "failed").rows() == [("detections", 3, 0), ("depth_maps", 3, 0)]


def test_nothing_to_compare_is_said(tmp_path: Path) -> None:
    config = load_annotators(annotators(tmp_path))
    with pytest.raises(InputError, match="no picture that can be opened; give its folder of pictures"):
        evaluate(rendered(tmp_path), config)
    folder = tmp_path / "scenes"
    without = rendered(tmp_path, images=folder / "images", depth=folder / "depth_masks")
    assert evaluate(without, config.model_copy(update={"depth_maps": None})).spearman is None
    with pytest.raises(InputError, match="neither objects nor depth maps"):
        evaluate(without, config.model_copy(update={"depth_maps": None, "detections": None}))


@pytest.mark.shared
def test_the_command_prints_the_figures_of_the_real_models(tmp_path: Path, shared: Path) -> None:
    models = shared / "models"
    file = tmp_path / "annotators.yaml"
    file.write_text(
        f"detections: {{kind: yolox-onnx, weights: {models / 'yolox_nano_coco80_416.onnx'}, "
        f"labels: {models / 'coco_labels.txt'}}}\n"
        f"depth_maps: {{kind: depth-onnx, weights: {models / 'meter_xxs_nyu_256x320.onnx'}}}\n"
    )
    command = [sys.executable, "-m", "provision_dagster.cli", "evaluate-annotator", file]
    coco = shared / "data" / "coco"
    of_coco = [coco, "--format", "coco", "--images", coco / "images", "--out", tmp_path / "coco"]
    for options in (of_coco, ["--out", tmp_path / "photographs"]):
        done = subprocess.run(
            list(map(str, [*command, *options])), capture_output=True, text=True, check=True,
            env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip
        assert "AP50" in done.stdout
    boxes = json.loads((tmp_path / "coco" / "quality.json").read_text())["detections"]
    assert boxes["ap"] >= 0.24
    assert boxes["ap50"] >= 0.41
    depth = json.loads((tmp_path / "photographs" / "quality.json").read_text())["depth"]
    assert depth["pictures"] == 2
    assert depth["spearman"] >= 0.69
    assert "motorcycle_left" in done.stdout
