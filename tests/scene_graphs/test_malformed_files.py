"""Whole files that cannot be read: one clear error that names the file and the place."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers import FORMATS, read_annotations
from provision_dagster.scene_graphs.readers.json_stream import CHUNK
from tests.scene_graphs.support import gqa_scene, provision_file, read_all, write

COCO: dict[str, Any] = {"images": [], "annotations": [], "categories": []}
PROVISION = {"a": {"data_path": "a.png", "annotation": {"labels": [], "bboxes": []}}}
LAYOUTS: dict[str, Any] = {
    "visual-genome": [{"image_id": 1, "objects": []}],
    "gqa": {"1": gqa_scene()},
    "coco": COCO,
    "provision": PROVISION,
}


def message(path: Path, format: str, **options: Any) -> str:
    with pytest.raises(InputError) as error:
        list(read_annotations(path, format=format, **options))  # type: ignore[arg-type]
    return str(error.value)


@pytest.mark.parametrize("written", FORMATS)
@pytest.mark.parametrize("asked", FORMATS)
def test_wrong_format_is_named(tmp_path: Path, written: str, asked: str) -> None:
    file = write(tmp_path / "file.json", LAYOUTS[written])
    if written == asked:
        list(read_annotations(file, format=asked))  # type: ignore[arg-type]
        return
    assert message(file, asked) == f"`{file}` looks like format `{written}`, got `{asked}`"


BROKEN: list[tuple[str, bytes, str]] = [
    ("gqa", b"", "expected a JSON array or object, got an empty file at character 0 (line 1)"),
    ("gqa", b"hello", "expected a JSON array or object, got `h` at character 0"),
    ("gqa", b'"text"', "expected a JSON array or object"),
    ("gqa", b'{"1": {"width": 4', "cut off or broken"),
    ("gqa", b'{"1": {"width": 4}', "got the end of the file: it is cut off at character 18 (line 1)"),
    ("gqa", b'{"1": {}\n "2": {}}', 'expected `,` or `}`, got `"` at character 10 (line 2)'),
    ("gqa", b'{"1": {}} x', "expected the end of the file, got `x` at character 10"),
    ("gqa", b"{1: {}}", "expected a key in quotes, got `1` at character 1"),
    (
        "gqa",
        b'{"1": {"width" 4, "a": "long enough to be far from the end"}}',
        "not valid JSON: expecting ':'",
    ),
    ("gqa", b'{"1": ' + b"[" * 100_000, "value cannot be decoded"),
    ("gqa", b'{"1": ' + b"9" * 5000 + b"}", "value cannot be decoded"),
    ("gqa", b'{"1": "\xff\xfe"}', "cannot be decoded"),
    ("gqa", b"PK\x03\x04rest", "is a zip archive; unpack it first"),
    ("gqa", gzip.compress(b'{"1": {"width": 4}}', mtime=0)[:-12], "cannot be decoded"),
    ("gqa", b"\x1f\x8b\x08\x00garbage-garbage", "cannot be"),
    ("visual-genome", b'[{"image_id": 1, "objects": []}', "it is cut off"),
    ("visual-genome", b'{"a": 1}', "format `visual-genome` is a JSON array at the top level, got the other"),
    ("visual-genome", b'[{"image_id": 1, "relationships": []}]', "expected scene_graphs or objects"),
    ("coco", b"[]", "format `coco` is a JSON object at the top level, got the other"),
    ("coco", b'{"images": [], "categories": []}', "expected a list `annotations` at the top level"),
    ("coco", b'{"images": {}, "annotations": []}', "`images` must be a list, got {}"),
    (
        "coco",
        b'{"images": [], "annotations": [{"image_id": 1, "keypoints": []}]}',
        "holds keypoints, which are not read",
    ),
]


@pytest.mark.parametrize(("format", "content", "expected"), BROKEN, ids=lambda value: repr(value)[:40])
def test_broken_file(tmp_path: Path, format: str, content: bytes, expected: str) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(content)
    found = message(file, format)
    assert expected in found
    assert str(file) in found


def test_gzip_is_found_without_its_suffix(tmp_path: Path) -> None:
    file = tmp_path / "scenes.json"
    file.write_bytes(gzip.compress(json.dumps({"1": gqa_scene()}).encode()))
    assert read_all(file, "gqa")[0].height == 1


def test_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "scenes.json"
    file.write_text(json.dumps({"1": gqa_scene()}), encoding="utf-8-sig")
    assert read_all(file, "gqa")[0].height == 1


def test_batches_before_the_break_are_read(tmp_path: Path) -> None:
    file = tmp_path / "scenes.json"
    whole = json.dumps({str(number): gqa_scene() for number in range(10_000)})
    file.write_text(whole[: 2 * CHUNK])
    assert len(whole) > 2 * CHUNK
    batches = read_annotations(file, format="gqa", batch=100)
    assert next(batches)[0].height == 100
    with pytest.raises(InputError, match="cut off"):
        list(batches)


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"format": "voc"}, "`format` must be one of `visual-genome`, `gqa`, `coco`, `provision`, got `voc`"),
    ({"batch": 0}, "`batch` must be at least 1, got 0"),
    ({"parts": "objects"}, "`parts` must be `objects` or `scene_graphs`, with format `visual-genome`"),
    ({"depth": "nowhere"}, "`nowhere` is not a folder"),
    ({"masks": "nowhere"}, "`nowhere` is not a folder"),
    ({"images": "nowhere"}, "`nowhere` is not a folder"),
]


@pytest.mark.parametrize(("options", "expected"), OPTIONS, ids=lambda value: str(value)[:40])
def test_option(tmp_path: Path, options: dict[str, Any], expected: str) -> None:
    file = write(tmp_path / "file.json", {"1": gqa_scene()})
    assert expected in message(file, **({"format": "gqa"} | options))


def test_missing_file(tmp_path: Path) -> None:
    assert message(tmp_path / "no.json", "gqa") == f"annotations not found: `{tmp_path}/no.json`"


@pytest.mark.parametrize("format", FORMATS)
def test_folder_without_files(tmp_path: Path, format: str) -> None:
    assert "no .json or .json.gz file in this folder" in message(tmp_path, format)


@pytest.mark.parametrize(
    ("format", "name", "expected"),
    [
        ("visual-genome", "attributes.json", "expected `objects_v1_4.json` or `scene_graphs.json` (or .gz)"),
        ("gqa", "scenes.json", "expected `train_sceneGraphs.json`, `val_sceneGraphs.json` (or .gz)"),
        ("coco", "panoptic.json", "expected `instances*.json` or `captions*.json`, found ['panoptic.json']"),
        ("provision", "raw.json", "expected .json files in ProVision's layout, found ['raw.json']"),
    ],
)
def test_folder_without_the_right_files(tmp_path: Path, format: str, name: str, expected: str) -> None:
    layout = [{"image_id": 1, "attributes": []}] if format == "visual-genome" else LAYOUTS[format]
    if format == "provision":
        layout = {"a": {"annotation": {"raw_relations": "x"}}}
    write(tmp_path / name, layout)
    assert expected in message(tmp_path, format)


def test_masks_may_not_leave_their_folder(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    (tmp_path / "secret.npy").write_bytes(b"x")
    file = provision_file(tmp_path, seg_mask_id="../secret.npy", depth_mask_id="no.npy")
    annotations, rejected = read_all(file, "provision", depth=tmp_path / "masks")
    assert sorted(rejected.select("part", "reason").rows()) == [("depth", "missing"), ("mask", "unsafe_path")]
    assert annotations.select("mask_uri", "depth_uri").row(0) == (None, None)


def test_keypoints_in_a_folder_are_reported(tmp_path: Path) -> None:
    for name in ("instances_val.json", "person_keypoints_val.json", "captions_val.json"):
        write(tmp_path / name, COCO | {"images": [{"id": 1, "file_name": "1.jpg", "width": 5, "height": 5}]})
    annotations, rejected = read_all(tmp_path, "coco")
    assert annotations.height == 1
    assert rejected.select("file", "reason").rows() == [("person_keypoints_val.json", "ignored_file")]
    assert "keypoints are not read" in rejected["detail"][0]
