"""Scene graphs from images and annotations."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.rle import encode_mask
from provision_dagster.scene_graphs.schema import REJECTED_ANNOTATIONS, SCENE_GRAPHS
from provision_dagster.scene_graphs.vocabulary import count_vocabulary
from tests.scene_graphs.support import (
    gqa_scene,
    images_table,
    in_set,
    provision_file,
    read_all,
    reasons,
    write,
)

MASKS = np.zeros((2, 80, 100), bool)
MASKS[0, 10:60, 10:50] = True
MASKS[1, 40:80, 0:100] = True
DEPTH = np.tile(np.arange(80, dtype=np.uint8)[:, None], (1, 100))


def scene(folder: Path, **annotation: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One image with masks and depth on disk, read."""
    for name, array in (("masks", MASKS), ("depth", DEPTH)):
        (folder / name).mkdir(exist_ok=True)
        np.save(folder / name / "a.npy", array)
    file = provision_file(folder, **({"seg_mask_id": "a.npy", "depth_mask_id": "a.npy"} | annotation))
    annotations, rejected = read_all(file, "provision")
    return in_set(annotations), rejected


def run(annotations: pl.DataFrame, **columns: Any) -> tuple[dict[str, Any], pl.DataFrame]:
    graphs, rejected = assemble(images_table(annotations, **columns), annotations)
    assert dict(graphs.schema) == SCENE_GRAPHS
    assert dict(rejected.schema) == REJECTED_ANNOTATIONS
    assert graphs.height == annotations.height
    return graphs.row(0, named=True), rejected


def test_masks_and_depth(tmp_path: Path) -> None:
    graph, rejected = run(scene(tmp_path)[0])
    assert rejected.is_empty()
    cat, mat = graph["objects"]
    assert (cat["label"], cat["attributes"], cat["mask_area"]) == ("cat", ["black"], 2000)
    assert cat["mask_rle"] == encode_mask(np.asfortranarray(MASKS[0].astype(np.uint8)))
    assert cat["depth"] == {"p25": 22.0, "p50": 34.5, "p75": 47.0, "mode": 10.0}
    assert len(mat["points"]) == 8
    assert all(point["depth"] == point["y"] for point in mat["points"])
    assert len(graph["points"]) == 144
    for point in graph["points"]:
        inside = MASKS[:, point["y"], point["x"]]
        assert point["object"] == (0 if inside[0] else 1 if inside[1] else None)
    assert graph["provenance"]["masks"] == graph["provenance"]["depth"] == "hand"
    assert (graph["shard"], graph["image_id"]) == ("set-00000", "0" * 32)


def test_masks_follow_the_objects_that_are_kept(tmp_path: Path) -> None:
    annotations, _ = scene(tmp_path, labels=["", "mat"])
    assert annotations["mask_uri"][0].endswith("a.npy#objects=1&of=2")
    graph, rejected = run(annotations)
    assert rejected.is_empty()
    assert [one["mask_area"] for one in graph["objects"]] == [4000]
    assert {point["object"] for point in graph["points"]} == {0, None}


def test_no_object_kept(tmp_path: Path) -> None:
    graph, rejected = run(scene(tmp_path, labels=["", " "])[0])
    assert rejected.is_empty()
    assert graph["objects"] == []
    assert graph["provenance"]["masks"] is None
    assert all(point["object"] is None and point["depth"] == point["y"] for point in graph["points"])


def test_masks_in_the_annotations(tmp_path: Path) -> None:
    rles = [encode_mask(np.asfortranarray(mask.astype(np.uint8))) for mask in MASKS]
    for folder, masks in (("a", rles), ("b", [rles[0], None])):
        (tmp_path / folder).mkdir()
        annotations, _ = scene(tmp_path / folder, seg_mask_id=..., mask_rle=masks)
        graph, rejected = run(annotations)
        assert rejected.is_empty()
        areas = [one["mask_area"] for one in graph["objects"]]
        assert areas == [2000, 4000 if masks[1] else None]
    assert len(graph["points"]) < 144
    assert all(point["object"] == 0 or point["y"] < 40 for point in graph["points"])


FILES: list[tuple[str, Any, tuple[str, str], str]] = [
    ("masks", MASKS[:1], ("mask", "bad_file"), "expected bool masks of shape (2, 80, 100)"),
    ("masks", MASKS[:, :70], ("mask", "bad_file"), "got bool of shape (2, 70, 100)"),
    ("masks", b"garbage", ("mask", "bad_file"), "cannot be read"),
    ("masks", None, ("mask", "missing"), "cannot be read"),
    ("masks", MASKS & (np.arange(2) > 0)[:, None, None], ("mask", "empty_mask"), "object `0` has no pixel"),
    ("depth", DEPTH[:, :9], ("depth", "bad_file"), "expected depth of shape (80, 100)"),
    ("depth", b"", ("depth", "bad_file"), "cannot be read"),
    ("depth", None, ("depth", "missing"), "cannot be read"),
    ("depth", np.full((80, 100), np.nan), ("depth", "bad_file"), "no pixel has a finite depth"),
]


@pytest.mark.parametrize(("part", "content", "expected", "detail"), FILES, ids=lambda value: str(value)[:20])
def test_file_that_cannot_be_used(
    tmp_path: Path, part: str, content: Any, expected: tuple[str, str], detail: str
) -> None:
    annotations, _ = scene(tmp_path)
    file = tmp_path / part / "a.npy"
    if content is None:
        file.unlink()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content)
    graph, rejected = run(annotations)
    assert reasons(rejected) == [expected]
    assert detail in rejected["detail"][0]
    assert rejected.row(0, named=True)["image_key"] == "a"
    assert rejected.row(0)[:2] == ("set-00000", "set")
    assert [one["label"] for one in graph["objects"]] == ["cat", "mat"]
    lost = "masks" if part == "masks" else "depth"
    kept = "depth" if part == "masks" else "masks"
    assert graph["provenance"][kept] == "hand"
    if expected[1] == "empty_mask":
        assert [one["mask_area"] for one in graph["objects"]] == [None, 4000]
    else:
        assert graph["provenance"][lost] is None


def test_unsafe_pickle_is_a_rejected_row(tmp_path: Path) -> None:
    annotations, _ = scene(tmp_path)
    file = tmp_path / "masks" / "a.pkl"
    file.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    graph, rejected = run(annotations.with_columns(pl.lit(str(file)).alias("mask_uri")))
    assert reasons(rejected) == [("mask", "unsafe_file")]
    assert "`os.system`" in rejected["detail"][0]
    assert graph["objects"][0]["depth"] is None


def test_other_size_of_the_picture(tmp_path: Path) -> None:
    graph, rejected = run(scene(tmp_path)[0], width=pl.Series([200], dtype=pl.Int32))
    assert reasons(rejected) == [("image", "size_mismatch")]
    assert rejected["detail"][0] == "annotations are for 100 x 80 pixels, the picture has 200 x 80"
    assert (graph["objects"], graph["width"], graph["points"]) == ([], 200, [])


def test_size_from_the_picture(tmp_path: Path) -> None:
    annotations, _ = scene(
        tmp_path,
        width=...,
        height=...,
        labels=["far", "cat", "mat"],
        bboxes=[[300, 0, 400, 9], [10, 10, 50, 60], [0, 40, 900, 80]],
        attributes=[["big"], ["black"], ["soft"]],
        relations=[[1, "on", 2], [0, "near", 1]],
        captions=["A cat."],
    )
    assert annotations["width"][0] is None
    np.save(tmp_path / "masks" / "a.npy", np.concatenate([np.zeros((1, 80, 100), bool), MASKS]))
    sides = {"width": pl.Series([100], dtype=pl.Int32), "height": pl.Series([80], dtype=pl.Int32)}
    graph, rejected = run(annotations, **sides)
    assert reasons(rejected) == [
        ("attribute", "rejected_object"),
        ("object", "outside_picture"),
        ("relation", "rejected_object"),
    ]
    assert [one["id"] for one in graph["objects"]] == ["1", "2"]
    assert [one["mask_area"] for one in graph["objects"]] == [2000, 4000]
    assert graph["objects"][1]["box"] == {"x1": 0.0, "y1": 40.0, "x2": 100.0, "y2": 80.0}
    assert graph["relations"] == [{"subject": 0, "predicate": "on", "object": 1, "score": None}]
    assert (graph["clipped_boxes"], graph["captions"], graph["width"]) == (1, ["A cat."], 100)
    assert set(rejected["shard"]) == {"set-00000"}


def gqa(folder: Path) -> pl.DataFrame:
    scenes = {str(number): gqa_scene() for number in range(4)}
    return in_set(read_all(write(folder / "s.json", scenes), "gqa")[0])


def test_images_decide_the_rows(tmp_path: Path) -> None:
    annotations = gqa(tmp_path)
    images = images_table(annotations, status=["ok", "annotations_only", "truncated", "missing"])
    more = images[:1].with_columns(pl.lit("9").alias("image_key"), pl.lit("f" * 32).alias("image_id"))
    graphs, rejected = assemble(pl.concat([more, images[:3]]), annotations)
    assert graphs["image_key"].to_list() == ["9", "0", "1"]
    assert [len(objects) for objects in graphs["objects"]] == [0, 2, 2]
    assert sorted(rejected.select("image_key", "reason").rows()) == [
        ("2", "unusable_image"),
        ("3", "no_image"),
    ]


def test_same_key_in_two_sets(tmp_path: Path) -> None:
    annotations = gqa(tmp_path)
    other = annotations.with_columns(pl.lit("other").alias("image_set"))
    images = images_table(annotations)
    graphs, rejected = assemble(images, pl.concat([annotations, other, annotations[:1]]))
    assert [len(objects) for objects in graphs["objects"]] == [2, 2, 2, 2]
    found = sorted(rejected.select("image_set", "image_key", "reason").rows())
    assert found == [*(("other", str(n), "no_image") for n in range(4)), ("set", "0", "duplicate_image")]


def test_no_annotations_at_all(tmp_path: Path) -> None:
    annotations = gqa(tmp_path)
    graphs, rejected = assemble(images_table(annotations), annotations.clear())
    assert rejected.is_empty()
    assert graphs.height == 4
    row = graphs.row(0, named=True)
    assert [row[name] for name in ("objects", "relations", "captions", "regions", "exhaustive_labels")] == [[]] * 5
    assert (row["exhaustive_relations"], row["clipped_boxes"], row["width"]) == (False, 0, 100)


def test_same_key_in_two_sets_of_unknown_size(tmp_path: Path) -> None:
    scene = gqa_scene(width=None, height=None)
    annotations = in_set(read_all(write(tmp_path / "s.json", {"1": scene}), "gqa")[0])
    other = annotations.with_columns(pl.lit("other").alias("image_set"))
    side = {"width": pl.Series([30], dtype=pl.Int32), "height": pl.Series([30], dtype=pl.Int32)}
    images = pl.concat([images_table(annotations, image_set=name, **side) for name in ("set", "other")])
    graphs, rejected = assemble(images, pl.concat([annotations, other]))
    assert [len(objects) for objects in graphs["objects"]] == [1, 1]
    assert graphs["clipped_boxes"].to_list() == [1, 1]
    found = sorted(rejected.select("image_set", "part", "reason").rows())
    expected = [("object", "outside_picture"), ("relation", "rejected_object")]
    assert found == [(name, *one) for name in ("other", "set") for one in expected]


def test_no_images_at_all(tmp_path: Path) -> None:
    annotations = gqa(tmp_path)
    graphs, rejected = assemble(images_table(annotations).clear(), annotations)
    assert graphs.is_empty()
    assert rejected["reason"].to_list() == ["no_image"] * 4


def test_arguments(tmp_path: Path) -> None:
    annotations = gqa(tmp_path)
    with pytest.raises(InputError, match=r"`annotations\.image_set` has nulls"):
        assemble(images_table(annotations), annotations.with_columns(pl.lit(None).alias("image_set")))
    with pytest.raises(InputError, match="`workers` must be at least 1, got 0"):
        assemble(images_table(annotations), annotations, workers=0)


def test_vocabulary(tmp_path: Path) -> None:
    annotations = gqa(tmp_path)
    found = count_vocabulary(annotations)
    assert found.rows() == [
        ("set", "attribute", "black", "cat", 4),
        ("set", "count", "1", "", 8),
        ("set", "label", "cat", "", 4),
        ("set", "label", "mat", "", 4),
        ("set", "predicate", "on", "cat\tmat", 4),
    ]
    graphs, _ = assemble(images_table(annotations), annotations)
    assert count_vocabulary(graphs).equals(found)
    assert count_vocabulary(annotations.clear()).is_empty()


@pytest.mark.shared
@pytest.mark.parametrize(("name", "format"), [("coco", "coco"), ("provision_baseball", "provision")])
def test_workers_change_nothing(shared: Path, name: str, format: str) -> None:
    annotations = in_set(read_all(shared / "data" / name, format)[0])[:6]
    images = images_table(annotations)
    one, two = assemble(images, annotations), assemble(images, annotations, workers=2)
    assert one[0].equals(two[0])
    assert one[1].equals(two[1])
    assert all(len(points) > 0 for points in one[0]["points"])
    assert one[1].is_empty()


@pytest.mark.shared
def test_benchmark_scenes(shared: Path, tmp_path: Path) -> None:
    script = shared / "bench/make_scene_graphs.py"
    command = [sys.executable, str(script), "--n", "50", "--n-masks", "5", "--out", str(tmp_path / "b")]
    subprocess.run(command, check=True, capture_output=True)
    annotations, rejected = read_all(tmp_path / "b", "provision")
    assert annotations.height == 50
    assert rejected.is_empty()
    graphs, problems = assemble(images_table(in_set(annotations)), in_set(annotations))
    assert problems.is_empty()
    with_depth = graphs.filter(pl.col("provenance").struct.field("depth").is_not_null())
    assert with_depth["image_key"].to_list() == [f"img_{number:06d}" for number in range(5)]
    for key, objects in with_depth.select("image_key", "objects").iter_rows():
        masks = np.load(tmp_path / "b/masks" / f"{key[4:]}_mask.npy")
        depth = np.load(tmp_path / "b/depth" / f"{key[4:]}_depth.npy")
        for mask, one in zip(masks, objects, strict=True):
            assert one["mask_area"] == mask.sum()
            assert one["depth"]["p50"] == np.median(depth[mask])
            assert one["depth"]["mode"] == np.bincount(depth[mask]).argmax()
