"""The annotated photographs: sound scene graphs, true depth, files that can be written again and again."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from provision_dagster.errors import InputError
from provision_dagster.samples import photos
from provision_dagster.scene_graphs.readers import read_annotations

SIZES = {
    "astronaut": (512, 512),
    "camera": (512, 512),
    "chelsea": (451, 300),
    "coffee": (600, 400),
    "coins": (384, 303),
    "motorcycle_left": (741, 500),
    "motorcycle_right": (741, 500),
    "rocket": (640, 427),
}
PAIR = ("motorcycle_left", "motorcycle_right")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos.write_photo_sample(tmp_path_factory.mktemp("photos") / "new" / "folder")


@pytest.fixture(scope="module")
def records(sample: Path) -> dict[str, dict[str, Any]]:
    return json.loads(sample.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def disparity() -> photos.FloatMap:
    return photos.load_disparity(photos._skimage_data() / photos.DISPARITY_FILE)


def decode(rle: str, size: tuple[int, int]) -> np.ndarray:
    return coco_mask.decode({"counts": rle.encode(), "size": size[::-1]}).astype(bool)


def gray_levels(sample: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(sample.parent / "images" / f"{name}.png"), dtype=float)


def test_every_picture_is_copied_and_decodes(sample: Path, records: dict[str, dict[str, Any]]) -> None:
    assert {key: (r["annotation"]["width"], r["annotation"]["height"]) for key, r in records.items()} == SIZES
    for key, record in records.items():
        with Image.open(sample.parent / "images" / record["data_path"]) as image:
            image.load()
            assert image.size == SIZES[key]
        assert record["license"]
        assert record["attribution"]
        assert record["source"] == "human:provision_dagster"
        assert "phash" not in record


def test_there_is_enough_to_ask_about(records: dict[str, dict[str, Any]]) -> None:
    notes = [record["annotation"] for record in records.values()]
    assert sum(len(note["labels"]) for note in notes) >= 50
    assert sum(len(values) for note in notes for values in note["attributes"]) >= 70
    assert sum(len(note["relations"]) for note in notes) >= 45


@pytest.mark.parametrize("key", SIZES)
def test_boxes_lie_in_the_picture(records: dict[str, dict[str, Any]], key: str) -> None:
    width, height = SIZES[key]
    for x1, y1, x2, y2 in records[key]["annotation"]["bboxes"]:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height


@pytest.mark.parametrize("key", SIZES)
def test_lists_run_in_parallel_and_indices_are_valid(records: dict[str, dict[str, Any]], key: str) -> None:
    note = records[key]["annotation"]
    count = len(note["labels"])
    assert len(note["bboxes"]) == len(note["attributes"]) == count
    assert note["object_ids"] == [str(i) for i in range(count)]
    triples = [tuple(relation) for relation in note["relations"]]
    assert all(0 <= s < count and 0 <= o < count and s != o for s, _, o in triples)
    assert len(set(triples)) == len(triples)
    assert len(note.get("mask_rle", note["labels"])) == count


@pytest.mark.parametrize("key", SIZES)
def test_words_are_clean(records: dict[str, dict[str, Any]], key: str) -> None:
    note = records[key]["annotation"]
    words = [
        *note["labels"],
        *(p for _, p, _ in note["relations"]),
        *(v for vs in note["attributes"] for v in vs),
    ]
    assert [word for word in words if not re.fullmatch(r"[a-z]+( [a-z]+)*", word)] == []
    assert all(values == sorted(set(values)) for values in note["attributes"])
    assert note["captions"]
    assert all(re.fullmatch(r"[A-Z].*\.", caption) for caption in note["captions"])


@pytest.mark.parametrize("key", SIZES)
def test_exhaustive_labels_have_boxes(records: dict[str, dict[str, Any]], key: str) -> None:
    note = records[key]["annotation"]
    assert note["exhaustive_labels"]
    assert set(note["exhaustive_labels"]) <= set(note["labels"])


def test_attribute_counts_have_no_gap(records: dict[str, dict[str, Any]]) -> None:
    """Things of one exhaustively marked kind carry the same attributes, so counts of both agree."""
    for record in records.values():
        note = record["annotation"]
        for label in note["exhaustive_labels"]:
            sets = {tuple(v) for name, v in zip(note["labels"], note["attributes"], strict=True) if name == label}
            assert len(sets) == 1, (record["data_path"], label, sets)


def test_part_and_place_relations_agree_with_boxes(records: dict[str, dict[str, Any]]) -> None:
    """A part lies in the box of the whole (2 px of drawing error); things on each other touch."""
    slack = 2
    for record in records.values():
        boxes = record["annotation"]["bboxes"]
        for subject, predicate, target in record["annotation"]["relations"]:
            a, b = boxes[subject], boxes[target]
            touch = a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
            if predicate == "has":
                assert b[0] >= a[0] - slack
                assert b[1] >= a[1] - slack
                assert b[2] <= a[2] + slack
                assert b[3] <= a[3] + slack
            elif predicate != "behind":
                assert touch, (record["data_path"], subject, predicate, target)


def test_coins_are_where_the_picture_is_bright(sample: Path, records: dict[str, dict[str, Any]]) -> None:
    """All 24 coins: the picture is brighter in each box than just outside of it, on all four sides."""
    note = records["coins"]["annotation"]
    assert Counter(note["labels"]) == {"coin": 24}
    picture = gray_levels(sample, "coins")
    for x1, y1, x2, y2 in note["bboxes"]:
        inside = np.median(picture[y1 + 6 : y2 - 6, x1 + 6 : x2 - 6])
        frame = [picture[y1 - 4 : y1 - 1, x1:x2], picture[y2 + 1 : y2 + 4, x1:x2]]
        frame += [picture[y1:y2, x1 - 4 : x1 - 1], picture[y1:y2, x2 + 1 : x2 + 4]]
        outside = [np.median(side) for side in frame if side.size]
        assert inside > max(outside) + 15


@pytest.mark.parametrize("key", PAIR)
def test_masks_lie_in_their_boxes(records: dict[str, dict[str, Any]], key: str) -> None:
    note = records[key]["annotation"]
    checked = 0
    for (x1, y1, x2, y2), rle in zip(note["bboxes"], note["mask_rle"], strict=True):
        if rle is None:
            continue
        rows, columns = np.nonzero(decode(rle, SIZES[key]))
        assert x1 - 2 <= columns.min() <= columns.max() <= x2 + 1
        assert y1 - 2 <= rows.min() <= rows.max() <= y2 + 1
        checked += 1
    assert checked >= 8


@pytest.mark.parametrize("key", PAIR)
def test_what_is_behind_is_farther(sample: Path, records: dict[str, dict[str, Any]], key: str) -> None:
    """Masked things behind the motorcycle are deeper than every masked part of the motorcycle."""
    note = records[key]["annotation"]
    depth = np.load(sample.parent / "depth" / note["depth_mask_id"])
    middle = {
        i: np.nanmedian(depth[decode(rle, SIZES[key])]) for i, rle in enumerate(note["mask_rle"]) if rle is not None
    }
    motorcycle = note["labels"].index("motorcycle")
    parts = [middle[o] for s, p, o in note["relations"] if s == motorcycle and p == "has" and o in middle]
    behind = [middle[s] for s, p, o in note["relations"] if o == motorcycle and p == "behind" and s in middle]
    assert min(len(parts), len(behind)) >= 5
    assert max(behind) < min(parts) - 20


def test_inverse_depth_is_the_formula_of_the_benchmark(disparity: photos.FloatMap) -> None:
    """Middlebury: Z = baseline * f / (d + doffs), in millimetres."""
    value = photos.inverse_depth(disparity)
    known = np.isfinite(disparity)
    z = 193.001 * 994.978 / (disparity[known].astype(np.float64) + 31.086)
    np.testing.assert_allclose(255 * 2000 / value[known], z, rtol=1e-5)
    assert 2000 < z.min() < z.max() < 5100
    assert np.isnan(value[~known]).all()
    assert 0.05 < (~known).mean() < 0.1


@pytest.mark.parametrize("key", PAIR)
def test_depth_files(sample: Path, records: dict[str, dict[str, Any]], key: str) -> None:
    depth = np.load(sample.parent / "depth" / records[key]["annotation"]["depth_mask_id"])
    assert depth.dtype == np.float32
    assert depth.shape == SIZES[key][::-1]
    assert np.nanmin(depth) > 0
    assert np.nanmax(depth) <= 255
    assert np.isfinite(depth).mean() > 0.75


def test_warped_right_picture_has_the_colours_of_the_left(sample: Path, disparity: photos.FloatMap) -> None:
    warped = photos.warp_disparity_to_right(disparity)
    rows, columns = np.nonzero(np.isfinite(warped))
    source = np.rint(columns + warped[rows, columns]).astype(int)
    assert source.max() < disparity.shape[1]
    left, right = gray_levels(sample, "motorcycle_left"), gray_levels(sample, "motorcycle_right")
    moved = np.abs(left[rows, source] - right[rows, columns]).mean(axis=1)
    unmoved = np.abs(left[rows, columns] - right[rows, columns]).mean(axis=1)
    assert np.median(moved) <= 4 < 15 < np.median(unmoved)
    assert (moved > 20).mean() < 0.06


def test_warp_keeps_the_closest_and_leaves_holes() -> None:
    row = np.full((1, 12), 1.0, dtype=np.float32)
    row[0, 6:9] = 4.0
    row[0, 11] = np.nan
    nan = np.nan
    # far pixels 0..5 go to -1..4, near 6..8 to 2..4 (over them), far 9..10 to 8..9; 5..7 were hidden
    expected = [[1, 1, 4, 4, 4, nan, nan, nan, 1, 1, nan, nan]]
    np.testing.assert_array_equal(photos.warp_disparity_to_right(row), np.array(expected, dtype=np.float32))


def test_second_call_writes_equal_files(sample: Path, tmp_path: Path) -> None:
    def contents(folder: Path) -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    first = contents(photos.write_photo_sample(tmp_path).parent)
    assert contents(photos.write_photo_sample(tmp_path).parent) == first == contents(sample.parent)
    assert len(first) == 8 + 2 + 1


@pytest.mark.parametrize("missing", ["coins.png", "motorcycle_disp.npz"])
def test_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    data = tmp_path / "data"
    shutil.copytree(photos._skimage_data(), data)
    (data / missing).unlink()
    monkeypatch.setattr(photos, "_skimage_data", lambda: data)
    with pytest.raises(InputError, match=rf"`{missing}` not found.*pip install"):
        photos.write_photo_sample(tmp_path / "out")


def test_another_picture_of_the_same_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    shutil.copytree(photos._skimage_data(), data)
    shutil.copyfile(data / "brick.png", data / "camera.png")
    monkeypatch.setattr(photos, "_skimage_data", lambda: data)
    with pytest.raises(InputError, match=r"`camera.png` of scikit-image is not the annotated one"):
        photos.write_photo_sample(tmp_path / "out")


def test_missing_scikit_image_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"`scikit-image` is not installed: pip install"):
        photos.write_photo_sample(tmp_path)


def test_the_reader_finds_every_licence(tmp_path: Path) -> None:
    ((annotations, rejected),) = read_annotations(photos.write_photo_sample(tmp_path), format="provision")
    assert annotations["license"].null_count() == annotations["attribution"].null_count() == 0
    assert rejected.is_empty()
