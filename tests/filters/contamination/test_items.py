import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.filters.contamination.items import benchmark_items
from provision_dagster.filters.duplicate_config import BenchmarkConfig
from provision_dagster.filters.schema import BENCHMARK_ITEMS

ROWS = [{"question": "How many?", "id": 7}, {"question": "Where?", "id": 8}]


def read(**fields: Any) -> pl.DataFrame:
    found = benchmark_items([BenchmarkConfig(name="b", **fields)])
    assert found.schema == pl.Schema(BENCHMARK_ITEMS)
    assert found["benchmark"].unique().to_list() == ["b"]
    return found


def write(path: Path, data: Any) -> Path:
    if path.suffix == ".json":
        path.write_text(json.dumps(data))
    elif path.suffix in (".jsonl", ".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in data))
    elif path.suffix == ".parquet":
        pl.DataFrame(data).write_parquet(path)
    else:
        pl.DataFrame(data).write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".ndjson", ".parquet", ".csv", ".tsv", ".JSON"])
def test_questions_of_every_format(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"q{suffix.lower()}", ROWS).rename(tmp_path / f"q{suffix}")
    assert read(questions=path).select("kind", "item", "text", "error").rows() == [
        ("question", "1", "How many?", None),
        ("question", "2", "Where?", None),
    ]


@pytest.mark.parametrize(
    ("data", "items"),
    [
        ({"info": {"year": 2017}, "licenses": ["x"], "questions": ROWS}, ["1", "2"]),
        ({"000": ROWS[0], "001": ROWS[1]}, ["000", "001"]),
    ],
)
def test_layouts_of_json(tmp_path: Path, data: Any, items: list[str]) -> None:
    found = read(questions=write(tmp_path / "q.json", data))
    assert found["item"].to_list() == items
    assert found["text"].to_list() == ["How many?", "Where?"]


def test_damaged_rows_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"q": "Where?"}\n{"q": \n{"q": 5}\n{"other": 1}\n["q"]\n')
    found = read(questions=path, column="q")
    assert found["text"].to_list() == ["Where?", None, None, None, None]
    assert found["error"][0] is None
    assert found["error"][1].startswith("`q.jsonl` row 2: is not valid JSON")
    assert found["error"][2:].to_list() == [
        "`q.jsonl` row 3: field `q` must be text, got 5",
        "`q.jsonl` row 4: field `q` must be text, got None",
        "`q.jsonl` row 5: must be a JSON object, got list",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.json", None, "field `questions`: expected a file of questions at `.*none.json`, got nothing"),
        ("q.txt", "x", r"must end in \.json, \.csv, .*, got `\.txt`"),
        ("q.json", "{", "`.*q.json` is not valid JSON"),
        ("q.json", '"x"', "must hold a list of objects, .* with the field `question`; got str"),
        ("q.json", '{"a": [{"question": "1"}], "b": [{"question": "2"}]}', "must hold a list of objects"),
        ("q.json", '[{"text": "x"}]', "field `column`: no row of `.*q.json` has `question`"),
        ("q.jsonl", '{"text": "x"}\n', "field `column`: no row of `.*q.jsonl` has `question`"),
        ("q.csv", "text\nx\n", "has no column `question`"),
        ("q.parquet", "x", "is not a readable Parquet file"),
    ],
)
def test_unusable_files_of_questions(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=f"^benchmark `b`: .*{message}"):
        read(questions=path)


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    Image.linear_gradient("L").save(folder / "a.png")
    Image.radial_gradient("L").save(folder / "sub" / "b.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (folder / "README").write_text("not looked at")
    found = read(images=folder).sort("item")
    assert found["item"].to_list() == ["a.png", "broken.jpg", "sub/b.png"]
    assert found["kind"].unique().to_list() == ["picture"]
    assert found["phash"].str.len_chars().to_list() == [16, None, 16]
    assert found["error"].is_null().to_list() == [True, False, True]
    assert "broken.jpg" in found["error"][1]


def test_a_table_of_hashes(tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    file.write_text(f"name,sha256,phash\nx.jpg,{'A' * 64},\n,,{'0f' * 8}\nz,abc,{'0f' * 8}\nempty,,\n")
    found = read(images=file)
    assert found.select("item", "sha256", "phash").rows() == [
        ("1: x.jpg", "a" * 64, None),
        ("2", None, "0f" * 8),
        ("3: z", None, "0f" * 8),
        ("4: empty", None, None),
    ]
    assert found["error"].to_list() == [
        None,
        None,
        "`h.csv` row 3: field `sha256` must be 64 hex digits, got 'abc'",
        "`h.csv` row 4: fields `sha256` and `phash` are empty",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none", None, "expected a folder of pictures or a table of hashes at `.*none`, got nothing"),
        ("h.txt", "x", r"must be a folder or end in \.csv, .*, got `\.txt`"),
        ("h.csv", "a,b\n", "has no column `sha256` or `phash`"),
    ],
)
def test_unusable_pictures(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=f"^benchmark `b`: .*{message}"):
        read(images=tmp_path / name)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("x")
    with pytest.raises(InputError, match=r"field `images`: no picture in"):
        read(images=tmp_path)


def test_names_of_benchmarks_differ_and_each_holds_something(tmp_path: Path) -> None:
    path = write(tmp_path / "q.json", ROWS)
    with pytest.raises(InputError, match=r"each `name` may occur once, got \['b'\] more often"):
        benchmark_items([BenchmarkConfig(name="b", questions=path)] * 2)
    with pytest.raises(ValueError, match="needs `questions`, `images` or both"):
        BenchmarkConfig(name="b")
    assert benchmark_items([]).is_empty()
