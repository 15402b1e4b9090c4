"""Pictures that annotations name."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from provision_dagster.errors import InputError, SchemaError
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.readers import images_of_annotations, list_images
from provision_dagster.image_sets.readers.annotations import KEYS
from provision_dagster.image_sets.spec import ImageSetSpec
from tests.image_sets.making import by_key, encoded, noise


def keys(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Rows of image_key, file_name and, if given, width and height."""
    return pl.DataFrame([row + (None,) * (6 - len(row)) for row in rows], schema=KEYS, orient="row")


def spec(images: Path | None = None, **fields: Any) -> ImageSetSpec:
    options = {"annotations": Path("graphs.json"), "annotations_format": "gqa", **fields}
    return ImageSetSpec(name="graphs", reader="annotations", images=images, **options)


def test_without_pictures() -> None:
    images = inspect_images(list_images(spec(license="CC BY"), keys(("2", "2.jpg", 640, 480), ("1", None, 5, 6))))
    assert images["image_key"].to_list() == ["2", "1"]
    assert images["status"].to_list() == ["annotations_only"] * 2
    assert images.select("width", "height", "uri", "license", "sha256", "phash").row(0) == (
        640,
        480,
        None,
        "CC BY",
        None,
        None,
    )
    ids = images["image_id"].to_list()
    assert len(set(ids)) == 2
    assert all(len(found) == 32 for found in ids)
    again = inspect_images(images_of_annotations(keys(("1", None, 7, 7)), spec=spec()))
    assert again["image_id"].to_list() == [ids[1]]


@pytest.mark.parametrize(("width", "height"), [(None, None), (0, 5), (5, -1)])
def test_without_pictures_and_size(width: int | None, height: int | None) -> None:
    sources = list_images(spec(), keys(("1", None, width, height)))
    assert sources["status"].to_list() == ["missing"]
    assert f"has no picture and no declared size: expected pixels, got {width} x {height}" in sources["error"][0]


def test_pictures_are_found(tmp_path: Path) -> None:
    places = ["000790.jpg", "VG_100K/1.jpg", "VG_100K_2/2.png", "train/cat.jpg", "a/same.jpg", "b/same.jpg"]
    for seed, place in enumerate(places):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        form = "PNG" if place.endswith("png") else "JPEG"
        (tmp_path / place).write_bytes(encoded(noise(seed=seed), form))
    (tmp_path / "notes.txt").touch()
    (tmp_path.parent / "secret.jpg").write_bytes(encoded())
    table = keys(
        ("790", "000790.jpg", 40, 30),
        ("1", None),
        ("2", None),
        ("cat", "train2017/cat.jpg"),
        ("which", "same.jpg"),
        ("which-a", "a/same.jpg"),
        ("same", None),
        ("gone", "gone.jpg"),
        ("nobody", None),
        ("notes", None),
        ("spy", "../secret.jpg"),
        ("spy2", "/etc/passwd"),
        (None, "x.jpg"),
        ("1", None),
    )
    images = by_key(inspect_images(list_images(spec(tmp_path), table)))
    expected = {
        "790": ("ok", "000790.jpg"),
        "1": ("ok", "VG_100K/1.jpg"),
        "2": ("ok", "VG_100K_2/2.png"),
        "cat": ("ok", "train/cat.jpg"),
        "which": ("missing", "image `which`: 2 pictures match `same.jpg` in"),
        "which-a": ("ok", "a/same.jpg"),
        "same": ("missing", "image `same`: 2 pictures match `same.*` in"),
        "gone": ("missing", "image `gone`: no picture matches `gone.jpg` in"),
        "nobody": ("missing", "image `nobody`: no picture matches `nobody.*` in"),
        "notes": ("missing", "no picture matches"),
        "spy": ("unsafe_path", "`../secret.jpg` leaves the folder"),
        "spy2": ("unsafe_path", "`/etc/passwd` leaves the folder"),
        "row-13": ("missing", "image 13 of the annotations has no key"),
        "1#13": ("duplicate", "image_key `1` is already used"),
    }
    assert list(images) == list(expected)
    for key, (status, text) in expected.items():
        row = images[key]
        assert row["status"] == status, row
        assert row["uri"] == str(tmp_path / text) if status == "ok" else text in row["error"]


def test_rights_of_the_picture_come_first(tmp_path: Path) -> None:
    table = keys(("1", None, 5, 5), ("2", None, 5, 5)).with_columns(
        license=pl.Series(["CC BY-SA", None]), attribution=pl.Series([None, "Zoe"])
    )
    sources = list_images(spec(license="CC0", attribution="all"), table)
    assert sources.select("license", "attribution").rows() == [("CC BY-SA", "all"), ("CC0", "Zoe")]


def test_wrong_use(tmp_path: Path) -> None:
    table = keys(("1", None, 5, 5))
    with pytest.raises(InputError, match="reader `annotations` needs `keys`"):
        list_images(spec())
    with pytest.raises(InputError, match="`keys` is for reader `annotations`, got `folder`"):
        list_images(ImageSetSpec(name="x", reader="folder", path=tmp_path), table)
    with pytest.raises(InputError, match=r"field `images`: expected a folder at .*, got nothing"):
        list_images(spec(tmp_path / "none"), table)
    with pytest.raises(SchemaError, match="table `keys` has no column `file_name`"):
        list_images(spec(), table.drop("file_name"))
    with pytest.raises(SchemaError, match="table `keys` column `image_key`: expected String, found Int64"):
        list_images(spec(), table.with_columns(image_key=pl.lit(1, dtype=pl.Int64)))
    with pytest.raises(InputError, match=r"image set `graphs`: no files found at `graphs.json`"):
        list_images(spec(), table.clear())
