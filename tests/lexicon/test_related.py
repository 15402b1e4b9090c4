"""Labels that may name the same thing, and parts."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.lexicon import Lexicon
from tests.lexicon.conftest import pairs

RELATED = [
    ("man", "person"),
    ("man", "guy"),
    ("man", "men"),
    ("man", "people"),
    ("boy", "child"),
    ("surfer", "man"),
    ("umpire", "woman"),
    ("crowd", "person"),
    ("bike", "bicycle"),
    ("bike", "motorcycle"),
    ("tv", "television"),
    ("tv", "monitor"),
    ("couch", "sofa"),
    ("airplane", "plane"),
    ("jet", "airplane"),
    ("street", "road"),
    ("car", "taxi"),
    ("car", "truck"),
    ("car", "vehicle"),
    ("suv", "car"),
    ("cup", "mug"),
    ("mug", "glass"),
    ("wine glass", "glass"),
    ("bag", "purse"),
    ("backpack", "bag"),
    ("plate", "dish"),
    ("table", "desk"),
    ("table", "counter"),
    ("jacket", "coat"),
    ("shirt", "sweater"),
    ("dog", "animal"),
    ("puppy", "dog"),
    ("apple", "fruit"),
    ("hat", "cap"),
    ("baseball player", "player"),
    ("wooden table", "table"),
    ("blue zorb", "zorb"),
    ("zorbs", "zorb"),
    ("red zorb", "blue zorb"),
    ("laptop", "laptop is silver."),
    ("see gray desk.", "desk"),
    ("thing", "dog"),
    ("object", "wall"),
    ("tree", "trees"),
    ("sunglasses", "glasses"),
    ("teddy bear", "bear"),
    ("traffic light", "light"),
    ("phone", "cell phone"),
    ("field", "grass"),
]
UNRELATED = [
    ("man", "dog"),
    ("man", "woman"),
    ("dog", "cat"),
    ("car", "tree"),
    ("car", "airplane"),
    ("cup", "fork"),
    ("horse", "dog"),
    ("apple", "banana"),
    ("shirt", "shoe"),
    ("table", "chair"),
    ("bird", "person"),
    ("window", "tree"),
    ("wheel", "man"),
    ("elephant", "giraffe"),
    ("boat", "car"),
    ("laptop", "cup"),
    ("zorb", "car"),
    ("sky", "road"),
    ("arm", "leg"),
]


@pytest.mark.parametrize(("first", "second"), RELATED)
def test_related(lexicon: Lexicon, first: str, second: str) -> None:
    assert pairs(lexicon.related_labels([first, second])) == {(first, second), (second, first)}


@pytest.mark.parametrize(("first", "second"), UNRELATED)
def test_unrelated(lexicon: Lexicon, first: str, second: str) -> None:
    assert pairs(lexicon.related_labels([first, second])) == set()


WORDS = st.sampled_from(Lexicon.load().tables["labels"]["label"].to_list())
UNKNOWN = st.text(alphabet="abe ", min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS | UNKNOWN, min_size=2, max_size=12))
def test_symmetric_and_irreflexive(values: list[str]) -> None:
    lexicon = Lexicon.load()
    found = pairs(lexicon.related_labels(values))
    assert all((b, a) in found and a != b for a, b in found)
    assert {v for pair in found for v in pair} <= set(values)


@settings(max_examples=25, deadline=None)
@given(st.lists(WORDS, min_size=2, max_size=6, unique=True), st.lists(WORDS, max_size=6))
def test_pairs_do_not_depend_on_other_values(values: list[str], more: list[str]) -> None:
    lexicon = Lexicon.load()
    alone = pairs(lexicon.related_labels(values))
    together = pairs(lexicon.related_labels(values + more))
    assert alone == {p for p in together if set(p) <= set(values)}


def test_enough_unrelated_labels_remain(lexicon: Lexicon) -> None:
    values = [
        "man",
        "dog",
        "car",
        "tree",
        "table",
        "shirt",
        "sign",
        "building",
        "cup",
        "plate",
        "bag",
        "window",
        "street",
        "sky",
        "horse",
    ]
    values += ["bus", "pizza", "clock", "bed", "chair"]
    counts = lexicon.related_labels(values).group_by("label").len()
    assert counts["len"].max() <= 4


@pytest.mark.parametrize(
    ("part", "whole", "holds"),
    [
        ("arm", "person", True),
        ("arm", "man", True),
        ("arms", "boys", True),
        ("wheel", "car", True),
        ("wheel", "taxi", True),
        ("leaf", "tree", True),
        ("leaves", "palm tree", True),
        ("branch", "tree", True),
        ("window", "building", True),
        ("window", "bus", True),
        ("head", "dog", True),
        ("trunk", "elephant", True),
        ("wing", "man", False),
        ("wing", "airplane", True),
        ("car", "wheel", False),
        ("arm", "car", False),
        ("zorb", "car", False),
        ("man", "arm", False),
        ("wheel", "tree", False),
    ],
)
def test_parts(lexicon: Lexicon, part: str, whole: str, holds: bool) -> None:
    assert ((part, whole) in pairs(lexicon.part_labels([part, whole]))) == holds


def test_five_thousand_values(lexicon: Lexicon) -> None:
    values = lexicon.tables["labels"]["label"].head(4000)
    values = pl.concat([values, "old " + values.head(1000)])
    found = lexicon.related_labels(values)
    assert found.height > 10_000
    assert found.is_duplicated().sum() == 0


@pytest.mark.parametrize(
    ("label", "other", "forth", "back"),
    [
        ("poodle", "dog", True, False),
        ("tree", "trees", True, True),
        ("wooden table", "table", True, False),
        ("large wooden table", "wooden table", True, False),
        ("wooden table", "furniture", True, False),
        ("wheel", "wheels", True, True),
        ("dog", "thing", True, False),
        ("teddy bear", "bear", False, False),
        ("hot dog", "dog", False, False),
        ("computer", "desk", False, False),
        ("couch", "sofa", False, False),
    ],
)
def test_a_label_implies_its_numbers_and_what_it_is_a_kind_of(
    lexicon: Lexicon, label: str, other: str, forth: bool, back: bool
) -> None:
    found = pairs(lexicon.implied_labels([label, other]))
    assert ((label, other) in found, (other, label) in found) == (forth, back)


def test_synonyms_are_two_words_for_one_kind(lexicon: Lexicon) -> None:
    found = pairs(lexicon.synonym_labels(["couch", "sofa", "computer", "desk", "tv", "television", "man", "player"]))
    assert found == {("couch", "sofa"), ("sofa", "couch"), ("tv", "television"), ("television", "tv")}


def test_what_is_worn_by_whom_and_what_is_marked_in_bunches(lexicon: Lexicon) -> None:
    words = ["book", "red books", "bananas", "dog", "helmet", "baseball uniform", "batter", "shirt", "crowd", "zorb"]
    assert lexicon.bunched_labels(words).to_list() == ["book", "red books", "bananas"]
    assert lexicon.worn_labels(words).to_list() == ["baseball uniform", "helmet", "shirt"]
    assert lexicon.wearer_labels(words).to_list() == ["batter", "crowd"]
    assert lexicon.animate_labels(words).to_list() == ["dog", "batter", "crowd"]


def test_values_have_nouns_of_their_own(lexicon: Lexicon) -> None:
    found = {(group, label): noun for group, _, noun, label in lexicon.value_nouns(["black hair", "man"]).iter_rows()}
    assert found[("extent", "black hair")] == "length"
    assert ("extent", "man") not in found
    assert found[("width", None)] == "width"
