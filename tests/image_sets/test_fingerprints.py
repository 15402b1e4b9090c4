"""Content addresses: equal pixels give equal ids, whatever the file is called or says of itself."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imagehash
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from provision_dagster.errors import SchemaError
from provision_dagster.image_sets.decode import open_image
from provision_dagster.image_sets.duplicates import mark_duplicates
from provision_dagster.image_sets.inspect import inspect_images, pixel_hash
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.schema import IMAGES
from tests.image_sets.making import by_key, encoded, folder_spec, inspect_folder, noise, only_row

PIXELS = npst.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))
# How to store an upright picture so that EXIF orientation 2 .. 8 turns it back.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def image_id(data: bytes) -> str:
    with temporary_folder() as folder:
        (folder / "x").write_bytes(data)
        found = only_row(inspect_folder(folder, workers=1))["image_id"]
    assert isinstance(found, str)
    return found


@given(pixels=PIXELS, level=st.integers(0, 9), text=st.text(max_size=9))
@settings(max_examples=40, deadline=None)
def test_id_depends_on_the_pixels_alone(pixels: np.ndarray, level: int, text: str) -> None:
    picture = Image.fromarray(pixels)
    note = PngInfo()
    note.add_itxt("Comment", text.replace("\0", ""))
    variants = [
        encoded(picture, "PNG"),
        encoded(picture, "PNG", compress_level=level, pnginfo=note),
        encoded(picture, "BMP"),
        encoded(picture, "TIFF", compression="tiff_lzw"),
        encoded(picture, "PPM"),
        encoded(picture.convert("RGBA"), "PNG"),
        encoded(picture, "WEBP", lossless=True),
    ]
    ids = {image_id(data) for data in variants}
    assert ids == {pixel_hash(picture)}
    assert len(pixel_hash(picture)) == 32


@given(pixels=PIXELS, place=st.integers(0, 10**6))
@settings(deadline=None)
def test_any_changed_pixel_changes_the_id(pixels: np.ndarray, place: int) -> None:
    changed = pixels.copy()
    changed.flat[place % changed.size] ^= 1
    assert pixel_hash(Image.fromarray(changed)) != pixel_hash(Image.fromarray(pixels))


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), strip=st.integers(1, 200))
def test_strips_do_not_change_the_hash(rows: int, columns: int, strip: int) -> None:
    picture = noise(columns, rows)
    whole = hashlib.sha256(f"{columns}x{rows} RGB\n".encode() + picture.tobytes()).hexdigest()[:32]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("provision_dagster.image_sets.inspect.HASH_STRIP_PIXELS", strip)
        assert pixel_hash(picture) == whole


def test_shape_is_part_of_the_hash() -> None:
    pixels = np.asarray(noise(6, 4))
    shapes = [pixels, pixels.reshape(6, 4, 3), pixels.reshape(1, 24, 3), pixels.reshape(24, 1, 3)]
    assert len({pixel_hash(Image.fromarray(shape)) for shape in shapes}) == 4


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path: Path, form: str, orientation: int) -> None:
    upright = noise(7, 5)
    method = STORED[orientation]
    stored = upright if method is None else upright.transpose(method)
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if form == "WEBP" else {}
    (tmp_path / "x").write_bytes(encoded(stored, form, exif=exif, **options))
    row = only_row(inspect_folder(tmp_path))
    assert (row["width"], row["height"], row["exif_orientation"]) == (7, 5, orientation)
    assert row["image_id"] == pixel_hash(upright)
    assert np.array_equal(np.asarray(open_image(row["uri"])), np.asarray(upright))


@pytest.mark.parametrize(("value", "kept"), [(0, 1), (9, 1), (6, 6)])
def test_orientation_of_a_jpeg(tmp_path: Path, value: int, kept: int) -> None:
    exif = Image.Exif()
    exif[274] = value
    (tmp_path / "x.jpg").write_bytes(encoded(noise(7, 5), "JPEG", exif=exif))
    row = only_row(inspect_folder(tmp_path))
    assert row["exif_orientation"] == kept
    assert (row["width"], row["height"]) == ((5, 7) if kept == 6 else (7, 5))
    reference = ImageOps.exif_transpose(Image.open(tmp_path / "x.jpg")).convert("RGB")
    assert row["image_id"] == pixel_hash(reference)


def test_file_facts(tmp_path: Path) -> None:
    data = encoded(noise(64, 48), "JPEG")
    (tmp_path / "x.jpg").write_bytes(data)
    row = only_row(inspect_folder(tmp_path))
    assert row["bytes"] == len(data)
    assert row["sha256"] == hashlib.sha256(data).hexdigest()
    assert row["phash"] == str(imagehash.phash(open_image(row["uri"])))
    assert len(row["phash"]) == 16
    assert (row["format"], row["mode"]) == ("JPEG", "RGB")


def test_phash_is_near_for_near_pictures(tmp_path: Path) -> None:
    picture = Image.effect_mandelbrot((200, 150), (-2, -1.5, 1, 1.5), 60).convert("RGB")
    (tmp_path / "a.png").write_bytes(encoded(picture, "PNG"))
    (tmp_path / "b.jpg").write_bytes(encoded(picture.resize((160, 120)), "JPEG", quality=60))
    (tmp_path / "c.png").write_bytes(encoded(picture.transpose(Image.Transpose.ROTATE_90), "PNG"))
    hashes = {key: imagehash.hex_to_hash(row["phash"]) for key, row in by_key(inspect_folder(tmp_path)).items()}
    assert hashes["a.png"] - hashes["b.jpg"] <= 4
    assert hashes["a.png"] - hashes["c.png"] >= 16


def test_duplicates_within_and_across_shards(tmp_path: Path) -> None:
    same = noise(seed=5)
    for number in range(203):
        picture = same if number in (3, 7, 201) else noise(8, 8, seed=100 + number)
        (tmp_path / f"{number}.png").write_bytes(encoded(picture, "PNG"))
    (tmp_path / "202.png").write_bytes(b"")
    sources = list_images(folder_spec(tmp_path, shard_size=200))
    shards = [inspect_images(shard) for shard in sources.partition_by("shard", maintain_order=True)]
    assert [shard.filter(status="duplicate").height for shard in shards] == [1, 0]
    images = mark_duplicates(pl.concat(reversed(shards)))
    rows = by_key(images.filter(status="duplicate"))
    assert set(rows) == {"7.png", "201.png"}
    for key, row in rows.items():
        assert row["error"] == f"`{tmp_path}/{key}` has the same pixels as `3.png`, which comes first"
    assert images.sort("position").equals(inspect_images(sources))
    assert mark_duplicates(images).equals(images)
    assert dict(images.schema) == IMAGES


def test_duplicates_end_at_the_image_set(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(form="PNG"))
    sources = list_images(folder_spec(tmp_path))
    later = sources.with_columns(image_set=pl.lit("other"), position=pl.col("position") + 1)
    assert inspect_images(pl.concat([sources, later]))["status"].to_list() == ["ok", "ok"]


def test_wrong_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(form="PNG"))
    sources = list_images(folder_spec(tmp_path))
    with pytest.raises(SchemaError, match="table `image_sources` has no column `uri`; expected String"):
        inspect_images(sources.drop("uri"))
    with pytest.raises(SchemaError, match="column `uri`: expected String, found Int64"):
        inspect_images(sources.with_columns(uri=pl.lit(1, dtype=pl.Int64)))
    with pytest.raises(SchemaError, match="table `images` has no column"):
        mark_duplicates(sources)
    assert inspect_images(sources.clear()).height == 0
