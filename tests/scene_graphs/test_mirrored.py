"""Points on other objects that mirror a point of an object at another."""

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from provision_dagster.scene_graphs.evidence import ObjectEvidence, object_evidence
from provision_dagster.scene_graphs.mirrored import CLEARANCE, LEAST_STEP, PER_SIDE, side_of, with_mirrored

NOTHING = np.zeros((0, 4))


def evidence(masks: NDArray[np.bool_], *, seed: str = "s", unmasked: NDArray[np.float64] = NOTHING) -> list[Any]:
    shown = [n for n in range(len(masks)) if masks[n].any()]
    return with_mirrored(object_evidence(masks, None), masks[shown], places=shown, unmasked=unmasked, seed=seed)


def stripes(*edges: int, side: int = 200) -> NDArray[np.bool_]:
    """Vertical stripes of a square picture, each its own object."""
    masks = np.zeros((len(edges) - 1, side, side), dtype=bool)
    for number, (left, right) in enumerate(pairwise(edges)):
        masks[number, :, left:right] = True
    return masks


def hundredth(pixel: int, side: int) -> int:
    return next(r for r in range(101) if r * side // 100 == pixel)


def check(masks: NDArray[np.bool_], found: list[ObjectEvidence]) -> int:
    """Test every mirrored point against the masks and the meaning of the words; return how many there are."""
    height, width = masks.shape[1:]
    for place, one in enumerate(found):
        sides: dict[int, int] = {}
        for row in one.mirrored:
            anchor, same = (one.points[row[name]] for name in ("anchor", "same"))
            at = [
                (hundredth(p["x"], width), hundredth(p["y"], height))
                for p in (anchor, same, {"x": row["x"], "y": row["y"]})
            ]
            steps = [(x - at[0][0], y - at[0][1]) for x, y in at[1:]]
            assert steps[0] != steps[1]
            assert tuple(map(abs, steps[0])) == tuple(map(abs, steps[1]))
            assert max(map(abs, steps[0])) >= LEAST_STEP
            assert len(set(at)) == 3
            holds = [set(np.flatnonzero(masks[:, p["y"], p["x"]])) for p in (anchor, same, row)]
            assert place in holds[0] <= holds[1]
            assert holds[2] == set(row["inside"]) != set()
            assert not holds[2] & (holds[0] | holds[1])
            for dx in (-CLEARANCE, 0, CLEARANCE):
                for dy in (-CLEARANCE, 0, CLEARANCE):
                    x, y = min(max(row["x"] + dx, 0), width - 1), min(max(row["y"] + dy, 0), height - 1)
                    assert set(np.flatnonzero(masks[:, y, x])) == holds[2]
            side = int(side_of(np.array([at[2]]), np.array([at[1]]))[0])
            sides[side] = sides.get(side, 0) + 1
        assert all(n <= PER_SIDE for n in sides.values())
    return sum(len(one.mirrored) for one in found)


def test_stripes_mirror_into_each_other() -> None:
    masks = stripes(0, 50, 100, 150, 200)
    found = evidence(masks)
    assert check(masks, found) > 20
    assert all(one.mirrored for one in found)
    assert evidence(masks) == found
    assert evidence(masks, seed="other") != found


def test_nothing_mirrors_into_the_background_or_a_shared_mask() -> None:
    masks = np.zeros((2, 200, 200), dtype=bool)
    masks[0, 50:150, 50:150] = True
    assert check(masks, evidence(masks)) == 0
    masks[1] = True
    found = evidence(masks)
    assert found[0].mirrored == []
    assert check(masks, found) == 0


def test_a_box_without_mask_hides_what_it_may_hold() -> None:
    masks = stripes(0, 50, 100, 150, 200)
    found = evidence(masks, unmasked=np.array([[0.0, 0.0, 200.0, 100.0]]))
    assert check(masks, found) > 0
    assert all(row["y"] >= 100 for one in found for row in one.mirrored)


def test_masks_without_pixels() -> None:
    masks = stripes(0, 50, 50, 200)
    found = evidence(masks)
    assert found[1].mirrored == []
    assert check(masks, found) > 0
    assert evidence(masks[1:2])[0].mirrored == []
    assert evidence(masks[:0]) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.integers(0, 120)] * 2, st.integers(5, 120), st.integers(5, 120)),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([(150, 110), (97, 211), (60, 40)]),
)
def test_any_boxes(boxes: list[tuple[int, int, int, int]], size: tuple[int, int]) -> None:
    masks = np.zeros((len(boxes), size[1], size[0]), dtype=bool)
    for mask, (x, y, width, height) in zip(masks, boxes, strict=True):
        mask[y : y + height, x : x + width] = True
    check(masks, evidence(masks))
