"""The checker on questions about attributes."""

from typing import Any

import pytest

from tests.generators.audit.rows import faults, qa
from tests.generators.scenes import scene

BOX = "[0.00, 0.60, 0.20, 0.80]"
STREET = scene(
    "street",
    [
        ("car", (0, 60, 20, 80), ["red", "small"]),
        ("car", (25, 60, 45, 80), ["blue", "large"]),
        ("dog", (75, 70, 85, 80), ["black", "white"]),
    ],
)


def box(generator: str = "AttributeBBox", **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "answer": "red and small" if generator == "AttributeBBox" else "red",
        "options": ["blue", "red", "green", "white"],
        "index": 1,
        "rests_on": [0],
        "objects": ["car"],
        "attributes": ["red", "small"] if generator == "AttributeBBox" else ["red"],
        **changes,
    }
    slots = given.pop("slots", {"label": "car", "box": BOX, "be": "is", "do": "does", "noun": "color"})
    return qa(generator, STREET, slots, **given)


@pytest.mark.parametrize("generator", ["AttributeBBox", "TypedAttributeBBox"])
def test_a_right_attribute_passes(generator: str) -> None:
    assert faults(box(generator), STREET) == set()


@pytest.mark.parametrize("beside", [["blue"], ["blue", "small"], ["blue", "tall"]])
def test_a_size_is_seen_beside_another_only(beside: list[str]) -> None:
    alone = scene("street", [("car", (0, 60, 20, 80), ["red", "small"]), ("car", (25, 60, 45, 80), beside)])
    assert faults(box(), alone) == {"ambiguous: size_without_comparison"}
    assert faults(box("TypedAttributeBBox"), alone) == set()
    small = {"answer": "small", "options": ["small", "large"], "index": 0, "attributes": ["small"]}
    asked = box("TypedAttributeBBox", slots={**SLOTS, "noun": "size"}, **small)
    assert faults(asked, alone) == {"ambiguous: size_without_comparison"}
    assert faults(asked, STREET) == set()


def test_the_noun_fits_label_and_value() -> None:
    row = scene("hair", [("hair", (0, 60, 20, 80), ["long"]), ("road", (40, 60, 60, 80), ["wide"])])
    given: dict[str, Any] = {"answer": "long", "objects": ["hair"], "attributes": ["long"], "rests_on": [0]}
    slots = {"label": "hair", "box": BOX, "be": "is", "do": "does"}

    def found(noun: str) -> set[str]:
        return faults(qa("TypedAttributeBBox", row, {**slots, "noun": noun}, **given), row)

    assert found("length") == set()
    assert found("size") == {"ungrammatical: noun_of_category"}
    assert found("width") == {"ungrammatical: noun_of_category"}


SLOTS = {"label": "car", "box": BOX, "be": "is", "do": "does", "noun": "color"}


@pytest.mark.parametrize(
    ("generator", "changes", "reason"),
    [
        ("AttributeBBox", {"answer": "blue and small"}, "wrong: attribute_false"),
        ("AttributeBBox", {"answer": "red"}, "wrong: answer_incomplete"),
        ("AttributeBBox", {"index": 0}, "wrong: chosen_option_false"),
        ("AttributeBBox", {"options": ["small", "red"]}, "ambiguous: second_option_true"),
        ("AttributeBBox", {"options": ["large", "red"]}, "leaking: options_of_several_categories"),
        ("AttributeBBox", {"options": ["frobbed", "red"]}, "ambiguous: option_not_provably_false"),
        ("AttributeBBox", {"options": ["dark red", "red"]}, "ambiguous: option_not_provably_false"),
        ("AttributeBBox", {"rests_on": [1]}, "wrong: evidence_of_other_objects"),
        ("AttributeBBox", {"slots": {**SLOTS, "box": "[0.75, 0.70, 0.85, 0.80]"}}, "wrong: nothing_in_that_box"),
        ("AttributeBBox", {"slots": {**SLOTS, "box": "[0.01, 0.60, 0.20, 0.80]"}}, "wrong: nothing_in_that_box"),
        ("AttributeBBox", {"slots": {**SLOTS, "label": "dog"}}, "wrong: nothing_in_that_box"),
        ("AttributeBBox", {"slots": {**SLOTS, "do": "do"}}, "ungrammatical: agreement"),
        ("TypedAttributeBBox", {"answer": "small"}, "wrong: attribute_false"),
        ("TypedAttributeBBox", {"slots": {**SLOTS, "noun": "material"}}, "wrong: attribute_false"),
        ("TypedAttributeBBox", {"options": ["red", "small"], "index": 1}, "wrong: chosen_option_false"),
    ],
)
def test_each_fault_is_named(generator: str, changes: dict[str, Any], reason: str) -> None:
    assert reason in faults(box(generator, **changes), STREET)


def test_a_value_that_goes_with_another_of_the_object_is_not_false() -> None:
    row = scene("a", [("chair", (0, 60, 20, 80), ["black", "silver"])])
    slots = {"label": "chair", "box": BOX, "be": "is", "do": "does"}
    asked = qa(
        "AttributeBBox", row, slots, answer="black and silver", options=["white", "black"], index=1, rests_on=[0],
        objects=["chair"], attributes=["black", "silver"],
    )  # fmt: skip
    assert faults(asked, row) == {"ambiguous: option_not_provably_false"}


def test_two_things_in_one_printed_box() -> None:
    row = scene("a", [("car", (0, 60, 20, 80), ["red"]), ("car", (0.2, 60, 20, 80), ["red"])])
    slots = {"label": "car", "box": BOX, "be": "is", "do": "does"}
    asked = qa("AttributeBBox", row, slots, answer="red", rests_on=[0], objects=["car"], attributes=["red"])
    assert faults(asked, row) == {"ambiguous: same_printed_box"}


def test_the_answer_in_the_label_leaks() -> None:
    row = scene("a", [("red car", (0, 60, 20, 80), ["red"])])
    slots = {"label": "red car", "box": BOX, "be": "is", "do": "does"}
    asked = qa("AttributeBBox", row, slots, answer="red", rests_on=[0], objects=["red car"], attributes=["red"])
    assert faults(asked, row) == {"leaking: answer_in_question"}


def count(things: Any, phrase: str, answer: str, having: list[int], *, complete: bool = False, **more: Any) -> set[str]:
    row = scene("a", things, complete=complete)
    given: dict[str, Any] = {"objects": [things[0][0]], "attributes": ["red"], "counts": [len(having)], **more}
    asked = qa("ExistsAttribute", row, {"attributed_plural": phrase}, answer=answer, rests_on=having, **given)
    return faults(asked, row)


A, B, C = (0, 0, 10, 10), (30, 30, 40, 40), (60, 60, 70, 70)


@pytest.mark.parametrize(
    ("things", "phrase", "having"),
    [
        ([("car", A, ["red"]), ("car", B, ["blue"])], "red cars", [0]),
        (
            [("car", A, ["red", "small"]), ("car", B, ["blue", "large"]), ("car", C, ["red", "small"])],
            "small red cars",
            [0, 2],
        ),
        ([("dog", A, ["white", "sitting"]), ("dog", B, ["black", "standing"])], "white dogs that are sitting", [0]),
        ([("cat", A, ["black", "white"]), ("dog", B, [])], "black and white cats", [0]),
        ([("car", A, ["light blue"]), ("car", B, ["red"])], "light blue cars", [0]),
    ],
)
def test_counts_of_attributes(things: Any, phrase: str, having: list[int]) -> None:
    assert count(things, phrase, str(len(having)), having) == set()
    assert "wrong: count_differs" in count(things, phrase, str(len(having) + 1), having)


@pytest.mark.parametrize(
    ("things", "complete", "reasons"),
    [
        ([("car", A, ["red"]), ("car", B, [])], False, {"ambiguous: attribute_of_other_objects_unknown"}),
        ([("car", A, ["red"]), ("car", B, [])], True, set()),
        ([("car", A, ["red"]), ("car", B, ["dark red"])], True, {"ambiguous: attribute_of_other_objects_unknown"}),
    ],
)
def test_absence_must_be_proven(things: Any, complete: bool, reasons: set[str]) -> None:
    assert count(things, "red cars", "1", [0], complete=complete) == reasons


def test_a_carried_value_does_not_deny_another_carried_one() -> None:
    things = [("car", A, ["black", "parked"]), ("car", B, ["black", "white"])]
    assert count(things, "parked black cars", "1", [0]) == {"ambiguous: attribute_of_other_objects_unknown"}
