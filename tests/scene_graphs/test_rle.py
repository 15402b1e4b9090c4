"""Run-length encoding against pycocotools."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.rle import (
    check_rle,
    compress_counts,
    counts_of,
    decode_mask,
    encode_mask,
    encode_polygons,
)

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))


def runs(mask: np.ndarray) -> list[int]:
    flat = mask.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat.astype(int))) + 1
    found = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
    return [0, *found] if flat[0] else found


@settings(deadline=None)
@given(masks)
def test_round_trip(mask: np.ndarray) -> None:
    height, width = mask.shape
    rle = encode_mask(np.asfortranarray(mask.astype(np.uint8)))
    assert counts_of(rle).tolist() == runs(mask)
    assert np.array_equal(decode_mask(rle, width=width, height=height), mask)
    assert compress_counts(runs(mask), width=width, height=height) == rle


def test_long_runs() -> None:
    mask = np.zeros((2000, 3000), bool)
    mask[700:1500, 1000:2900] = True
    rle = encode_mask(np.asfortranarray(mask.astype(np.uint8)))
    assert counts_of(rle).tolist() == runs(mask)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_checked(text: str) -> None:
    try:
        check_rle(text, width=8, height=6)
    except InputError:
        return
    assert decode_mask(text, width=8, height=6).shape == (6, 8)


@settings(deadline=None)
@given(st.text(alphabet=[chr(code) for code in range(48, 112)], max_size=12))
def test_any_likely_text_is_checked(text: str) -> None:
    try:
        check_rle(text, width=8, height=6)
    except InputError:
        return
    assert int(counts_of(text).sum()) == 48
    assert counts_of(text).min() >= 0


def test_polygons_in_the_picture_are_those_of_pycocotools() -> None:
    polygon = [2.5, 1.0, 30.2, 4.0, 20.0, 18.7]
    expected = coco_mask.merge(coco_mask.frPyObjects([polygon], 20, 40))["counts"].decode()
    assert encode_polygons([polygon], width=40, height=20) == expected


def test_polygon_outside_is_moved_to_the_edge() -> None:
    rle = encode_polygons([[-1e8, -1e8, 1e8, -1e8, 1e8, 1e8, -1e8, 1e8]], width=40, height=20)
    assert int(counts_of(rle)[1::2].sum()) == 800


@pytest.mark.parametrize("polygons", [[], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5]], [None], [[1, 2, 3, 4, 5, True]]])
def test_bad_polygon(polygons: list[object]) -> None:
    with pytest.raises(InputError, match="polygon"):
        encode_polygons(polygons, width=40, height=20)
