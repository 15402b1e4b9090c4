"""Pictures that nobody annotated, from pixels to a mix, with models alone, as runs of a real Dagster instance."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from tests.defs.project import Project
from tests.scene_graphs.annotators import tiny_models
from tests.scene_graphs.annotators.tiny_asking import ATTRIBUTES, PREDICATES, asking_annotators

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
    # what the detector saw as two things is no object (see `doubtful_labels`)
    assert count < things.height <= found["objects"].list.len().sum()
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


def annotated(folder: Path, *, attributes: list[list[str]]) -> Path:
    """Three pictures, each with three marked objects, of which humans related the first two."""
    entries = {}
    for n, color in enumerate(("red", "green", "blue")):
        # always the same: what the model says of noise is no more than chance
        noise = np.random.default_rng(n).normal(128, 60, (80 + 8 * n, 96)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noise).convert("RGB").save(folder / f"{color}.png")
        entries[color] = {
            "data_path": f"{color}.png",
            "annotation": {
                "width": 96, "height": 80 + 8 * n, "labels": ["cup", "table", "dog"],
                "bboxes": [[10, 10, 30, 40], [5, 30, 90, 78], [60, 10, 94, 60]], "attributes": attributes,
                "relations": [[0, "on", 1]],
            },
        }  # fmt: skip
    file = folder / "annotations.json"
    file.write_text(json.dumps(entries))
    return file


def test_a_model_completes_what_humans_marked(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    file = annotated(pictures, attributes=[["white"], [], []])
    models = asking_annotators(tmp_path, detections=False)
    project = Project(tmp_path / "project")
    options = ["--format", "provision", "--images", pictures, "--annotators", models, "--name", "set"]
    project.run("ingest", file, *options)
    project.run("materialize")

    asked = [{thing["id"] for thing in row} for row in project.rows("attributes")["objects"]]
    assert asked == [{"1", "2"}] * 3  # not the cup, which a human described
    pairs = [{(pair["subject"], pair["object"]) for pair in row} for row in project.rows("relations")["relations"]]
    assert pairs == [{("2", "0"), ("2", "1")}] * 3  # not the cup and the table, which a human related
    graphs = project.rows("scene_graphs")
    for graph in graphs.iter_rows(named=True):
        cup, *others = (set(thing["attributes"]) for thing in graph["objects"])
        assert cup == {"white"}
        assert set.union(*others) <= set(ATTRIBUTES)
        first, *more = ((r["subject"], r["predicate"], r["object"]) for r in graph["relations"])
        assert first == (0, "on", 1)
        assert {(subject, other) for subject, _, other in more} <= {(2, 0), (2, 1)}
        assert {predicate for _, predicate, _ in more} <= set(PREDICATES)
    told = graphs["provenance"].struct.unnest()
    human = told["objects"][0]
    name = project.rows("attributes")["model"][0]
    assert name.startswith("vlm@sha256:")
    assert f"{human} + {name}" in told["attributes"].to_list()
    said = {word for row in project.rows("attributes")["objects"] for thing in row for word in thing["attributes"]}
    counted = project.rows("vocabulary").filter(kind="attribute")["value"]
    assert said
    assert set(counted) == said | {"white"}


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
