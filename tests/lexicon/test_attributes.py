"""Categories, contradictions and kinds of attributes."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.lexicon import Lexicon
from tests.lexicon.conftest import pairs

CONTRADICT = [
    ("blue", "red"),
    ("light blue", "red"),
    ("navy", "yellow"),
    ("white", "black"),
    ("small", "large"),
    ("tiny", "big"),
    ("tall", "short"),
    ("long", "short"),
    ("open", "closed"),
    ("open", "shut"),
    ("wet", "dry"),
    ("sitting", "standing"),
    ("lying down", "walking"),
    ("wooden", "brick"),
    ("wood", "rubber"),
    ("round", "square"),
    ("striped", "plain"),
    ("old", "new"),
    ("young", "old"),
    ("male", "female"),
    ("sunny", "cloudy"),
    ("on", "off"),
    ("clean", "dirty"),
    ("full", "empty"),
    ("ripe", "unripe"),
    ("bright teal", "red"),
    ("cream-colored", "green"),
    ("is white", "black"),
    ("indoors", "outdoors"),
    ("happy", "sad"),
    ("thick", "thin"),
    ("real", "fake"),
    ("leafy", "leafless"),
]
AGREE = [
    ("blue", "light blue"),
    ("blue", "navy"),
    ("gray", "grey"),
    ("gray", "silver"),
    ("wood", "wooden"),
    ("metal", "metallic"),
    ("metal", "steel"),
    ("big", "large"),
    ("huge", "large"),
    ("brown", "tan"),
    ("white", "cream"),
    ("red", "wooden"),
    ("tall", "long"),
    ("teal", "blue"),
    ("teal", "green"),
    ("brown", "red"),
    ("zorby", "red"),
    ("square", "rectangular"),
    ("smiling", "happy"),
    ("wooden", "metal"),
    ("light blue", "dark blue"),
    ("made of wood", "wooden"),
    ("very tall", "tall"),
    ("standing", "walking"),
    ("clear", "transparent"),
]


@pytest.mark.parametrize(("first", "second"), CONTRADICT)
def test_contradict(lexicon: Lexicon, first: str, second: str) -> None:
    assert pairs(lexicon.contradictions([first, second])) == {(first, second), (second, first)}


@pytest.mark.parametrize(("first", "second"), AGREE)
def test_agree(lexicon: Lexicon, first: str, second: str) -> None:
    assert pairs(lexicon.contradictions([first, second])) == set()


@pytest.mark.parametrize(
    ("value", "canonical", "category", "known"),
    [
        ("grey", "gray", "color", True),
        ("wood", "wooden", "material", True),
        ("metallic", "metal", "material", True),
        ("made of bricks", "brick", "material", True),
        ("cream-colored", "cream", "color", True),
        ("bright teal", "bright teal", "color", True),
        ("zorby", "zorby", "other", False),
        ("big", "large", "size", True),
    ],
)
def test_attribute(lexicon: Lexicon, value: str, canonical: str, category: str, known: bool) -> None:
    row = lexicon.attributes([value]).select("attribute", "canonical", "category", "known").row(0)
    assert row == (value, canonical, category, known)


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("tall", "both"),
        ("made of bricks", "both"),
        ("man's", "attributive"),
        ("plugged in", "predicative"),
        ("tennis", "attributive"),
    ],
)
def test_position(lexicon: Lexicon, value: str, position: str) -> None:
    assert lexicon.attributes([value])["position"].to_list() == [position]


VALUES = st.sampled_from(Lexicon.load().tables["attributes"]["attribute"].to_list())
MADE = st.builds("{} {}".format, st.sampled_from(["light", "bright", "very"]), VALUES)


@settings(max_examples=50, deadline=None)
@given(st.lists(VALUES | MADE, min_size=2, max_size=15))
def test_contradictions_are_symmetric_and_never_the_same(values: list[str]) -> None:
    lexicon = Lexicon.load()
    found, same = pairs(lexicon.contradictions(values)), pairs(lexicon.same_attribute(values))
    assert all((b, a) in found and a != b for a, b in found)
    assert all((b, a) in same and a != b for a, b in same)
    assert not found & same


def test_no_contradiction_is_a_synonym_or_kind_in_the_whole_vocabulary(lexicon: Lexicon) -> None:
    values = lexicon.tables["attributes"]["attribute"]
    found, same = lexicon.contradictions(values), lexicon.same_attribute(values)
    assert found.height > 10_000
    assert found.join(same, on=["attribute", "other"], how="semi").is_empty()


def test_each_common_value_has_three_contradictions(lexicon: Lexicon) -> None:
    colors = [
        "white",
        "black",
        "blue",
        "green",
        "red",
        "brown",
        "yellow",
        "gray",
        "orange",
        "pink",
        "purple",
        "silver",
        "gold",
        "tan",
        "beige",
    ]
    materials = [
        "wooden",
        "metal",
        "plastic",
        "glass",
        "brick",
        "stone",
        "concrete",
        "leather",
        "paper",
        "ceramic",
    ]
    found = lexicon.contradictions(colors + materials).group_by("attribute").len()
    assert found.height == len(colors + materials)
    assert found["len"].min() >= 3


def test_categories_are_named(lexicon: Lexicon) -> None:
    frame = lexicon.categories()
    assert set(lexicon.tables["attributes"]["category"]) <= set(frame["category"])
    asked = frame.filter(pl.col("askable"))["category"].to_list()
    assert {"color", "material", "size", "shape"} <= set(asked)
    assert not {"other", "count", "noun", "quality"} & set(asked)
