"""The fields of an image set: strict, with messages that name field, allowed values and what was got."""

from pathlib import Path
from typing import Any

import pytest

from provision_dagster.errors import InputError
from provision_dagster.image_sets.spec import ImageSetSpec, load_spec, parse_spec

FOLDER = {"name": "cats", "reader": "folder", "path": "pics"}
GRAPHS = {
    "name": "vg",
    "reader": "annotations",
    "annotations": "vg.json",
    "annotations_format": "visual-genome",
}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({**FOLDER, "pth": 1}, "unknown field `pth`; allowed: `name`, `reader`, `path`, `annotations`, "),
        (
            {**FOLDER, "columns": {"file": "x"}},
            "unknown field `columns.file`; allowed: `path`, `uri`, `image_key`",
        ),
        ({"reader": "folder", "path": "x"}, "field `name` is required"),
        (
            {**FOLDER, "name": "My Cats"},
            "field `name`: string should match pattern '^[a-z0-9_-]+$', got 'My Cats'",
        ),
        ({**FOLDER, "name": ""}, "field `name`: string should match pattern"),
        ({**FOLDER, "name": "cats\n"}, "field `name`: string should match pattern"),
        ({**FOLDER, "name": 5}, "field `name`: input should be a valid string, got 5"),
        ({**FOLDER, "reader": "zip"}, "'folder', 'file_list', 'webdataset' or 'annotations', got 'zip'"),
        (
            {**FOLDER, "shard_size": 9},
            "field `shard_size`: input should be greater than or equal to 10, got 9",
        ),
        (
            {**FOLDER, "shard_size": 20_001},
            "field `shard_size`: input should be less than or equal to 20000, got 20001",
        ),
        ({**FOLDER, "shard_size": "500"}, "field `shard_size`: input should be a valid integer, got '500'"),
        ({**FOLDER, "path": " "}, "field `path`: expected a path, got ' '"),
        ({**FOLDER, "path": 7}, "field `path`: expected a path, got 7"),
        ({**FOLDER, "license": ""}, "field `license`: string should have at least 1 character, got ''"),
        ({**FOLDER, "safety": " "}, "field `safety`: expected a path, got ' '"),
        ({"name": "a", "reader": "webdataset"}, "field `path` is required for reader `webdataset`"),
        (
            {**FOLDER, "masks": "m", "images": "i"},
            "reader `folder` does not use `masks`, `images`; remove it or use",
        ),
        ({"name": "a", "reader": "annotations", "images": "i"}, "field `annotations` is required for reader"),
        (
            {**GRAPHS, "annotations_format": None},
            "field `annotations_format` is required for reader `annotations`",
        ),
        ({**GRAPHS, "annotations_format": "voc"}, "'visual-genome', 'gqa', 'coco' or 'provision', got 'voc'"),
        ({**GRAPHS, "path": "other.json"}, "leave out `path`, got `other.json` and `vg.json`"),
    ],
)
def test_wrong_field(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_spec(data, source="sets.yaml")
    assert str(caught.value).startswith("sets.yaml: ")
    assert message in str(caught.value)


def test_all_problems_are_named() -> None:
    with pytest.raises(InputError) as caught:
        parse_spec({"name": "A", "reader": "zip", "x": 1}, source="here")
    assert str(caught.value).count("; ") >= 2
    assert all(f"`{field}`" in str(caught.value) for field in ("name", "reader", "x"))


def test_path_stands_for_annotations() -> None:
    fields = {key: value for key, value in GRAPHS.items() if key != "annotations"}
    spec = parse_spec({**fields, "path": "vg.json"}, source="x")
    assert spec.annotations == Path("vg.json")


def test_spec_is_frozen_and_round_trips() -> None:
    spec = parse_spec({**GRAPHS, "images": "pics", "shard_size": 200}, source="x")
    assert ImageSetSpec.model_validate_json(spec.model_dump_json()) == spec
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"


def test_yaml(tmp_path: Path) -> None:
    (tmp_path / "set.yaml").write_text("name: cats\nreader: file_list\npath: list.csv\nimages: /data/pics\n")
    spec = load_spec(tmp_path / "set.yaml")
    assert spec.path == tmp_path / "list.csv"
    assert spec.images == Path("/data/pics")
    assert spec.annotations is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"name: [", "set.yaml` is not valid YAML: while parsing"),
        (b"- name", "set.yaml` must hold the fields of one image set, got list"),
        (b"", "set.yaml` must hold the fields of one image set, got NoneType"),
        (b"1: 2", "set.yaml` must hold the fields of one image set, got dict"),
        (b"\xff\xfe\xfa", "set.yaml` cannot be read"),
        (b"name: !!python/object:os.system {}", "set.yaml` is not valid YAML"),
        (b"name: cats\nreader: folder\n", "set.yaml`: field `path` is required for reader `folder`"),
        (None, "set.yaml` cannot be read"),
    ],
)
def test_bad_yaml(tmp_path: Path, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / "set.yaml").write_bytes(data)
    with pytest.raises(InputError) as caught:
        load_spec(tmp_path / "set.yaml")
    assert message in str(caught.value)
