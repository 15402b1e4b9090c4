"""Files that tell of the safety of pictures: what is read, what is told of the rest, and what is refused."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.safety import Safety, read_safety
from provision_dagster.image_sets.schema import PICTURE_SAFETY
from provision_dagster.image_sets.spec import ListColumns
from provision_dagster.scene_graphs.registry import register_image_sets
from tests.image_sets.making import encoded, folder_spec, noise


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three pictures: 1.jpg, 2.jpg, 3.jpg."""
    folder = tmp_path / "pics"
    folder.mkdir()
    for number in (1, 2, 3):
        (folder / f"{number}.jpg").write_bytes(encoded(noise(seed=number)))
    return folder


def read(pictures: Path, file: Path | None, **fields: Any) -> Safety:
    spec = folder_spec(pictures, safety=file, **fields)
    return read_safety(spec, sources=list_images(spec))


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "ndjson", "parquet"])
def test_every_format_tells_the_same(suffix: str, pictures: Path, tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "image_key": ["3.jpg", "gone.jpg", "1.jpg", "2.jpg"],
            "unsafe_score": [0.25, 0.5, None, None],
            "safety": ["safe", None, "NSFW", None],
            "more": [1, 2, 3, 4],
        }
    )
    file = tmp_path / f"safety.{suffix}"
    if suffix == "parquet":
        rows.write_parquet(file)
    elif suffix in ("csv", "tsv"):
        rows.write_csv(file, separator="\t" if suffix == "tsv" else ",")
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows.to_dicts()))
    found = read(pictures, file)
    assert dict(found.table.schema) == PICTURE_SAFETY
    # in the order of the pictures; 2.jpg has neither label nor score
    assert found.table.rows() == [
        ("set-00000", "set", "1.jpg", "NSFW", None),
        ("set-00000", "set", "3.jpg", "safe", 0.25),
    ]
    assert found.unknown_keys.to_list() == ["gone.jpg"]


def test_without_a_file_nothing_is_told(pictures: Path) -> None:
    found = read(pictures, None)
    assert (dict(found.table.schema), found.table.height, len(found.unknown_keys)) == (PICTURE_SAFETY, 0, 0)


def test_columns_may_have_other_names_and_keys_may_be_numbers(pictures: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "s.jsonl", '{"key": 1, "punsafe": 1}\n{"key": "2.jpg", "punsafe": "1e-3", "NSFW": ""}\n')
    found = read(pictures, file, columns=ListColumns(image_key="key", safety="NSFW", unsafe_score="punsafe"))
    assert found.table.select("image_key", "safety", "unsafe_score").rows() == [("2.jpg", None, 0.001)]
    assert found.unknown_keys.to_list() == ["1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "image_key,unsafe_score\n1.jpg,0.5\n2.jpg,1.5\n",
            "row 2: field `unsafe_score` must be a number from 0 to 1",
        ),
        ("image_key,unsafe_score\n1.jpg,nan\n", "row 1: field `unsafe_score` must be a number from 0 to 1, got 'nan'"),
        ("image_key,unsafe_score\n1.jpg,low\n", "must be a number from 0 to 1, got 'low'"),
        ("image_key,unsafe_score\n1.jpg,-0.1\n", "must be a number from 0 to 1, got '-0.1'"),
        ("image_key,unsafe_score\n,0.1\n", "row 1: field `image_key` is empty; expected the key of a picture"),
        ("key,unsafe_score\n1.jpg,0.1\n", "field `image_key` is empty; expected the key of a picture; fields: `key`, "),
        ("image_key,safety\n1.jpg,a\n2.jpg,b\n1.jpg,a\n", "row 3: image_key `1.jpg` is already in row 1"),
        ("image_key,safety\n1.jpg,a,b\n", "row 1: has 3 fields; expected 2 as in the header"),
        ("image_key,score\n1.jpg,0.1\n", "has no column `safety` or `unsafe_score`; got `image_key`, `score`"),
        ("image_key,safety\n1.jpg, \n", "none of 1 rows has a value in `safety` or `unsafe_score`"),
        ("image_key,safety\n", "none of 0 rows has a value in `safety` or `unsafe_score`"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, message: str, pictures: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "safety.csv", text)
    with pytest.raises(InputError) as caught:
        read(pictures, file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"image_key": "1.jpg", "safety": true}', "row 1: field `safety` must be text, got True"),
        ('{"image_key": "1.jpg", "unsafe_score": true}', "field `unsafe_score` must be a number from 0 to 1, got True"),
        ('{"image_key": ["1.jpg"], "safety": "a"}', "field `image_key` must be text, got ['1.jpg']"),
        ('{"image_key": "1.jpg", "unsafe": 1}', "none of 1 rows has a value"),
        ("[]", "row 1: must be a JSON object, got list"),
    ],
)
def test_json_of_other_types_is_refused(text: str, message: str, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(pictures, written(tmp_path / "safety.jsonl", text))
    assert message in str(caught.value)


def test_files_that_are_no_tables_are_refused(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"field `safety`: expected a table of safety at .*, got nothing"):
        read(pictures, tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"a table of safety must end in .csv, .tsv, .parquet, .*, got `.txt`"):
        read(pictures, written(tmp_path / "safety.txt", "x"))


def test_registration_tells_what_is_wrong(pictures: Path, tmp_path: Path) -> None:
    """Relative paths count from the spec; a set whose table of safety cannot be read has no shards."""
    file = written(tmp_path / "set.yaml", "{name: pics, reader: folder, path: pics, safety: safety.csv}")
    written(tmp_path / "safety.csv", "image_key,unsafe_score\n1.jpg,7\n")
    row = register_image_sets([file]).row(0, named=True)
    assert "safety.csv` row 1: field `unsafe_score` must be a number from 0 to 1, got '7'" in row["error"]
    assert row["shards"] == []
    written(tmp_path / "safety.csv", "image_key,unsafe_score\n1.jpg,.7\n")
    assert register_image_sets([file]).row(0, named=True)["shards"] == ["pics-00000"]
