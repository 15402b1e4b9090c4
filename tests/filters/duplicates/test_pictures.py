from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.filters.duplicate_config import DuplicatesConfig
from provision_dagster.filters.duplicates.pictures import duplicate_pictures
from provision_dagster.image_sets.repeated import repeated_images
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.samples.photos import write_photo_sample

BASE = 0x00000000FFFFFFFF
FAR = 0x5A5A5A5A5A5A5A5A


def picture(name: str, phash: int | None = FAR, *, shard: str = "a-00000", position: int = 0, **other: Any) -> dict:
    row = {"shard": shard, "image_set": shard[:-6], "position": position, "image_key": name, "image_id": name}
    return row | {"phash": phash if phash is None else f"{phash:016x}", "status": "ok"} | other


def gone(*rows: dict, repeated: bool = False, **how: Any) -> list[tuple[Any, ...]]:
    images = pl.DataFrame(list(rows), schema=IMAGES).lazy()
    again = repeated_images(images).lazy() if repeated else None
    found = duplicate_pictures(images, repeated=again, config=DuplicatesConfig(**how))
    assert found["kind"].unique().to_list() in ([], ["picture"])
    return found.select("shard", "id", "of", "of_shard", "method", "distance").rows()


def test_the_first_by_image_set_and_position_stays() -> None:
    rows = (
        picture("p", BASE ^ 0b11, shard="b-00001", position=500),
        picture("q", BASE, shard="b-00000", position=3),
        picture("r", BASE ^ 0b1100, shard="a-00007", position=900),
        picture("far"),
    )
    expected = [("b-00000", "q", "r", "a-00007", "phash", 2.0)]
    # p and r are 4 bits apart, p and q 2; q has gone in favour of r, and 4 is too far
    assert gone(*rows) == expected
    assert gone(*rows[::-1]) == expected
    assert sorted(gone(*rows, max_phash_distance=4)) == [*expected, ("b-00001", "p", "r", "a-00007", "phash", 4.0)]
    assert gone(*rows, max_phash_distance=0) == []
    assert gone(*rows, pictures=False) == []


def test_the_same_pixels_in_another_image_set() -> None:
    rows = (picture("p"), picture("p", shard="b-00000"), picture("p", shard="c-00002"))
    assert gone(*rows) == [
        ("b-00000", "p", "p", "a-00000", "exact", 0.0),
        ("c-00002", "p", "p", "a-00000", "exact", 0.0),
    ]


def test_copies_of_a_picture_that_goes_go_with_it() -> None:
    rows = (picture("o", BASE), picture("p", BASE ^ 3, position=1), picture("p", BASE ^ 3, shard="b-00000"))
    assert gone(*rows) == [
        ("a-00000", "p", "o", "a-00000", "phash", 2.0),
        ("b-00000", "p", "o", "a-00000", "phash", 2.0),
    ]


def test_repeats_inside_an_image_set_are_left_to_repeated_pictures() -> None:
    twice = (picture("p"), picture("p2", image_id="p", shard="a-00001", position=700))
    assert gone(*twice, repeated=True) == []
    later = picture("p3", image_id="p", shard="b-00000")
    assert gone(*twice, later, repeated=True) == [("b-00000", "p", "p", "a-00000", "exact", 0.0)]


def test_pictures_that_cannot_be_used_or_compared_take_part_in_nothing() -> None:
    plain, no_pixels = {"phash": 1 << 63}, {"phash": None, "status": "annotations_only"}
    rows = [
        picture("broken", BASE, status="truncated"),
        picture("p", BASE, position=1),
        *(picture(f"sky{n}", position=2 + n, **plain) for n in range(2)),
        *(picture(f"text{n}", position=4 + n, **no_pixels) for n in range(2)),
    ]
    assert gone(*rows) == []
    assert gone(*rows, min_phash_bits=0) == [("a-00000", "sky1", "sky0", "a-00000", "phash", 0.0)]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 63), max_size=4)), max_size=12), st.integers(0, 6))
def test_as_comparing_all(flips: list[tuple[int, set[int]]], most: int) -> None:
    hashes = [(FAR * (1 + base)) % 2**64 ^ sum(1 << bit for bit in bits) for base, bits in flips]
    kept: list[int] = []
    expected = []
    for j, own in enumerate(hashes):
        near = [((own ^ hashes[i]).bit_count(), i) for i in kept if (own ^ hashes[i]).bit_count() <= most]
        if near:
            expected.append((f"p{j}", f"p{min(near)[1]}", float(min(near)[0])))
        else:
            kept.append(j)
    rows = [picture(f"p{j}", own, position=j) for j, own in enumerate(hashes)]
    found = gone(*rows, max_phash_distance=most, min_phash_bits=0)
    assert [(row[1], row[2], row[5]) for row in found] == expected


def embeddings(path: Path, **vectors: list[float]) -> Path:
    pl.DataFrame({"image_id": list(vectors), "embedding": list(vectors.values())}).write_parquet(path)
    return path


def test_embeddings_find_what_hashes_do_not(tmp_path: Path) -> None:
    file = embeddings(tmp_path / "e.parquet", p=[1.0, 0.0], q=[0.99, 0.05], r=[0.0, 2.0], alone=[1.0, 0.0])
    rows = [
        picture("p", BASE),
        picture("q", FAR, position=1),
        picture("r", FAR << 1 & (2**64 - 1), position=2),
        picture("q2", FAR ^ 3, position=3),
        picture("unknown", BASE << 16, position=4),
    ]
    found = gone(*rows, embeddings=file)
    # q2 is q by hash, and q is p by embedding: only p is there to be named
    assert [(row[1], row[2], row[4]) for row in found] == [("q", "p", "embedding"), ("q2", "p", "phash")]
    assert found[0][5] == pytest.approx(1 - 0.99 / np.hypot(0.99, 0.05), abs=1e-6)
    assert [row[1] for row in gone(*rows, embeddings=file, min_cosine=0.9999)] == ["q2"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"image_id": ["p"], "vector": [[1.0]]}, "must have the columns `image_id` and `embedding`, got"),
        ({"image_id": ["p"], "embedding": ["x"]}, "`embedding` a list of floats, got"),
        ({"image_id": ["p", "q"], "embedding": [[1.0], [1.0, 2.0]]}, r"one length and no gaps, got lengths \[1, 2\]"),
        ({"image_id": ["p"], "embedding": [[1.0, None]]}, "one length and no gaps"),
        (None, "is not a readable Parquet file"),
    ],
)
def test_unusable_embeddings_are_named(tmp_path: Path, table: dict | None, message: str) -> None:
    file = tmp_path / "e.parquet"
    if table is None:
        file.write_text("no table")
    else:
        pl.DataFrame(table).write_parquet(file)
    with pytest.raises(InputError, match=message) as error:
        gone(picture("p"), embeddings=file)
    assert f"`{file}` (field `duplicates.embeddings`)" in str(error.value)


def test_a_photograph_coded_anew_is_found_and_another_view_is_not(tmp_path: Path) -> None:
    write_photo_sample(tmp_path)
    photos = sorted((tmp_path / "images").iterdir())
    rows = []
    for place, path in enumerate(photos):
        photo = Image.open(path).convert("RGB")
        photo.resize((photo.width * 2 // 3, photo.height * 2 // 3)).save(tmp_path / "small.jpg", quality=70)
        hashes = [int(str(imagehash.phash(shown)), 16) for shown in (photo, Image.open(tmp_path / "small.jpg"))]
        rows += [picture(path.stem, hashes[0], position=2 * place)]
        rows += [picture(f"{path.stem} again", hashes[1], position=2 * place + 1)]
    assert len(rows) == 16
    # the two views of the motorcycle are pictures of their own
    assert [(row[1], row[2]) for row in gone(*rows)] == [(f"{path.stem} again", path.stem) for path in photos]
