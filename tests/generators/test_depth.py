"""CloserPoint and FartherPoint, checked against the depth map."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from provision_dagster.scene_graphs.evidence import RELIEF_RADIUS
from tests.generators.pictured import ask, block, make, pictured, pixel, points_in, reasons, same_whatever_the_order
from tests.generators.scenes import graphs, scene

FAMILY = ("CloserPoint", "FartherPoint")
SIZE = (200, 160)


def seen(folder: Path, key: str, depth: NDArray[Any]) -> dict[str, Any]:
    """A picture with a depth map and a cup in its left half."""
    height, width = depth.shape
    np.save(folder / f"{key}.npy", depth)
    cup = block(0, 0, width // 2, height, size=(width, height))
    return pictured(key, ["cup"], [cup], depth=str(folder / f"{key}.npy"))


def quarters(*values: float, dtype: Any = np.uint8) -> NDArray[Any]:
    """Depth of the four quarters: top left, top right, bottom left, bottom right."""
    return np.kron(np.array(values, dtype=dtype).reshape(2, 2), np.ones((SIZE[1] // 2, SIZE[0] // 2), dtype=dtype))


def check(row: dict[str, Any], depth: NDArray[Any], *, margin: float) -> None:
    """Look the depth up at the printed points and round them."""
    size = (depth.shape[1], depth.shape[0])
    places = [points_in(option)[0] for option in row["options"]]
    assert set(points_in(row["question"])) == set(places)
    assert points_in(row["answer"]) == [places[row["answer_index"]]]
    assert places[0][1] == places[1][1]
    assert places[0][0] + places[1][0] == 100
    values = []
    for place in places:
        x, y = pixel(place, size)
        low, high = (max(v - RELIEF_RADIUS, 0) for v in (x, y)), (v + RELIEF_RADIUS + 1 for v in (x, y))
        (x1, y1), (x2, y2) = low, high
        values.append((float(depth[y, x]), depth[y1:y2, x1:x2].astype(float)))
    (true, near), (false, beside) = values[row["answer_index"]], values[1 - row["answer_index"]]
    sign = 1 if row["generator"] == "CloserPoint" else -1
    assert sign * (true - false) > margin
    assert (sign * near).min() > (sign * beside).max()
    left = [place[0] < 50 for place in places]
    assert row["evidence"]["object_ids"] == ["0"]
    assert row["metadata"]["objects"] == ["cup"]
    assert sum(left) == 1


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize(
    ("depth", "margin"),
    [
        (quarters(200, 100, 100, 200), 50.0),
        (quarters(60000, 9000, 9000, 60000, dtype=np.uint16), 10_000.0),
        (quarters(-0.25, 0.75, 0.75, -0.25, dtype=np.float32), 0.196),
    ],
)
def test_quarters(tmp_path: Path, name: str, depth: NDArray[Any], margin: float) -> None:
    (row,) = ask(seen(tmp_path, "a", depth), of=name).qa.rows(named=True)
    check(row, depth, margin=margin)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (quarters(200, 100, 200, 100), {"candidate": 1, "position_would_tell": 1}),
        (quarters(150, 100, 100, 150), {"candidate": 1, "no_pair_by_margin": 1}),
        (quarters(151, 100, 100, 151), {"candidate": 1, "kept": 1}),
        (quarters(200, 200, 10, 10), {"candidate": 1, "no_pair_by_margin": 1}),
        (quarters(7, 7, 7, 7), {}),
        (quarters(1, 0, np.nan, np.nan, dtype=np.float64), {"candidate": 1, "position_would_tell": 1}),
        (quarters(1, np.nan, 0, np.nan, dtype=np.float64), {"candidate": 1, "no_pair_by_margin": 1}),
        (np.indices((160, 200)).sum(axis=0).astype(np.uint8) % 2 * 255, {"candidate": 1, "no_pair_by_margin": 1}),
    ],
    ids=["one side", "margin", "more than it", "only lower", "flat", "half known", "no pair known", "edges all over"],
)
def test_funnel(tmp_path: Path, depth: NDArray[Any], expected: dict[str, int]) -> None:
    assert reasons(ask(seen(tmp_path, "a", depth), of="CloserPoint")) == expected


@pytest.mark.parametrize("name", FAMILY)
def test_paper_rules_compare_any_two_points(tmp_path: Path, name: str) -> None:
    depth = (np.indices((160, 200)).sum(axis=0) // 4).astype(np.uint8)
    for key in "abcdef":
        (row,) = ask(seen(tmp_path, key, depth), of=name, rules="paper").qa.rows(named=True)
        true, false = (
            float(depth[pixel(points_in(row["options"][n])[0], SIZE)[::-1]])
            for n in (row["answer_index"], 1 - row["answer_index"])
        )
        assert true > false if name == "CloserPoint" else true < false


def test_no_depth() -> None:
    rows = [scene("a", []), scene("b", [("cup", (0, 0, 9, 9), [])]), pictured("c", ["cup"], [block(0, 0, 90, 90)])]
    rows[1]["points"] = None
    for rules in ("strict", "paper"):
        for table in (graphs(*rows), graphs()):
            made = make(table, *FAMILY, rules=rules)
            assert made.qa.is_empty()
            assert reasons(made) == {}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_depth(tmp_path: Path, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16, np.float32]))
    level = st.integers(0, 255) if dtype != np.float32 else st.sampled_from([np.nan, 0.0, 0.1, 0.25, 0.5, 1.0])
    depth = np.full((120, 150), data.draw(st.integers(0, 200)) / (1 if dtype != np.float32 else 200), dtype=dtype)
    for _ in range(data.draw(st.integers(0, 8))):
        x, y = data.draw(st.integers(0, 140)), data.draw(st.integers(0, 110))
        depth[y : y + data.draw(st.integers(5, 90)), x : x + data.draw(st.integers(5, 90))] = data.draw(level)
    span = 255.0 if dtype == np.uint8 else float(np.nanmax(depth)) - float(np.nanmin(depth))
    for row in make(graphs(seen(tmp_path, "a", depth)), *FAMILY).qa.iter_rows(named=True):
        check(row, depth, margin=0.999 * span * 50 / 255)


def test_order_of_the_input_changes_nothing(tmp_path: Path) -> None:
    depth = quarters(200, 100, 100, 200)
    same_whatever_the_order(graphs(*(seen(tmp_path, key, depth) for key in "abcd")), *FAMILY)


def test_neither_side_is_likelier(tmp_path: Path) -> None:
    depth = quarters(200, 100, 100, 200)
    depth[:30] = 20
    table = graphs(*(seen(tmp_path, f"k{n}", depth) for n in range(60)))
    rows = pl.concat([make(table, "CloserPoint", seed=seed).qa for seed in range(10)])
    left = [points_in(answer)[0][0] < 50 for answer in rows["answer"]]
    assert len(left) == 600
    assert abs(np.mean(left) - 0.5) < 0.09
    assert abs(rows["answer_index"].mean() - 0.5) < 0.09  # type: ignore[operator]
