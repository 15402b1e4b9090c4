"""The checker on questions about objects: right ones pass, each fault has its reason."""

from typing import Any

import pytest

from tests.generators.audit.rows import faults, qa
from tests.generators.scenes import scene

STREET = scene(
    "street",
    [
        ("car", (0, 60, 20, 80), ["red"]),
        ("car", (25, 60, 45, 80), ["blue"]),
        ("dog", (75, 70, 85, 80), ["brown"]),
        ("tree", (88, 10, 99, 60), ["green"]),
        ("bird", (60, 2, 66, 8), ["black"]),
        ("bird", (40, 2, 46, 8), ["black"]),
        ("bird", (20, 2, 26, 8), ["black"]),
    ],
)


def cars(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "answer": "2",
        "options": ["1", "2", "3", "4"],
        "index": 1,
        "rests_on": [0, 1],
        "objects": ["car"],
        "counts": [2],
        **changes,
    }
    return qa("ExistsObject", STREET, {"plural": "cars"}, **given)


def test_a_right_count_passes() -> None:
    assert faults(cars(), STREET) == set()
    assert faults(cars(answer="two", options=["one", "two", "five", "three"]), STREET) == set()


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"answer": "3"}, {"wrong: count_differs", "wrong: forms_differ"}),
        ({"index": 0}, {"wrong: chosen_option_false", "ambiguous: second_option_true", "wrong: forms_differ"}),
        ({"index": 4}, {"wrong: index_out_of_range", "ambiguous: second_option_true"}),
        ({"index": None}, {"wrong: index_out_of_range", "ambiguous: second_option_true"}),
        ({"options": []}, {"wrong: index_without_options"}),
        ({"options": ["1", "2", "two", "4"]}, {"ambiguous: second_option_true"}),
        ({"options": ["1", "2", "3", "3"]}, {"ambiguous: options_repeat"}),
        ({"options": ["1", "2", "3", "4", "5"]}, {"wrong: number_of_options"}),
        ({"options": ["many", "2"]}, set()),
        ({"rests_on": [0]}, {"wrong: evidence_incomplete"}),
        ({"rests_on": [0, 1, 2]}, {"wrong: evidence_of_other_objects"}),
        ({"objects": ["dog"]}, {"wrong: metadata_objects"}),
        ({"counts": [3]}, {"wrong: metadata_counts"}),
    ],
)
def test_each_fault_of_a_count_is_named(changes: dict[str, Any], reasons: set[str]) -> None:
    assert faults(cars(**changes), STREET) == reasons


BOX, FAR = (0, 0, 20, 20), (50, 50, 70, 70)


@pytest.mark.parametrize(
    ("things", "options", "reason"),
    [
        ([("man", BOX, []), ("person", FAR, [])], {}, "ambiguous: related_label_present"),
        ([("man", BOX, []), ("person", FAR, [])], {"exhaustive": ["man", "person"]}, None),
        ([("man", BOX, []), ("men", FAR, [])], {}, "ambiguous: related_label_present"),
        ([("man", BOX, []), ("dog", FAR, [])], {"groups": (0,)}, "ambiguous: group_box"),
        ([("man", BOX, []), ("man", (0, 0, 20, 21), [])], {}, "ambiguous: box_marked_twice"),
        ([("man", BOX, []), ("man", (0, 0, 20, 21), [])], {"exhaustive": ["man"]}, None),
        ([("man", BOX, []), ("man", FAR, [])], {}, None),
    ],
)
def test_a_count_must_be_provable(things: Any, options: dict[str, Any], reason: str | None) -> None:
    row = scene("a", things, **options)
    same = [n for n, (label, _, _) in enumerate(things) if label == "man"]
    given: dict[str, Any] = {"rests_on": same, "objects": ["man"], "counts": [len(same)]}
    asked = qa("ExistsObject", row, {"plural": "men"}, answer=str(len(same)), **given)
    found = {f for f in faults(asked, row) if f.startswith("ambiguous")} - {"ambiguous: label_not_countable"}
    assert found == ({reason} if reason else set())


def test_a_part_of_an_annotated_whole_is_not_counted() -> None:
    row = scene("a", [("truck", BOX, []), ("tire", (0, 15, 4, 20), [])])
    asked = qa("ExistsObject", row, {"plural": "tires"}, answer="1", rests_on=[1], objects=["tire"], counts=[1])
    assert any(f.startswith("ambiguous") for f in faults(asked, row))


def test_a_singular_gives_the_count_away() -> None:
    row = qa("ExistsObject", STREET, {"plural": "car"}, answer="2", rests_on=[0, 1], objects=["car"], counts=[2])
    assert "leaking: singular_asked_for_a_count" in faults(row, STREET)


def most(generator: str = "MostObject", **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "answer": "bird",
        "options": ["dog", "bird", "car"],
        "index": 1,
        "rests_on": [0, 1, 2, 4, 5, 6],
        "objects": ["dog", "bird", "car"],
        "counts": [3],
        **changes,
    }
    slots = {"candidates": "the dog, the bird or the car"}
    return qa(generator, STREET, slots, **given)


def test_most_and_least() -> None:
    assert faults(most(), STREET) == set()
    assert faults(most("LeastObject", answer="dog", index=0, counts=[1]), STREET) == set()
    assert "wrong: chosen_option_false" in faults(most("LeastObject"), STREET)
    assert "wrong: chosen_option_false" in faults(most(answer="car", index=2, counts=[2]), STREET)
    assert "wrong: forms_differ" in faults(most(answer="car"), STREET)
    assert "wrong: candidates_are_not_the_options" in faults(most(options=["bird", "dog", "car"], index=0), STREET)


def test_an_equal_count_is_a_second_true_option() -> None:
    row = scene("a", [("car", BOX, []), ("car", FAR, []), ("dog", BOX, []), ("dog", FAR, []), ("cup", FAR, [])])
    asked = qa(
        "MostObject", row, {"candidates": "the car, the dog or the cup"}, answer="car", options=["car", "dog", "cup"],
        index=0, rests_on=[0, 1, 2, 3, 4], objects=["car", "dog", "cup"], counts=[2],
    )  # fmt: skip
    assert faults(asked, row) == {"ambiguous: second_option_true"}


def side(generator: str, answer: str, row: dict[str, Any] | None = None) -> set[str]:
    options = ["dog", "tree", "cup"]
    asked_of = row or scene(
        "b", [("dog", (5, 40, 20, 60), []), ("tree", (30, 0, 50, 30), []), ("cup", (70, 70, 90, 95), [])]
    )
    asked = qa(
        generator, asked_of, {"candidates": "the dog, the tree or the cup"}, answer=answer, options=options,
        index=options.index(answer), rests_on=[0, 1, 2], objects=options,
    )  # fmt: skip
    return faults(asked, asked_of)


@pytest.mark.parametrize(
    ("generator", "answer"),
    [("LeftMostObject", "dog"), ("RightMostObject", "cup"), ("TopMostObject", "tree"), ("BottomMostObject", "cup")],
)
def test_sides(generator: str, answer: str) -> None:
    assert side(generator, answer) == set()
    for other in {"dog", "tree", "cup"} - {answer}:
        assert "wrong: chosen_option_false" in side(generator, other)


@pytest.mark.parametrize(
    ("things", "reason"),
    [
        ([("dog", (5, 0, 20, 9), []), ("tree", (18, 0, 50, 9), []), ("cup", (70, 0, 90, 9), [])], "boxes_overlap"),
        ([("dog", (5, 0, 7, 9), []), ("tree", (8, 0, 50, 9), []), ("cup", (70, 0, 90, 9), [])], "margin"),
        (
            [("dog", (5, 0, 9, 9), []), ("tree", (20, 0, 50, 9), []), ("cup", (70, 0, 90, 9), []), ("dog", BOX, [])],
            "label_not_unique",
        ),
        (
            [("dog", (5, 0, 9, 9), []), ("tree", (20, 0, 50, 9), []), ("cup", (70, 0, 90, 9), []), ("animal", BOX, [])],
            "related_label_present",
        ),
    ],
)
def test_sides_need_margins_and_names(things: Any, reason: str) -> None:
    assert side("LeftMostObject", "dog", scene("c", things)) == {f"ambiguous: {reason}"}
