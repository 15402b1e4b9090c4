"""Forms, implications and exclusions of predicates."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.lexicon import Lexicon
from tests.lexicon.conftest import pairs

EXCLUSIVE = [
    ("on", "under"),
    ("on", "below"),
    ("to the left of", "to the right of"),
    ("left of", "to the right of"),
    ("in front of", "behind"),
    ("above", "below"),
    ("over", "underneath"),
    ("wearing", "sitting on"),
    ("wears", "eating"),
    ("wearing", "parked on"),
    ("holding", "parked on"),
    ("riding", "next to"),
    ("riding", "eating"),
    ("has", "part of"),
    ("sitting on", "walking on"),
    ("sitting on", "behind"),
    ("standing on", "next to"),
    ("inside", "outside"),
    ("walking on", "flying in"),
    ("in", "far from"),
    ("with", "without"),
    ("parked on", "walking on"),
]
POSSIBLE = [
    ("on", "near"),
    ("on", "next to"),
    ("on", "in"),
    ("on", "above"),
    ("on", "on top of"),
    ("on", "sitting on"),
    ("near", "on"),
    ("near", "next to"),
    ("near", "behind"),
    ("wearing", "in"),
    ("wearing", "has"),
    ("wearing", "with"),
    ("holding", "with"),
    ("riding", "on"),
    ("has", "with"),
    ("standing on", "near"),
    ("holding", "carrying"),
    ("zorbing", "on"),
    ("on", "zorbing"),
    ("by", "near"),
    ("to the left of", "near"),
    ("to the left of", "on"),
    ("looking at", "facing"),
    ("attached to", "on"),
    ("to the left of", "wearing"),
    ("sitting on", "riding"),
    ("under", "below"),
    ("over", "above"),
    ("in", "inside"),
]
COMMON = """
on, has, in, wearing, behind, holding, on top of, next to, under, above, sitting on, in front of, attached
to, over, standing on, beside, riding, inside, standing in, hanging on, carrying, eating, walking on,
hanging from, covering, watching, painted on, looking at, parked on, covered in, mounted on, flying in, part
of, growing on, covered with, crossing, sitting in, below, lying on, leaning on, pulling, swinging, to the
left of, to the right of
"""


@pytest.mark.parametrize(("first", "second"), EXCLUSIVE)
def test_exclusive(lexicon: Lexicon, first: str, second: str) -> None:
    assert pairs(lexicon.exclusive_predicates([first, second])) == {(first, second), (second, first)}


@pytest.mark.parametrize(("first", "second"), POSSIBLE)
def test_possible(lexicon: Lexicon, first: str, second: str) -> None:
    assert pairs(lexicon.exclusive_predicates([first, second])) == set()


def test_common_predicates_have_distractors_of_other_classes(lexicon: Lexicon) -> None:
    common = [" ".join(p.split()) for p in COMMON.split(",")]
    usable = lexicon.predicates(lexicon.tables["predicates"]["predicate"]).filter("usable")
    classes = usable.select("predicate", "class")
    found = lexicon.exclusive_predicates(pl.Series([*common, *usable["canonical"]]))
    found = found.join(classes, on="predicate").join(classes, left_on="other", right_on="predicate", suffix="_other")
    found = found.filter(pl.col("class") != pl.col("class_other")).group_by("predicate").len()
    enough = set(found.filter(pl.col("len") >= 3)["predicate"])
    assert set(common) - enough == set()


def test_near_is_no_distractor_of_anything_that_touches(lexicon: Lexicon) -> None:
    touching = lexicon.predicates(lexicon.tables["predicates"]["predicate"])
    touching = touching.filter(pl.col("requires_contact") & (~pl.col("class").is_in(["print", "part"])))["predicate"]
    found = lexicon.exclusive_predicates(pl.concat([touching, pl.Series(["near"])])).filter(
        pl.col("predicate") == "near"
    )
    assert found.is_empty()


VALUES = st.sampled_from(Lexicon.load().tables["predicates"]["predicate"].to_list())


@settings(max_examples=40, deadline=None)
@given(st.lists(VALUES, min_size=2, max_size=15))
def test_exclusive_is_symmetric_and_never_compatible(values: list[str]) -> None:
    lexicon = Lexicon.load()
    found = lexicon.exclusive_predicates(values, conditional=True)
    either = pairs(found)
    assert all((b, a) in either and a != b for a, b in either)
    assert pairs(lexicon.exclusive_predicates(values)) == pairs(found.filter(pl.col("unless").list.len() == 0))
    assert not either & pairs(lexicon.compatible_predicates(values))


def test_no_exclusive_pair_of_the_vocabulary_is_implied(lexicon: Lexicon) -> None:
    values = lexicon.tables["predicates"].filter(pl.col("predicate") == pl.col("canonical"))["predicate"]
    found = lexicon.exclusive_predicates(values, conditional=True)
    assert found.height > 20_000
    assert found.join(lexicon.compatible_predicates(values), on=["predicate", "other"], how="semi").is_empty()


def test_conditions_name_kinds(lexicon: Lexicon) -> None:
    rows = lexicon.exclusive_predicates(["wearing", "standing on"], conditional=True)
    unless = rows.filter(pl.col("predicate") == "wearing")["unless"].item().to_list()
    assert {"skis", "snowboard", "boot", "ski boot"} <= set(unless)
    assert lexicon.exclusive_predicates(["wearing", "standing on"]).is_empty()


@pytest.mark.parametrize(
    ("value", "canonical", "is_form", "are_form", "option", "contact", "usable"),
    [
        ("on", "on", "is on", "are on", "on", True, True),
        ("wears", "wearing", "is wearing", "are wearing", "wearing", True, True),
        ("has", "has", "has", "have", "has", False, True),
        ("covers", "covering", "is covering", "are covering", "covering", True, True),
        ("sits on", "sitting on", "is sitting on", "are sitting on", "sitting on", True, True),
        ("are sitting on a", "sitting on", "is sitting on", "are sitting on", "sitting on", True, True),
        ("ON", "on", "is on", "are on", "on", True, True),
        ("with", "with", "is with", "are with", "with", False, True),
        ("contains", "containing", "contains", "contain", "containing", True, True),
        ("belongs to", "belonging to", "belongs to", "belong to", "belonging to", False, True),
        ("near", "near", "is near", "are near", "near", False, True),
        ("of", "of", "", "", "of", False, False),
        ("black", "black", "", "", "black", False, False),
        ("zorbing", "zorbing", "", "", "zorbing", False, False),
    ],
)
def test_predicate(
    lexicon: Lexicon,
    value: str,
    canonical: str,
    is_form: str,
    are_form: str,
    option: str,
    contact: bool,
    usable: bool,
) -> None:
    row = lexicon.predicates([value])
    columns = ["canonical", "is_form", "are_form", "option", "requires_contact", "usable"]
    assert row.select(columns).row(0) == (canonical, is_form, are_form, option, contact, usable)
    assert row["known"].item() == (value != "zorbing")


def test_forms_are_grammatical(lexicon: Lexicon) -> None:
    rows = lexicon.predicates(lexicon.tables["predicates"]["predicate"]).filter("usable")
    singular, plural = rows["is_form"], rows["are_form"]
    assert (
        rows.filter(
            pl.any_horizontal(pl.col("is_form", "are_form").str.contains(r"^$|\b(\w+) is\b|\bare are\b|on on"))
        )["predicate"].to_list()
        == []
    )
    words = rows.select(form=pl.concat_list("is_form", "are_form")).explode("form")["form"].str.split(" ")
    assert not words.list.eval(pl.element() == pl.element().shift(1)).list.any().any()
    copula = singular.str.starts_with("is ")
    assert (copula == plural.str.starts_with("are ")).all()
    assert (singular.filter(copula).str.slice(3) == plural.filter(copula).str.slice(4)).all()
    assert singular.filter(~copula).str.contains(r"^(?:\w+s|has)\b").all()
    assert not rows["option"].str.contains(r"^(?:is|are)\b| (?:a|an|the)$").any()


def test_inverse_reads_backwards(lexicon: Lexicon) -> None:
    both = {
        ("above", "below"),
        ("to the left of", "to the right of"),
        ("in front of", "behind"),
        ("holding", "held by"),
    }
    names = lexicon.predicates([p for pair in both for p in pair]).select("predicate", "inverse")
    found = dict(names.iter_rows())
    assert all(found[a] == b and found[b] == a for a, b in both)
    assert lexicon.predicates(["looking at"])["inverse"].to_list() == [None]
