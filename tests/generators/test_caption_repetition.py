"""Captions say nothing twice, and no verb that is none."""

from typing import Any

import pytest

from provision_dagster.generators.audit.frame import audit_frame
from provision_dagster.generators.generate import Settings, generate
from tests.generators.scenes import Thing, graphs, lexicon, scene, vocabulary

LEFT, RIGHT = (0, 0, 20, 90), (40, 0, 60, 90)


def caption(things: list[Thing], relations: list[tuple[int, str, int]]) -> str:
    table = graphs(scene("a", things, relations))
    settings = Settings(mode="full")
    qa = generate(
        table, vocabulary=vocabulary(table), lexicon=lexicon(), settings=settings, generators=["SceneGraphCaption"]
    ).qa
    assert audit_frame(qa, table, lexicon=lexicon()).reasons == {}
    (answer,) = qa["answer"]
    return str(answer)


@pytest.mark.parametrize(
    ("predicates", "said"),
    [
        (("on", "on top of"), ("on top of",)),
        (("under", "running under"), ("running under",)),
        (("near", "next to"), ("next to",)),
        (("in", "on"), ("in",)),
        (("near", "behind"), ("behind", "near")),  # neither tells the other
        (("next to", "to the left of"), ("next to", "to the left of")),
        (("near", "under", "running under"), ("running under",)),
    ],
)
def test_of_two_predicates_the_one_that_implies_the_other_is_said(predicates: Any, said: tuple[str, ...]) -> None:
    things: list[Thing] = [("cable", LEFT, []), ("desk", RIGHT, [])]
    text = caption(things, [(0, p, 1) for p in predicates])
    assert sorted(text.count(f" is {p} ") for p in said) == [1] * len(said)
    assert text.count(" is ") == len(said)


def test_what_is_said_of_another_pair_stays() -> None:
    things: list[Thing] = [("cable", LEFT, []), ("desk", RIGHT, []), ("lamp", (70, 0, 90, 90), [])]
    text = caption(things, [(0, "running under", 1), (0, "under", 2)])
    assert " is running under a desk" in text
    assert " is under a lamp" in text


def test_people_and_animals_are_with_each_other_and_nothing_else_is() -> None:
    assert "is with" in caption([("woman", LEFT, []), ("dog", RIGHT, [])], [(0, "with", 1)])
    assert "with" not in caption([("woman", LEFT, []), ("hair", RIGHT, ["black"])], [(0, "with", 1)])
    assert "with" not in caption([("table", LEFT, []), ("cup", RIGHT, [])], [(0, "with", 1)])


@pytest.mark.parametrize(
    ("attribute", "predicate", "said"),
    [("swinging", "swinging", False), ("sitting", "sitting on", False), ("swinging", "holding", True)],
)
def test_an_attribute_that_the_verb_says_too_is_left_out(attribute: str, predicate: str, said: bool) -> None:
    things: list[Thing] = [("batter", LEFT, ["white", attribute]), ("bat", RIGHT, ["brown"])]
    text = caption(things, [(0, predicate, 1)])
    assert "white" in text
    assert text.count(attribute) == 1
    assert (attribute in text.split(predicate)[0]) == said
