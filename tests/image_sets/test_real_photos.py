"""Real photographs: all usable, counted, with the sizes that their annotations declare."""

import json
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.image_sets.decode import open_image
from provision_dagster.image_sets.inspect import inspect_images, pixel_hash
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.readers.annotations import KEYS
from provision_dagster.image_sets.spec import ImageSetSpec
from tests.image_sets.making import by_key, folder_spec, inspect_folder

pytestmark = pytest.mark.shared


def test_coco_folder(shared: Path) -> None:
    images = inspect_folder(shared / "data" / "coco" / "images")
    assert images.height == 68
    assert images["status"].unique().to_list() == ["ok"]
    assert images["image_id"].n_unique() == 68
    assert images["format"].unique().to_list() == ["JPEG"]
    assert images["phash"].str.len_chars().unique().to_list() == [16]
    one = images.row(0, named=True)
    assert pixel_hash(open_image(one["uri"])) == one["image_id"]
    assert images.equals(inspect_folder(shared / "data" / "coco" / "images", workers=1))


def test_coco_annotations(shared: Path) -> None:
    coco = shared / "data" / "coco"
    entries = json.loads((coco / "instances.json").read_text())["images"]
    keys = pl.DataFrame(
        [
            (
                str(entry["id"]),
                entry["file_name"],
                entry["width"],
                entry["height"],
                None,
                entry.get("flickr_url"),
            )
            for entry in entries
        ],
        schema=KEYS,
        orient="row",
    )
    spec = ImageSetSpec(
        name="coco",
        reader="annotations",
        annotations=coco / "instances.json",
        annotations_format="coco",
        images=coco / "images",
    )
    sources = list_images(spec, keys)
    images = inspect_images(sources)
    assert images["status"].to_list() == ["ok"] * 68
    assert images["width"].to_list() == sources["declared_width"].to_list()
    assert images["height"].to_list() == sources["declared_height"].to_list()


def test_loose_photos(shared: Path) -> None:
    rows = by_key(inspect_folder(shared / "data" / "photos"))
    usable = {key for key, row in rows.items() if row["status"] == "ok"}
    assert usable == {"cat_720p.jpg", "hot_dog.jpg", "owl.jpg", "pets.jpg"}
    assert rows["COPYRIGHT"]["status"] == "not_an_image"


def test_provision_photos(shared: Path) -> None:
    images = inspect_images(list_images(folder_spec(shared / "data" / "provision_baseball" / "images")))
    assert images["status"].to_list() == ["ok", "ok"]
