"""Figures of models that make known mistakes in rendered scenes, where everything is known."""

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from provision_dagster.evaluate import comparable
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.quality import (
    attribute_quality,
    depth_quality,
    detection_quality,
    detections_of,
    mask_quality,
    match_objects,
    measure,
    relation_quality,
    renamed,
)
from provision_dagster.scene_graphs.rle import decode_mask, encode_mask
from tests.scene_graphs.annotators import rendered_truth as made

Row = made.Row


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    images, annotations = made.read(made.rendered_spec(tmp_path_factory.mktemp("scenes")))
    return comparable(annotations, images)


def labels(truth: pl.DataFrame) -> list[str]:
    return [one["label"] for objects in truth["objects"] for one in objects]


def test_marked_boxes_are_perfect(truth: pl.DataFrame) -> None:
    quality = detection_quality(truth, detections_of(made.detections(truth)))
    assert (quality.ap, quality.ap50, quality.ar) == pytest.approx((1, 1, 1))
    assert quality.curve["mean"].to_list() == pytest.approx([1] * 101)
    assert quality.by_label["objects"].sum() == len(labels(truth)) > 60


def test_boxes_that_are_a_fifth_too_far_right(truth: pl.DataFrame) -> None:
    def shift(_: int, one: Row) -> Row:
        wide = one["box"]["x2"] - one["box"]["x1"]
        one["box"] |= {"x1": one["box"]["x1"] + wide / 5, "x2": one["box"]["x2"] + wide / 5}
        return one

    # overlap .8 / 1.2 = 2/3: right at .50, .55, .60 and .65, wrong at the six others
    quality = detection_quality(truth, detections_of(made.detections(truth, shift)))
    assert (quality.ap, quality.ap50, quality.ar) == pytest.approx((0.4, 1, 0.4))
    assert quality.curve.select("at_50", "at_75").unique().rows() == [(pytest.approx(1), pytest.approx(0))]


def test_every_third_object_is_overlooked(truth: pl.DataFrame) -> None:
    kept = [label for number, label in enumerate(labels(truth)) if number % 3]
    quality = detection_quality(truth, detections_of(made.detections(truth, lambda n, one: one if n % 3 else None)))
    every, found = Counter(labels(truth)), Counter(kept)
    recalls = {label: found[label] / number for label, number in every.items()}
    assert quality.ar == pytest.approx(np.mean(list(recalls.values())))
    # what is found is right: precision 1 at the recalls 0, .01, ... that are reached
    reached = {label: np.sum(np.linspace(0, 1, 101) <= recall + 1e-12) for label, recall in recalls.items()}
    expected = {label: reached[label] / 101 if recalls[label] else 0 for label in every}
    assert dict(quality.by_label.select("label", "ap").iter_rows()) == pytest.approx(expected)


def cut(number: int, rle: str, row: Row) -> str | None:
    """Every fifth mask is not made, every second of the others loses the later half of its pixels."""
    if number % 5 == 0:
        return None
    if number % 2:
        return rle
    mask = decode_mask(rle, width=row["width"], height=row["height"])
    inside = np.flatnonzero(mask.T.ravel())
    half = np.zeros(mask.size, dtype=np.uint8)
    half[inside[: (len(inside) + 1) // 2]] = 1
    return encode_mask(np.asfortranarray(half.reshape(row["width"], row["height"]).T))


def test_masks_that_lack_half_of_their_pixels(truth: pl.DataFrame) -> None:
    sizes = [
        int(decode_mask(one["mask_rle"], width=row["width"], height=row["height"]).sum())
        for row in truth.iter_rows(named=True)
        for one in row["objects"]
    ]
    overlaps = [1.0 if n % 2 else (size + 1) // 2 / size for n, size in enumerate(sizes) if n % 5]
    quality = mask_quality(truth, made.masks(truth, cut))
    assert quality is not None
    assert quality.by_object["iou"].to_list() == pytest.approx(overlaps)
    assert quality.missing == len(range(0, len(sizes), 5))
    assert quality.mean == pytest.approx(np.mean(overlaps))
    assert quality.median == pytest.approx(np.median(overlaps))
    assert quality.share(0.5) == 1
    assert quality.share(0.75) == pytest.approx(np.mean(np.array(overlaps) >= 0.75))
    assert quality.by_label["objects"].sum() == len(overlaps)


def test_more_masks_than_eight_bits_can_count(truth: pl.DataFrame) -> None:
    many = pl.concat([truth.with_columns(image_key=pl.format("{}-{}", pl.lit(n), "image_key")) for n in range(5)])
    quality = mask_quality(many, made.masks(many, lambda _, rle, __: rle))
    assert quality is not None
    assert (quality.by_object.height, quality.mean) == (5 * len(labels(truth)), 1)
    assert quality.by_object.height > 256


def test_depth_in_order_and_backwards(truth: pl.DataFrame) -> None:
    def backwards(number: int, depth: Image.Image) -> Image.Image:
        values = np.asarray(depth).astype(np.int64)
        return Image.fromarray((values if number % 2 else 65_535 - values).astype(np.uint16))

    quality = depth_quality(truth, made.depth_maps(truth, backwards))
    assert quality is not None
    assert quality.by_picture["spearman"].to_list() == pytest.approx([-1, 1] * 3)
    assert quality.spearman == pytest.approx(0, abs=1e-9)
    assert quality.ranks.height == 200 * truth.height
    assert quality.ranks["truth"].is_between(0, 1).all()


def test_every_third_attribute_is_dropped_and_every_fourth_false(truth: pl.DataFrame) -> None:
    words = [word for objects in truth["objects"] for one in objects for word in one["attributes"]]
    dropped = [n for n in range(len(words)) if n % 3 == 0]
    false = [n for n in range(len(words)) if n % 3 and n % 4 == 0]

    def change(number: int, word: str) -> str | None:
        return None if number in dropped else f"false {number}" if number in false else word

    quality = attribute_quality(truth, made.attributes(truth, change), lexicon=Lexicon.load())
    assert quality is not None
    right = len(words) - len(dropped) - len(false)
    assert quality.objects == len(labels(truth))
    assert quality.recall == pytest.approx(right / len(words))
    assert quality.precision == pytest.approx(right / (len(words) - len(dropped)))
    colors = quality.by_category.filter(category="color").row(0, named=True)
    assert colors["true"] == colors["recalled"] + len(
        [n for n in {*dropped, *false} if Lexicon.load().attributes([words[n]])["category"][0] == "color"]
    )
    # people do not name all that they see: what is false here lies in no category that they named
    human = truth.with_columns(exhaustive_attributes=pl.lit(value=False))
    lenient = attribute_quality(human, made.attributes(truth, change), lexicon=Lexicon.load())
    assert lenient is not None
    assert (lenient.recall, lenient.precision) == (quality.recall, 1)


def test_every_third_pair_has_no_answer_and_every_fourth_a_false_one(truth: pl.DataFrame) -> None:
    pairs = [
        (n, s, o) for n, row in enumerate(truth["relations"]) for s, o in {(r["subject"], r["object"]) for r in row}
    ]
    count = len(pairs)
    none = len(range(0, count, 3))
    false = len([n for n in range(count) if n % 3 and n % 4 == 0])

    def change(number: int, predicate: str) -> str | None:
        return None if number % 3 == 0 else "eating" if number % 4 == 0 else predicate

    quality = relation_quality(truth, made.relations(truth, change), lexicon=Lexicon.load())
    assert quality is not None
    assert (quality.pairs, quality.none, quality.right) == (count, none, count - none - false)
    assert (quality.said, quality.false) == (count - none, false)
    assert quality.accuracy == pytest.approx(1 - quality.none_share - false / count)
    human = truth.with_columns(exhaustive_relations=pl.lit(value=False))
    lenient = relation_quality(human, made.relations(truth, change), lexicon=Lexicon.load())
    assert lenient is not None
    assert (lenient.accuracy, lenient.said, lenient.false_share) == (quality.accuracy, 0, None)


def test_objects_of_a_model_are_known_by_their_boxes(truth: pl.DataFrame) -> None:
    backwards = made.detections(truth).with_columns(pl.col("objects").list.reverse())
    names = match_objects(truth, backwards)
    assert names.height == len(labels(truth))
    own = {(key, name): id_ for key, id_, name in names.iter_rows()}

    def as_model(table: pl.DataFrame, column: str, *fields: str) -> pl.DataFrame:
        rows = [
            row | {column: [one | {f: own[row["image_key"], one[f]] for f in fields} for one in row[column]]}
            for row in table.iter_rows(named=True)
        ]
        return pl.DataFrame(rows, schema=table.schema)

    tables = {
        "detections": made.detections(truth),
        "masks": made.masks(truth, cut),
        "attributes": made.attributes(truth, lambda n, word: word if n % 3 else None),
        "relations": made.relations(truth, lambda n, word: word if n % 3 else None),
    }
    of_model = {
        "detections": backwards,
        "masks": as_model(tables["masks"], "masks", "id"),
        "attributes": as_model(tables["attributes"], "objects", "id"),
        "relations": as_model(tables["relations"], "relations", "subject", "object"),
    }
    assert of_model["masks"]["masks"][0][0]["id"].startswith("model-")
    back = renamed(of_model, names)
    assert {name: back[name].equals(tables[name]) for name in ("masks", "attributes", "relations")} == {
        "masks": True, "attributes": True, "relations": True,
    }  # fmt: skip
    plain = measure(truth, tables, lexicon=Lexicon.load())
    same = measure(truth, back, lexicon=Lexicon.load())
    assert same.figures().equals(plain.figures())
    assert plain.summary()["attributes"]["attribute_precision"] == 1
    assert plain.summary()["depth_maps"] is None


def test_size_of_another_picture_is_not_compared(tmp_path: Path, truth: pl.DataFrame) -> None:
    images, annotations = made.read(made.rendered_spec(tmp_path, n=2))
    other = annotations.with_columns(
        width=pl.when(pl.int_range(pl.len()) == 0).then(99).otherwise("width").cast(pl.Int32)
    )
    assert comparable(other, images)["image_key"].to_list() == [annotations["image_key"][1]]
