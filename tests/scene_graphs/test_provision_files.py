"""Several files of one image set in ProVision's layout."""

from pathlib import Path
from typing import Any

import pytest

from tests.scene_graphs.support import read_all, reasons, write

BASE: dict[str, Any] = {
    "width": 50,
    "height": 40,
    "labels": ["cat"],
    "bboxes": [[1, 1, 9, 9]],
    "det_scores": [0.5],
}


def file(folder: Path, name: str, **images: dict[str, Any]) -> None:
    write(
        folder / name,
        {key: {"data_path": f"p/{key}.png", "annotation": value} for key, value in images.items()},
    )


def test_files_are_merged_by_id_in_any_order(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    file(tmp_path, "z_objects.json", **dict.fromkeys(names, BASE))
    file(tmp_path, "attributes.json", **{name: {"attributes": [[name]]} for name in reversed(names)})
    file(
        tmp_path,
        "relations.json",
        b={"relations": [[0, "on", 0]]},
        d={"labels": ["dog"], "bboxes": [[0, 0, 5, 5]]},
    )
    annotations, rejected = read_all(tmp_path, "provision", batch=2)
    assert annotations["image_key"].to_list() == ["a", "b", "c", "d"]
    assert annotations["position"].to_list() == [0, 1, 2, 3]
    assert [[one["attributes"] for one in objects] for objects in annotations["objects"]] == [
        [["a"]],
        [["b"]],
        [["c"]],
        [[]],
    ]
    assert reasons(rejected) == [("relation", "self_relation")]
    assert annotations["provenance"].struct.field("attributes").to_list() == ["unknown"] * 3 + [None]


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({"labels": ["dog"], "attributes": [["big"]]}, "files_disagree"),
        ({"bboxes": [[0, 0, 2, 2]], "attributes": [["big"]]}, "files_disagree"),
        ({"width": 51, "attributes": [["big"]]}, "files_disagree"),
    ],
)
def test_files_that_disagree(tmp_path: Path, second: dict[str, Any], reason: str) -> None:
    file(tmp_path, "a.json", x=BASE)
    file(tmp_path, "b.json", x=second)
    annotations, rejected = read_all(tmp_path, "provision")
    assert reasons(rejected) == [("image", reason)]
    assert rejected["file"][0] == "b.json"
    assert annotations["objects"][0][0]["attributes"] == []


def test_an_image_twice_in_a_file(tmp_path: Path) -> None:
    text = '{"annotation": {"labels": ["cat"], "bboxes": [[1, 1, 9, 9]]}}'
    (tmp_path / "a.json").write_text(f'{{"x": {text}, "x": {text}, "y": 3}}')
    annotations, rejected = read_all(tmp_path / "a.json", "provision")
    assert annotations["image_key"].to_list() == ["x"]
    assert reasons(rejected) == [("image", "duplicate_image"), ("image", "not_an_object")]


def test_our_own_fields(tmp_path: Path) -> None:
    extra = {
        "exhaustive_labels": ["Cat", "grey  dog"],
        "doubtful_labels": ["Dining Table", "cup"],
        "exhaustive_attributes": True,
        "exhaustive_relations": True,
        "captions": [" A  cat "],
        "license": "CC0",
        "attribution": "me",
        "provenance": {"objects": "rendered", "captions": None, "depth": "x"},
        "object_ids": ["cat-1"],
        "is_group": [True],
    }
    file(tmp_path, "a.json", x=BASE | extra)
    annotations, rejected = read_all(tmp_path, "provision")
    row = annotations.row(0, named=True)
    assert rejected.is_empty()
    assert row["exhaustive_labels"] == ["cat", "gray dog"]
    assert row["doubtful_labels"] == ["cup", "dining table"]
    assert (row["exhaustive_attributes"], row["exhaustive_relations"]) == (True, True)
    assert (row["captions"], row["license"], row["attribution"]) == (["A cat"], "CC0", "me")
    assert (row["objects"][0]["id"], row["objects"][0]["is_group"]) == ("cat-1", True)
    assert row["file_name"] == "x.png"
    assert row["provenance"] == {
        "objects": "rendered",
        "attributes": None,
        "relations": None,
        "masks": None,
        "depth": None,
        "captions": "unknown",
    }
