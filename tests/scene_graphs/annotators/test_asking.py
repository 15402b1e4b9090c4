"""Which objects and pairs a model is asked about: what humans left open, within limits, each pair once."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.asking import (
    ObjectLimits,
    PairLimits,
    objects_to_describe,
    pairs_to_relate,
)
from provision_dagster.scene_graphs.schema import ANNOTATIONS

Thing = tuple[str, tuple[float, float, float, float]]


def images(*keys: str) -> pl.DataFrame:
    rows = [{"image_set": "s", "image_key": key, "width": 100, "height": 100, "status": "ok"} for key in keys]
    return pl.DataFrame(rows, schema=IMAGES)


def marked(
    *things: Thing, key: str = "a", attributes: dict[int, list[str]] | None = None, **fields: Any
) -> pl.DataFrame:
    """One picture: things 0, 1, ... with label and box."""
    objects = [
        {"id": str(n), "label": label, "box": dict(zip(("x1", "y1", "x2", "y2"), map(float, box), strict=True)),
         "attributes": (attributes or {}).get(n, []), "is_group": n in fields.get("groups", ())}
        for n, (label, box) in enumerate(things)
    ]  # fmt: skip
    said = [{"subject": s, "predicate": "near", "object": o} for s, o in fields.pop("related", ())]
    fields.pop("groups", None)
    row = {"image_set": "s", "image_key": key, "objects": objects, "relations": said}
    return pl.DataFrame([{**row, **fields}], schema=ANNOTATIONS)


def described(table: pl.DataFrame, limits: ObjectLimits | None = None, number: int = 0) -> list[str]:
    found = objects_to_describe(images("a", "b"), table, limits=limits or ObjectLimits())
    return [prompt["id"] for prompt in found["prompts"][number]]


def paired(table: pl.DataFrame, limits: PairLimits | None = None) -> list[tuple[str, str]]:
    found = pairs_to_relate(images("a", "b"), table, lexicon=Lexicon.load(), limits=limits or PairLimits())
    return [(pair["subject"], pair["object"]) for pair in found["pairs"][0]]


SMALL, LARGE, LOW = (0.0, 0.0, 20.0, 20.0), (0.0, 0.0, 60.0, 60.0), (40.0, 40.0, 50.0, 55.0)


def test_objects_without_attributes_the_largest_first() -> None:
    table = marked(("cup", SMALL), ("table", LARGE), ("dog", (0, 0, 50, 50)), attributes={2: ["brown"]})
    assert described(table) == ["1", "0"]
    assert described(table, ObjectLimits(most_objects=1)) == ["1"]
    assert described(table, ObjectLimits(least_side=30)) == ["1"]
    assert described(table, number=1) == []


def test_groups_and_what_humans_listed_wholly_are_not_asked_about() -> None:
    assert described(marked(("books", LARGE), ("cup", SMALL), groups=(0,))) == ["1"]
    assert described(marked(("cup", SMALL), exhaustive_attributes=True)) == []
    assert paired(marked(("books", LARGE), ("cup", SMALL), groups=(0,))) == []
    assert paired(marked(("table", LARGE), ("cup", SMALL), exhaustive_relations=True)) == []


def test_boxes_are_cut_at_the_edges_of_the_picture() -> None:
    table = marked(("cup", (90.0, 50.0, 140.0, 90.0)), ("dog", (70.0, -20.0, 300.0, 400.0)), ("cat", (101, 0, 130, 50)))
    (prompts, _) = objects_to_describe(images("a", "b"), table, limits=ObjectLimits())["prompts"]
    assert prompts.to_list() == [{"id": "1", "label": "dog", "box": {"x1": 70.0, "y1": 0.0, "x2": 100.0, "y2": 100.0}}]


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        ([("cup", SMALL), ("table", LARGE)], [("0", "1")]),  # the smaller is on, in or behind the larger
        ([("table", LARGE), ("cup", SMALL)], [("1", "0")]),
        ([("cup", SMALL), ("man", LARGE)], [("1", "0")]),  # who acts is the subject
        ([("man", LARGE), ("horse", (0, 0, 90, 90))], [("0", "1")]),  # both may act: the smaller
        ([("cup", SMALL), ("table", (80, 80, 100, 100))], []),  # too far apart
        ([("couch", LARGE), ("sofa", (0, 0, 58, 58))], []),  # one thing, marked twice
        ([("cup", LARGE), ("cup", (0, 0, 58, 58))], []),
    ],
)  # fmt: skip
def test_pairs(things: list[Thing], expected: list[tuple[str, str]]) -> None:
    assert paired(marked(*things)) == expected


def test_related_pairs_are_not_asked_for_in_either_order() -> None:
    things = [("cup", SMALL), ("table", LARGE), ("shelf", (20, 0, 90, 60))]
    assert paired(marked(*things, related=[(1, 0)])) == [("1", "2"), ("0", "2")]
    assert paired(marked(*things, related=[(0, 1), (2, 1), (0, 2)])) == []


def test_overlapping_and_near_pairs_first_and_only_their_objects() -> None:
    things = [("cup", (0.0, 0.0, 20.0, 20.0)), ("plate", (2.0, 2.0, 24.0, 24.0)), ("shelf", (30.0, 0.0, 60.0, 60.0))]
    limits = PairLimits(most_pairs=1, reach=1)
    found = pairs_to_relate(images("a", "b"), marked(*things), lexicon=Lexicon.load(), limits=limits)
    assert found["pairs"].to_list() == [[{"subject": "0", "object": "1"}], []]
    assert [[prompt["label"] for prompt in prompts] for prompts in found["prompts"]] == [["cup", "plate"], []]
    assert len(paired(marked(*things), PairLimits(reach=1))) == 3
    assert paired(marked(*things), PairLimits(reach=0)) == [("0", "1")]


def test_the_digest_tells_what_is_asked() -> None:
    def digest(table: pl.DataFrame) -> list[str]:
        objects = objects_to_describe(images("a", "b"), table, limits=ObjectLimits())["asked"]
        pairs = pairs_to_relate(images("a", "b"), table, lexicon=Lexicon.load(), limits=PairLimits())["asked"]
        return [*objects, *pairs]

    table = marked(("cup", SMALL), ("table", LARGE))
    first = digest(table)
    assert first == digest(table)
    assert first[1] == digest(marked(("cup", SMALL), key="b"))[0]  # nothing is asked of either
    renamed = digest(marked(("mug", SMALL), ("table", LARGE)))
    assert [a == b for a, b in zip(first, renamed, strict=True)] == [False, True, False, True]
    moved = digest(marked(("cup", (0.0, 0.0, 21.0, 20.0)), ("table", LARGE)))
    assert [a == b for a, b in zip(first, moved, strict=True)] == [False, True, False, True]


BOX = st.tuples(*[st.integers(0, 99)] * 2, *[st.integers(1, 60)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
THING = st.tuples(st.sampled_from(["cup", "man", "table", "zorp"]), BOX)


@settings(max_examples=60, deadline=None)
@given(st.lists(THING, max_size=8), st.integers(1, 10), st.sampled_from([0.0, 0.25, 1.0]))
def test_pairs_are_of_different_objects_near_each_other_and_asked_once(
    things: list[Thing], most: int, reach: float
) -> None:
    pairs = paired(marked(*things), PairLimits(most_pairs=most, reach=reach, least_side=1))
    assert len(pairs) <= most
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    for pair in pairs:
        (_, a), (_, b) = (things[int(name)] for name in pair)
        one, other = np.minimum([a, b], 100)
        gap = np.maximum(0, np.maximum(one[:2], other[:2]) - np.minimum(one[2:], other[2:]))
        diagonal = np.mean([np.hypot(*(box[2:] - box[:2])) for box in (one, other)])
        assert pair[0] != pair[1]
        assert np.hypot(*gap) <= reach * diagonal + 1e-9
