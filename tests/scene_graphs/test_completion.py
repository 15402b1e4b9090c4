"""What models say of objects beside what humans said: nothing human is lost or contradicted, nothing is said twice."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.schema import ATTRIBUTES, RELATIONS
from provision_dagster.scene_graphs.completion import add_attributes, add_relations
from provision_dagster.scene_graphs.integrity import graph_rules
from provision_dagster.scene_graphs.schema import ANNOTATIONS
from provision_dagster.storage.contract import problems

Said = dict[str, list[str]]
Related = list[tuple[str, str | None, str]]


def picture(
    *things: tuple[str, list[str]], key: str = "a", relations: list[tuple[int, str, int]] | None = None, **fields: Any
) -> pl.DataFrame:
    """One annotated picture: things h0, h1, ... with label and attributes."""
    objects = [
        {"id": f"h{n}", "label": label, "box": {"x1": 10.0 * n, "y1": 0.0, "x2": 10.0 * n + 8, "y2": 9.0},
         "attributes": attributes, "is_group": False, "points": [], "mirrored": []}
        for n, (label, attributes) in enumerate(things)
    ]  # fmt: skip
    said = [{"subject": s, "predicate": p, "object": o, "score": None} for s, p, o in relations or []]
    row = {
        "shard": "s-00000", "image_set": "s", "image_key": key, "width": 100, "height": 100, "objects": objects,
        "relations": said, "captions": [], "regions": [], "exhaustive_labels": [], "exhaustive_attributes": False,
        "exhaustive_relations": False, "provenance": {"objects": "human:x"},
    }  # fmt: skip
    return pl.DataFrame([{**row, **fields}], schema=ANNOTATIONS)


def row(key: str, error: str | None) -> dict[str, Any]:
    return {
        "shard": "s-00000", "part": "00000", "image_set": "s", "image_key": key, "image_id": key, "asked": "0",
        "model": "m@1", "config": "{}", "error": error,
    }  # fmt: skip


def described(said: Said, *, key: str = "a", error: str | None = None) -> pl.DataFrame:
    """What a model says of the objects of one picture."""
    objects = [{"id": name, "attributes": words, "said": ", ".join(words)} for name, words in said.items()]
    return pl.DataFrame([{**row(key, error), "objects": objects}], schema=ATTRIBUTES)


def related(pairs: Related, *, key: str = "a", error: str | None = None) -> pl.DataFrame:
    """What a model says of pairs of objects of one picture."""
    names = ("subject", "predicate", "object", "score", "said")
    relations = [dict(zip(names, (s, p, o, 0.9, p or "none"), strict=True)) for s, p, o in pairs]
    return pl.DataFrame([{**row(key, error), "relations": relations}], schema=RELATIONS)


def attributes_of(table: pl.DataFrame, number: int = 0) -> list[list[str]]:
    return [thing["attributes"] for thing in table["objects"][number]]


def relations_of(table: pl.DataFrame, number: int = 0) -> list[tuple[int, str, int]]:
    return [(r["subject"], r["predicate"], r["object"]) for r in table["relations"][number]]


@pytest.mark.parametrize(
    ("label", "human", "model", "expected"),
    [
        ("cup", [], ["red", "wooden"], ["red", "wooden"]),
        ("cup", [], ["Red", " red ", "grey"], ["gray", "red"]),  # one form, once
        ("cup", ["red"], ["blue"], ["red"]),  # contradicts
        ("cup", ["red"], ["dark red"], ["red"]),  # says no more than the human did
        ("cup", ["red"], ["wooden"], ["red", "wooden"]),  # of another category
        ("cup", ["small"], ["big", "white"], ["small", "white"]),
        ("person", [], ["person", "human", "young"], ["young"]),  # its own names
        ("poodle", [], ["dog", "white"], ["white"]),  # its kind
        ("cup", [], ["", "  "], []),
        ("cup", ["red"], [], ["red"]),
    ],
)  # fmt: skip
def test_attributes_beside_those_of_humans(label: str, human: list[str], model: list[str], expected: list[str]) -> None:
    table = add_attributes(picture((label, human)), described({"h0": model}), lexicon=Lexicon.load())
    assert attributes_of(table) == [expected]
    changed = expected != human
    assert table["provenance"][0]["attributes"] == ("m@1" if changed else None)


def test_who_said_it() -> None:
    lexicon = Lexicon.load()
    both = {"objects": "human:x", "attributes": "human:x", "relations": "human:x"}
    one = picture(("cup", ["red"]), ("table", []), ("dog", []), relations=[(0, "on", 1)], provenance=both)
    table = add_attributes(one, described({"h1": ["wooden"]}), lexicon=lexicon)
    table = add_relations(table, related([("h2", "under", "h1")]))
    assert attributes_of(table) == [["red"], ["wooden"], []]
    assert relations_of(table) == [(0, "on", 1), (2, "under", 1)]
    assert [r["score"] for r in table["relations"][0]] == [None, 0.9]
    told = table["provenance"][0]
    assert (told["attributes"], told["relations"], told["objects"]) == ("human:x + m@1", "human:x + m@1", "human:x")


@pytest.mark.parametrize(
    ("human", "model", "expected"),
    [
        ([], [("h0", "on", "h1")], [(0, "on", 1)]),
        ([(0, "on", 1)], [("h0", "under", "h1"), ("h1", "under", "h0")], [(0, "on", 1)]),  # a human related the pair
        ([(0, "on", 1)], [("h2", "Near ", "h1")], [(0, "on", 1), (2, "near", 1)]),
        ([], [("h0", None, "h1"), ("h0", " ", "h2")], []),  # no predicate
        ([], [("h0", "on", "gone"), ("gone", "on", "h1"), ("h1", "on", "h1")], []),  # nothing dangles
        ([], [("h0", "on", "h1"), ("h0", "on", "h1"), ("h0", "near", "h1")], [(0, "on", 1), (0, "near", 1)]),
    ],
)  # fmt: skip
def test_relations_beside_those_of_humans(
    human: list[tuple[int, str, int]], model: Related, expected: list[tuple[int, str, int]]
) -> None:
    table = add_relations(picture(("cup", []), ("table", []), ("dog", []), relations=human), related(model))
    assert relations_of(table) == expected
    assert table["provenance"][0]["relations"] == ("m@1" if expected != human else None)


def test_where_humans_listed_all_nothing_is_added() -> None:
    whole = picture(("cup", []), ("table", []), exhaustive_attributes=True, exhaustive_relations=True)
    assert add_attributes(whole, described({"h0": ["red"]}), lexicon=Lexicon.load()).equals(whole)
    assert add_relations(whole, related([("h0", "on", "h1")])).equals(whole)


def test_failed_pictures_and_others() -> None:
    rows = pl.concat([picture(("cup", []), ("dog", []), key=key) for key in ("a", "b", "c")])
    said = pl.concat([described({"h0": ["red"]}, key="c"), described({"h0": ["red"]}, key="b", error="lost")])
    seen = pl.concat([related([("h1", "near", "h0")], key="c"), related([("h0", "on", "h1")], key="a", error="lost")])
    table = add_relations(add_attributes(rows, said, lexicon=Lexicon.load()), seen)
    assert [attributes_of(table, n) for n in range(3)] == [[[], []], [[], []], [["red"], []]]
    assert [relations_of(table, n) for n in range(3)] == [[], [], [(1, "near", 0)]]
    assert table.head(2).equals(rows.head(2))


WORDS = st.sampled_from(["red", "blue", "dark red", "wooden", "metal", "small", "large", "Cup", "zorp", "tall", ""])
PREDICATES = st.sampled_from(["on", "under", "near", " Holding", "of", ""])
THINGS = st.lists(st.tuples(st.sampled_from(["cup", "table", "dog", "zorp"]), st.lists(WORDS, max_size=3)), max_size=5)
IDS = st.sampled_from(["h0", "h1", "h2", "h3", "h4", "gone"])


@st.composite
def pictures(draw: st.DrawFn) -> pl.DataFrame:
    things = [(label, sorted({word for word in words if word})) for label, words in draw(THINGS)]
    place = st.integers(0, max(len(things) - 1, 0))
    human = draw(st.lists(st.tuples(place, PREDICATES, place), max_size=3)) if things else []
    flags = {f"exhaustive_{part}": draw(st.booleans()) for part in ("attributes", "relations")}
    return picture(*things, relations=human, **flags)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(pictures(), min_size=1, max_size=3),
    st.dictionaries(IDS, st.lists(WORDS, max_size=4)),
    st.lists(st.tuples(IDS, PREDICATES, IDS), max_size=5),
)
def test_nothing_human_is_lost_and_twice_is_once(rows: list[pl.DataFrame], said: Said, seen: Related) -> None:
    keys = [f"p{n}" for n in range(len(rows))]
    human = pl.concat([one.with_columns(image_key=pl.lit(key)) for one, key in zip(rows, keys, strict=True)])
    attributes = pl.concat([described(said, key=key) for key in [*keys, "unknown"]])
    relations = pl.concat([related(seen, key=key) for key in [*keys, "unknown"]])

    def completed(table: pl.DataFrame) -> pl.DataFrame:
        return add_relations(add_attributes(table, attributes, lexicon=Lexicon.load()), relations)

    once = completed(human)
    assert completed(once).equals(once)
    untouched = pl.exclude("objects", "relations", "provenance")
    assert once.select(untouched).equals(human.select(untouched))
    for before, after in zip(human.iter_rows(named=True), once.iter_rows(named=True), strict=True):
        assert after["relations"][: len(before["relations"])] == before["relations"]
        pairs = {frozenset((r["subject"], r["object"])) for r in before["relations"]}
        for new in after["relations"][len(before["relations"]) :]:
            assert not before["exhaustive_relations"]
            assert frozenset((new["subject"], new["object"])) not in pairs
        for thing, same in zip(before["objects"], after["objects"], strict=True):
            assert set(thing["attributes"]) <= set(same["attributes"])
            assert {k: v for k, v in thing.items() if k != "attributes"} == {
                k: v for k, v in same.items() if k != "attributes"
            }
            if before["exhaustive_attributes"]:
                assert same["attributes"] == thing["attributes"]
    assert problems(once, rules=graph_rules(), example=pl.col("image_key")).is_empty()
