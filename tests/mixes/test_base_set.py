"""Training sets of others: read record by record, added to or replaced in part."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.mixes import base_set
from provision_dagster.mixes.base_set import read_base
from provision_dagster.mixes.build import build_mix
from provision_dagster.mixes.recipe_parts import Base
from provision_dagster.mixes.schema import MIX
from tests.mixes.rows import images_of, many, recipe


def record(number: int, **changes: Any) -> dict[str, Any]:
    turns = [
        {"from": "human", "value": f"<image>\nWhat is in picture {number}?"},
        {"from": "gpt", "value": 'A "dog", é 狗.'},
        {"from": "human", "value": "And its color?"},
        {"from": "gpt", "value": "Brown."},
    ]
    return {"id": f"r{number}", "image": f"coco/{number}.jpg", "conversations": turns} | changes


def llava(folder: Path, *records: Any, name: str = "base.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(list(records)))
    return path


def read(path: Path, **fields: Any) -> pl.DataFrame:
    return pl.concat(list(read_base(Base(file=str(path), **fields))))


def build(path: Path, *, rows: int = 90, base: dict[str, Any] | None = None, **fields: Any) -> pl.DataFrame:
    wanted = recipe(base={"file": str(path)} | (base or {}), **fields)
    return build_mix(wanted, filtered_qa=many(rows), images=images_of())


def test_a_record_becomes_a_row(tmp_path: Path) -> None:
    rows = read(llava(tmp_path, record(1)), image_root="/photos", license="CC BY 4.0")
    (row,) = rows.to_dicts()
    assert list(row) == [name for name in MIX if name not in ("recipe", "position")]
    assert row["id"].startswith("base-")
    assert (row["prompt"], row["response"]) == ("What is in picture 1?", 'A "dog", é 狗.')
    assert row["conversation"] == record(1)["conversations"]
    assert row["image_uris"] == ["/photos/coco/1.jpg"]
    assert row["sizes"] == [{"width": None, "height": None}]
    assert (row["family"], row["generator"], row["origin"], row["source"]) == ("base", "base", "base", -1)
    assert (row["license"], row["split"], row["shard"], row["template"]) == ("CC BY 4.0", "train", "", "")
    assert json.loads(row["metadata"])["base_id"] == "r1"


def test_pictures_none_one_or_several(tmp_path: Path) -> None:
    texts = record(1)
    del texts["image"]
    rows = read(
        llava(tmp_path, texts, record(2, image=["a.jpg", "b.jpg"]), record(3, image="tar://x::y")), image_root="r"
    )
    assert rows["image_uris"].to_list() == [[], ["r/a.jpg", "r/b.jpg"], ["tar://x::y"]]
    assert rows["sizes"].list.len().to_list() == [0, 2, 1]


@pytest.mark.parametrize("layout", ["array", "indented", "lines", "gzip", "crlf", "bom"])
def test_layouts_hold_the_same(tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_set, "CHUNK", 61)
    monkeypatch.setattr(base_set, "BLOCK", 3)
    records = [record(n) for n in range(10)]
    text = {
        "indented": json.dumps(records, indent=2),
        "lines": "".join(json.dumps(r) + "\n" for r in records),
        "crlf": "\r\n".join(json.dumps(r, ensure_ascii=False) for r in records),
        "bom": "\ufeff \n" + json.dumps(records),
    }.get(layout, json.dumps(records, ensure_ascii=False))
    path = tmp_path / "base"
    path.write_bytes(gzip.compress(text.encode()) if layout == "gzip" else text.encode())
    blocks = list(read_base(Base(file=str(path))))
    assert [block.height for block in blocks] == [3, 3, 3, 1]
    expected = read(llava(tmp_path, *records))
    assert pl.concat(blocks).equals(expected)


def test_a_repeated_record_has_an_id_of_its_own(tmp_path: Path) -> None:
    rows = read(llava(tmp_path, record(1), record(1), record(2)))
    first, second, other = rows["id"]
    assert second == f"{first}-2"
    assert other not in (first, second)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"holds no record"),
        (b"[]", r"holds no record"),
        (b'[{"id": 1', r"neither a JSON array nor JSON lines"),
        (b'{"id": 1}\n{"id"', r"record 1: `conversations` must be a list of turns"),
        (b"hello", r"neither a JSON array nor JSON lines"),
        (b"\xff\xfe\x00", r"cannot be read: 'utf-8' codec"),
        (b"\x1f\x8b\x08broken", r"cannot be read"),
        (b"[1]", r"record 1: must be an object with `conversations`, got int"),
        (b'[{"conversations": [{"from": "human"}]}]', r"record 1: .*got \{'from': 'human'\} at place 0"),
        (b'[{"conversations": [{"from": "gpt", "value": "a"}]}]', r"must have a turn of `human` and an answer"),
        (
            b'[{"image": 3, "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}]',
            r"record 1: `image` must be a path or a list of paths, got 3",
        ),
        (
            b'[{"conversations": [{"from": "human", "value": "\\ud800"}, {"from": "gpt", "value": "b"}]}]',
            r"record 1: holds half of a surrogate pair",
        ),
    ],
)
def test_what_is_no_base_set(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "base.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_missing_base_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"base set `.*none.json` cannot be read: .*No such file"):
        read(tmp_path / "none.json")


@pytest.mark.parametrize(("ratio", "generated"), [(0.05, 5), (0.1, 10), (0.2, 20), (0.5, 50)])
def test_augment_adds_a_share_of_the_base_set(tmp_path: Path, ratio: float, generated: int) -> None:
    path = llava(tmp_path, *(record(n) for n in range(100)))
    mix = build(path, base={"ratio": ratio})
    assert dict(mix.schema) == MIX
    assert Counter(mix["origin"]) == {"base": 100, "generated": generated}
    assert mix["position"].to_list() == list(range(100 + generated))
    assert mix["id"].n_unique() == mix.height
    # mixed, not one after the other
    assert mix.head(60)["origin"].n_unique() == 2


@pytest.mark.parametrize(("ratio", "generated"), [(0.05, 5), (0.1, 10), (0.2, 20), (0.5, 50)])
def test_replace_keeps_the_size(tmp_path: Path, ratio: float, generated: int) -> None:
    path = llava(tmp_path, *(record(n) for n in range(100)))
    mix = build(path, base={"ratio": ratio, "mode": "replace"})
    assert Counter(mix["origin"]) == {"base": 100 - generated, "generated": generated}


def test_a_smaller_replacement_is_a_part_of_a_larger(tmp_path: Path) -> None:
    path = llava(tmp_path, *(record(n) for n in range(100)))
    small, large = (build(path, base={"ratio": r, "mode": "replace"}) for r in (0.1, 0.5))
    kept = [set(mix.filter(origin="base")["id"]) for mix in (small, large)]
    taken = [set(mix.filter(origin="generated")["id"]) for mix in (small, large)]
    assert kept[1] < kept[0]
    assert taken[0] < taken[1]


def test_the_order_of_the_base_set_does_not_matter(tmp_path: Path) -> None:
    records = [record(n) for n in range(40)]
    paths = [llava(tmp_path, *rows, name=name) for rows, name in ((records, "a"), (records[::-1], "b"))]
    first, second = (build(path, base={"ratio": 0.5, "mode": "replace"}, seed=3) for path in paths)
    assert first.equals(second)


def test_all_sources_shrink_alike(tmp_path: Path) -> None:
    path = llava(tmp_path, *(record(n) for n in range(40)))
    sources = [{"families": ["qa_object"]}, {"families": ["qa_attribute", "qa_relation"]}]
    mix = build(path, base={"ratio": 0.75}, sources=sources)
    assert Counter(mix["source"]) == {-1: 40, 0: 10, 1: 20}


def test_without_ratio_all_rows_are_added(tmp_path: Path) -> None:
    mix = build(llava(tmp_path, *(record(n) for n in range(10))))
    assert Counter(mix["origin"]) == {"base": 10, "generated": 90}


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ({"ratio": 0.5}, r"`base`, `ratio`: 0.5 is 100 rows, 200 rows of the base set, 90 possible .* at most 0.45"),
        ({"ratio": 0.001}, r"`base`, `ratio`: 0.001 is no row"),
    ],
)
def test_an_impossible_ratio_says_what_is_possible(tmp_path: Path, base: dict[str, Any], message: str) -> None:
    path = llava(tmp_path, *(record(n) for n in range(200)))
    with pytest.raises(InputError, match=message):
        build(path, base=base)


def test_more_cannot_replace_less(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"90 rows cannot replace any of 10; give `ratio`, or `count`"):
        build(llava(tmp_path, *(record(n) for n in range(10))), base={"mode": "replace"})


@pytest.mark.parametrize("root", [None, "/photos"])
def test_only_a_part_makes_room(tmp_path: Path, root: str | None) -> None:
    records = [record(n, image=f"{'coco' if n % 2 else 'coconut'}/{n}.jpg") for n in range(40)]
    base = {"mode": "replace", "part": "coco/", "image_root": root}
    mix = build(llava(tmp_path, *records), base=base | {"ratio": 0.3})
    kept = mix.filter(origin="base")["image_uris"].list.first()
    assert kept.str.contains("coconut/").sum() == 20
    assert kept.str.contains("coco/").sum() == 8
    with pytest.raises(InputError, match=r"24 rows cannot replace any of 20"):
        build(llava(tmp_path, *records), base=base | {"ratio": 0.6})
