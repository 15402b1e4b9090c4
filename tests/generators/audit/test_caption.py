"""The checker on captions: everything that is said must hold, all at once."""

import pytest

from tests.generators.audit.rows import faults, qa
from tests.generators.scenes import scene

ROOM = scene(
    "room",
    [
        ("cup", (10, 20, 20, 30), ["red", "small"]),
        ("table", (0, 28, 40, 60), ["wooden"]),
        ("man", (70, 0, 80, 60), ["tall"]),
        ("dog", (50, 60, 60, 80), ["black"]),
        ("dog", (85, 60, 95, 80), ["white"]),
        ("lamp", (40, 0, 45, 10), []),
        ("lamp", (30, 0, 35, 10), []),
        ("trees", (0, 0, 10, 20), ["green"]),
    ],
    [(0, "on", 1), (3, "next to", 2), (4, "looking at", 2), (2, "holding", 0)],
)
EVERY = list(range(8))
LABELS = ["cup", "table", "man", "dog", "lamp", "trees"]


def caption(text: str) -> set[str]:
    return faults(qa("SceneGraphCaption", ROOM, {}, answer=text, rests_on=EVERY, objects=LABELS), ROOM)


@pytest.mark.parametrize(
    "text",
    [
        "A small red cup is on a wooden table.",
        "A tall man is holding a cup. The cup is on a table.",
        "The dog on the left is black and is next to a man. The dog on the right is looking at the man.",
        "The first dog is next to a man. The second dog is white and is looking at the man.",
        "The image shows a cup, two lamps and some green trees.",
        "A cup is on a table. The image also shows a black dog, a white dog and two lamps.",
    ],
)
def test_true_captions(text: str) -> None:
    assert caption(text) == set()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A small blue cup is on a wooden table.", "wrong: caption_unreadable"),
        ("A cup is under a table.", "wrong: caption_unreadable"),
        ("A table is on a cup.", "wrong: caption_false"),
        ("A dog is holding a cup.", "wrong: caption_false"),
        ("The first dog is next to a man. The first dog is looking at the man.", "wrong: caption_false"),
        ("The dog on the left is white and is next to a man.", "wrong: caption_false"),
        ("The dog on the right is next to a man. The dog on the left is looking at the man.", "wrong: caption_false"),
        ("The image shows three lamps.", "wrong: caption_unreadable"),
        ("The image shows two lamps and a lamp.", "wrong: caption_counts_too_many"),
        ("The image shows a horse.", "wrong: caption_unreadable"),
        ("A cup are on a table.", "ungrammatical: caption_agreement"),
        ("A cup is is on a table.", "ungrammatical: caption_doubled_word"),
        ("", "wrong: caption_unreadable"),
    ],
)
def test_false_captions(text: str, reason: str) -> None:
    assert reason in caption(text)


STREET = scene(
    "street",
    [
        ("batter", (0, 0, 20, 90), ["swinging", "white"]),
        ("bat", (20, 0, 40, 40), ["brown"]),
        ("cable", (50, 0, 60, 9), []),
        ("desk", (50, 5, 90, 90), []),
    ],
    [(0, "swinging", 1), (0, "with", 1), (2, "under", 3), (2, "running under", 3), (2, "near", 3)],
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A white batter is swinging a brown bat.", set()),
        ("A white batter that is swinging is swinging a bat.", {"ungrammatical: caption_says_it_twice"}),
        ("A batter is with a brown bat.", {"ungrammatical: caption_with_as_a_verb"}),
        ("A cable is running under a desk and is under the desk.", {"ungrammatical: caption_says_it_twice"}),
        ("A cable is under a desk and is near the desk.", set()),
    ],
)
def test_captions_say_nothing_twice(text: str, expected: set[str]) -> None:
    row = qa(
        "SceneGraphCaption", STREET, {}, answer=text, rests_on=range(4), objects=["batter", "bat", "cable", "desk"]
    )
    assert faults(row, STREET) == expected


def test_the_number_of_a_group_is_not_known() -> None:
    shelf = scene("shelf", [("book", (0, 0, 9, 40), []), ("book", (20, 0, 90, 40), [])], groups=(1,))
    given = {"rests_on": [0, 1], "objects": ["book"]}
    assert "wrong: caption_unreadable" in faults(
        qa("SceneGraphCaption", shelf, {}, answer="The image shows two books.", **given), shelf
    )
