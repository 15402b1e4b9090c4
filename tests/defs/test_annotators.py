"""Pictures that nobody annotated, from pixels to a mix, with models alone, as runs of a real Dagster instance."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from tests.defs.project import Project
from tests.scene_graphs.annotators import tiny_models

pytestmark = pytest.mark.slow

FOUND = ("detections", "masks", "depth_maps", "scene_graphs", "vocabulary", "filtered_qa")


def annotators(shared: Path, folder: Path) -> Path:
    """Two real models of ONNX Runtime, and a SAM 2 of the real architecture with random weights."""
    models = shared / "models"
    tiny_models.sam2(folder / "sam2")
    file = folder / "annotators.yaml"
    file.write_text(
        f"detections: {{kind: yolox-onnx, weights: {models / 'yolox_nano_coco80_416.onnx'}, "
        f"labels: {models / 'coco_labels.txt'}, score_threshold: 0.5}}\n"
        "masks: {kind: sam2, model: sam2, score_threshold: 0}\n"
        f"depth_maps: {{kind: depth-onnx, weights: {models / 'meter_xxs_nyu_256x320.onnx'}}}\n"
    )
    return file


@pytest.mark.shared
def test_from_pixels_to_a_mix(tmp_path: Path, shared: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for folder in (shared / "data" / "coco" / "images", shared / "data" / "photos"):
        for photo in sorted(folder.glob("*.jpg"))[:9]:
            shutil.copy(photo, pictures)
    (pictures / "broken.jpg").write_bytes((pictures / "pets.jpg").read_bytes()[:3000])
    count = len(list(pictures.iterdir())) - 1
    project = Project(tmp_path / "project")
    project.run("ingest", pictures, "--annotators", annotators(shared, tmp_path), "--shard-size", "10")
    project.run("materialize")

    found = project.rows("detections")
    assert found.height == count
    assert found["error"].null_count() == count
    assert found["model"].unique().len() == 1
    assert project.rows("depth_maps")["closeness"].null_count() == 0
    graphs = project.rows("scene_graphs")
    assert graphs.height == count
    things = graphs.select("provenance", pl.col("objects")).explode("objects").drop_nulls("objects").unnest("objects")
    assert things.height == found["objects"].list.len().sum() > count
    assert things["mask_area"].null_count() < things.height / 2
    assert things["score"].min() >= 0.5  # type: ignore[operator]
    made_by = things["provenance"].struct.unnest()
    assert made_by["objects"].str.starts_with("yolox_nano").all()
    assert made_by["depth"].str.starts_with("meter_xxs").all()
    assert project.rows("filtered_qa").height > 100
    assert project.rows("mixes").height > 20

    versions = {name: project.store.version(name) for name in FOUND}
    project.run("materialize")
    assert {name: project.store.version(name) for name in FOUND} == versions


def test_missing_weights_stop_at_registration_or_in_the_run(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (tmp_path / "bad.yaml").write_text("detections: {kind: yolox-onnx, weights: gone.onnx, labels: gone.txt, most: 0}")
    (tmp_path / "gone.yaml").write_text("depth_maps: {kind: depth-onnx, weights: gone.onnx}")
    Image.new("RGB", (32, 32)).save(pictures / "a.png")
    project = Project(tmp_path / "project")
    told = project.run("ingest", pictures, "--annotators", tmp_path / "bad.yaml", code=2)
    assert "`detections.most`" in told
    project.run("ingest", pictures, "--annotators", tmp_path / "gone.yaml")
    told = " ".join(project.run("materialize", code=2).split())
    assert "gone.onnx` are missing: give the path of an ONNX file" in told
