"""`provision evaluate-annotator`: what it prints is what was measured, and it says when there is nothing to compare."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.evaluate import comparable, evaluate, write_quality
from provision_dagster.image_sets.spec import ImageSetSpec, parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.samples.rendering import render_scenes
from provision_dagster.scene_graphs.annotators.asking import ObjectLimits, PairLimits
from provision_dagster.scene_graphs.annotators.configs import load_annotators
from provision_dagster.scene_graphs.annotators.quality.questions import ask_attributes, ask_masks, ask_relations
from tests.scene_graphs.annotators import rendered_truth, tiny_models
from tests.scene_graphs.annotators.tiny_asking import asking_annotators
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
    with pytest.raises(InputError, match="nothing that the configured models could be compared with"):
        evaluate(without, config.model_copy(update={"depth_maps": None, "detections": None}))


def test_models_that_are_asked_are_asked_about_what_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    spec = rendered(tmp_path, images=folder / "images", depth=folder / "depth_masks")
    tiny_models.sam2(tmp_path / "sam2")
    file = asking_annotators(tmp_path, detections=False)
    file.write_text(file.read_text() + "masks: {kind: sam2, model: sam2, score_threshold: 0}\n")
    measured = evaluate(spec, load_annotators(file))
    quality = measured.quality
    graphs = json.loads((folder / "scene_graphs.json").read_text())
    things = [label for one in graphs.values() for label in one["annotation"]["labels"]]
    assert quality.masks is not None
    assert quality.masks.by_object.height + quality.masks.missing == len(things)
    assert 0 < quality.masks.mean < 0.9
    assert quality.attributes is not None
    assert len(things) // 2 < quality.attributes.objects <= len(things)
    assert quality.attributes.by_category["said"].sum() > 0
    assert quality.relations is not None
    # three pictures, at most 16 pairs of each
    assert 16 < quality.relations.pairs <= 48
    assert quality.relations.said > 0
    assert measured.models["failed"].sum() == 0

    written = write_quality(measured, tmp_path / "out")
    names = {"quality.json", "quality.parquet", "mask_iou.png", "attributes.png", "relations.png"}
    assert {path.name for path in written} == names
    told = json.loads((tmp_path / "out" / "quality.json").read_text())
    assert told["detections"] is None
    assert told["masks"]["mask_iou"] == pytest.approx(quality.masks.mean)
    assert told["relations"]["compared"] == quality.relations.pairs
    figures = pl.read_parquet(tmp_path / "out" / "quality.parquet")
    assert figures.equals(quality.figures())


def test_what_is_asked(tmp_path: Path) -> None:
    images, annotations = rendered_truth.read(rendered_truth.rendered_spec(tmp_path, n=2))
    truth = comparable(annotations, images)
    objects = [len(things) for things in truth["objects"]]
    masks = ask_masks(images, truth)
    assert [[one["id"] for one in asked] for asked in masks["prompts"]] == [[str(n) for n in range(o)] for o in objects]
    described = ask_attributes(images, truth, limits=ObjectLimits(least_side=0, most_objects=99))
    assert [len(asked) for asked in described["prompts"]] == objects
    # a human who named nothing of an object said nothing that could be compared
    some = truth.with_columns(exhaustive_attributes=pl.lit(value=False))
    bare = some.with_columns(pl.col("objects").list.eval(pl.element().struct.with_fields(attributes=pl.lit([]))))
    assert ask_attributes(images, bare, limits=ObjectLimits())["prompts"].list.len().to_list() == [0, 0]

    pairs = ask_relations(images, truth, lexicon=Lexicon.load(), limits=PairLimits(most_pairs=5))
    for asked, facts in zip(pairs["pairs"], truth["relations"], strict=True):
        known = {(str(fact["subject"]), str(fact["object"])) for fact in facts}
        ends = [(pair["subject"], pair["object"]) for pair in asked]
        related = [pair for pair in ends if pair in known]
        assert len(related) == 5
        assert len({frozenset(pair) for pair in ends}) == len(ends) <= 10
        # the others are related in neither order
        assert not any(pair[::-1] in known for pair in ends if pair not in known)
    assert {one["id"] for one in pairs["prompts"][0]} == {
        end for pair in pairs["pairs"][0] for end in (pair["subject"], pair["object"])
    }


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
    depth = json.loads((tmp_path / "photographs" / "quality.json").read_text())["depth_maps"]
    assert depth["compared"] == 2
    assert depth["spearman"] >= 0.69
    assert "motorcycle_left" in done.stdout
