"""CloserObject, FartherObject and the two that compare with an anchor, checked against the depth of the objects."""

import re
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generators.pictured import ask, block, make, pictured, reasons, same_whatever_the_order
from tests.generators.scenes import LABELS, graphs, scene

FAMILY = ("CloserObject", "FartherObject", "CloserToAnchorObject", "FartherToAnchorObject")
MARGIN = 50


def apart(*things: tuple[str, float], spread: float = 4, span: float | None = 255, **rest: Any) -> dict[str, Any]:
    """Things side by side, each with its depth."""
    boxes = [(10 * n, 10, 10 * n + 10, 30) for n in range(len(things))]
    row = scene("a", [(label, box, []) for (label, _), box in zip(things, boxes, strict=True)], **rest)
    for one, (_, depth) in zip(row["objects"], things, strict=True):
        one |= {"mask_area": 9, "depth": statistics(depth, spread=spread)}
    return row | {"depth_span": span}


def statistics(depth: float, *, spread: float) -> dict[str, float]:
    return {"p25": depth - spread / 2, "p50": depth, "p75": depth + spread / 2, "mode": depth}


def answers(row: dict[str, Any], *, of: str, **rest: Any) -> list[tuple[str, ...]]:
    """(anchor, answer, other) of each question."""
    found = []
    for qa in ask(row, of=of, **rest).qa.iter_rows(named=True):
        true, false = qa["options"][qa["answer_index"]], qa["options"][1 - qa["answer_index"]]
        assert qa["answer"] == true
        assert len(qa["options"]) == 2
        labels = {one["id"]: one["label"] for one in row["objects"]}
        named = [labels[name] for name in qa["evidence"]["object_ids"]]
        assert named[-2:] == [true, false]
        assert sorted(qa["metadata"]["objects"]) == sorted(named)
        assert all(re.search(rf"\bthe {name}\b", qa["question"]) for name in named)
        found.append(tuple(named))
    return sorted(found)


def test_two_things() -> None:
    row = apart(("cup", 200.0), ("dog", 100.0))
    for rules in ("strict", "paper"):
        assert answers(row, of="CloserObject", rules=rules) == [("cup", "dog")]
        assert answers(row, of="FartherObject", rules=rules) == [("dog", "cup")]


def test_from_the_outer_one_of_the_closer_pair_strict_rules_ask() -> None:
    for depths in ((10.0, 60.0, 200.0), (200.0, 150.0, 10.0)):
        row = apart(*zip(("cup", "dog", "car"), depths, strict=True))
        assert answers(row, of="CloserToAnchorObject") == [("cup", "dog", "car")]
        assert answers(row, of="FartherToAnchorObject") == [("cup", "car", "dog")]


def test_from_either_of_the_closer_pair_paper_rules_ask() -> None:
    row = apart(("cup", 10.0), ("dog", 60.0), ("car", 200.0))
    found = {answers(row, of="CloserToAnchorObject", rules="paper", seed=seed)[0] for seed in range(20)}
    assert found == {("cup", "dog", "car"), ("dog", "cup", "car")}


@pytest.mark.parametrize(
    ("row", "pairs", "triples"),
    [
        (apart(("cup", 150.0), ("dog", 100.0)), {"candidate": 1, "margin": 1}, {}),
        (apart(("cup", 149.0), ("dog", 100.0)), {}, {}),
        (apart(("cup", 160.0), ("dog", 100.0), spread=60), {"candidate": 1, "spread_in_depth": 1}, {}),
        (apart(("cup", 160.0), ("dog", 100.0), spread=59), {"candidate": 1, "kept": 1}, {}),
        (apart(("man", 160.0), ("person", 100.0)), {"candidate": 1, "ambiguous_label": 1}, {}),
        (apart(("cup", 160.0), ("cup", 100.0)), {}, {}),
        (apart(("cup", 0.6), ("dog", 0.3), ("car", 0.3), span=1, spread=0), {"candidate": 2, "kept": 2}, None),
        (apart(("cup", 60.0), ("dog", 0.0), ("car", 120.0)), {"candidate": 3, "kept": 3}, {}),
        (apart(("cup", 60.0), ("dog", 0.0), ("car", 170.0)), None, {"candidate": 1, "margin": 1}),
        (apart(("cup", 60.0), ("dog", 0.0), ("car", 171.0)), None, {"candidate": 1, "kept": 1}),
        (apart(("cup", 60.0), ("dog", 0.0), ("car", 190.0), spread=70), None, {"candidate": 1, "spread_in_depth": 1}),
        (apart(("cup", 160.0), ("dog", 10.0), span=None), {}, {}),
    ],
)
def test_funnel(row: dict[str, Any], pairs: dict[str, int] | None, triples: dict[str, int] | None) -> None:
    for expected, names in ((pairs, FAMILY[:2]), (triples, FAMILY[2:])):
        for name in names:
            assert expected is None or reasons(ask(row, of=name)) == expected


def test_boxes_that_overlap_are_not_compared() -> None:
    row = apart(("cup", 200.0), ("dog", 100.0))
    row["objects"][1]["box"]["x1"] = 9.0
    assert answers(row, of="CloserObject") == []
    row["objects"][1]["box"]["y1"] = 30.0
    row["objects"][1]["box"]["y2"] = 40.0
    assert answers(row, of="CloserObject") == [("cup", "dog")]


def test_strict_rules_go_by_the_median() -> None:
    row = apart(("cup", 200.0), ("dog", 100.0))
    row["objects"][0]["depth"]["mode"] = 20.0
    assert answers(row, of="CloserObject", rules="paper") == [("dog", "cup")]
    assert answers(row, of="CloserObject") == [("cup", "dog")]


def test_nothing_to_compare() -> None:
    bare = apart(("cup", 200.0), ("dog", 100.0), ("car", 10.0))
    for one in bare["objects"]:
        one |= {"mask_area": None, "depth": None}
    masks = pictured("c", ["cup", "dog"], [block(0, 0, 50, 50), block(60, 60, 90, 90)])
    for rules in ("strict", "paper"):
        for table in (graphs(bare, scene("b", []), masks), graphs(scene("b", [])), graphs()):
            made = make(table, *FAMILY, rules=rules)
            assert made.qa.is_empty()
            assert reasons(made) == {}


def check(qa: dict[str, Any], row: dict[str, Any]) -> None:
    """Compare medians as the words of the question say."""
    by_label = {one["label"]: one for one in row["objects"]}
    true, false = qa["options"][qa["answer_index"]], qa["options"][1 - qa["answer_index"]]
    rest = [name for name in qa["metadata"]["objects"] if name not in (true, false)]
    depth = {name: by_label[name]["depth"] for name in (true, false, *rest)}
    value = {name: d["p50"] for name, d in depth.items()}
    if rest:
        value = {name: -abs(v - value[rest[0]]) for name, v in value.items()}
    lead = (value[true] - value[false]) * (1 if qa["generator"].startswith("Closer") else -1)
    assert lead > row["depth_span"] * MARGIN / 255
    assert all(lead > d["p75"] - d["p25"] for d in depth.values())
    for one, two in combinations([by_label[name]["box"] for name in depth], 2):
        assert any(one[f"{s}2"] <= two[f"{s}1"] or two[f"{s}2"] <= one[f"{s}1"] for s in "xy")
    assert len([one for one in row["objects"] if one["label"] in depth]) == len(depth) == len(rest) + 2
    if rest:
        # in any unit that keeps the order of depths: from the anchor on, the closer one comes first
        raw = [depth[name]["p50"] for name in (rest[0], true, false)]
        anchor, near, far = raw if qa["generator"].startswith("Closer") else (raw[0], raw[2], raw[1])
        assert anchor <= near < far or anchor >= near > far


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_depths(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from([*LABELS, "lamp", "clock", "kite"]), min_size=2, max_size=9))
    scale = data.draw(st.sampled_from([1.0, 0.01]))
    things = [(name, data.draw(st.integers(0, 255)) * scale) for name in names]
    row = apart(*things, spread=data.draw(st.integers(0, 90)) * scale, span=255 * scale)
    for one in row["objects"]:
        one["depth"]["mode"] += data.draw(st.integers(-20, 20)) * scale
        one["box"]["x2"] += data.draw(st.sampled_from([0, 0, 5]))
    for qa in make(graphs(row), *FAMILY).qa.iter_rows(named=True):
        check(qa, row)


def test_order_of_the_input_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(4):
        depths = rng.integers(0, 255, 6).astype(float)
        row = apart(*zip(("cup", "dog", "car", "lamp", "clock", "kite"), depths, strict=True))
        rows.append(row | {"image_id": f"{number:032x}"})
    table = graphs(*rows)
    same_whatever_the_order(table, *FAMILY)
    assert set(make(table, *FAMILY).qa["generator"]) == set(FAMILY)
    assert make(table, *FAMILY).qa.filter(pl.col("answer_index").is_null()).is_empty()
