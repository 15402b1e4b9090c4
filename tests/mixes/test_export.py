"""Exported files: their layout, that they are whole, and that they are the same each time."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from provision_dagster.errors import InputError
from provision_dagster.mixes import batches, provision_10m
from provision_dagster.mixes.build import build_mix
from provision_dagster.mixes.export import (
    export_llava,
    export_mix,
    export_provision_parquet,
)
from provision_dagster.mixes.formats import Format
from provision_dagster.mixes.provision_10m import PROVISION_10M
from tests.mixes.rows import filtered, image, images, images_of, many, qa, recipe

AWKWARD = 'He said "no",\\ then\tleft: ünïcødé 狗 \u2028 </s>?'


def _mix(*rows: dict[str, Any], form: str = "choice") -> pl.DataFrame:
    pictures = images(image("i1"), image("i2", uri=None, image_key="2407", status="annotations_only"))
    return build_mix(recipe(form=form), filtered_qa=filtered(*rows), images=pictures)


def test_llava_single_picture(tmp_path: Path) -> None:
    path = export_llava(_mix(qa(1)), tmp_path / "new" / "llava.json")
    assert json.loads(path.read_text()) == [
        {
            "id": f"{1:032x}",
            "image": "/photos/i1.jpg",
            "conversations": [
                {"from": "human", "value": "<image>\nWhat color is dog 1?\nA. black\nB. brown"},
                {"from": "gpt", "value": "B"},
            ],
        }
    ]


def test_llava_several_pictures_one_of_them_without_pixels(tmp_path: Path) -> None:
    mix = _mix(qa(1, image_ids=["i2", "i1"]), form="open")
    (row,) = json.loads(export_llava(mix, tmp_path / "l.json").read_text())
    assert row["image"] == ["2407", "/photos/i1.jpg"]
    assert row["conversations"][0]["value"] == "<image>\n<image>\nWhat color is dog 1?"


def test_llava_paths_below_the_image_folder(tmp_path: Path) -> None:
    mix = _mix(qa(1), qa(2, image_ids=["i2"]))
    rows = json.loads(export_llava(mix, tmp_path / "l.json", image_root="/photos/").read_text())
    assert {row["image"] for row in rows} == {"i1.jpg", "2407"}


def test_llava_keeps_any_text(tmp_path: Path) -> None:
    mix = _mix(qa(1, question=AWKWARD, answer=AWKWARD, options=[], answer_index=None), form="open")
    (row,) = json.loads(export_llava(mix, tmp_path / "l.json").read_text())
    assert [turn["value"] for turn in row["conversations"]] == [f"<image>\n{AWKWARD}", AWKWARD]


def test_llava_of_nothing_is_an_empty_list(tmp_path: Path) -> None:
    assert json.loads(export_llava(_mix(qa(1)).clear(), tmp_path / "l.json").read_text()) == []


def test_a_token_in_the_text_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"QA `{1:032x}`: `<image>` must not be in a prompt or response"):
        export_llava(_mix(qa(1, question="Is <image> it?")), tmp_path / "l.json")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_leaves_the_file_before(tmp_path: Path) -> None:
    path = export_llava(_mix(qa(1)), tmp_path / "l.json")
    before = path.read_bytes()
    with pytest.raises(InputError):
        export_llava(_mix(qa(2), qa(1, question="Is <image> it?")), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_export_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".l.json.part").write_text("[half")
    path = export_llava(_mix(qa(1)), tmp_path / "l.json")
    assert list(tmp_path.iterdir()) == [path]
    assert len(json.loads(path.read_text())) == 1


def test_parquet_has_the_published_columns(tmp_path: Path) -> None:
    files = export_provision_parquet(_mix(qa(1), qa(2), form="half"), tmp_path)
    assert {form: path.name for form, path in files.items()} == {
        "open": "provision_sa.parquet",
        "choice": "provision_mc.parquet",
    }
    for path in files.values():
        assert pq.read_schema(path).equals(PROVISION_10M)
    (choice,) = pq.read_table(files["choice"]).to_pylist()
    (answered,) = pq.read_table(files["open"]).to_pylist()
    assert (choice["answer"], choice["options"]) == ("brown", ["black", "brown"])
    assert "\n" not in choice["question"]
    assert (answered["answer"], answered["options"]) == ("brown", [])
    assert choice["data_path"] == ["/photos/i1.jpg"]
    assert set(json.loads(choice["metadata"])) >= {"id", "objects", "attributes", "relations", "counts"}


def test_parquet_of_filtered_rows_has_both_forms(tmp_path: Path) -> None:
    rows = many(30)
    files = export_provision_parquet(rows.lazy(), tmp_path, images=images_of())
    assert pq.read_metadata(files["open"]).num_rows == 30
    assert pq.read_metadata(files["choice"]).num_rows == 20
    ids = [json.loads(text)["id"] for text in pq.read_table(files["open"])["metadata"].to_pylist()]
    assert ids == sorted(rows["id"])
    with pytest.raises(InputError, match="`images` must be given to export filtered_qa"):
        export_provision_parquet(rows, tmp_path)


def test_rows_cross_batches_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mix = build_mix(recipe(form="half"), filtered_qa=many(100), images=images_of())
    monkeypatch.setattr(batches, "BATCH", 7)
    monkeypatch.setattr(provision_10m, "BATCH", 7)
    rows = json.loads(export_llava(mix.lazy(), tmp_path / "l.json").read_text())
    assert [row["id"] for row in rows] == mix["id"].to_list()
    files = export_provision_parquet(mix.lazy(), tmp_path)
    found = pl.read_parquet(files["open"])
    assert found["question"].to_list() == mix.filter(form="open")["question"].to_list()
    sizes = [pq.read_metadata(files["open"]).row_group(i).num_rows for i in range(9)]
    assert sizes == [7] * 9


def _export(folder: Path, mix: pl.DataFrame | pl.LazyFrame) -> dict[str, Path]:
    return export_mix(mix, folder, recipe=recipe(form="half"), table_versions={"filtered_qa": 3, "images": 1})


def test_the_manifest_describes_the_files(tmp_path: Path) -> None:
    mix = build_mix(recipe(form="half"), filtered_qa=many(90), images=images_of())
    files = _export(tmp_path, mix)
    manifest = json.loads(files["manifest"].read_text())
    for name in ("llava", "provision_sa", "provision_mc"):
        data = files[name].read_bytes()
        rows = {"llava": 90, "provision_sa": 60, "provision_mc": 30}[name]
        entry = manifest["files"][files[name].name]
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "rows": rows}
    assert manifest["counts"]["rows"] == 90
    assert manifest["counts"]["images"] == 20
    assert manifest["counts"]["by_form"] == {"choice": 30, "open": 60}
    assert manifest["counts"]["by_license"] == {"CC BY 4.0": 90}
    assert manifest["table_versions"] == {"filtered_qa": 3, "images": 1}
    assert manifest["recipe"]["name"] == "test"
    assert str(tmp_path) not in files["manifest"].read_text()


def test_exporting_again_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = many(200)
    payloads = []
    for place, order in (("a", rows), ("b", rows.reverse())):
        mix = build_mix(recipe(form="half"), filtered_qa=order, images=images_of())
        files = _export(tmp_path / place, mix.lazy() if place == "b" else mix)
        payloads.append({name: path.read_bytes() for name, path in files.items()})
    assert payloads[0] == payloads[1]


def test_a_failed_export_has_no_manifest(tmp_path: Path) -> None:
    _export(tmp_path, _mix(qa(1)))
    with pytest.raises(InputError):
        _export(tmp_path, _mix(qa(1, question="Is <image> it?")))
    assert not (tmp_path / "manifest.json").exists()


def test_a_manifest_of_no_rows(tmp_path: Path) -> None:
    files = _export(tmp_path, _mix(qa(1)).clear())
    assert json.loads(files["manifest"].read_text())["counts"] == {
        "rows": 0,
        "images": 0,
        **{f"by_{name}": {} for name in ("form", "family", "generator", "license", "source", "origin")},
    }


def test_files_do_not_depend_on_how_the_mix_is_cut(tmp_path: Path) -> None:
    # long texts: a page of Parquet must be full before rows end
    rows = many(9000).with_columns(question=pl.format("{} {}", "id", pl.lit("x" * 300)))
    mix = build_mix(recipe(form="half"), filtered_qa=rows, images=images_of())
    formats: list[Format] = ["llava", "provision", "hugging_face"]
    blocks = (mix.slice(start, 700) for start in range(0, 9000, 700))
    export_mix(mix, tmp_path / "a", recipe=recipe(), formats=formats)
    export_mix(blocks, tmp_path / "b", recipe=recipe(), formats=formats)
    first, second = ((tmp_path / name / "manifest.json").read_text() for name in "ab")
    assert first == second
