"""What a recipe takes and how examples read."""

import json
import random
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from provision_dagster.errors import InputError
from provision_dagster.mixes.build import build_mix
from provision_dagster.mixes.recipe import load_recipe
from provision_dagster.mixes.schema import MIX
from tests.mixes.rows import filtered, image, images, images_of, many, qa, recipe


def build(rows: pl.DataFrame, **fields: Any) -> pl.DataFrame:
    return build_mix(recipe(**fields), filtered_qa=rows, images=images_of())


def one(row: dict[str, Any], *pictures: dict[str, Any], form: str = "choice") -> dict[str, Any]:
    made = build_mix(recipe(form=form), filtered_qa=filtered(row), images=images(*(pictures or (image("i1"),))))
    assert dict(made.schema) == MIX
    return made.row(0, named=True)


def test_the_multiple_choice_form() -> None:
    row = one(qa(1))
    assert row["prompt"] == "What color is dog 1?\nA. black\nB. brown"
    assert row["response"] == "B"
    assert (row["question"], row["answer"]) == ("What color is dog 1?", "brown")
    assert (row["options"], row["answer_index"]) == (["black", "brown"], 1)


def test_the_stem_of_the_multiple_choice_form() -> None:
    row = one(qa(1, choice_question="Which color is it?", answer="brown, furry"))
    assert row["prompt"].startswith("Which color is it?\nA. ")
    assert row["answer"] == "brown"


def test_the_open_form() -> None:
    row = one(qa(1, choice_question="Which color is it?", answer="brown, furry"), form="open")
    assert (row["prompt"], row["response"]) == ("What color is dog 1?", "brown, furry")
    assert (row["question"], row["answer"]) == ("What color is dog 1?", "brown, furry")
    assert (row["options"], row["answer_index"]) == ([], None)


def test_the_last_letter() -> None:
    row = one(qa(1, options=[f"o{i}" for i in range(26)], answer_index=25))
    assert row["prompt"].endswith("\nZ. o25")
    assert row["response"] == "Z"


def test_metadata_is_json() -> None:
    row = one(qa(1))
    assert json.loads(row["metadata"]) == {
        "id": f"{1:032x}",
        "image_ids": ["i1"],
        "template": "t1",
        "objects": ["dog"],
        "attributes": ["brown"],
        "relations": [],
        "counts": [],
    }
    assert json.loads(one(qa(1, metadata=None))["metadata"])["objects"] == []


@pytest.mark.parametrize(
    ("changes", "uri"),
    [
        ({}, "/photos/i1.jpg"),
        ({"uri": "/a/set.tar", "member": "x/1.jpg"}, "tar://x/1.jpg::/a/set.tar"),
        ({"uri": None, "status": "annotations_only", "image_key": "2407"}, "2407"),
    ],
)
def test_where_the_picture_is(changes: dict[str, Any], uri: str) -> None:
    assert one(qa(1), image("i1", **changes))["image_uris"] == [uri]


def test_of_a_picture_listed_twice_the_kept_one_is_named() -> None:
    twice = (image("i1", image_key="a", uri="/a", status="duplicate"), image("i1", image_key="b", uri="/b"))
    assert one(qa(1), *twice)["image_uris"] == ["/b"]


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        (("CC BY 4.0", "CC BY 4.0"), "CC BY 4.0"),
        (("CC BY-SA 4.0", "CC BY 2.0"), "CC BY 2.0 AND CC BY-SA 4.0"),
        (("CC BY 4.0", None), "CC BY 4.0 AND unknown"),
    ],
)
def test_several_pictures_keep_their_order(licenses: tuple[str, str], expected: str) -> None:
    pictures = [image(name, license=text) for name, text in zip(("i1", "i2"), licenses, strict=True)]
    row = one(qa(1, image_ids=["i2", "i1"]), *pictures)
    assert row["image_uris"] == ["/photos/i2.jpg", "/photos/i1.jpg"]
    assert row["license"] == expected


def test_the_shipped_recipe_takes_everything_under_its_cap() -> None:
    rows = many(90)
    mix = build_mix(load_recipe("foundation"), filtered_qa=rows.lazy(), images=images_of().lazy())
    assert mix["id"].sort().equals(rows["id"])
    assert mix["position"].to_list() == list(range(90))
    assert mix.filter(form="choice").height == 30  # half of the 60 with options
    assert mix["id"].to_list() != rows["id"].to_list()


def test_half_is_balanced_per_generator() -> None:
    forms = build(many(90), form="half").group_by("generator", "form").len()
    counts = {(g, f): n for g, f, n in forms.rows()}
    assert counts == {
        ("MostObject", "choice"): 15,
        ("MostObject", "open"): 15,
        ("AttributeBBox", "choice"): 15,
        ("AttributeBBox", "open"): 15,
        ("HeadRelation", "open"): 30,
    }


def test_choice_leaves_out_rows_without_options() -> None:
    assert Counter(build(many(90), form="choice")["form"]) == {"choice": 60}


def test_selectors_all_match() -> None:
    mix = build(many(90), sources=[{"generators": ["MostObject", "HeadRelation"], "image_sets": ["vg"]}])
    assert Counter(mix["generator"]) == {"MostObject": 15, "HeadRelation": 15}
    assert mix["shard"].unique().to_list() == ["vg-00000"]


def test_a_row_goes_to_the_first_source_that_takes_it() -> None:
    mix = build(many(90), sources=[{"families": ["qa_object"], "count": 10}, {}])
    assert Counter(mix["source"]) == {0: 10, 1: 80}
    assert mix["id"].n_unique() == 90
    assert set(mix.filter(source=0)["family"]) == {"qa_object"}


@pytest.mark.parametrize(("ratio", "rows"), [(0.29, 29), (0.5, 50), (1, 100), (0.001, 1), (0.999, 99)])
def test_a_ratio_is_a_share_of_what_matches(ratio: float, rows: int) -> None:
    assert build(many(100), sources=[{"ratio": ratio}]).height == rows


def test_a_smaller_count_takes_a_part_of_a_larger() -> None:
    small, large = (set(build(many(90), sources=[{"count": n}])["id"]) for n in (20, 40))
    assert small < large


def test_another_seed_takes_other_rows() -> None:
    first, second = (build(many(90), seed=seed, sources=[{"count": 30}])["id"].to_list() for seed in (0, 1))
    assert set(first) != set(second)
    all_rows = [build(many(90), seed=seed)["id"].to_list() for seed in (0, 1)]
    assert all_rows[0] != all_rows[1]


def test_known_rows_for_a_known_seed() -> None:
    """Hashes must not change with the version of a library: published mixes are to be built again."""
    mix = build(many(20), seed=3, sources=[{"count": 4}])
    assert [int(i, 16) for i in mix["id"]] == [16, 6, 17, 14]
    assert mix["form"].to_list() == ["choice", "open", "open", "open"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"sources": [{"count": 91}]},
            r"`sources.0`, `count`: 91 rows wanted, 90 possible: 90 match, 0 of these",
        ),
        (
            {"sources": [{}, {"families": ["qa_object"]}]},
            r"`sources.1`: nothing to take, 0 possible: 30 match, 30 of these are taken by earlier sources",
        ),
        (
            {"sources": [{"count": 41}], "cap_per_image": 2},
            r"41 rows wanted, 40 possible: 90 match, .* 50 are over `cap_per_image`",
        ),
        (
            {"sources": [{"generators": ["MostObjects"]}]},
            r"`sources.0`, `generators`: no row of \['MostObjects'\]; by `generator`, filtered_qa has Attr",
        ),
        (
            {"sources": [{"image_sets": ["gqa"]}]},
            r"`image_sets`: no row of \['gqa'\]; by `image_set`, filtered_qa has coco \(45\), vg \(45\)",
        ),
        (
            {"sources": [{"generators": ["MostObject"], "families": ["qa_relation"]}]},
            r"no row matches \{'family': \['qa_relation'\], 'generator': \['MostObject'\]\}; by `family`, ",
        ),
        (
            {"sources": [{}, {"generators": ["MostObject", "LeftMost"]}]},
            r"`sources.1`, `generators`: no row of \['LeftMost'\]; by .* MostObject \(30\)$",
        ),
        (
            {"sources": [{"generators": ["HeadRelation"]}], "form": "choice"},
            r"no row has options, so `form` can only be open or half, got choice",
        ),
    ],
)
def test_the_impossible_says_what_is_possible(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(many(90), **fields)


def test_nothing_filtered_is_an_empty_source() -> None:
    with pytest.raises(InputError, match="no row matches at all; by `family`, filtered_qa has no rows"):
        build(filtered())


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(InputError, match="`id` must be unique"):
        build(filtered(qa(1), qa(1)))


def test_an_unknown_image_is_refused() -> None:
    with pytest.raises(InputError, match=r"1 images are missing that QA show: \['i9'\]"):
        build_mix(recipe(), filtered_qa=filtered(qa(1, image_ids=["i9"])), images=images(image("i1")))


IMAGES = [f"i{i}" for i in range(4)]
PAIR = st.fixed_dictionaries(
    {
        "generator": st.sampled_from(["MostObject", "AttributeBBox", "HeadRelation"]),
        "image_ids": st.lists(st.sampled_from(IMAGES), min_size=1, max_size=3, unique=True),
        "options": st.sampled_from([[], ["black", "brown"]]),
    }
)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(PAIR, min_size=2, max_size=25),
    seed=st.integers(0, 2**63 - 1),
    cap=st.one_of(st.none(), st.integers(1, 5)),
    form=st.sampled_from(["open", "half"]),
    rng=st.randoms(use_true_random=False),
)
def test_any_input(rows: list[dict[str, Any]], seed: int, cap: int | None, form: str, rng: random.Random) -> None:
    pairs = [
        qa(i, **(row if row["options"] else row | {"answer_index": None}))  # type: ignore[arg-type]
        for i, row in enumerate(rows)
    ]
    wanted = recipe(seed=seed, cap_per_image=cap, form=form, sources=[{"ratio": 0.5}, {}] if cap is None else [{}])
    pictures = images(*(image(name) for name in IMAGES))
    mix = build_mix(wanted, filtered_qa=filtered(*pairs), images=pictures)
    shown = Counter(mix["image_ids"].explode())
    assert mix["id"].n_unique() == len(mix)
    assert max(shown.values()) <= (cap or len(rows))
    if cap is None:
        assert len(mix) == len(rows)
    with_options = set(filtered(*pairs).filter(pl.col("options").list.len() > 0)["id"]) & set(mix["id"])
    assert mix.filter(form="choice").height == ((len(with_options) + 1) // 2 if form == "half" else 0)

    rng.shuffle(pairs)
    shuffled = images(*(image(name) for name in rng.sample(IMAGES, len(IMAGES))))
    assert build_mix(wanted, filtered_qa=filtered(*pairs), images=shuffled).equals(mix)
