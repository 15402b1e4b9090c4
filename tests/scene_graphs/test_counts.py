"""What is read of the real files, against counts taken from the raw JSON here."""

import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pycocotools import mask as coco_mask

from provision_dagster.scene_graphs.readers import image_keys
from tests.scene_graphs.support import read_all

pytestmark = pytest.mark.shared


def load(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


def total(annotations: pl.DataFrame, column: str) -> int:
    return sum(len(items) for items in annotations[column])


def lost(rejected: pl.DataFrame, part: str) -> int:
    return rejected.filter((pl.col("part") == part) & pl.col("item").is_not_null()).height


def parts_of(text: str) -> set[str]:
    words = text.lower().replace(",", " and ").replace("/", " and ").split()
    joined = " ".join("gray" if word == "grey" else word for word in words)
    return {part.strip() for part in f" {joined} ".split(" and ") if part.strip()}


def attributes_of(annotations: pl.DataFrame) -> dict[tuple[str, str], set[str]]:
    found = {}
    for key, objects in annotations.select("image_key", "objects").iter_rows():
        for one in objects:
            if one["attributes"]:
                found[key, one["id"]] = set(one["attributes"])
    return found


def relations_of(annotations: pl.DataFrame) -> Counter[tuple[str, str, str, str]]:
    found: Counter[tuple[str, str, str, str]] = Counter()
    for key, objects, relations in annotations.select("image_key", "objects", "relations").iter_rows():
        for one in relations:
            ends = objects[one["subject"]]["id"], objects[one["object"]]["id"]
            found[key, ends[0], one["predicate"], ends[1]] += 1
    return found


def test_visual_genome_objects(shared: Path) -> None:
    folder = shared / "data/visual_genome"
    annotations, rejected = read_all(folder, "visual-genome")
    objects = load(folder / "objects_v1_4.json.gz")
    sizes = {image["image_id"]: image for image in load(folder / "image_data.json.gz")}
    assert annotations.height == len(objects) == 60
    assert annotations["position"].to_list() == list(range(60))
    assert total(annotations, "objects") + lost(rejected, "object") == sum(len(i["objects"]) for i in objects)
    regions = load(folder / "region_descriptions.json.gz")
    assert total(annotations, "regions") + lost(rejected, "region") == sum(len(i["regions"]) for i in regions)
    assert annotations["width"].to_list() == [sizes[image["image_id"]]["width"] for image in objects]
    beyond = sum(
        one["x"] < 0
        or one["y"] < 0
        or one["x"] + one["w"] > sizes[image["image_id"]]["width"]
        or one["y"] + one["h"] > sizes[image["image_id"]]["height"]
        for image in objects
        for one in image["objects"]
    )
    assert annotations["clipped_boxes"].sum() == beyond > 0


def test_visual_genome_attributes_and_relations(shared: Path) -> None:
    folder = shared / "data/visual_genome"
    annotations, rejected = read_all(folder, "visual-genome")
    alive: dict[str, dict[int, int]] = {}
    for image in load(folder / "objects_v1_4.json.gz"):
        own = {one["object_id"]: one["object_id"] for one in image["objects"]}
        merged = {old: one["object_id"] for one in image["objects"] for old in one["merged_object_ids"]}
        alive[str(image["image_id"])] = merged | own
    expected: dict[tuple[str, str], set[str]] = defaultdict(set)
    unknown = 0
    for image in load(folder / "attributes.json.gz"):
        ids = alive[str(image["image_id"])]
        for one in image["attributes"]:
            for text in one.get("attributes", []):
                if one["object_id"] in ids:
                    expected[str(image["image_id"]), str(ids[one["object_id"]])] |= parts_of(text)
                else:
                    unknown += 1
    assert attributes_of(annotations) == expected
    assert lost(rejected, "attribute") == unknown > 0
    raw = 0
    triples: set[tuple[str, str, str, str]] = set()
    for image in load(folder / "relationships_v1_4.json.gz"):
        ids, key = alive[str(image["image_id"])], str(image["image_id"])
        for one in image["relationships"]:
            raw += 1
            ends = [ids.get(one[end]["object_id"]) for end in ("subject", "object")]
            predicate = " ".join(one["predicate"].lower().split())
            if None not in ends and ends[0] != ends[1] and predicate not in ("", "of"):
                triples.add((key, str(ends[0]), predicate, str(ends[1])))
    assert relations_of(annotations) == Counter(triples)
    assert total(annotations, "relations") + lost(rejected, "relation") == raw


def test_visual_genome_scene_graphs(shared: Path) -> None:
    folder = shared / "data/visual_genome"
    raw = load(folder / "scene_graphs.json.gz")
    for path, options in ((folder / "scene_graphs.json.gz", {}), (folder, {"parts": "scene_graphs"})):
        annotations, rejected = read_all(path, "visual-genome", **options)
        assert total(annotations, "objects") + lost(rejected, "object") == sum(len(i["objects"]) for i in raw)
        relations = sum(len(image["relationships"]) for image in raw)
        assert total(annotations, "relations") + lost(rejected, "relation") == relations
        expected = {
            (str(image["image_id"]), str(one["object_id"])): set().union(*map(parts_of, one["attributes"]))
            for image in raw
            for one in image["objects"]
            if one.get("attributes")
        }
        assert attributes_of(annotations) == expected
        assert annotations["width"].null_count() == 0


def test_gqa(shared: Path) -> None:
    annotations, rejected = read_all(shared / "data/gqa", "gqa")
    raw = load(shared / "data/gqa/train_sceneGraphs.json.gz")
    assert annotations["image_key"].to_list() == list(raw)
    objects = [one for scene in raw.values() for one in scene["objects"].values()]
    assert total(annotations, "objects") + lost(rejected, "object") == len(objects)
    relations = sum(len(one["relations"]) for one in objects)
    assert total(annotations, "relations") + lost(rejected, "relation") == relations
    assert rejected.filter(reason="predicate_of").height == sum(
        link["name"] == "of" for one in objects for link in one["relations"]
    )
    expected = {
        (key, id): set().union(*map(parts_of, one["attributes"]))
        for key, scene in raw.items()
        for id, one in scene["objects"].items()
        if one["attributes"]
    }
    assert attributes_of(annotations) == expected


def test_coco(shared: Path) -> None:
    annotations, rejected = read_all(shared / "data/coco", "coco")
    raw, captions = load(shared / "data/coco/instances.json"), load(shared / "data/coco/captions.json")
    assert rejected.is_empty()
    assert annotations.height == len(raw["images"]) == 68
    assert total(annotations, "objects") == len(raw["annotations"]) == 765
    assert total(annotations, "captions") == len(captions["annotations"]) == 185
    names = {category["id"]: category["name"] for category in raw["categories"]}
    assert annotations["exhaustive_labels"][0].to_list() == sorted(names.values())
    assert len(names) == 80
    read = {one["id"]: one for objects in annotations["objects"] for one in objects}
    for one in raw["annotations"]:
        found = read[str(one["id"])]
        assert found["label"] == names[one["category_id"]]
        assert found["is_group"] == bool(one["iscrowd"])
    keys = image_keys(annotations)
    assert keys["file_name"].to_list() == [image["file_name"] for image in raw["images"]]
    assert keys["license"].to_list() == [image["license_name"] for image in raw["images"]]
    assert keys["attribution"].to_list() == [image["flickr_url"] for image in raw["images"]]


def test_coco_masks_have_the_area_of_the_file(shared: Path) -> None:
    annotations, _ = read_all(shared / "data/coco", "coco")
    raw = load(shared / "data/coco/instances.json")
    areas = {str(one["id"]): one["area"] for one in raw["annotations"]}
    for width, height, objects in annotations.select("width", "height", "objects").iter_rows():
        for one in objects:
            area = int(coco_mask.area({"counts": one["mask_rle"].encode(), "size": [height, width]}))
            # COCO's area is that of the polygons, ours of whole pixels.
            assert abs(area - areas[one["id"]]) <= 30 + 0.1 * areas[one["id"]]


def test_provision_baseball(shared: Path) -> None:
    folder = shared / "data/provision_baseball"
    annotations, rejected = read_all(folder, "provision")
    detections = load(folder / "object-detection-annotations.json")
    attributes = load(folder / "image-attributes-annotations.json")
    relations = load(folder / "relation-annotations-parsed.json")
    for row in annotations.iter_rows(named=True):
        expected = detections[row["image_key"]]["annotation"]
        assert [one["label"] for one in row["objects"]] == expected["labels"]
        assert [list(one["box"].values()) for one in row["objects"]] == expected["bboxes"]
        assert [one["score"] for one in row["objects"]] == expected["det_scores"]
        assert [one["attributes"] for one in row["objects"]] == attributes[row["image_key"]]["annotation"]["attributes"]
        triples = [[one["subject"], one["predicate"], one["object"]] for one in row["relations"]]
        assert triples == relations[row["image_key"]]["annotation"]["relations"]
        assert row["mask_uri"].endswith(f"{row['image_key']}_mask.pkl")
        assert row["depth_uri"].endswith(f"{row['image_key']}_depth.npy")
    assert annotations.height == 2
    assert rejected.select("file", "reason").rows() == [("relation-annotations.json", "ignored_file")]
    assert image_keys(annotations)["file_name"].to_list() == ["baseball_1.png", "baseball_2.png"]


@pytest.mark.parametrize("batch", [1, 7, 60, 500])
def test_batches_say_the_same(shared: Path, batch: int) -> None:
    whole = read_all(shared / "data/visual_genome", "visual-genome", batch=1000)
    cut = read_all(shared / "data/visual_genome", "visual-genome", batch=batch)
    assert cut[0].equals(whole[0])
    assert sorted(cut[1].rows(), key=repr) == sorted(whole[1].rows(), key=repr)
