"""The file-list reader: CSV, TSV, JSONL and Parquet; a bad row is named by file and number."""

import json
import os
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.spec import ImageSetSpec, ListColumns
from tests.image_sets.making import by_key, encoded, noise, only_row

JPEG = encoded()


def listed(path: Path, **fields: Any) -> pl.DataFrame:
    return list_images(ImageSetSpec(name="list", reader="file_list", path=path, **fields))


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix in (".jsonl", ".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        frame.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",", include_bom=True)
    return path


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "jsonl", "ndjson", "CSV"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "pics").mkdir()
    for name in ("b.jpg", "a, 1.jpg"):
        (tmp_path / "pics" / name).write_bytes(encoded(noise(seed=len(name))))
    rows: list[dict[str, Any]] = [
        {"path": "pics/b.jpg", "image_key": "7", "license": "CC BY 4.0", "attribution": "Ann", "more": 1},
        {"path": "pics/a, 1.jpg", "image_key": None, "license": None, "attribution": 'Bob "B"', "more": 2},
    ]
    sources = listed(written(tmp_path / f"list.{suffix}", rows), license="CC0")
    found = sources.select("image_key", "uri", "license", "attribution", "status", "error").rows()
    assert found == [
        ("7", str(tmp_path / "pics/b.jpg"), "CC BY 4.0", "Ann", None, None),
        ("pics/a, 1.jpg", str(tmp_path / "pics/a, 1.jpg"), "CC0", 'Bob "B"', None, None),
    ]
    assert inspect_images(sources)["status"].to_list() == ["ok", "ok"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_bad_rows(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.jpg").write_bytes(JPEG)
    (tmp_path / "in" / "folder.jpg").mkdir()
    (tmp_path / "out.jpg").write_bytes(JPEG)
    paths = [
        "good.jpg",
        "",
        "  ",
        None,
        "none.jpg",
        "../out.jpg",
        str(tmp_path / "out.jpg"),
        "folder.jpg",
        "https://example.org/a.jpg",
        "file://far/away.jpg",
        "good.jpg/inside.jpg",
        "a\0b.jpg" if suffix != "csv" else "none.jpg",
        "./in/../good.jpg",
    ]
    path = written(tmp_path / "in" / f"list.{suffix}", [{"path": p, "image_key": f"k{i}"} for i, p in enumerate(paths)])
    sources = listed(path)
    expected = [
        (None, None),
        ("missing", "row 2: fields `path` and `uri` are empty; expected a path below"),
        ("missing", "row 3: fields `path` and `uri` are empty"),
        ("missing", "row 4: fields `path` and `uri` are empty"),
        ("missing", f"row 5: `{tmp_path}/in/none.jpg` does not exist"),
        ("unsafe_path", "row 6: `../out.jpg` leaves the folder"),
        ("unsafe_path", f"row 7: `{tmp_path}/out.jpg` leaves the folder `{tmp_path}/in`"),
        ("not_an_image", f"row 8: `{tmp_path}/in/folder.jpg` is a folder, not a regular file"),
        (
            "unreadable",
            "row 9: `https://example.org/a.jpg` is not a local file; allowed: a path or a `file:///` URI",
        ),
        ("unreadable", "row 10: `file://far/away.jpg` is not a local file"),
        ("missing", "row 11: "),
        ("missing", "row 12: ") if suffix == "csv" else ("unsafe_path", "row 12: `a\\x00b.jpg` has a null byte"),
        (None, None),
    ]
    assert sources.height == len(paths)
    for row, (status, message) in zip(sources.iter_rows(named=True), expected, strict=True):
        assert row["status"] == status, row
        assert row["error"] is None if message is None else f"`list.{suffix}` {message}" in row["error"]
    images = inspect_images(sources)
    assert images["status"].to_list() == ["ok", *(status for status, _ in expected[1:-1]), "duplicate"]
    assert images["error"].to_list()[1:-1] == sources["error"].to_list()[1:-1]


@pytest.mark.parametrize(
    ("name", "text", "status", "message"),
    [
        (
            "a.csv",
            "path,license\ngood.jpg,x,y\ngood.jpg,x\n",
            "unreadable",
            "row 1: has 3 fields; expected 2 as in",
        ),
        (
            "b.csv",
            "path,license\ngood.jpg\ngood.jpg,x\n",
            "unreadable",
            "row 1: has 1 fields; expected 2 as in the",
        ),
        (
            "c.csv",
            'path,license\n"good.jpg"z,x\ngood.jpg,x\n',
            "unreadable",
            "row 1: is not valid CSV at line 2",
        ),
        ("d.jsonl", '{"path": \n{"path": "good.jpg"}\n', "unreadable", "row 1: is not valid JSON: "),
        (
            "e.jsonl",
            '["good.jpg"]\n\n{"path": "good.jpg"}\n',
            "unreadable",
            "row 1: must be a JSON object, got list",
        ),
        (
            "f.jsonl",
            '{"path": ["x"]}\n{"path": "good.jpg"}\n',
            "unreadable",
            "field `path` must be text, got ['x']",
        ),
        (
            "g.jsonl",
            '{"file": "x"}\n{"path": "good.jpg"}\n',
            "missing",
            "row 1: fields `path` and `uri` are empty",
        ),
        ("h.jsonl", "[" * 99999 + '\n{"path": "good.jpg"}\n', "unreadable", "row 1: is not valid JSON: "),
    ],
)
def test_damaged_row(tmp_path: Path, name: str, text: str, status: str, message: str) -> None:
    (tmp_path / "good.jpg").write_bytes(JPEG)
    (tmp_path / name).write_text(text)
    bad, good = listed(tmp_path / name).iter_rows(named=True)
    assert (bad["image_key"], bad["status"]) == ("row-1", status)
    assert bad["error"].startswith(f"`{name}` row 1: ")
    assert message in bad["error"]
    assert (good["image_key"], good["status"]) == ("good.jpg", None)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("none.csv", None, r"field `path`: expected a file list at `.*none.csv`, got nothing"),
        ("list.txt", b"a", r"a file list must end in .csv, .tsv, .parquet, .jsonl, .ndjson, got `.txt`"),
        ("empty.csv", b"", r"has no column `path` or `uri`; got no columns"),
        ("other.csv", b"file,size\na,1\n", r"has no column `path` or `uri`; got `file`, `size`"),
        ("twice.csv", b"path,path\na,b\n", r"repeats column `path`"),
        ("bad.parquet", b"PAR1 no", r"bad.parquet` is not a readable Parquet file"),
        ("header.csv", b"path\n", r"no files found at"),
    ],
)
def test_unusable_list(tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message):
        listed(tmp_path / name)


def test_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a file list at .*, got a folder"):
        listed(tmp_path)


def test_parquet_with_numbers_as_paths(tmp_path: Path) -> None:
    pl.DataFrame({"path": [1.5]}).write_parquet(tmp_path / "a.parquet")
    row = only_row(listed(tmp_path / "a.parquet"))
    assert (row["status"], row["error"]) == (
        "unreadable",
        "`a.parquet` row 1: field `path` must be text, got 1.5",
    )


def test_other_column_names_and_folder(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "x.jpg").write_bytes(JPEG)
    path = written(tmp_path / "list.csv", [{"file": "x.jpg", "id": "5", "rights": "MIT", "by": "Me"}])
    columns = ListColumns(path="file", image_key="id", license="rights", attribution="by")
    row = only_row(listed(path, columns=columns, images=tmp_path / "pics"))
    assert (row["image_key"], row["license"], row["attribution"]) == ("5", "MIT", "Me")
    assert row["uri"] == str(tmp_path / "pics" / "x.jpg")


def test_uri_column_and_absolute_paths(tmp_path: Path) -> None:
    name = tmp_path / "ä b.jpg"
    name.write_bytes(JPEG)
    rows = [{"uri": name.as_uri(), "path": None}, {"uri": None, "path": str(name)}]
    sources = listed(written(tmp_path / "list.csv", rows))
    assert sources["uri"].to_list() == [str(name)] * 2
    assert sources["status"].to_list() == [None, "duplicate"]


def test_file_names_that_are_not_utf8(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(JPEG)
    (tmp_path / "list.csv").write_bytes(b"path,license\ncaf\xe9.jpg,\xa9 me\n")
    row = only_row(inspect_images(listed(tmp_path / "list.csv")))
    assert (row["image_key"], row["license"], row["status"]) == ("caf\\xe9.jpg", "\\xa9 me", "ok")


def test_repeated_keys(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / f"{name}.png").write_bytes(encoded(noise(seed=ord(name)), "PNG"))
    rows = [
        {"path": "a.png", "image_key": "k"},
        {"path": "b.png", "image_key": "k"},
        {"path": "c.png", "image_key": "k#1"},
        {"path": "d.png", "image_key": "k"},
    ]
    images = by_key(inspect_images(listed(written(tmp_path / "list.csv", rows))))
    assert {key: row["status"] for key, row in images.items()} == {
        "k": "ok",
        "k#1": "duplicate",
        "k#1#2": "duplicate",
        "k#3": "duplicate",
    }
    assert images["k#3"]["error"] == "image_key `k` is already used by the picture at position 0"


def test_long_list_is_quick(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    rows: list[dict[str, Any]] = [{"path": "a.jpg", "image_key": str(number)} for number in range(20_000)]
    path = written(tmp_path / "list.csv", rows)
    start = time.process_time()
    assert listed(path).height == 20_000
    assert time.process_time() - start < 4
