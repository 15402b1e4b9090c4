"""Average precision and rank correlation, on what can be worked out by hand."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.found import Detections, to_png
from provision_dagster.scene_graphs.annotators.quality import (
    depth_agreement,
    depth_quality,
    detection_quality,
    mask_quality,
    true_masks,
)
from provision_dagster.scene_graphs.annotators.schema import DEPTH_MAPS, MASKS
from provision_dagster.scene_graphs.rle import encode_mask
from provision_dagster.scene_graphs.schema import ANNOTATIONS, SCENE_GRAPHS


def truth(**images: list[tuple[str, list[float], bool]]) -> pl.DataFrame:
    rows = [
        {
            "image_key": key,
            "width": 100,
            "height": 100,
            "objects": [
                {"label": label, "box": dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)), "is_group": group}
                for label, box, group in things
            ],
        }
        for key, things in images.items()
    ]
    names = ("image_key", "width", "height", "objects")
    return pl.DataFrame(rows, schema={name: SCENE_GRAPHS[name] for name in names})


def found(*things: tuple[str, list[float], float]) -> Detections:
    return Detections(
        np.array([box for _, box, _ in things], dtype=np.float64).reshape(-1, 4),
        [label for label, _, _ in things],
        np.array([score for *_, score in things]),
    )


CUP, DOG = [10.0, 10.0, 50.0, 50.0], [60.0, 60.0, 90.0, 90.0]


def test_what_is_marked_is_perfect() -> None:
    marked = truth(a=[("cup", CUP, False), ("dog", DOG, False)], b=[("cup", DOG, False)])
    quality = detection_quality(
        marked, {"a": found(("cup", CUP, 0.9), ("dog", DOG, 0.2)), "b": found(("cup", DOG, 0.5))}
    )
    assert (quality.ap, quality.ap50) == pytest.approx((1, 1))
    assert quality.by_label.select("label", "objects").rows() == [("cup", 2), ("dog", 1)]


def test_a_loose_box_counts_at_low_overlaps_alone() -> None:
    loose = [10.0, 10.0, 50.0, 38.0]  # overlap 28 / 40 = .70: right at .50, .55, .60, .65, .70
    quality = detection_quality(truth(a=[("cup", CUP, False)]), {"a": found(("cup", loose, 0.9))})
    assert quality.ap50 == pytest.approx(1)
    assert quality.ap == pytest.approx(0.5)


def test_what_is_not_found_not_known_or_not_real() -> None:
    marked = truth(a=[("cup", CUP, False)], b=[("cup", CUP, False)])
    assert detection_quality(marked, {}).ap == 0
    half = detection_quality(
        marked, {"a": found(("cup", CUP, 0.9), ("unicorn", CUP, 0.99)), "z": found(("cup", CUP, 1))}
    )
    assert half.ap == pytest.approx(51 / 101)  # recall .5 of 101 points 0, .01, ... 1
    worse = detection_quality(marked, {"a": found(("cup", DOG, 0.95), ("cup", CUP, 0.9))})
    assert worse.ap == pytest.approx(51 / 101 / 2)


def test_groups_are_neither_hits_nor_misses() -> None:
    marked = truth(a=[("cup", CUP, False), ("cup", DOG, True)])
    assert detection_quality(marked, {"a": found(("cup", DOG, 0.95), ("cup", CUP, 0.9))}).ap == pytest.approx(1)
    only = detection_quality(truth(a=[("cup", CUP, False), ("dog", DOG, True)]), {"a": found(("cup", CUP, 0.9))})
    assert only.ap == pytest.approx(1)
    assert only.by_label.filter(label="dog")["ap"].to_list() == [None]


def test_no_marks_is_an_error() -> None:
    with pytest.raises(InputError, match="no object to compare with"):
        detection_quality(truth(a=[]), {})


def test_order_of_depth_is_what_counts() -> None:
    near = np.arange(12.0).reshape(3, 4)
    assert depth_agreement(near, near**3) == pytest.approx(1)
    assert depth_agreement(near, -near) == pytest.approx(-1)
    holes = near.copy()
    holes[0] = np.nan
    wrong_there = near.copy()
    wrong_there[0] = [99, 5, 70, -3]
    assert depth_agreement(holes, wrong_there) == pytest.approx(1)
    assert np.isnan(depth_agreement(near, np.ones((3, 4))))
    with pytest.raises(InputError, match="one shape"):
        depth_agreement(near, near.T)


def test_true_masks_of_a_file_and_inline(tmp_path: Path) -> None:
    left, nothing = np.zeros((10, 20), dtype=bool), np.zeros((10, 20), dtype=bool)
    left[:, :10] = True
    np.save(tmp_path / "masks.npy", np.stack([left, nothing]))
    inline = encode_mask(np.asfortranarray(~left, dtype=np.uint8))
    box = dict.fromkeys(("x1", "y1", "x2", "y2"), 1.0)
    things = [
        {"id": id_, "label": "cup", "box": box, "mask_rle": rle}
        for id_, rle in zip("abc", (None, None, inline), strict=True)
    ]
    uri = f"{tmp_path / 'masks.npy'}#objects=0,1&of=2"
    size = {"image_set": "s", "width": 20, "height": 10}
    rows = [{"image_key": "1", "objects": things, "mask_uri": uri, **size}]
    rows.append({"image_key": "2", "objects": things, "mask_uri": str(tmp_path / "gone.npy"), **size})
    marked = pl.DataFrame(rows, schema=ANNOTATIONS)
    assert true_masks(marked).select("image_key", "id").sort("image_key", "id").rows() == [
        ("1", "a"), ("1", "c"), ("2", "c"),
    ]  # fmt: skip
    made = [{"id": id_, "mask_rle": inline, "score": 1.0} for id_ in "abc"]
    masks = pl.DataFrame([{"image_key": key, "masks": made} for key in "12"], schema=MASKS)
    quality = mask_quality(marked, masks.with_columns(error=pl.when(image_key="2").then(pl.lit("failed"))))
    assert quality is not None
    assert quality.by_object.sort("id").rows() == [("1", "a", "cup", 0.0), ("1", "c", "cup", 1.0)]
    assert mask_quality(marked, masks.with_columns(error=pl.lit("failed"))) is None


def test_a_depth_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    closeness = np.arange(12, dtype=np.uint16).reshape(3, 4)
    np.save(tmp_path / "depth.npy", closeness)
    rows = [
        {"image_key": name, "width": 4, "height": 3, "depth_uri": str(tmp_path / f"{name}.npy")}
        for name in ("depth", "gone")
    ]
    maps = [{"image_key": name, "closeness": to_png(closeness)} for name in ("depth", "gone")]
    quality = depth_quality(pl.DataFrame(rows, schema=ANNOTATIONS), pl.DataFrame(maps, schema=DEPTH_MAPS))
    assert quality is not None
    assert quality.by_picture["spearman"].to_list() == pytest.approx([1, None])
    assert "gone.npy" in quality.by_picture["error"][1]
    assert quality.spearman == pytest.approx(1)
    assert quality.ranks["truth"].to_list() == quality.ranks["found"].to_list() == [n / 11 for n in range(12)]
