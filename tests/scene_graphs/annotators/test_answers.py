"""What models answer, well-formed and not, and what is read in it."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.answer_text import first_words
from provision_dagster.scene_graphs.annotators.attribute_answers import parse_attributes
from provision_dagster.scene_graphs.annotators.predicate_answers import Predicate, parse_predicate
from provision_dagster.scene_graphs.annotators.vlm_words import AttributeWords, PredicateWords

LEXICON = Lexicon.load()
ATTRIBUTES = AttributeWords(None, lexicon=LEXICON)
PREDICATES = PredicateWords(None, lexicon=LEXICON)

LISTS = [
    ("red, shiny, wooden", ["red", "shiny", "wooden"]),
    ("Red and shiny.", ["red", "shiny"]),
    ("red/white & shiny", ["red", "white", "shiny"]),
    ('["red", "Shiny"]', ["red", "shiny"]),
    ("['red', 'shiny']", ["red", "shiny"]),
    ('```json\n{"attributes": ["red", "shiny"]}\n```', ["red", "shiny"]),
    ('Here is the list: ["red", "shiny"]. I hope this helps!', ["red", "shiny"]),
    ('{"color": "red", "material": ["metal"], "doors": 4}', ["red", "metal"]),
    ('{"red": true, "blue": false}', ["red"]),
    ("- red\n- shiny\n* wooden\n• new", ["red", "shiny", "wooden", "new"]),
    ("1. Red\n2) shiny\n(3) wooden", ["red", "shiny", "wooden"]),
    ("a) red b", ["red b"]),
    ("Color: red\nMaterial: wood", ["red", "wood"]),
    ("**Color**: red; **material**: wood", ["red", "wood"]),
    ("The car is red, shiny and made of metal.", ["red", "shiny", "made of metal"]),
    ("It's grey. It has a round shape.", ["gray", "round"]),
    ("The object appears to be mostly red in color", ["red"]),
    ("red (clearly visible), tall", ["red", "tall"]),
    ("red, red, RED, ' red '", ["red"]),
    ("car, red car, cars, the car", ["red"]),
    ("<think>Is it blue? No.</think>red", ["red"]),
    ("a  red \t thing", ["red"]),
]
NOTHING = [
    "", " ", ".", ",,,", "none", "None.", "N/A", "[]", "{}", "null", "```\n```",
    "I'm sorry, I cannot see a red, shiny car.", "I can't tell whether it is red or blue", "It might be red",
    "There is no red, blue car", "not red, blue", "neither red, blue nor green", "car", "The car.",
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), LISTS)
def test_attributes_in_many_forms(text: str, found: list[str]) -> None:
    assert parse_attributes(text, label="car") == found


@pytest.mark.parametrize("text", NOTHING)
def test_answers_without_attributes(text: str) -> None:
    assert parse_attributes(text, label="car", words=ATTRIBUTES.known) == []


def test_what_follows_a_denial_is_not_said() -> None:
    assert parse_attributes("red, shiny, not wooden, new", label="car") == ["red", "shiny"]
    assert parse_attributes("It is red. It is not wooden. It is new.", label="car") == ["red", "new"]


def test_the_end_of_what_was_cut_off_is_not_said() -> None:
    assert parse_attributes("red, light", label="car", complete=False) == ["red"]
    assert parse_attributes('["red", "lig', label="car", complete=False) == ["red"]
    assert parse_attributes("red", label="car", complete=False) == []


def test_words_of_the_vocabulary_stay_whole() -> None:
    text = "looking up, bright and sunny and new"
    assert parse_attributes(text, label="sky", words=ATTRIBUTES.known) == ["looking up", "bright", "sunny", "new"]
    assert parse_attributes("bright and sunny", label="sky", words=ATTRIBUTES.known) == ["bright and sunny"]
    assert parse_attributes(text, label="sky") == ["up", "bright", "sunny", "new"]


words = st.lists(st.sampled_from(sorted(ATTRIBUTES.known)), unique=True, max_size=8)


@settings(deadline=None)
@given(words, st.sampled_from(["{}", "- {}", "plain"]))
def test_a_list_of_the_vocabulary_comes_back(said: list[str], form: str) -> None:
    text = ", ".join(said) if form == "plain" else "\n".join(form.format(one) for one in said)
    assert parse_attributes(text, label="zeppelin", words=ATTRIBUTES.known) == said
    assert parse_attributes(json.dumps({"attributes": said}), label="zeppelin", words=ATTRIBUTES.known) == said


@settings(deadline=None)
@given(st.text(max_size=200) | st.recursive(st.text(max_size=9), st.lists, max_leaves=9).map(json.dumps), st.text())
def test_any_text_is_read(text: str, label: str) -> None:
    found = parse_attributes(text, label=label)
    assert len(found) == len(set(found))
    assert all(word == word.strip() and word and "," not in word for word in found)
    # words of the vocabulary that were not said are not found
    (kept,) = ATTRIBUTES.kept([parse_attributes(text, label=label, words=ATTRIBUTES.known)], most=8)
    assert set(kept) <= set(LEXICON.attributes(kept).filter("known")["attribute"])


def test_of_two_that_contradict_neither_is_kept() -> None:
    answers = [["red", "blue", "shiny"], ["red", "light blue"], ["red", "light red", "tall"], ["open", "closed", "new"]]
    assert ATTRIBUTES.kept(answers, most=8) == [["shiny"], [], ["red", "light red", "tall"], ["new"]]


def test_unknown_words_are_dropped_and_synonyms_named_alike() -> None:
    assert ATTRIBUTES.kept([["frobbed", "grey", "gray", "made of wood", "nice", "two"]], most=8) == [["gray", "wooden"]]
    assert ATTRIBUTES.kept([["red", "shiny", "tall"]], most=2) == [["red", "shiny"]]
    assert ATTRIBUTES.kept([], most=2) == []


def test_a_vocabulary_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("Grey\ngray\nfrobbed\nmade of wood\n")
    own = AttributeWords(file, lexicon=LEXICON)
    assert own.words == ["frobbed", "gray", "made of wood"]
    assert own.kept([["grey", "wooden", "frobbed", "red"]], most=8) == [["gray", "made of wood", "frobbed"]]
    assert own.name != ATTRIBUTES.name


SAID = [
    ("on top of", "on top of"),
    ("On.", "on"),
    ("'on'", "on"),
    ("is sitting on", "sitting on"),
    ("The cat is on top of the table.", "on top of"),
    ("a cat on a table", "on"),
    ("cats on tables", "on"),
    ("on the table", "on"),
    ("on the", "on"),
    ("holding it", "holding"),
    ("They are next to each other", "next to"),
    ("to the left of", "to the left of"),
    ("cat -> on -> table", "on"),
    ("(cat, on, table)", "on"),
    ("cat | on | table", "on"),
    ('["cat", "on", "table"]', "on"),
    ('{"predicate": "on"}', "on"),
    ('{"subject": "cat", "predicate": "sitting on", "object": "table"}', "sitting on"),
    ('```json\n{"relation": "on"}\n```', "on"),
    ("The cat in the red box is sitting on the table in the blue box.", "sitting on"),
    ("The red box is above the blue box", "above"),
    ("Predicate: **on**", "on"),
    ("1. on\n2. near", "on"),
    ("The cat is lying on the table, sleeping. It looks calm.", "lying on"),
    ("<think>next to?</think>\n\non", "on"),
]
UNSAID = [
    "", ".", "none", "None.", "no relation", "There is no relation between them.", "unrelated", "N/A", "null", "[]",
    "{", "The cat is not on the table", "I'm sorry, I can't say", "cat", "table", "the cat and the table?!7",
    "under the cat", "the table holds something",
    "The relation between the cat and the table is one of mutual and quiet respect",
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), SAID)
def test_predicates_in_many_forms(text: str, found: str) -> None:
    assert parse_predicate(text, subject="cat", object="table") == Predicate(found)


@pytest.mark.parametrize("text", UNSAID)
def test_answers_without_a_predicate(text: str) -> None:
    assert parse_predicate(text, subject="cat", object="table") is None


@pytest.mark.parametrize("text", ["The table is under the cat.", "(table, under, cat)", "table under cat"])
def test_what_is_said_the_other_way_round(text: str) -> None:
    assert parse_predicate(text, subject="cat", object="table") == Predicate("under", turned=True)


def test_two_things_of_one_name() -> None:
    assert parse_predicate("A person next to a person", subject="person", object="person") == Predicate("next to")
    assert parse_predicate("next to the person", subject="person", object="person") == Predicate("next to")


def test_a_name_within_a_name() -> None:
    found = parse_predicate("The table lamp is on the table.", subject="table lamp", object="table")
    assert found == Predicate("on")


def test_a_predicate_that_was_cut_off_is_not_said() -> None:
    assert parse_predicate("in", subject="cat", object="table", complete=False) is None


@settings(deadline=None)
@given(st.sampled_from(PREDICATES.words))
def test_predicates_of_the_vocabulary_come_back(said: str) -> None:
    for text in (said, said.capitalize() + ".", json.dumps({"predicate": said})):
        found = parse_predicate(text, subject="zeppelin", object="gnu", words=PREDICATES.known)
        assert found == Predicate(said)


@settings(deadline=None)
@given(st.text(max_size=200) | st.recursive(st.text(max_size=9), st.lists, max_leaves=9).map(json.dumps), st.text())
def test_any_text_may_be_a_predicate(text: str, name: str) -> None:
    found = parse_predicate(text, subject=name, object="table")
    assert found is None or (found.text and found.text == found.text.strip() and "\n" not in found.text)


def test_synonyms_need_no_model() -> None:
    assert PREDICATES.exact(["sits on", "on", "frobs"]) == {"sits on": "sitting on", "on": "on"}
    assert PREDICATES.inverse(["under", "on"]) == {"under": "over"}


def test_answers_are_kept_short() -> None:
    assert first_words(["a\n b", "x" * 9], most=5) == ["a b", "xxxxx"]
