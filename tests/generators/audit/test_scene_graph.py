"""The checker on questions that describe an object."""

from typing import Any

import pytest

from tests.generators.audit.rows import faults, qa
from tests.generators.scenes import scene

ROOM = scene(
    "room",
    [
        ("cup", (10, 20, 20, 30), ["red", "small", "plastic"]),
        ("table", (0, 28, 40, 60), ["wooden", "white"]),
        ("box", (60, 70, 80, 90), ["red", "large"]),
        ("man", (70, 0, 80, 60), ["tall"]),
        ("hat", (70, 0, 80, 10), ["black"]),
    ],
    [(0, "on", 1), (3, "wearing", 4), (2, "next to", 3)],
)


def ask(generator: str, slots: dict[str, str], *, row: dict[str, Any] = ROOM, **given: Any) -> set[str]:
    return faults(qa(generator, row, slots, **given), row)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("red object that is on the white table", 0),
        ("object that is on the wooden white table", 0),
        ("object that the tall man is wearing", 4),
        ("black object that the man is wearing", 4),
        ("red object that is next to the tall man", 2),
    ],
)
def test_descriptions_are_understood(text: str, place: int) -> None:
    label = ROOM["objects"][place]["label"]
    given: dict[str, Any] = {"rests_on": [place], "objects": [label]}
    assert ask("SceneGraphObjectQA", {"description": text}, answer=label, **given) == set()
    assert "wrong: object_false" in ask("SceneGraphObjectQA", {"description": text}, answer="lamp", **given)


@pytest.mark.parametrize(("text", "place"), [("small red object", 0), ("large red object", 2)])
def test_a_size_compares_things_of_one_kind(text: str, place: int) -> None:
    label = ROOM["objects"][place]["label"]
    given: dict[str, Any] = {"rests_on": [place], "objects": [label]}
    told = {"description": text}
    assert ask("SceneGraphObjectQA", told, answer=label, **given) == {"ambiguous: size_across_kinds"}
    kinds = {2: "cup", 0: "cup"}
    same = scene(
        "cups",
        [(kinds.get(n, o["label"]), tuple(o["box"].values()), o["attributes"]) for n, o in enumerate(ROOM["objects"])],
    )
    given["objects"] = ["cup"]
    assert ask("SceneGraphObjectQA", told, row=same, answer="cup", **given) == set()


def test_two_readings_are_two_objects() -> None:
    ball = scene(
        "ball",
        [
            ("ball", (0, 0, 20, 20), ["blue", "light"]),
            ("woman", (0, 0, 40, 60), []),
            ("plane", (50, 50, 90, 90), ["light blue"]),
        ],
        [(1, "on", 0), (1, "on", 2)],
    )
    photo = scene(
        "photo",
        [
            ("building", (0, 0, 40, 60), ["in photo"]),
            ("photo", (0, 0, 100, 100), ["outdoors"]),
            ("car", (50, 0, 90, 60), []),
        ],
        [(0, "in", 1), (2, "in", 1)],
    )
    for row, text, label in (
        (ball, "light blue object that the woman is on", "ball"),
        (photo, "object that is in photo and that is in the photo that is outdoors", "building"),
    ):
        found = ask("SceneGraphObjectQA", {"description": text}, row=row, answer=label, rests_on=[0], objects=[label])
        assert "ambiguous: description_not_unique" in found
        assert not any(fault.startswith("wrong") for fault in found)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("red object", "ambiguous: description_not_unique"),
        ("red object that is on the box", "wrong: nothing_fits_the_description"),
        ("green object", "wrong: description_unreadable"),
        ("red thing", "wrong: description_unreadable"),
        ("small red object that is the cup", "wrong: description_unreadable"),
    ],
)
def test_faults_of_descriptions(text: str, reason: str) -> None:
    given: dict[str, Any] = {"answer": "cup", "rests_on": [0], "objects": ["cup"]}
    assert reason in ask("SceneGraphObjectQA", {"description": text}, **given)


def test_options_must_not_name_the_object() -> None:
    given: dict[str, Any] = {"answer": "man", "index": 0, "rests_on": [3], "objects": ["man"]}
    slots = {"description": "tall object"}
    assert ask("SceneGraphObjectQA", slots, options=["man", "cup"], **given) == set()
    found = ask("SceneGraphObjectQA", slots, options=["man", "person"], **given)
    assert found == {"ambiguous: option_not_provably_false"}
    assert "wrong: chosen_option_false" in ask(
        "SceneGraphObjectQA", slots, options=["cup", "man"], **{**given, "answer": "cup"}
    )


def test_another_object_may_fit() -> None:
    row = {
        **ROOM,
        "objects": [*ROOM["objects"], {**ROOM["objects"][0], "id": "5", "attributes": ["dark red", "small"]}],
    }
    given: dict[str, Any] = {"answer": "cup", "rests_on": [0], "objects": ["cup"]}
    found = ask("SceneGraphObjectQA", {"description": "small red object"}, row=row, **given)
    assert found == {"ambiguous: description_may_fit_another"}


def test_attribute_of_a_described_object() -> None:
    slots = {"noun": "color", "description": "small object that is on the table"}
    given: dict[str, Any] = {"rests_on": [0], "objects": ["cup"], "attributes": ["red"]}
    assert ask("SceneGraphAttributeQA", slots, answer="red", options=["blue", "red"], index=1, **given) == set()
    assert "wrong: attribute_false" in ask("SceneGraphAttributeQA", slots, answer="blue", **given)
    leaky = {"noun": "color", "description": "small red object"}
    assert "leaking: category_in_the_description" in ask("SceneGraphAttributeQA", leaky, answer="red", **given)


def test_relation_of_described_objects() -> None:
    slots = {"subject_description": "red plastic object", "object_description": "white wooden object"}
    given: dict[str, Any] = {"rests_on": [0, 1], "objects": ["cup", "table"], "relations": ["on"]}
    found = ask("SceneGraphRelationQA", slots, answer="on", options=["under", "on"], index=1, **given)
    assert found == set()
    assert "wrong: relation_false" in ask("SceneGraphRelationQA", slots, answer="under", **given)
    turned = {"subject_description": "white wooden object", "object_description": "red plastic object"}
    assert "wrong: not_related" in ask("SceneGraphRelationQA", turned, answer="on", **given)
    leaky = {**slots, "subject_description": "red object that is on the white table"}
    assert "leaking: description_uses_the_other_end" in ask("SceneGraphRelationQA", leaky, answer="on", **given)
