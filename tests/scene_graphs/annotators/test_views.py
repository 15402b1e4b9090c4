"""What models are shown: places of pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageColor

from provision_dagster.scene_graphs.annotators.found import Asked
from provision_dagster.scene_graphs.annotators.views import BLUE, LEAST_SIDE, RED, object_views, pair_views, window
from provision_dagster.scene_graphs.annotators.vlm_configs import View


def picture(*, height: int = 100, width: int = 200) -> np.ndarray:
    """Each pixel says where it is."""
    y, x = np.mgrid[:height, :width]
    return np.stack([np.zeros_like(x), y, x], axis=2).astype(np.uint8)


def asked(*boxes: tuple[float, float, float, float], pairs: tuple[tuple[int, int], ...] = ()) -> Asked:
    return Asked(picture(), np.array(boxes, dtype=np.float64).reshape(-1, 4), ["thing"] * len(boxes), pairs)


def test_a_crop_has_the_object_and_its_surroundings() -> None:
    (view,) = object_views(asked((60, 20, 100, 60)), view=View(margin=0.25))
    assert view.size == (60, 60)
    assert np.array_equal(np.asarray(view), picture()[10:70, 50:110])


def test_a_crop_ends_with_the_picture() -> None:
    (view,) = object_views(asked((-5, 0, 195, 100)), view=View(margin=1.0))
    assert view.size == (200, 100)


def test_large_views_are_scaled_down() -> None:
    (view,) = object_views(asked((0, 0, 200, 100)), view=View(longest_side=50))
    assert view.size == (50, 25)


def places_of(view: np.ndarray, color: str) -> tuple[int, int, int, int]:
    """Box around the pixels of a color."""
    y, x = np.nonzero((view == ImageColor.getrgb(color)).all(axis=2))
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


def test_a_marked_view_is_the_picture_with_a_red_box_around_the_object() -> None:
    given = asked((60, 20, 100, 60))
    (view,) = object_views(given, view=View(view="marked"))
    pixels = np.asarray(view)
    assert pixels.shape == picture().shape
    assert places_of(pixels, RED) == (58, 18, 102, 62)
    # neither the object nor the picture that was given is drawn upon
    assert np.array_equal(pixels[20:60, 60:100], picture()[20:60, 60:100])
    assert np.array_equal(given.picture, picture())
    (crop,) = object_views(given, view=View(view="crop"))
    assert RED not in {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in crop.getcolors(1 << 24)}


def test_a_pair_is_the_subject_in_red_and_the_object_in_blue() -> None:
    given = asked((20, 20, 40, 40), (80, 30, 120, 60), (150, 50, 160, 60), pairs=((0, 1), (1, 0), (2, 1)))
    first, second, third = (np.asarray(view) for view in pair_views(given, view=View(margin=0.1)))
    # the crop begins at 10, 0: union of 20 .. 120, 20 .. 60 and 10 pixels of surroundings
    assert places_of(first, RED) == (8, 8, 32, 32)
    assert places_of(first, BLUE) == (68, 18, 112, 52)
    assert places_of(second, BLUE) == places_of(first, RED)
    assert places_of(second, RED) == places_of(first, BLUE)
    assert third.shape != first.shape
    assert [np.asarray(view).shape for view in pair_views(given, view=View(view="marked"))] == [(100, 200, 3)] * 3


def test_boxes_follow_the_scale() -> None:
    given = asked((40, 40, 80, 80), (120, 60, 160, 100), pairs=((0, 1),))
    (view,) = pair_views(given, view=View(view="marked", longest_side=100))
    left, top, right, bottom = places_of(np.asarray(view), RED)
    assert (left, top, right, bottom) == (18, 18, 42, 42)


def test_a_picture_without_objects_has_no_views() -> None:
    assert object_views(asked(), view=View()) == []
    assert pair_views(asked((1, 1, 2, 2)), view=View()) == []


sides = st.integers(1, 300)
shares = st.floats(0, 1)


@settings(deadline=None)
@given(sides, sides, st.lists(st.tuples(shares, shares, shares, shares), min_size=1, max_size=3), shares)
def test_a_window_holds_its_boxes_and_lies_in_the_picture(
    width: int, height: int, corners: list[tuple[float, float, float, float]], margin: float
) -> None:
    ends = np.array([[[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners]])[0]
    boxes = ends * [width, height, width, height]
    left, top, right, bottom = window(boxes, width=width, height=height, margin=margin)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert (boxes[:, 0] >= left - 1e-9).all()
    assert (boxes[:, 1] >= top - 1e-9).all()
    assert (boxes[:, 2] <= right + 1e-9).all()
    assert (boxes[:, 3] <= bottom + 1e-9).all()
    assert right - left >= min(width, LEAST_SIDE)
    assert bottom - top >= min(height, LEAST_SIDE)


@pytest.mark.parametrize("box", [(0, 50, 200, 52), (199, 99, 200, 100), (0, 0, 1, 1)])
def test_thin_objects_have_views_that_are_not_thin(box: tuple[float, float, float, float]) -> None:
    (view,) = object_views(asked(box), view=View(margin=0.0))
    assert min(view.size) >= LEAST_SIDE
    assert min(view.size) >= max(view.size) / 5
