"""`provision annotate`: pictures to scene graphs that `provision generate` reads, and to drawings of them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provision_dagster.annotate_pictures import annotate_pictures
from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.configs import AnnotatorsConfig, load_annotators
from provision_dagster.scene_graphs.readers import read_annotations
from tests.scene_graphs.annotators import tiny_models
from tests.scene_graphs.annotators.tiny_asking import ATTRIBUTES, PREDICATES, asking_annotators
from tests.test_annotate import annotators


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, size in (("a.png", (128, 64)), ("b.jpg", (64, 64))):
        Image.linear_gradient("L").resize(size).convert("RGB").save(folder / name)
    (folder / "c.txt").write_text("no picture")
    return folder


def test_scene_graphs_depth_and_drawings(tmp_path: Path, pictures: Path) -> None:
    config, out = load_annotators(annotators(tmp_path)), tmp_path / "out"
    rows = annotate_pictures([pictures], config, out=out, show=True)
    assert rows.select("picture", "objects", "depth").rows() == [
        ("a.png", 1, True),
        ("b.jpg", 1, True),
        ("c.txt", 0, False),
    ]
    assert rows["error"].to_list()[:2] == [None, None]
    assert "is not a picture" in rows["error"][2]
    read = [
        table for table, _ in read_annotations(out / "scene_graphs.json", format="provision", depth=out / "depth_masks")
    ]
    (table,) = read
    thing = table["objects"][0][0]
    # e^0 * 8 pixels round (8, 8) of the detector's frame, which shows half the size
    assert thing["box"] == pytest.approx({"x1": 0, "y1": 0, "x2": 16, "y2": 16})
    assert (thing["label"], thing["score"]) == ("dog", pytest.approx(0.9))
    assert table["depth_uri"].null_count() == 0
    assert [p["objects"] for p in table["provenance"]] == [made_by(out)] * 2
    depth = np.asarray(Image.open(out / "depth_masks" / "a.png_depth.png"))
    assert depth.shape == (64, 128)
    assert depth.dtype == np.uint16
    # brightness grows downwards, and this model takes brighter for farther
    assert depth[0].min() > depth[-1].max()
    drawn = np.asarray(Image.open(out / "shown" / "b.jpg.png"))
    assert len(np.unique(drawn[:, : drawn.shape[1] // 2].reshape(-1, 3), axis=0)) > 256


def made_by(out: Path) -> str:
    """Model that is told in the file."""
    entry = json.loads((out / "scene_graphs.json").read_text())["a.png"]["annotation"]
    assert entry["provenance"]["objects"].startswith("yolox.onnx@sha256:")
    return str(entry["provenance"]["objects"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nowhere.png"], "does not exist; give pictures or folders"),
        (["pictures/a.png", "more/a.png"], "two pictures have the name `a.png`"),
        (["empty"], "no picture in"),
    ],
)
def test_unusable_paths(tmp_path: Path, pictures: Path, names: list[str], message: str) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "more" / "a.png").write_bytes((pictures / "a.png").read_bytes())
    config = load_annotators(annotators(tmp_path))
    with pytest.raises(InputError, match=message):
        annotate_pictures([tmp_path / name for name in names], config, out=tmp_path / "out")


def test_no_model_is_an_error(tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(InputError, match="neither `detections` nor `depth_maps`"):
        annotate_pictures([pictures], AnnotatorsConfig(), out=tmp_path / "out")


def test_the_command_tells_of_each_picture(tmp_path: Path, pictures: Path) -> None:
    options = ["--annotators", annotators(tmp_path), "--out", tmp_path / "out", "--show"]
    command = [sys.executable, "-m", "provision_dagster.cli", "annotate", pictures, *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    assert "b.jpg" in done.stdout
    assert "is not a picture" in " ".join(done.stdout.replace("│", " ").split())
    assert sorted(p.name for p in (tmp_path / "out" / "shown").iterdir()) == ["a.png.png", "b.jpg.png"]
    bad = subprocess.run([*map(str, command[:3]), "annotate", str(pictures / "c.txt"), *map(str, options)], check=False)
    assert bad.returncode == 1


def test_masks_are_made_where_they_are_configured(tmp_path: Path, pictures: Path) -> None:
    file = annotators(tmp_path)
    tiny_models.sam2(tmp_path / "sam2")
    file.write_text(file.read_text() + "masks: {kind: sam2, model: sam2, score_threshold: 0}\n")
    annotate_pictures([pictures], load_annotators(file), out=tmp_path / "out")
    entries = json.loads((tmp_path / "out" / "scene_graphs.json").read_text())
    masks = [mask for entry in entries.values() for mask in entry["annotation"].get("mask_rle", [])]
    assert [mask for mask in masks if mask]
    ((table, rejected),) = list(read_annotations(tmp_path / "out" / "scene_graphs.json", format="provision"))
    assert rejected.is_empty()
    assert [o["mask_rle"] for row in table["objects"] for o in row if o["mask_rle"]] == [mask for mask in masks if mask]


def test_attributes_and_relations_are_asked_for_told_and_drawn(tmp_path: Path, pictures: Path) -> None:
    file, out = asking_annotators(tmp_path), tmp_path / "out"
    rows = annotate_pictures([pictures], load_annotators(file), out=out, show=True)
    ((table, rejected),) = list(read_annotations(out / "scene_graphs.json", format="provision"))
    assert rejected.is_empty()
    words = [word for graph in table["objects"] for thing in graph for word in thing["attributes"]]
    assert words
    assert set(words) <= set(ATTRIBUTES)
    said = [relation for graph in table["relations"] for relation in graph]
    assert said
    assert {relation["predicate"] for relation in said} <= set(PREDICATES)
    # a dog acts on a cup
    assert {(relation["subject"], relation["object"]) for relation in said} == {(0, 1)}
    assert rows.select("objects", "attributes", "relations").sum().row(0) == (4, len(words), len(said))
    told = table["provenance"].struct.field("relations").drop_nulls().unique().to_list()
    assert len(told) == 1
    assert told[0].startswith("vlm@sha256:")
    plain = tmp_path / "plain"
    only = load_annotators(file).model_copy(update={"relations": None})
    annotate_pictures([pictures], only, out=plain, show=True)
    names = [path.name for path in (out / "shown").iterdir()]
    drawn = {name: [np.asarray(Image.open(folder / "shown" / name)) for folder in (out, plain)] for name in names}
    assert any((one != other).any() for one, other in drawn.values())
