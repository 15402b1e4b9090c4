"""The checker on questions about relations."""

from typing import Any

import pytest

from tests.generators.audit.rows import faults, qa
from tests.generators.scenes import scene

ROOM = scene(
    "room",
    [
        ("cup", (10, 20, 20, 30), []),
        ("table", (0, 28, 40, 60), []),
        ("dog", (60, 70, 80, 90), []),
        ("lamp", (70, 0, 80, 20), []),
    ],
    [(0, "on", 1), (2, "to the right of", 1), (3, "above", 2)],
)


def pair(generator: str = "ExistsRelation", row: dict[str, Any] = ROOM, **changes: Any) -> set[str]:
    given: dict[str, Any] = {
        "answer": "on",
        "options": ["under", "on", "wearing"],
        "index": 1,
        "rests_on": [0, 1],
        "objects": ["cup", "table"],
        "relations": ["on"],
        "slots": {
            "subject_label": "cup",
            "object_label": "table",
            "be": "is",
            "subject_box": "[0.10, 0.20, 0.20, 0.30]",
            "object_box": "[0.00, 0.28, 0.40, 0.60]",
        },
        **changes,
    }
    slots = given.pop("slots")
    return faults(qa(generator, row, slots, **given), row)


@pytest.mark.parametrize("generator", ["ExistsRelation", "RelationBBox"])
def test_a_right_relation_passes(generator: str) -> None:
    assert pair(generator) == set()


@pytest.mark.parametrize("generator", ["ExistsRelation", "RelationBBox"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": "under"}, "wrong: relation_false"),
        ({"answer": "on and under"}, "wrong: relation_false"),
        ({"index": 0}, "wrong: chosen_option_false"),
        ({"options": ["on top of", "on"]}, "ambiguous: option_not_provably_false"),
        ({"options": ["blorking", "on"]}, "ambiguous: option_not_provably_false"),
        ({"relations": ["under"]}, "wrong: metadata_relations"),
        ({"objects": ["cup", "dog"]}, "wrong: metadata_objects"),
        ({"rests_on": [0]}, "wrong: evidence_incomplete"),
    ],
)
def test_each_fault_is_named(generator: str, changes: dict[str, Any], reason: str) -> None:
    assert reason in pair(generator, **changes)


def test_the_pair_is_ordered() -> None:
    slots = {"subject_label": "table", "object_label": "cup", "be": "is"}
    assert "wrong: not_related" in pair(slots=slots)


def test_all_predicates_belong_to_the_open_answer() -> None:
    row = {**ROOM, "relations": [*ROOM["relations"], {"subject": 0, "predicate": "near", "object": 1, "score": None}]}
    assert "wrong: answer_incomplete" in pair(row=row, relations=["near", "on"])
    assert pair(row=row, answer="near and on", relations=["near", "on"], options=["on", "under"], index=0) == {
        "ambiguous: option_not_provably_false"
    }


def test_the_reverse_annotation_makes_an_option_true() -> None:
    row = scene(
        "a",
        [("man", (60, 0, 80, 80), []), ("tree", (0, 0, 20, 80), [])],
        [(0, "looking at", 1), (1, "to the left of", 0)],
    )
    slots = {"subject_label": "man", "object_label": "tree", "be": "is"}
    found = pair(
        row=row, slots=slots, answer="looking at", options=["to the right of", "looking at"], objects=["man", "tree"],
        relations=["looking at"],
    )  # fmt: skip
    assert "ambiguous: second_option_true" in found


def test_the_inverse_is_no_distractor() -> None:
    slots = {"subject_label": "dog", "object_label": "table", "be": "is"}
    found = pair(
        slots=slots, answer="to the right of", options=["to the right of", "to the left of"], index=0, rests_on=[2, 1],
        objects=["dog", "table"], relations=["to the right of"],
    )  # fmt: skip
    assert found == {"ambiguous: inverse_among_options"}


def test_a_part_may_be_on_and_under_its_whole() -> None:
    row = scene("a", [("window", (10, 20, 20, 30), []), ("building", (0, 28, 40, 60), [])], [(0, "on", 1)])
    slots = {"subject_label": "window", "object_label": "building", "be": "is"}
    found = pair(row=row, slots=slots, options=["under", "on"], objects=["window", "building"])
    assert found == {"ambiguous: option_not_provably_false"}


def head(row: dict[str, Any] = ROOM, verb: str = "is on", target: str = "table", **changes: Any) -> set[str]:
    given: dict[str, Any] = {
        "answer": "cup",
        "options": ["cup", "lamp"],
        "index": 0,
        "rests_on": [0, 1],
        "objects": ["cup", "table"],
        "relations": ["on"],
        **changes,
    }
    named = " or ".join(f"the {o}" for o in given["options"])
    return faults(qa("HeadRelation", row, {"verb": verb, "object_label": target, "candidates": named}, **given), row)


def test_a_right_head_passes() -> None:
    assert head() == set()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"answer": "lamp", "index": 1}, "wrong: relation_false"),
        ({"index": 1}, "wrong: chosen_option_false"),
        ({"verb": "is above"}, "wrong: relation_false"),
        ({"verb": "is frobbing"}, "wrong: unknown_relation"),
        ({"verb": "is has"}, "ungrammatical: two_verbs"),
        ({"target": "chair"}, "wrong: nothing_of_that_name"),
        ({"options": ["cup", "bottle"]}, "ambiguous: option_not_provably_false"),
        ({"rests_on": [1]}, "wrong: evidence_incomplete"),
    ],
)
def test_each_fault_of_a_head_is_named(changes: dict[str, Any], reason: str) -> None:
    assert reason in head(**changes)


def test_a_touching_thing_may_stand_on_the_target() -> None:
    row = scene(
        "a",
        [("cup", (10, 20, 20, 30), []), ("table", (0, 28, 40, 60), []), ("lamp", (30, 10, 38, 30), [])],
        [(0, "on", 1)],
    )
    assert head(row) == {"ambiguous: option_not_provably_false"}


def test_another_head_is_a_second_true_option() -> None:
    row = {**ROOM, "relations": [*ROOM["relations"], {"subject": 3, "predicate": "on", "object": 1, "score": None}]}
    assert head(row) == {"ambiguous: second_option_true"}
