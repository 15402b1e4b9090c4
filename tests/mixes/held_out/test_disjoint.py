"""The proof that a mix shows no held-out picture."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from provision_dagster.mixes.held_out import base_pictures as base_pictures_of
from provision_dagster.mixes.held_out.base_overlaps import base_overlaps
from provision_dagster.mixes.held_out.base_pictures import base_pictures, fingerprints
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.disjoint import overlaps, pictures_of, rows_that_show
from provision_dagster.mixes.held_out.schema import HELD_OUT_PICTURES
from provision_dagster.mixes.held_out.split import held_out_pictures
from provision_dagster.mixes.schema import MIX
from tests.mixes.held_out.rows import drawn_pictures, phash, picture, pictures, turned
from tests.mixes.rows import recipe


def _held(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=HELD_OUT_PICTURES, strict=False)


def _mix(*rows: dict[str, Any]) -> pl.LazyFrame:
    plain = {"origin": "generated", "image_ids": []}
    numbered = [plain | {"id": f"r{place}", "position": place} | row for place, row in enumerate(rows)]
    return pl.DataFrame(numbered, schema=MIX).lazy()


def _methods(shown: dict[str, Any], out: dict[str, Any]) -> dict[str, float]:
    names = list(HELD_OUT_PICTURES)
    held_out = _held({name: out.get(name) for name in names})
    found = overlaps(pictures(shown).collect(), pictures=held_out, max_distance=4)
    return dict(found.select("method", "score").rows())


def test_the_same_picture_the_same_file_and_what_looks_like_it_are_found() -> None:
    out = picture("a")
    assert _methods(out, out) == {"image_id": 1.0, "sha256": 1.0, "phash": 1.0}
    assert _methods(picture("b", sha256=out["sha256"]), out) == {"sha256": 1.0}
    assert _methods(picture("b", phash=turned(out["phash"], bits=4)), out) == {"phash": 1 - 4 / 64}
    assert _methods(picture("b", phash=turned(out["phash"], bits=6)), out) == {}
    assert _methods(picture("b"), out) == {}


def test_a_mix_is_looked_up_by_its_pictures() -> None:
    mix = _mix({"image_ids": ["a", "b"]}, {"image_ids": ["a"]}, {"image_ids": ["lost"]})
    elsewhere = picture("a", shard="coco-00000", image_set="coco", sha256="0" * 64)
    images = pictures(picture("a"), elsewhere, picture("b"), picture("c"))
    shown = pictures_of(mix, images=images).sort("image_id", "shard")
    places = [("a", "coco-00000"), ("a", "vg-00000"), ("b", "vg-00000"), ("lost", None)]
    assert shown.select("image_id", "shard").rows() == places


def test_rows_are_counted_with_an_example() -> None:
    mix = _mix({"image_ids": ["a", "b"]}, {"image_ids": ["a"]}, {"image_ids": ["c"]})
    shown = pictures_of(mix, images=pictures(picture("a"), picture("b"), picture("c")))
    out = _held({name: picture("a").get(name) for name in HELD_OUT_PICTURES})
    found = rows_that_show(mix, hits=overlaps(shown, pictures=out, max_distance=4))
    assert found.rows() == [
        ("held_out_by_image_id", 2, "a is like a"),
        ("held_out_by_phash", 2, "a is like a"),
        ("held_out_by_sha256", 2, "a is like a"),
    ]
    nothing = overlaps(shown.filter(pl.col("image_id") == "c"), pictures=out, max_distance=4)
    assert rows_that_show(mix, hits=nothing).is_empty()


@settings(max_examples=40, deadline=None)
@given(looks=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=20), seed=st.integers(0, 9))
def test_what_the_split_leaves_is_disjoint(looks: list[tuple[int, int]], seed: int) -> None:
    """Whatever pictures look like: those that are not held out are like none that is."""
    rows = [picture(f"q{i}", phash=turned(phash(k), bits=2 * b)) for i, (k, b) in enumerate(looks)]
    config = HeldOutConfig(share=0.4, seed=seed)
    out = held_out_pictures(pictures(*rows), config=config)
    left = pictures(*rows).collect().join(out, on="image_id", how="anti")
    assert overlaps(left, pictures=out, max_distance=config.max_phash_distance).is_empty()


def test_pictures_of_a_base_set_are_opened(tmp_path: Path) -> None:
    images = drawn_pictures(tmp_path / "set", 4)
    out = images.head(1).select(list(set(HELD_OUT_PICTURES) & set(images.columns)))
    out = pl.concat([pl.DataFrame(schema=HELD_OUT_PICTURES), out], how="diagonal")
    again = tmp_path / "base" / "smaller.png"
    again.parent.mkdir()
    with Image.open(images["uri"][0]) as whole:
        whole.resize((80, 53)).save(again)
    copy = tmp_path / "base" / "copy.jpg"
    copy.write_bytes(Path(images["uri"][0]).read_bytes())
    lost, other = tmp_path / "lost.jpg", images["uri"][1]
    mix = _mix(*({"origin": "base", "image_uris": [str(uri)]} for uri in (again, copy, lost, other, other)))
    seen = base_overlaps(mix, pictures=out, config=HeldOutConfig())
    assert (seen.pictures, seen.unseen) == (4, 1)
    assert dict(seen.found.select("rule", "rows").rows()) == {
        "held_out_by_image_id": 1,
        "held_out_by_sha256": 1,
        "held_out_by_phash": 2,
    }
    by_bytes = base_overlaps(mix, pictures=out, config=HeldOutConfig(base_pixels=False))
    assert (by_bytes.pictures, by_bytes.unseen) == (4, 1)
    assert by_bytes.found["rule"].to_list() == ["held_out_by_sha256"]


def test_pictures_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = drawn_pictures(tmp_path / "set", 3)
    turns = [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "This."}]
    records = [{"image": uri, "conversations": turns} for uri in images["uri"]]
    (tmp_path / "base.json").write_text(json.dumps(records))
    made, config = recipe(base={"file": str(tmp_path / "base.json")}), HeldOutConfig()
    out = _held(picture("a"), images.row(0, named=True) | {"group": "", "drawn": True})
    first = base_pictures(made, held_out_pictures=out, config=config)
    assert first["like"].to_list() == [images["image_id"][0], None, None]
    assert first["image_id"].to_list() == images["image_id"].to_list()
    Path(images["uri"][1]).write_bytes(Path(images["uri"][0]).read_bytes())  # another picture in its place
    decoded: list[str] = []
    once = base_pictures_of.inspect_images
    with monkeypatch.context() as patch:
        patch.setattr(
            base_pictures_of, "inspect_images", lambda sources: decoded.extend(sources["uri"]) or once(sources)
        )
        again = base_pictures(made, held_out_pictures=out, config=config, known=first.tail(2))
    assert decoded == images["uri"][:2].to_list()
    assert again.equals(base_pictures(made, held_out_pictures=out, config=config))


def test_a_mix_without_base_set_has_nothing_to_open() -> None:
    seen = base_overlaps(_mix({"image_ids": ["a"]}), pictures=_held(), config=HeldOutConfig())
    assert (seen.found.height, seen.pictures, seen.unseen) == (0, 0, 0)


def test_members_of_tars_are_opened(tmp_path: Path) -> None:
    import tarfile

    images = drawn_pictures(tmp_path, 1)
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        tar.add(images["uri"][0], arcname="x/0.jpg")
    found = fingerprints([f"tar://x/0.jpg::{tmp_path / 'set.tar'}", "nowhere.jpg"])
    told = found.sort("error", nulls_last=False)
    assert told["image_id"].to_list() == [images["image_id"][0], None]
    assert told["error"].is_null().to_list() == [True, False]
