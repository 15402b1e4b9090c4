"""Rendered scenes: the written truth against the pixels, and the promises of the writer."""

import colorsys
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from provision_dagster.errors import InputError
from provision_dagster.samples.rendering import LABELS, render_scene, render_scenes
from provision_dagster.samples.rendering.palette import COLOR_NAMES, PIGMENTS, ColorName, color_classes, mark_color
from provision_dagster.samples.rendering.raster import BACKGROUND, Raster
from provision_dagster.samples.rendering.truth import PREDICATES, annotate

N = 40
HUES = {
    "red": 1,
    "orange": 29,
    "yellow": 48,
    "green": 123,
    "blue": 219,
    "purple": 278,
    "pink": 335,
    "brown": 27,
}
FINISHES = {"striped", "dotted", "spotted", "wooden", "metal", "brick", "plastic"}
SHAPES = {"round", "square", "triangular"}
POSTURES = {"standing", "walking", "sitting"}
INVERSE = {
    "to the left of": "to the right of",
    "to the right of": "to the left of",
    "in front of": "behind",
    "behind": "in front of",
    "next to": "next to",
}


class Scene:
    """One scene as a reader of the folder sees it."""

    def __init__(self, folder: Path, entry: dict[str, Any]) -> None:
        self.note = entry["annotation"]
        self.pixels = np.asarray(Image.open(folder / entry["data_path"]).convert("RGB"))
        self.depth = np.asarray(Image.open(folder / "depth_masks" / self.note["depth_mask_id"]))
        size = [self.note["height"], self.note["width"]]
        self.codes = [{"size": size, "counts": c.encode()} for c in self.note["mask_rle"]]
        self.masks = coco_mask.decode(self.codes).astype(bool).transpose(2, 0, 1)
        self.boxes = np.array(self.note["bboxes"])
        self.labels = self.note["labels"]
        self.relations = {(s, p, o) for s, p, o in self.note["relations"]}
        self.median = np.array([np.median(self.depth[m]) for m in self.masks])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rendered") / "set"
    render_scenes(path, n=N, seed=11)
    return path


@pytest.fixture(scope="module")
def scenes(folder: Path) -> list[Scene]:
    graphs = json.loads((folder / "scene_graphs.json").read_text())
    assert list(graphs) == [f"{k:06d}" for k in range(N)]
    return [Scene(folder, entry) for entry in graphs.values()]


@pytest.fixture(scope="module")
def rasters() -> list[Raster]:
    return [render_scene(k, seed=11) for k in range(N)]


def digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def phrase(scene: Scene, k: int) -> str:
    return f"{' '.join(scene.note['attributes'][k])} {scene.labels[k]} at {scene.boxes[k].tolist()}"


# --- layout -----------------------------------------------------------------------------------------------


def test_layout_is_provision(scenes: list[Scene], folder: Path) -> None:
    graphs = json.loads((folder / "scene_graphs.json").read_text())
    for key, entry in graphs.items():
        note = entry["annotation"]
        assert entry["source"] == "rendered"
        assert entry["data_path"] == f"images/{key}.png"
        assert note["depth_mask_id"] == f"{key}_depth.png"
        assert (note["license"], note["attribution"]) == ("CC0-1.0", "rendered by provision_dagster")
        assert note["exhaustive_attributes"] is True
        assert note["exhaustive_relations"] is True
        indoors = note["captions"][0].startswith("A room")
        assert note["exhaustive_labels"] == [label for label in LABELS if indoors or label != "window"]
        parts = ("labels", "bboxes", "attributes", "object_ids", "mask_rle")
        assert len({len(note[name]) for name in parts}) == 1
        assert len(set(note["object_ids"])) == len(note["labels"])
        assert 6 <= len(note["labels"]) <= 16
        with Image.open(folder / entry["data_path"]) as image:
            assert (image.size, image.mode) == ((note["width"], note["height"]), "RGB")
    assert {s.depth.dtype for s in scenes} == {np.dtype(np.uint16)}


def test_scenes_are_varied() -> None:
    notes = [annotate(render_scene(k, seed=5, width=320, height=240)) for k in range(150)]
    labels = Counter(label for note in notes for label in note["labels"])
    assert set(labels) <= set(LABELS)
    assert len(labels) >= 32
    words = {a for note in notes for attributes in note["attributes"] for a in attributes}
    assert set(COLOR_NAMES) | FINISHES | SHAPES | POSTURES | {"small", "large"} == words
    assert {r[1] for note in notes for r in note["relations"]} == set(PREDICATES)
    repeats = [max(Counter(note["labels"]).values()) for note in notes]
    assert np.mean([r >= 2 for r in repeats]) > 0.7
    assert np.mean([1 in Counter(note["labels"]).values() for note in notes]) > 0.9


# --- masks, boxes, attributes -----------------------------------------------------------------------------


def test_masks_are_disjoint_and_boxes_are_their_extents(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert scene.masks.sum(axis=0).max() == 1
        x, y, w, h = coco_mask.toBbox(scene.codes).T
        np.testing.assert_array_equal(scene.boxes, np.stack([x, y, x + w, y + h], axis=1))
        assert coco_mask.area(scene.codes).min() >= 250


def test_mask_code_is_canonical(scenes: list[Scene]) -> None:
    for scene in scenes[:10]:
        again = coco_mask.encode(np.asfortranarray(scene.masks.transpose(1, 2, 0).astype(np.uint8)))
        assert [c["counts"] for c in again] == [c["counts"] for c in scene.codes]


def test_masks_follow_the_pixels(scenes: list[Scene], rasters: list[Raster]) -> None:
    """Away from edges, what a mask holds is what was drawn there: the same picture without things differs."""
    for scene, raster in zip(scenes[:12], rasters[:12], strict=True):
        np.testing.assert_array_equal(scene.pixels, np.asarray(raster.image))
        for k, sprite in enumerate(raster.sprites):
            rows, columns = sprite.window
            drawn = np.asarray(sprite.image).astype(int)
            top, left = rows.start - sprite.top, columns.start - sprite.left
            drawn = drawn[top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]
            opaque = scene.masks[k][sprite.window] & (drawn[..., 3] == 255)
            # a nearer thing's soft edge or shadow may tint a pixel; the thing itself must still dominate
            difference = np.abs(scene.pixels[sprite.window].astype(int) - drawn[..., :3]).max(axis=2)[opaque]
            assert np.mean(difference == 0) > 0.7, phrase(scene, k)
            assert not (scene.masks[k][sprite.window] & (drawn[..., 3] < 128)).any()


def _hue_peak(rgb: np.ndarray) -> float:
    """Commonest hue of the colourful pixels, in degrees."""
    hsv = np.asarray(Image.fromarray(rgb[None]).convert("HSV"))[0].astype(float)
    weights = (hsv[:, 1] * hsv[:, 2] > 40 * 255).astype(float)
    bins = np.bincount((hsv[:, 0] / 255 * 72).astype(int) % 72, weights=weights, minlength=72)
    smooth = bins + np.roll(bins, 1) + np.roll(bins, -1)
    return (float(smooth.argmax()) + 0.5) * 5


def test_color_word_is_what_the_pixels_show(scenes: list[Scene]) -> None:
    for scene in scenes:
        for k, attributes in enumerate(scene.note["attributes"]):
            word, rgb = attributes[0], scene.pixels[scene.masks[k]]
            chroma = rgb.max(axis=1).astype(int) - rgb.min(axis=1)
            value = rgb.max(axis=1)
            if word in HUES:
                away = abs((_hue_peak(rgb) - HUES[word] + 180) % 360 - 180)
                assert away <= 14, phrase(scene, k)
                assert np.mean(chroma > 40) > 0.33, phrase(scene, k)
            else:
                tests = {"black": value < 70, "white": (value > 180) & (chroma < 40)}
                tests["gray"] = (value >= 70) & (value <= 190) & (chroma < 40)
                shares = {name: float(np.mean(hit)) for name, hit in tests.items()}
                assert max(shares, key=shares.__getitem__) == word, (phrase(scene, k), shares)
            if word in ("brown", "orange"):
                assert (np.median(value[chroma > 40]) < 165) == (word == "brown"), phrase(scene, k)


def test_every_object_has_one_color_one_size_and_at_most_one_of_the_rest(scenes: list[Scene]) -> None:
    for scene in scenes:
        for label, words in zip(scene.labels, scene.note["attributes"], strict=True):
            assert words[0] in COLOR_NAMES
            assert words[1] in ("small", "large")
            assert len(set(words[2:]) & FINISHES) <= 1
            assert set(words[2:]) <= FINISHES | SHAPES | POSTURES
            assert len(set(words) & POSTURES) == (label == "person")
            assert len(set(words) & SHAPES) == (label == "sign")


def test_large_looks_larger_than_small(rasters: list[Raster]) -> None:
    seen = 0
    for raster in rasters:
        for a, b in itertools.permutations(raster.items, 2):
            if a.kind is b.kind and (a.size, b.size) == ("large", "small") and not a.tie and not b.tie:
                high_a, high_b = (i.height * raster.stage.camera.scale(i.z) for i in (a, b))
                assert high_a > 1.1 * high_b
                assert a.height > 1.3 * b.height
                seen += 1
    assert seen > 20


def test_marked_finishes_are_visible(scenes: list[Scene]) -> None:
    """Striped and dotted things hold clearly more strong brightness edges than plain ones."""
    edges: dict[bool, list[float]] = {True: [], False: []}
    for scene in scenes:
        gray = np.asarray(Image.fromarray(scene.pixels).convert("L")).astype(int)
        steps = np.abs(np.diff(gray, axis=1, prepend=gray[:, :1])) > 25
        for k, label in enumerate(scene.labels):
            if label in ("ball", "box", "cup", "bowl", "sofa", "kite", "vase"):
                words = set(scene.note["attributes"][k])
                edges[bool(words & {"striped", "dotted"})].append(float(steps[scene.masks[k]].mean()))
    assert min(len(values) for values in edges.values()) > 10
    assert np.median(edges[True]) > 1.5 * np.median(edges[False])


@pytest.mark.parametrize("name", [name for name in COLOR_NAMES if name not in ("black", "white")])
def test_marks_are_a_tone_of_the_same_color(name: ColorName) -> None:
    mark, body = np.array(mark_color(name), dtype=np.uint8), np.array(PIGMENTS[name], dtype=np.uint8)
    assert COLOR_NAMES[color_classes(mark)] == COLOR_NAMES[color_classes(body)] == name
    gray = [float(np.dot(rgb, (0.299, 0.587, 0.114))) for rgb in (mark, body)]
    assert abs(gray[0] - gray[1]) > 30


def test_things_without_such_a_tone_are_plain(scenes: list[Scene]) -> None:
    looks = [set(attributes) for scene in scenes for attributes in scene.note["attributes"]]
    marked = [words for words in looks if words & {"striped", "dotted", "spotted"}]
    assert len(marked) > 30
    assert not [words for words in marked if words & {"black", "white"}]


# --- depth and occlusion ----------------------------------------------------------------------------------


def test_ground_depth_follows_the_camera(scenes: list[Scene]) -> None:
    for scene in scenes:
        camera, empty = scene.note["camera"], ~scene.masks.any(axis=0)
        rows = np.arange(scene.note["height"]) + 0.5
        per_row = 65535 * camera["near_m"] / (camera["focal_px"] * camera["height_m"])
        expected = np.minimum(per_row * (rows - camera["horizon_px"]), 65535)
        if scene.depth[0, 0] == 0:  # outdoors: the sky
            expected = np.clip(expected, 0, None)
        else:  # indoors: the wall bounds it
            expected = np.clip(expected, float(scene.depth[0][empty[0]][0]), None)
        wanted = np.broadcast_to(expected[:, None], scene.depth.shape)
        # the ground at the horizon itself is at infinity
        assert np.abs(scene.depth[empty].astype(float) - wanted[empty]).max() <= 1


def test_depth_of_a_thing_is_its_distance(scenes: list[Scene], rasters: list[Raster]) -> None:
    for scene, raster in zip(scenes, rasters, strict=True):
        near = scene.note["camera"]["near_m"]
        for k, item in enumerate(raster.items):
            metres = 65535 * near / scene.depth[scene.masks[k]]
            low, high = item.reach or (item.z, item.z)
            assert metres.min() >= min(low, high) - 0.05 - 0.0005 * low  # 16 bits of 1 / z are coarse far away
            assert metres.max() <= high + 0.05 + 0.0005 * high
        assert min(item.nearest for item in raster.items) >= near


def test_nearer_things_hide_farther_ones(rasters: list[Raster]) -> None:
    crossings = 0
    for raster in rasters:
        frames = [np.zeros(raster.owner.shape, bool) for _ in raster.items]
        for frame, sprite in zip(frames, raster.sprites, strict=True):
            frame[sprite.window] = sprite.solid
        for a, b in itertools.combinations(range(len(frames)), 2):
            both = frames[a] & frames[b]
            first, second = raster.items[a], raster.items[b]
            if not both.any() or first.tie or second.tie or first.reach or second.reach:
                continue
            crossings += 1
            rear = a if first.z > second.z else b
            assert not (raster.owner[both] == rear).any()
        covered = np.any(frames, axis=0)
        np.testing.assert_array_equal(covered, raster.owner != BACKGROUND)
        for k, frame in enumerate(frames):
            assert (raster.owner == k).sum() >= 0.4 * frame.sum()
    assert crossings > 40


# --- relations --------------------------------------------------------------------------------------------


def _shared_width(a: np.ndarray, b: np.ndarray) -> float:
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) / min(a[2] - a[0], b[2] - b[0])


def test_left_and_right_are_complete_and_agree_with_the_boxes(scenes: list[Scene]) -> None:
    for scene in scenes:
        for a, b in itertools.permutations(range(len(scene.boxes)), 2):
            one, other = scene.boxes[a], scene.boxes[b]
            aside = _shared_width(one, other) <= 0.25
            left = aside and one[0] + one[2] < other[0] + other[2]
            assert ((a, "to the left of", b) in scene.relations) == left
            assert ((b, "to the right of", a) in scene.relations) == left
            if left:
                assert one[0] < other[0]
                assert one[2] < other[2]


def test_front_and_behind_are_complete_and_agree_with_the_depth_map(scenes: list[Scene]) -> None:
    ties = ("on", "under", "holding", "wearing")
    for scene in scenes:
        kin = {frozenset((s, o)) for s, p, o in scene.relations if p in ties}
        linked = {a: {b for pair in kin if a in pair for b in pair} for a in range(len(scene.labels))}
        for a, b in itertools.permutations(range(len(scene.labels)), 2):
            listed = (a, "in front of", b) in scene.relations
            if listed:
                assert scene.median[a] - scene.median[b] > 0.049 * 65535, (phrase(scene, a), phrase(scene, b))
                assert _shared_width(scene.boxes[a], scene.boxes[b]) > 0.25
                assert frozenset((a, b)) not in kin
            elif (
                _shared_width(scene.boxes[a], scene.boxes[b]) > 0.25
                and not {scene.labels[a], scene.labels[b]} & {"kite", "table", "cloud"}
                and not linked[a] & (linked[b] | {b})
            ):
                assert scene.median[a] - scene.median[b] < 0.052 * 65535


def test_ties_agree_with_boxes_and_depth(scenes: list[Scene], rasters: list[Raster]) -> None:
    counts: Counter[str] = Counter()
    for scene, raster in zip(scenes, rasters, strict=True):
        for s, predicate, o in scene.relations:
            one, other = scene.boxes[s], scene.boxes[o]
            gap = abs(scene.median[s] - scene.median[o]) / 65535
            message = f"{phrase(scene, s)} {predicate} {phrase(scene, o)}"
            if predicate == "on":
                assert (o, "under", s) in scene.relations
                assert scene.labels[o] in ("table", "bench", "sofa", "chair"), message
                # the whole rectangles: a foot or a corner may be hidden by a thing before it
                one, other = (raster.items[k].box(raster.stage.camera) for k in (s, o))
                assert other[0] <= (one[0] + one[2]) / 2 <= other[2], message
                assert other[1] <= one[3] <= other[3] + 4, message
            elif predicate == "under" and (o, "on", s) not in scene.relations:
                assert scene.labels[o] == "table", message
                assert one[1] > other[1], message
                assert one[3] < raster.items[o].box(raster.stage.camera)[3], message
            elif predicate in ("holding", "wearing"):
                assert scene.labels[s] == "person", message
                assert gap < 0.02, message
                assert one[0] < other[2] + 3, message
                assert other[0] < one[2] + 3, message
                if predicate == "wearing":
                    assert scene.labels[o] == "hat", message
                    assert other[3] < one[1] + 0.35 * (one[3] - one[1]) + 3, message
            counts[predicate] += 1
    assert min(counts[p] for p in ("on", "under", "holding", "wearing")) >= 5


def test_clouds_are_behind_what_meets_them_and_windows_are_of_rooms(scenes: list[Scene]) -> None:
    """Everything that could be pointed at as an object is annotated, that in the sky and on the wall too."""
    labels: Counter[str] = Counter()
    for scene in scenes:
        outdoors = not scene.note["captions"][0].startswith("A room")
        sky = scene.depth == 0
        for k, label in enumerate(scene.labels):
            labels[label] += 1
            if label == "cloud":
                assert outdoors
                assert "white" in scene.note["attributes"][k]
                for other, box in enumerate(scene.boxes):
                    beside = _shared_width(scene.boxes[k], box) <= 0.25
                    meet = box[1] < scene.boxes[k][3] and scene.boxes[k][1] < box[3]
                    if scene.labels[other] != "cloud":
                        assert ((k, "behind", other) in scene.relations) == (meet and not beside)
            elif label == "window":
                assert not outdoors
        # where no thing is, the sky is smooth: no two neighbours in a row differ
        alone = sky[:, 1:] & sky[:, :-1] & ~scene.masks.any(axis=0)[:, 1:] & ~scene.masks.any(axis=0)[:, :-1]
        steps = np.abs(np.diff(scene.pixels.astype(int), axis=1)).max(axis=2)
        edges = np.zeros_like(alone)
        for mask in scene.masks:  # soft edges of things spill over by a pixel or two
            grown = np.zeros_like(mask)
            for dy, dx in itertools.product((-2, -1, 0, 1, 2), repeat=2):
                grown |= np.roll(mask, (dy, dx), axis=(0, 1))
            edges |= grown[:, 1:] | grown[:, :-1]
        assert steps[alone & ~edges].max(initial=0) == 0
    assert min(labels["cloud"], labels["window"]) >= 5


def test_every_hat_is_worn_and_nothing_else_floats(scenes: list[Scene]) -> None:
    for scene in scenes:
        for k, label in enumerate(scene.labels):
            worn = [r for r in scene.relations if r[1] == "wearing" and r[2] == k]
            held = [r for r in scene.relations if r[1] == "holding" and r[2] == k]
            assert len(worn) == (label == "hat")
            assert len(held) <= 1
            if label in ("balloon", "umbrella"):
                assert len(held) == 1


def test_next_to_is_close_beside(scenes: list[Scene]) -> None:
    for scene in scenes:
        for s, predicate, o in scene.relations:
            if predicate == "next to":
                one, other = scene.boxes[s], scene.boxes[o]
                gap = max(one[0], other[0]) - min(one[2], other[2])
                assert gap <= 0.08 * scene.note["width"]
                margin = 0.2 if "table" in (scene.labels[s], scene.labels[o]) else 0.101  # a table is deep
                assert abs(scene.median[s] - scene.median[o]) <= margin * 65535
                assert _shared_width(one, other) <= 0.25


def assert_consistent(relations: set[tuple[int, str, int]]) -> None:
    against = [("to the left of", "to the right of"), ("in front of", "behind"), ("on", "under")]
    for s, predicate, o in relations:
        assert s != o
        if predicate in INVERSE:
            assert (o, INVERSE[predicate], s) in relations
        for pair in against:
            if predicate in pair:
                assert (s, pair[1 - pair.index(predicate)], o) not in relations
                assert (o, predicate, s) not in relations


def test_no_relation_contradicts_another(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert len(scene.relations) == len(scene.note["relations"])
        assert_consistent(scene.relations)


def test_neighbors_thins_left_and_right_and_says_so(scenes: list[Scene], rasters: list[Raster]) -> None:
    sides = ("to the left of", "to the right of")
    few = 0
    for scene, raster in zip(scenes, rasters, strict=True):
        note = annotate(raster, neighbors=1)
        relations = {(s, p, o) for s, p, o in note["relations"]}
        assert note["exhaustive_relations"] is False
        assert relations <= scene.relations
        assert {r for r in scene.relations - relations if r[1] not in sides} == set()
        assert_consistent(relations)
        few += sum(r[1] in sides for r in relations)
    assert few < 0.3 * sum(r[1] in sides for scene in scenes for r in scene.relations)


# --- captions ---------------------------------------------------------------------------------------------

COUNT_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBERS = {word: k for k, word in enumerate(COUNT_WORDS, start=1)}
PLURALS = {"person": "people", "bus": "buses", "bench": "benches", "bush": "bushes", "box": "boxes"}


def test_captions_count_right(scenes: list[Scene]) -> None:
    for scene in scenes:
        first = scene.note["captions"][0]
        assert re.fullmatch(r"A (street|park|room) with .+\.", first)
        for label, count in Counter(scene.labels).items():
            if count == 1:
                assert re.search(rf"\ban? (\w+ )?{label}\b", first), first
            else:
                found = re.search(rf"\b(\w+) {PLURALS.get(label, label + 's')}\b", first)
                assert found, first
                assert NUMBERS[found.group(1)] == count, first


def test_second_caption_is_an_annotated_relation(scenes: list[Scene]) -> None:
    told = 0
    for scene in scenes:
        for caption in scene.note["captions"][1:]:
            matching = [
                (s, p, o)
                for s, p, o in scene.relations
                if f" is {p} " in caption
                and f"{scene.note['attributes'][s][1]} " in caption.split(f" is {p} ")[0]
                and scene.labels[s] in caption.split(f" is {p} ")[0]
                and scene.labels[o] in caption.split(f" is {p} ")[1]
            ]
            assert matching, caption
            told += 1
    assert told > N / 2


# --- determinism and the folder ---------------------------------------------------------------------------


def test_first_scenes_do_not_depend_on_n_or_workers(tmp_path: Path) -> None:
    render_scenes(tmp_path / "two", n=2, seed=4, width=320, height=240)
    render_scenes(tmp_path / "five", n=5, seed=4, width=320, height=240)
    render_scenes(tmp_path / "parallel", n=5, seed=4, width=320, height=240, workers=2)
    assert digest(tmp_path / "five") == digest(tmp_path / "parallel")
    two, five = digest(tmp_path / "two"), digest(tmp_path / "five")
    for name in two:
        if name.endswith(".png"):
            assert two[name] == five[name]
    few, many = (json.loads((tmp_path / f / "scene_graphs.json").read_text()) for f in ("two", "five"))
    assert few == {key: many[key] for key in few}


def test_hash_seed_does_not_matter(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from provision_dagster.samples.rendering import render_scenes;"
        "render_scenes(Path(sys.argv[1]), n=3, seed=9, width=320, height=240)"
    )
    for hash_seed in ("0", "4242"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / hash_seed)], check=True, env=env)
    assert digest(tmp_path / "0") == digest(tmp_path / "4242")


def test_seeds_differ(tmp_path: Path) -> None:
    for seed in (1, 2):
        render_scenes(tmp_path / str(seed), n=1, seed=seed, width=160, height=120)
    assert digest(tmp_path / "1")["images/000000.png"] != digest(tmp_path / "2")["images/000000.png"]


def test_rendering_again_changes_nothing_and_fewer_scenes_leave_no_rest(tmp_path: Path) -> None:
    render_scenes(tmp_path, n=3, seed=4, width=160, height=120)
    before = digest(tmp_path)
    render_scenes(tmp_path, n=3, seed=4, width=160, height=120)
    assert digest(tmp_path) == before
    render_scenes(tmp_path, n=1, seed=4, width=160, height=120, image_format="jpg")
    assert set(digest(tmp_path)) == {
        "images/000000.jpg",
        "depth_masks/000000_depth.png",
        "scene_graphs.json",
        "rendering.json",
    }


def test_jpg_differs_little_from_png(tmp_path: Path) -> None:
    render_scenes(tmp_path / "jpg", n=1, seed=4, image_format="jpg")
    lossy = np.asarray(Image.open(tmp_path / "jpg" / "images" / "000000.jpg")).astype(int)
    exact = np.asarray(render_scene(0, seed=4).image).astype(int)
    assert 0 < np.abs(lossy - exact).mean() < 3


def test_progress_is_told_after_each_scene(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    render_scenes(tmp_path, n=3, seed=0, width=160, height=120, progress=lambda done, n: calls.append((done, n)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_interrupted_rendering_has_no_scene_graphs_and_can_be_repeated(tmp_path: Path) -> None:
    def stop(done: int, n: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_scenes(tmp_path / "a", n=2, seed=0, width=160, height=120, progress=stop)
    assert not (tmp_path / "a" / "scene_graphs.json").exists()
    render_scenes(tmp_path / "a", n=2, seed=0, width=160, height=120)
    render_scenes(tmp_path / "b", n=2, seed=0, width=160, height=120)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"`folder` must be empty or hold an earlier rendering .*thesis\.txt"):
        render_scenes(tmp_path, n=1, seed=0)
    assert digest(tmp_path).keys() == {"thesis.txt"}


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(InputError, match="`folder` must be a folder, got the file"):
        render_scenes(tmp_path / "x", n=1, seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "`n` must be a whole number from 1 to 1000000, got 0"),
        ({"n": -3}, "`n` must be a whole number from 1 to 1000000, got -3"),
        ({"n": True}, "`n` must be a whole number from 1 to 1000000, got True"),
        ({"n": 1.5}, "`n` must be a whole number from 1 to 1000000, got 1.5"),
        ({"n": 1_000_001}, "`n` must be a whole number from 1 to 1000000, got 1000001"),
        ({"seed": -1}, "`seed` must be a whole number from 0 to"),
        ({"width": 119}, "`width` must be a whole number from 120 to 4096, got 119"),
        ({"height": 5000}, "`height` must be a whole number from 120 to 4096, got 5000"),
        ({"width": "640"}, "`width` must be a whole number from 120 to 4096, got '640'"),
        ({"workers": 0}, "`workers` must be a whole number from 1 to 256, got 0"),
        ({"neighbors": 0}, "`neighbors` must be a whole number from 1 to 16, got 0"),
        ({"image_format": "gif"}, '`image_format` must be "png" or "jpg", got \'gif\''),
    ],
)
def test_bad_arguments(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"n": 1, "seed": 0, **change}
    with pytest.raises(InputError, match=re.escape(message)):
        render_scenes(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


# --- properties -------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@example(seed=635 * 7919, index=635, size=(121, 303))  # outlines wider than what they surround
@given(
    seed=st.integers(0, 2**63 - 1),
    index=st.integers(0, 999_999),
    size=st.sampled_from([(160, 120), (200, 150), (120, 160), (240, 135), (121, 303)]),
)
def test_truth_holds_for_any_seed_and_size(seed: int, index: int, size: tuple[int, int]) -> None:
    raster = render_scene(index, seed=seed, width=size[0], height=size[1])
    note = annotate(raster)
    assert 1 <= len(note["labels"]) <= 16
    codes = [{"size": [size[1], size[0]], "counts": c.encode()} for c in note["mask_rle"]]
    masks = coco_mask.decode(codes)
    assert masks.sum(axis=2).max() == 1
    x, y, w, h = coco_mask.toBbox(codes).T
    np.testing.assert_array_equal(note["bboxes"], np.stack([x, y, x + w, y + h], axis=1))
    assert_consistent({(s, p, o) for s, p, o in note["relations"]})
    medians = [np.median(raster.depth[masks[:, :, k] > 0]) for k in range(masks.shape[2])]
    assert all(medians[s] > medians[o] for s, p, o in note["relations"] if p == "in front of")
    again = render_scene(index, seed=seed, width=size[0], height=size[1])
    assert again.image.tobytes() == raster.image.tobytes()
    assert json.dumps(annotate(again)) == json.dumps(note)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_usual_size_has_six_to_sixteen_objects(seed: int) -> None:
    assert 6 <= len(render_scene(0, seed=seed, width=320, height=240).items) <= 16


def test_color_words_of_the_palette_are_what_colorsys_says() -> None:
    """The pigments themselves, by an independent conversion."""
    from provision_dagster.samples.rendering.palette import PIGMENTS

    for word, hue in HUES.items():
        found = colorsys.rgb_to_hsv(*(c / 255 for c in PIGMENTS[word]))[0] * 360  # type: ignore[index]
        assert abs((found - hue + 180) % 360 - 180) <= 3, word
