"""SameObjectSeg and DiffObjectSeg, checked against the masks."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generators.pictured import (
    Mask,
    ask,
    block,
    make,
    pictured,
    pixel,
    points_in,
    reasons,
    same_whatever_the_order,
)
from tests.generators.scenes import LABELS, graphs, scene

FAMILY = ("SameObjectSeg", "DiffObjectSeg")
CELLS = [block(x, y, x + 50, y + 50) for y in (0, 50, 100, 150) for x in (0, 50, 100, 150)]
NAMES = ["car", "dog", "table", "cup", "lamp", "horse", "bench", "clock", "book", "vase", "kite", "ball", "bus", "cat"]


def grid(key: str, **rest: Any) -> dict[str, Any]:
    """A picture cut into sixteen squares, each a thing."""
    return pictured(key, [*NAMES, "zebra", "truck"], CELLS, **rest)


def check(row: dict[str, Any], masks: list[Mask], picture: dict[str, Any]) -> None:
    """Read the points off the text and look at the masks there."""
    size = (picture["width"], picture["height"])
    options = [points_in(option)[0] for option in row["options"]]
    (anchor,) = set(points_in(row["choice_question"]))
    assert set(points_in(row["question"])) == {anchor, *options}
    assert len({anchor, *options}) == 3
    assert points_in(row["answer"]) == [options[row["answer_index"]]]
    at = {p: {n for n, mask in enumerate(masks) if mask[pixel(p, size)[::-1]]} for p in (anchor, *options)}
    true, false = options[row["answer_index"]], options[1 - row["answer_index"]]
    same, other = (true, false) if row["generator"] == "SameObjectSeg" else (false, true)
    assert at[anchor] <= at[same]
    assert at[other]
    assert not at[other] & (at[anchor] | at[same])
    first, second = map(int, row["evidence"]["object_ids"])
    assert (first in at[anchor], second in at[other]) == (True, True)
    labels = [one["label"] for one in picture["objects"]]
    assert row["metadata"]["objects"] == [labels[first], labels[second]]
    # as far from the anchor along both axes
    ways = [(abs(p[0] - anchor[0]), abs(p[1] - anchor[1])) for p in options]
    assert ways[0] == ways[1]


@pytest.mark.parametrize("name", FAMILY)
def test_squares(name: str) -> None:
    picture = grid("a")
    made = ask(picture, of=name)
    rows = made.qa.rows(named=True)
    assert len(rows) >= 8
    for row in rows:
        check(row, CELLS, picture)
    assert reasons(made)["candidate"] == 16


def test_twins_ask_the_opposite() -> None:
    made = make(graphs(grid("a"), grid("b")), *FAMILY)
    assert set(made.qa["generator"]) == set(FAMILY)
    kept = made.funnel.filter(reason="kept").select("generator", "count").rows()
    assert len({n for _, n in kept}) == 1


def stripes(*labels: str, **rest: Any) -> dict[str, Any]:
    """Five horizontal stripes; the middle one mirrors up and down."""
    masks = [block(0, y, 200, y + 40) for y in range(0, 200, 40)]
    return pictured("a", labels, masks, **rest)


def of_middle(made: pl.DataFrame) -> int:
    """How many questions are about the middle stripe."""
    return made.filter(pl.col("evidence").struct.field("object_ids").list.first() == "2").height


def test_stripes_ask_about_the_middle() -> None:
    assert of_middle(ask(stripes("cup", "dog", "car", "lamp", "vase"), of="SameObjectSeg").qa) == 1


@pytest.mark.parametrize(
    ("labels", "rest", "reason"),
    [
        (("cup", "dog", "trees", "lamp", "vase"), {}, "label_of_several_things"),
        (("cup", "dog", "book", "lamp", "vase"), {}, "label_of_several_things"),  # a whole row of them, often
        (("cup", "dog", "car", "lamp", "vase"), {"groups": (2,)}, "label_of_several_things"),
        (("cup", "shirt", "man", "shirt", "vase"), {"touch": True}, "no_mirrored_point_on_another_object"),
        (("cup", "wheel", "car", "wheel", "vase"), {"touch": True}, "no_mirrored_point_on_another_object"),
        (("cup", "person", "man", "person", "vase"), {"touch": True}, "no_mirrored_point_on_another_object"),
    ],
)
def test_what_may_be_one_thing_is_not_told_apart(labels: tuple[str, ...], rest: dict[str, Any], reason: str) -> None:
    """Boxes that touch do not overlap, so the neighbours' are drawn larger here."""
    touch = rest.pop("touch", False)
    row = stripes(*labels, **rest)
    if touch:
        for place in (1, 3):
            row["objects"][place]["box"] |= {"y1": 0.0, "y2": 200.0}
        for place in (0, 4):
            row["objects"][place]["mirrored"] = []
        row["objects"][2]["mirrored"] = [m for m in row["objects"][2]["mirrored"] if not set(m["inside"]) & {0, 4}]
    made = ask(row, of="SameObjectSeg")
    assert of_middle(made.qa) == 0
    assert reasons(made)[reason] >= 1


def test_relations_tie_things_together() -> None:
    """A point on a "zorble" that the car has may be called a point on the car."""
    labels = ("cup", "dog", "car", "lamp", "vase")
    tied = [(2, "has", place) for place in (0, 1, 3, 4)]
    made = ask(stripes(*labels, relations=tied), of="DiffObjectSeg")
    assert of_middle(made.qa) == 0
    beside = [(2, "near", place) for place in (0, 1, 3, 4)]
    assert of_middle(ask(stripes(*labels, relations=beside), of="DiffObjectSeg").qa) == 1


def test_one_sided_objects_are_left_out() -> None:
    """Of two things side by side the one in the middle is always nearer to it."""
    masks = [block(0, 90, 60, 110), block(60, 90, 120, 110)]
    made = ask(pictured("a", ["cup", "dog"], masks), of="SameObjectSeg")
    assert made.qa.is_empty()
    assert reasons(made) == {"candidate": 2, "position_would_tell": 2}


def test_nothing_is_said_where_a_mask_is_missing() -> None:
    masks: list[Mask | None] = [*CELLS[:-1], None]
    made = ask(pictured("a", [*NAMES, "zebra", "truck"], masks), of="SameObjectSeg")
    assert made.qa.is_empty()
    assert reasons(made) == {"candidate": 15, "no_mirrored_point_on_another_object": 15}


def test_no_masks() -> None:
    for rules in ("strict", "paper"):
        empty = scene("a", [("car", (0, 0, 9, 9), []), ("dog", (20, 20, 30, 30), [])])
        bare = scene("b", [])
        nulls = scene("c", [("car", (0, 0, 9, 9), [])])
        nulls["objects"][0] |= {"points": None, "mirrored": None}
        for table in (graphs(empty, bare, nulls), graphs(bare), graphs()):
            made = make(table, *FAMILY, rules=rules)
            assert made.qa.is_empty()
            assert reasons(made) == {}


def test_many_objects() -> None:
    """Sets of more than 64 objects."""
    masks = [block(x, y, x + 20, y + 20) for y in range(0, 200, 20) for x in range(0, 200, 20)]
    labels = [NAMES[n % len(NAMES)] for n in range(100)]
    picture = pictured("a", labels, masks)
    rows = ask(picture, of="DiffObjectSeg").qa.rows(named=True)
    assert len(rows) > 20
    for row in rows:
        check(row, masks, picture)


@pytest.mark.parametrize("name", FAMILY)
def test_paper_rules_need_points_alone(name: str) -> None:
    masks = [block(0, 0, 100, 200), block(50, 50, 150, 150), block(199, 199, 200, 200)]
    picture = pictured("a", ["trees", "man", "dog"], masks)
    rows = ask(picture, of=name, rules="paper").qa.rows(named=True)
    assert {row["evidence"]["object_ids"][0] for row in rows} == {"0", "1"}
    for row in rows:
        place = int(row["evidence"]["object_ids"][0])
        anchor = points_in(row["choice_question"])[0]
        points = [anchor, *(points_in(o)[0] for o in row["options"])]
        on = [bool(masks[place][pixel(p, (200, 200))[::-1]]) for p in points]
        true = on[1 + row["answer_index"]]
        assert on[0]
        assert sorted(on[1:]) == [False, True]
        assert true is (name == "SameObjectSeg")


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_masks(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([(200, 200), (150, 120), (320, 110)]))
    masks = []
    for _ in range(data.draw(st.integers(2, 12))):
        x, y = (data.draw(st.integers(0, side - 30)) for side in size)
        masks.append(block(x, y, x + data.draw(st.integers(10, 100)), y + data.draw(st.integers(10, 100)), size=size))
    masks += [block(x, y, x + 40, y + 40, size=size) & ~np.any(masks, axis=0) for x in (0, 40, 80) for y in (0, 40, 80)]
    masks = [mask for mask in masks if mask.any()]
    labels = [data.draw(st.sampled_from([*LABELS, *NAMES])) for _ in masks]
    picture = pictured("a", labels, masks)
    table = graphs(picture)
    for seed in (0, 1):
        for row in make(table, *FAMILY, seed=seed).qa.iter_rows(named=True):
            check(row, masks, picture)
            assert labels[int(row["evidence"]["object_ids"][0])] != "trees"


def test_order_of_the_input_changes_nothing() -> None:
    same_whatever_the_order(graphs(*(grid(key) for key in "abcd")), *FAMILY)


def test_neither_side_is_likelier() -> None:
    """The same-object point is as often the higher one, the left one and the one nearer to the middle."""
    table = graphs(*(grid(f"k{n}") for n in range(40)))
    rows = pl.concat([make(table, "SameObjectSeg", seed=seed).qa for seed in range(4)])
    cues = []
    for options, place in rows.select("options", "answer_index").iter_rows():
        true, false = (np.array(points_in(options[n])[0]) for n in (place, 1 - place))
        middle = [((p - 50) ** 2).sum() for p in (true, false)]
        cues.append(
            [
                place == 0,
                *(true < false) + 0.5 * (true == false),
                (middle[0] < middle[1]) + 0.5 * (middle[0] == middle[1]),
            ]
        )
    assert len(cues) > 1000
    assert np.abs(np.mean(cues, axis=0) - 0.5).max() < 0.05
