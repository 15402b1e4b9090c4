"""Single bad items: each becomes a rejected row with a reason, the rest goes on."""

import copy
from pathlib import Path
from typing import Any

import pytest

from provision_dagster.scene_graphs.rle import compress_counts, counts_of
from tests.scene_graphs.support import gqa_scene, provision_file, read_all, reasons, write

PROVISION: list[tuple[dict[str, Any], tuple[str, str], int]] = [
    ({"labels": ["cat", ""]}, ("object", "empty_label"), 1),
    ({"labels": ["cat", 7]}, ("object", "not_text"), 1),
    ({"labels": ["cat", None]}, ("object", "missing_field"), 1),
    ({"labels": ["cat", "\ud800"]}, ("object", "not_text"), 1),
    ({"labels": "cat"}, ("object", "not_a_list"), 0),
    ({"labels": ["cat"]}, ("object", "length_mismatch"), 0),
    ({"bboxes": ...}, ("object", "length_mismatch"), 0),
    ({"bboxes": [[0, 0, 5, 5], [5, 5, 5, 9]]}, ("object", "empty_box"), 1),
    ({"bboxes": [[0, 0, 5, 5], [9, 5, 5, 9]]}, ("object", "negative_size"), 1),
    ({"bboxes": [[0, 0, 5, 5], [100, 0, 120, 9]]}, ("object", "outside_picture"), 1),
    ({"bboxes": [[0, 0, 5, 5], [-9, 0, 0, 9]]}, ("object", "outside_picture"), 1),
    ({"bboxes": [[0, 0, 5, 5], [0, 0, float("nan"), 9]]}, ("object", "not_finite"), 1),
    ({"bboxes": [[0, 0, 5, 5], [0, 0, float("inf"), 9]]}, ("object", "not_finite"), 1),
    ({"bboxes": [[0, 0, 5, 5], [0, 0, 10**400, 9]]}, ("object", "not_finite"), 1),
    ({"bboxes": [[0, 0, 5, 5], [0, 0, "7", 9]]}, ("object", "not_a_number"), 1),
    ({"bboxes": [[0, 0, 5, 5], [0, 0, True, 9]]}, ("object", "not_a_number"), 1),
    ({"bboxes": [[0, 0, 5, 5], [0, 0, 7]]}, ("object", "missing_field"), 1),
    ({"bboxes": [[0, 0, 5, 5], None]}, ("object", "missing_field"), 1),
    ({"det_scores": [0.5, float("nan")]}, ("object", "not_finite"), 1),
    ({"det_scores": [0.5, "high"]}, ("object", "not_finite"), 1),
    ({"det_scores": [0.5]}, ("object", "length_mismatch"), 2),
    ({"object_ids": ["a", "a"]}, ("object", "duplicate_object_id"), 1),
    ({"object_ids": ["a", None]}, ("object", "bad_object_id"), 1),
    ({"is_group": [True, "no"]}, ("object", "not_a_boolean"), 2),
    ({"attributes": [["black"]]}, ("attribute", "length_mismatch"), 2),
    ({"attributes": [["black"], "soft"]}, ("attribute", "not_a_list"), 2),
    ({"attributes": [["black"], [3]]}, ("attribute", "not_text"), 2),
    ({"attributes": [["black"], [" / "]]}, ("attribute", "empty_attribute"), 2),
    ({"relations": [[0, "on", 1], [0, "on", 7]]}, ("relation", "unknown_object_id"), 2),
    ({"relations": [[0, "on", 1], [-1, "on", 0]]}, ("relation", "unknown_object_id"), 2),
    ({"relations": [[0, "on", 1], [0, "on"]]}, ("relation", "not_a_relation"), 2),
    ({"relations": [[0, "on", 1], {"subject": 0}]}, ("relation", "not_a_relation"), 2),
    ({"relations": [[0, "on", 1], [0, "", 1]]}, ("relation", "empty_predicate"), 2),
    ({"relations": [[0, "on", 1], [0, "OF", 1]]}, ("relation", "predicate_of"), 2),
    ({"relations": [[0, "on", 1], [0, None, 1]]}, ("relation", "not_text"), 2),
    ({"relations": [[0, "on", 1], [1, "on", 1]]}, ("relation", "self_relation"), 2),
    ({"relations": [[0, "on", 1], [0, " ON ", 1]]}, ("relation", "repeated_relation"), 2),
    ({"relations": [[0, "on", 1], [0.5, "on", 1]]}, ("relation", "bad_object_id"), 2),
    ({"captions": ["A cat.", "  "]}, ("caption", "empty_caption"), 2),
    ({"captions": ["A cat.", 3]}, ("caption", "not_text"), 2),
    ({"exhaustive_labels": ["cat", 3]}, ("image", "not_text"), 2),
    ({"exhaustive_relations": "yes"}, ("image", "not_a_boolean"), 2),
    ({"provenance": {"boxes": "me"}}, ("image", "bad_provenance"), 2),
    ({"raw_text": "x"}, ("image", "unknown_field"), 2),
    ({"mask_rle": ["!!", None]}, ("mask", "bad_mask"), 2),
    ({"mask_rle": ["0", None]}, ("mask", "bad_mask"), 2),
    ({"seg_mask_id": "a.npy"}, ("mask", "no_folder"), 2),
    ({"depth_mask_id": 7}, ("depth", "not_text"), 2),
]


@pytest.mark.parametrize(("change", "expected", "kept"), PROVISION, ids=lambda value: str(value)[:50])
def test_provision(tmp_path: Path, change: dict[str, Any], expected: tuple[str, str], kept: int) -> None:
    annotations, rejected = read_all(provision_file(tmp_path, **change), "provision")
    assert annotations.height == 1
    assert len(annotations["objects"][0]) == kept
    assert expected in reasons(rejected)
    assert all(len(text) > 10 for text in rejected["detail"])
    assert set(rejected["image_key"]) == {"a"}


def test_what_refers_to_a_rejected_object_is_rejected(tmp_path: Path) -> None:
    file = provision_file(tmp_path, labels=["", "mat"])
    annotations, rejected = read_all(file, "provision")
    assert reasons(rejected) == [
        ("attribute", "rejected_object"),
        ("object", "empty_label"),
        ("relation", "rejected_object"),
    ]
    assert [one["id"] for one in annotations["objects"][0]] == ["1"]


IMAGES: list[tuple[Any, str]] = [
    ([1, 2], "not_an_object"),
    (None, "not_an_object"),
    (gqa_scene(width=-3), "bad_size"),
    (gqa_scene(width="100"), "bad_size"),
    (gqa_scene(width=None), "bad_size"),
    (gqa_scene(height=10.5), "bad_size"),
]


@pytest.mark.parametrize(("entry", "reason"), IMAGES, ids=lambda value: str(value)[:40])
def test_gqa_image(tmp_path: Path, entry: Any, reason: str) -> None:
    file = write(tmp_path / "scenes.json", {"1": gqa_scene(), "2": entry, "3": gqa_scene()})
    annotations, rejected = read_all(file, "gqa")
    assert annotations["image_key"].to_list() == ["1", "3"]
    assert annotations["position"].to_list() == [0, 1]
    assert rejected.select("image_key", "part", "reason").rows() == [("2", "image", reason)]


def test_gqa_objects_of_another_type(tmp_path: Path) -> None:
    scene = gqa_scene(objects={"1": "cat", "2": {"name": "mat", "x": 0, "y": 0, "w": 5, "h": 5, "relations": ["on"]}})
    annotations, rejected = read_all(write(tmp_path / "s.json", {"1": gqa_scene(), "2": scene}), "gqa")
    assert [len(objects) for objects in annotations["objects"]] == [2, 1]
    assert reasons(rejected) == [("object", "not_an_object"), ("relation", "not_an_object")]


def test_gqa_repeated_keys_are_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "s.json"
    one = '{"name": "cat", "x": 1, "y": 1, "w": 5, "h": 5}'
    scene = f'{{"width": 9, "height": 9, "objects": {{"7": {one}, "7": {one}}}}}'
    file.write_text(f'{{"1": {scene}, "1": {scene}}}')
    annotations, rejected = read_all(file, "gqa")
    assert [len(objects) for objects in annotations["objects"]] == [1]
    assert reasons(rejected) == [("image", "duplicate_image"), ("object", "duplicate_object_id")]


def visual_genome(folder: Path, **change: Any) -> Path:
    """Two images; the second has an object that another was merged into."""
    tree = {"object_id": 5, "names": ["tree"], "x": 1, "y": 2, "w": 30, "h": 20, "merged_object_ids": [8]}
    dog = {"object_id": 6, "names": ["Dog"], "x": 5, "y": 5, "w": 10, "h": 10}
    files: dict[str, Any] = {
        "objects_v1_4": [{"image_id": 1, "objects": []}, {"image_id": 2, "objects": [tree, dog]}],
        "attributes": [
            {"image_id": 2, "attributes": [{"object_id": 8, "attributes": ["Tall", "green and gold"]}]},
            {"image_id": 1, "attributes": []},
        ],
        "relationships_v1_4": [
            {
                "image_id": 2,
                "relationships": [
                    {"relationship_id": 1, "predicate": "Under", "subject": {"object_id": 6}, "object_id": 8}
                ],
            }
        ],
        "image_data": [{"image_id": n, "width": 40, "height": 30, "url": "u"} for n in (1, 2)],
    } | change
    for name, value in files.items():
        if value is not None:
            write(folder / f"{name}.json", value)
    return folder


def test_visual_genome_merged_ids_and_other_order(tmp_path: Path) -> None:
    annotations, rejected = read_all(visual_genome(tmp_path), "visual-genome")
    assert rejected.is_empty()
    tree, dog = annotations["objects"][1]
    assert (tree["attributes"], dog["label"]) == (["gold", "green", "tall"], "dog")
    assert annotations["relations"][1].to_list() == [{"subject": 1, "predicate": "under", "object": 0, "score": None}]
    assert annotations["file_name"].to_list() == ["1.jpg", "2.jpg"]


REGION = {"phrase": "a", "x": 1, "y": 1, "width": 2, "height": 2}
OTHER = {"image_id": 3, "attributes": [{"object_id": 1, "attributes": ["x"]}]}
VISUAL_GENOME: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"objects_v1_4": [{"image_id": 2, "objects": {}}]}, ("object", "not_a_list")),
    ({"objects_v1_4": [{"image_id": 2, "objects": []}, 7]}, ("image", "not_an_object")),
    ({"objects_v1_4": [{"image_id": 2, "objects": []}, {"objects": []}]}, ("image", "bad_image_id")),
    ({"objects_v1_4": [{"image_id": 2, "objects": []}] * 2}, ("image", "duplicate_image")),
    ({"objects_v1_4": [{"image_id": 2, "objects": [{"names": ["x"]}]}]}, ("object", "bad_object_id")),
    ({"objects_v1_4": [{"image_id": 2, "objects": ["x"]}]}, ("object", "not_an_object")),
    ({"attributes": [OTHER]}, ("attribute", "unknown_image")),
    ({"attributes": [{"image_id": 2, "attributes": []}] * 2}, ("attribute", "duplicate_image")),
    ({"attributes": [{"image_id": 2, "attributes": ["x"]}]}, ("attribute", "not_an_object")),
    ({"attributes": ["x"]}, ("attribute", "not_an_object")),
    (
        {"attributes": [{"image_id": 2, "attributes": [{"object_id": 99, "attributes": ["x"]}]}]},
        ("attribute", "unknown_object_id"),
    ),
    ({"relationships_v1_4": [{"image_id": 2, "relationships": [3]}]}, ("relation", "not_an_object")),
    ({"image_data": [{"image_id": 2, "width": 0, "height": 5}]}, ("image", "bad_size")),
    (
        {"region_descriptions": [{"id": 2, "regions": [{"region_id": 1, "phrase": " "}]}]},
        ("region", "missing_field"),
    ),
    (
        {"region_descriptions": [{"id": 2, "regions": [REGION | {"phrase": ""}]}]},
        ("region", "empty_phrase"),
    ),
    (
        {"region_descriptions": [{"id": 2, "regions": [REGION | {"width": 0}]}]},
        ("region", "empty_box"),
    ),
    ({"question_answers": [{"id": 2, "qas": []}]}, ("image", "ignored_file")),
]


@pytest.mark.parametrize(("change", "expected"), VISUAL_GENOME, ids=lambda value: str(value)[:60])
def test_visual_genome(tmp_path: Path, change: dict[str, Any], expected: tuple[str, str]) -> None:
    annotations, rejected = read_all(visual_genome(tmp_path, **change), "visual-genome")
    assert "2" in annotations["image_key"].to_list()
    assert expected in reasons(rejected)


COCO = {
    "images": [
        {"id": 1, "file_name": "a/1.jpg", "width": 20, "height": 10, "license": 4, "flickr_url": "http://x"},
        {"id": 2, "file_name": "2.jpg", "width": 20, "height": 10},
    ],
    "annotations": [{"id": 9, "image_id": 1, "category_id": 1, "bbox": [1, 1, 8, 6], "iscrowd": 0}],
    "categories": [{"id": 1, "name": "Cat"}, {"id": 2, "name": "dog"}],
    "licenses": [{"id": 4, "name": "CC BY"}],
}


def coco_file(folder: Path, **annotation: Any) -> Path:
    value = copy.deepcopy(COCO)
    value["annotations"].append({**value["annotations"][0], "id": 10, **annotation})
    return write(folder / "instances.json", value)


SQUARE = [1, 1, 5, 1, 5, 5, 1, 5]
COCO_CASES: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"category_id": 77}, ("object", "unknown_category")),
    ({"image_id": 5}, ("object", "unknown_image")),
    ({"image_id": None}, ("object", "bad_image_id")),
    ({"bbox": None}, ("object", "missing_field")),
    ({"bbox": [1, 1, -4, 5]}, ("object", "negative_size")),
    ({"id": 9}, ("object", "duplicate_object_id")),
    ({"segmentation": [SQUARE[:4]]}, ("mask", "bad_mask")),
    ({"segmentation": [[*SQUARE, 7]]}, ("mask", "bad_mask")),
    ({"segmentation": [[*SQUARE[:-1], float("nan")]]}, ("mask", "bad_mask")),
    ({"segmentation": [[*SQUARE[:-1], 10**400]]}, ("mask", "bad_mask")),
    ({"segmentation": ["x"]}, ("mask", "bad_mask")),
    ({"segmentation": {"size": [9, 9], "counts": [81]}}, ("mask", "bad_mask")),
    ({"segmentation": {"size": [10, 20], "counts": [100]}}, ("mask", "bad_mask")),
    ({"segmentation": {"size": [10, 20], "counts": [300, -100]}}, ("mask", "bad_mask")),
    ({"segmentation": {"size": [10, 20], "counts": [99.5, 100.5]}}, ("mask", "bad_mask")),
    ({"segmentation": {"size": [10, 20], "counts": "PPPPPPPPPPPPPP"}}, ("mask", "bad_mask")),
    ({"segmentation": {"size": [10, 20], "counts": 5}}, ("mask", "bad_mask")),
    ({"segmentation": {"size": [10, 20], "counts": "\u00e9"}}, ("mask", "bad_mask")),
    ({"score": "much"}, ("object", "not_finite")),
]


@pytest.mark.parametrize(("annotation", "expected"), COCO_CASES, ids=lambda value: str(value)[:60])
def test_coco(tmp_path: Path, annotation: dict[str, Any], expected: tuple[str, str]) -> None:
    annotations, rejected = read_all(coco_file(tmp_path, **annotation), "coco")
    assert annotations["image_key"].to_list() == ["a/1", "2"]
    assert reasons(rejected) == [expected]
    kept = 2 if expected[0] == "mask" else 1
    assert [len(objects) for objects in annotations["objects"]] == [kept, 0]
    assert annotations["license"].to_list() == ["CC BY", None]
    assert annotations["exhaustive_labels"][1].to_list() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("segmentation", "pixels"),
    [
        ([SQUARE], 16),
        ([SQUARE, [10, 1, 15, 1, 15, 5, 10, 5]], 36),
        ({"size": [10, 20], "counts": [11, 4, 6, 4, 175]}, 8),
        ({"size": [10, 20], "counts": compress_counts([11, 4, 6, 4, 175], width=20, height=10)}, 8),
    ],
)
def test_coco_masks_are_compressed_rle(tmp_path: Path, segmentation: Any, pixels: int) -> None:
    annotations, rejected = read_all(coco_file(tmp_path, segmentation=segmentation, iscrowd=1), "coco")
    one = annotations["objects"][0][1]
    assert one["is_group"]
    assert int(counts_of(one["mask_rle"])[1::2].sum()) == pixels
    assert rejected.is_empty()
