"""Questions about several images: known answers by truth rule, exact supply, meaning, determinism."""

import re
from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision_dagster.generators.audit.frame import audit_frame
from provision_dagster.generators.generate import Generated, Settings, generate
from provision_dagster.generators.programs.multi_image import absence
from provision_dagster.generators.registry import MultiGenerator, all_generators
from provision_dagster.generators.schema import RAW_QA
from tests.generators.scenes import LABELS, Thing, graphs, lexicon, random_scene, scene, vocabulary

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FAMILIES = ["qa_multi_aggregate", "qa_multi_select", "qa_multi_compare"]
NAMES = {
    "CountObject", "CountAttributeObject", "CommonObject", "CommonAttribute",
    "HasObject", "HasNotObject", "HasAttributedObject", "HasNotAttributedObject", "HasRelation", "HasNotRelation",
    "HasMost", "HasLeast", "CompareAttribute", "CompareRelation",
}  # fmt: skip

Row = dict[str, Any]


def box(place: int) -> tuple[int, int, int, int]:
    """One of 10 boxes that lie side by side."""
    return (place * 10, 0, place * 10 + 9, 50)


def things(*labels: str) -> list[Thing]:
    """Objects without attributes in boxes of their own; "red car" is a red car."""
    split = [(text.split(" ")[-1], text.split(" ")[:-1]) for text in labels]
    return [(label, box(i), attributes) for i, (label, attributes) in enumerate(split)]


def made(
    table: pl.DataFrame,
    *names: str,
    n: int | tuple[int, ...] = 2,
    per: int = 50,
    words: pl.DataFrame | None = None,
    rules: Any = "strict",
    seed: int = 0,
) -> Generated:
    chosen = Settings(per_generator=per, images_per_question=(n,) if isinstance(n, int) else n, rules=rules, seed=seed)
    return generate(
        table,
        vocabulary=vocabulary(table) if words is None else words,
        lexicon=lexicon(),
        settings=chosen,
        generators=list(names) or FAMILIES,
    )


def asked(table: pl.DataFrame, *names: str, **chosen: Any) -> list[Row]:
    return made(table, *names, **chosen).qa.to_dicts()


def keys_of(table: pl.DataFrame) -> dict[str, str]:
    return dict(table.select("image_id", "image_key").iter_rows())


def shown(table: pl.DataFrame, qa: Row) -> list[str]:
    """Keys of the images of a question, in order."""
    return [keys_of(table)[i] for i in qa["image_ids"]]


def right(table: pl.DataFrame, qa: Row) -> str:
    """Key of the image that the answer names."""
    return shown(table, qa)[int(qa["answer"].removeprefix("Image ")) - 1]


def test_all_fourteen_are_registered() -> None:
    assert {g.name for g in all_generators().values() if isinstance(g, MultiGenerator)} == NAMES


# --- which image shows it


def test_the_image_with_the_object_is_named() -> None:
    table = graphs(scene("a", things("dog")), scene("b", things("car")), scene("c", things("cup")))
    found = asked(table, "HasObject", n=3)
    assert sorted((qa["metadata"]["objects"][0], right(table, qa)) for qa in found) == [
        ("car", "b"),
        ("cup", "c"),
        ("dog", "a"),
    ]
    for qa in found:
        assert sorted(qa["options"]) == ["Image 1", "Image 2", "Image 3"]
        assert qa["options"][qa["answer_index"]] == qa["answer"]
        assert qa["evidence"]["object_ids"] == ["0"]


@pytest.mark.parametrize(
    ("label", "beside"),
    [("dog", "animal"), ("animal", "dog"), ("dog", "dogs"), ("arm", "person"), ("wheel", "car"), ("person", "man")],
)
def test_absence_is_not_taken_for_granted_beside_related_or_containing_things(label: str, beside: str) -> None:
    table = graphs(scene("a", things(label)), scene("b", things(beside)))
    assert label not in [qa["metadata"]["objects"][0] for qa in asked(table, "HasObject")]
    clear = graphs(scene("a", things(label)), scene("b", things("cup")))
    assert label in [qa["metadata"]["objects"][0] for qa in asked(clear, "HasObject")]


@pytest.mark.parametrize("cells", [absence.CELLS, 0])  # with a table of absences, and looked up one by one
@pytest.mark.parametrize(("worn", "wearer"), [("baseball uniform", "batter"), ("hat", "man"), ("helmet", "people")])
def test_what_people_wear_is_not_certainly_absent_beside_them(
    monkeypatch: pytest.MonkeyPatch, cells: int, worn: str, wearer: str
) -> None:
    monkeypatch.setattr(absence, "CELLS", cells)

    def told(**beside: Any) -> bool:
        table = graphs(scene("a", [(worn, box(0), [])]), scene("b", [(wearer, box(0), [])], **beside))
        return [worn] in [qa["metadata"]["objects"] for qa in asked(table, "HasObject")]

    assert not told()
    assert told(exhaustive=[worn])
    clear = graphs(scene("a", [(worn, box(0), [])]), scene("b", things("cup")))
    assert [worn] in [qa["metadata"]["objects"] for qa in asked(clear, "HasObject")]


@pytest.mark.parametrize("cells", [absence.CELLS, 0])
def test_an_image_without_any_annotation_shows_nothing_for_certain(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    monkeypatch.setattr(absence, "CELLS", cells)
    for negative, told in ((scene("b", []), False), (scene("b", [], exhaustive=["dog"]), True)):
        table = graphs(scene("a", things("dog")), negative)
        assert (["dog"] in [qa["metadata"]["objects"] for qa in asked(table, "HasObject")]) == told


def test_absence_is_certain_where_the_image_was_searched() -> None:
    """A detector that knows both classes tells "man" and "person" apart; a part may be missing beside its whole."""
    searched = ["arm", "person", "man"]
    table = graphs(scene("a", things("arm", "man")), scene("b", things("person"), exhaustive=searched))
    assert {qa["metadata"]["objects"][0] for qa in asked(table, "HasObject") if right(table, qa) == "a"} == {
        "arm",
        "man",
    }


def test_what_annotators_pass_over_is_absent_only_after_a_search() -> None:
    table = graphs(scene("a", things("sky")), scene("b", things("cup")))
    assert "sky" not in [qa["metadata"]["objects"][0] for qa in asked(table, "HasObject")]
    listed = graphs(scene("a", things("sky")), scene("b", things("cup"), exhaustive=["sky"]))
    assert "sky" in [qa["metadata"]["objects"][0] for qa in asked(listed, "HasObject")]


def test_an_unknown_word_is_never_certainly_absent() -> None:
    table = graphs(scene("a", things("zorble")), scene("b", things("cup")))
    assert [qa["metadata"]["objects"][0] for qa in asked(table, "HasObject")] == ["cup"]


def test_the_image_without_the_object_is_named() -> None:
    table = graphs(scene("a", things("dog")), scene("b", things("dog", "cup")), scene("c", things("car")))
    (qa,) = asked(table, "HasNotObject", n=3)
    assert (qa["metadata"]["objects"], right(table, qa)) == (["dog"], "c")
    assert len(qa["evidence"]["object_ids"]) == 2


@pytest.mark.parametrize(
    ("label", "thing"),
    [("dog", "a dog"), ("umbrella", "an umbrella"), ("shoes", "shoes"), ("water", "water"), ("pants", "pants")],
)
def test_articles(label: str, thing: str) -> None:
    table = graphs(scene("a", things(label)), scene("b", things("car"), exhaustive=["water"]))
    rows = [qa for qa in asked(table, "HasObject") if qa["metadata"]["objects"] == [label]]
    assert rows
    assert all(re.search(rf"\b{thing}\b", qa["question"]) for qa in rows)
    if thing == label:
        assert not any(re.search(rf"\ban? {label}\b", qa["question"]) for qa in rows)


# --- attributes


def test_the_image_with_the_attributed_object_is_named() -> None:
    table = graphs(scene("a", things("red car")), scene("b", things("blue car")))
    found = asked(table, "HasAttributedObject")
    assert sorted((qa["metadata"]["attributes"][0], right(table, qa)) for qa in found) == [("blue", "b"), ("red", "a")]


@pytest.mark.parametrize(
    "other",
    [
        things("cup"),  # no car: every such image would be right for "no red car" (what the reference does)
        things("car"),  # no color is known
        things("large car"),  # another category
        things("red car", "blue car"),  # one of two is red
        things("blue car", "car"),  # of one the color is unknown
        [("car", box(0), ["light blue"])],  # a kind of blue, which is asked about
        things("blue car", "vehicle"),  # the vehicle may be another car
    ],
)
def test_an_attribute_is_absent_only_if_every_object_contradicts_it(other: list[Thing]) -> None:
    """Asked about blue, where the second image must certainly have no blue car."""
    table = graphs(scene("a", things("blue car")), scene("b", other))
    for name, image in (("HasAttributedObject", "a"), ("HasNotAttributedObject", "b")):
        rows = [qa for qa in asked(table, name) if qa["metadata"]["attributes"] == ["blue"]]
        assert [qa for qa in rows if right(table, qa) == image] == []


def test_every_object_may_contradict_with_another_value() -> None:
    table = graphs(scene("a", things("red car")), scene("b", things("blue car", "white car")))
    rows = [qa for qa in asked(table, "HasAttributedObject") if qa["metadata"]["attributes"] == ["red"]]
    assert [right(table, qa) for qa in rows] == ["a"]


def test_a_complete_list_of_attributes_denies_the_others() -> None:
    table = graphs(scene("a", things("wooden table")), scene("b", things("large table"), complete=True))
    found = {(qa["metadata"]["attributes"][0], right(table, qa)) for qa in asked(table, "HasAttributedObject")}
    assert found == {("wooden", "a")}


def test_not_attributed_needs_the_object_in_every_image() -> None:
    table = graphs(
        scene("a", things("red car")),
        scene("b", things("red car")),
        scene("c", things("blue car")),
        scene("d", things("cup")),
    )
    (qa,) = asked(table, "HasNotAttributedObject", n=3)
    assert set(shown(table, qa)) == {"a", "b", "c"}
    assert (qa["metadata"]["attributes"], right(table, qa)) == (["red"], "c")


def test_a_phrase_that_reads_in_two_ways_is_not_asked() -> None:
    """A "dark blue car" could be one that is dark and blue; a "blue wooden table" a blue "wooden table"."""
    table = graphs(
        scene("a", [("car", box(0), ["dark blue"]), ("car", box(1), ["dark"])]),
        scene("b", [("car", box(0), ["white"])]),
        scene("c", [("car", box(0), ["blue"])]),
        scene("d", [("wooden table", box(0), ["red"])]),
        scene("e", [("wooden table", box(0), ["white"]), ("cup", box(1), ["wooden"]), ("table", box(2), [])]),
    )
    for name in ("HasAttributedObject", "HasNotAttributedObject", "CountAttributeObject"):
        for qa in asked(table, name):
            assert qa["metadata"]["attributes"] != ["dark blue"]
            assert qa["metadata"]["objects"] != ["wooden table"]


# --- relations


def pair(key: str, predicate: str, *, apart: bool = False, **chosen: Any) -> Row:
    """A man and a horse."""
    boxes = (box(0), box(5)) if apart else ((10, 10, 60, 60), (20, 40, 80, 90))
    return scene(key, [("man", boxes[0], []), ("horse", boxes[1], [])], [(0, predicate, 1)], **chosen)


def test_the_image_where_the_relation_holds_is_named() -> None:
    table = graphs(pair("a", "riding"), pair("b", "under"))
    found = [qa for qa in asked(table, "HasRelation") if qa["metadata"]["relations"] == ["riding"]]
    assert [right(table, qa) for qa in found] == ["a"]
    assert all("the man is riding the horse" in qa["question"] for qa in found)
    assert found[0]["evidence"]["object_ids"] == ["0", "1", "0", "1"]


@pytest.mark.parametrize("other", ["on", "sitting on", "near", "holding", "riding"])
def test_what_may_hold_too_is_no_denial(other: str) -> None:
    table = graphs(pair("a", "riding"), pair("b", other))
    assert [qa for qa in asked(table, "HasRelation") if qa["metadata"]["relations"] == ["riding"]] == []


def test_contact_is_denied_by_boxes_that_lie_apart() -> None:
    table = graphs(pair("a", "riding"), pair("b", "near", apart=True))
    found = [qa for qa in asked(table, "HasRelation") if qa["metadata"]["relations"] == ["riding"]]
    assert [right(table, qa) for qa in found] == ["a"]


def test_the_inverse_said_the_other_way_round_is_no_denial() -> None:
    """The cup is above the plate; in the other image the plate is below the cup, and the boxes tell nothing."""
    things_: list[Thing] = [("cup", (10, 10, 60, 60), []), ("plate", (20, 40, 80, 90), [])]
    relations = [(0, "near", 1), (1, "below", 0)]
    table = graphs(scene("a", things_, [(0, "above", 1)]), scene("b", things_, relations, complete=True))
    assert [qa for qa in asked(table, "HasRelation") if qa["metadata"]["relations"] == ["above"]] == []


def test_a_complete_list_of_relations_denies_the_others() -> None:
    table = graphs(pair("a", "holding"), pair("b", "under", complete=True))
    found = [qa for qa in asked(table, "HasRelation") if qa["metadata"]["relations"] == ["holding"]]
    assert [right(table, qa) for qa in found] == ["a"]


def test_exclusions_do_not_hold_for_the_labels_that_they_except() -> None:
    """Who rides a cable car may well be under it (under its roof)."""

    def with_car(key: str, predicate: str) -> Row:
        row = pair(key, predicate)
        row["objects"][1]["label"] = "cable car"
        return row

    table = graphs(with_car("a", "riding"), with_car("b", "under"))
    assert made(table, "HasRelation", "CompareRelation").qa.is_empty()


def test_relations_of_things_that_are_not_the_only_ones_are_not_asked() -> None:
    table = graphs(pair("a", "riding"), pair("b", "under"))
    crowd = table.with_columns(
        objects=pl.concat_list("objects", pl.col("objects").list.slice(0, 1))  # a second man
    )
    assert made(crowd, "HasRelation", "HasNotRelation", "CompareRelation").qa.is_empty()


def test_the_relation_that_fails_is_denied_with_its_verb() -> None:
    table = graphs(pair("a", "riding"), pair("b", "riding"), pair("c", "under"))
    (qa,) = [q for q in asked(table, "HasNotRelation", n=3) if q["metadata"]["relations"] == ["riding"]]
    assert right(table, qa) == "c"
    texts = {
        re.search(r"the man .* the horse", q["question"])[0]  # type: ignore[index]
        for seed in range(40)
        for q in asked(table, "HasNotRelation", n=3, seed=seed)
    }
    assert texts == {"the man is riding the horse", "the man is not riding the horse"}


# --- counts


def test_counts_are_added_over_images_with_and_without_the_label() -> None:
    table = graphs(scene("a", things("dog", "dog")), scene("b", things("dog")), scene("c", things("cup", "cup", "cup")))
    rows = {(qa["metadata"]["objects"][0], *sorted(shown(table, qa))): qa for qa in asked(table, "CountObject")}
    totals = {key: qa["metadata"]["counts"][0] for key, qa in rows.items()}
    assert totals == {
        ("dog", "a", "b"): 3,
        ("dog", "a", "c"): 2,
        ("dog", "b", "c"): 1,
        ("cup", "a", "c"): 3,
        ("cup", "b", "c"): 3,
    }
    assert {rows["dog", "a", "b"]["answer"]} <= {"3", "three"}
    assert len(rows["dog", "a", "b"]["evidence"]["object_ids"]) == 3
    assert all(re.search(r"\b(dogs|cups)\b", qa["question"]) for qa in rows.values())


@pytest.mark.parametrize(
    "other", [things("animal"), things("dog", "animal"), things("dogs")], ids=["absent", "present", "plural"]
)
def test_counts_that_cannot_be_proven_are_not_asked(other: list[Thing]) -> None:
    table = graphs(scene("a", things("dog")), scene("b", other))
    assert made(table, "CountObject", "HasMost", "HasLeast").qa.is_empty()


def test_a_label_that_holds_a_number_is_not_counted() -> None:
    """ "How many three hole punches" may tell the answer."""
    punches: list[Thing] = [("three hole punch", box(0), ["black"]), ("cup", box(1), ["white"])]
    found = asked(graphs(scene("a", punches), scene("b", punches)), "CountObject", "CountAttributeObject")
    assert {qa["metadata"]["objects"][0] for qa in found} == {"cup"}


def test_a_box_round_several_is_not_counted() -> None:
    table = graphs(scene("a", things("dog", "dog"), groups=(1,)), scene("b", things("dog")))
    assert made(table, "CountObject", "HasMost", "HasLeast").qa.is_empty()


def test_most_and_fewest_need_different_counts() -> None:
    table = graphs(
        scene("a", things("dog", "dog", "dog")),
        scene("b", things("dog")),
        scene("c", things("dog")),
        scene("d", things("dog", "dog")),
    )
    most, least = asked(table, "HasMost", n=3), asked(table, "HasLeast", n=3)
    assert {frozenset(shown(table, qa)) for qa in most} == {frozenset("abd"), frozenset("acd")}
    assert [right(table, qa) for qa in most] == ["a", "a"]
    assert {right(table, qa) for qa in least} == {"b", "c"}
    assert all(sorted(qa["metadata"]["counts"]) == [1, 2, 3] for qa in most + least)


def test_attributed_objects_are_counted_only_where_all_are_known() -> None:
    table = graphs(
        scene("a", things("red car", "red car", "blue car")),
        scene("b", things("red car", "white car")),
        scene("c", things("blue car")),
        scene("d", things("red car", "car")),
    )
    rows = [qa for qa in asked(table, "CountAttributeObject") if qa["metadata"]["attributes"] == ["red"]]
    totals = {tuple(sorted(shown(table, qa))): qa["metadata"]["counts"][0] for qa in rows}
    # b and c have one red car together: nothing to add up
    assert totals == {("a", "b"): 3, ("a", "c"): 2}
    both = next(qa for qa in rows if len(qa["evidence"]["object_ids"]) == 3)
    assert "red cars" in both["question"]


# --- sizes


SIZE_NAMES = ["HasAttributedObject", "HasNotAttributedObject", "CommonAttribute", "CompareAttribute"]


@pytest.mark.parametrize("name", [*SIZE_NAMES, "CountAttributeObject"])
def test_a_size_is_not_asked_across_images(name: str) -> None:
    """What is large in one image need not be so beside what another image shows; a width can be seen."""
    scenes = [
        scene("a", [("car", box(0), ["large"]), ("road", box(2), ["wide"])]),
        scene("b", [("car", box(0), ["small"]), ("road", box(2), ["narrow"])]),
        scene("c", [("car", box(0), ["large"]), ("road", box(2), ["wide"]), ("cup", box(4), ["wide"])]),
        scene("d", [("car", box(0), ["large"]), ("cup", box(4), ["wide"])]),
    ]
    found = asked(graphs(*scenes), name)
    assert found
    assert {label for qa in found for label in qa["metadata"]["objects"]} <= {"road", "cup"}


@pytest.mark.parametrize(
    ("label", "values", "noun"),
    [
        ("hair", ("long", "short"), "length"),
        ("black hair", ("long", "short"), "length"),
        ("man", ("tall", "short"), "size"),
        ("road", ("wide", "narrow"), "width"),
        ("car", ("red", "blue"), "color"),
    ],
)
def test_a_category_is_named_as_fits_the_label(label: str, values: tuple[str, str], noun: str) -> None:
    table = graphs(*(scene(key, [(label, box(0), [value])]) for key, value in zip("ab", values, strict=True)))
    (qa,) = asked(table, "CompareAttribute")
    assert re.search(rf"\b{noun}s?\b", qa["question"])
    assert noun == "size" or "size" not in qa["question"]


# --- what is common


def test_all_that_is_common_is_named_once() -> None:
    """A man is a person: naming him says both; the false options are missing somewhere."""
    table = graphs(scene("a", things("man", "person", "cup", "dog")), scene("b", things("man", "person", "cup", "car")))
    (qa,) = asked(table, "CommonObject")
    assert qa["answer"] == "cup and man"
    assert qa["options"][qa["answer_index"]] in ("cup", "man")
    assert set(qa["options"]) - {"cup", "man"} == {"dog", "car"}
    assert len(qa["evidence"]["object_ids"]) == 4


@pytest.mark.parametrize(
    ("labels", "answer"),
    [
        (("computer", "desk", "keyboard"), "computer, desk and keyboard"),  # only mixed up with each other
        (("tree", "trees", "tree"), "tree"),  # the more frequent number
        (("vehicle", "car", "suv"), "suv"),
        (("bear", "teddy bear"), "bear and teddy bear"),  # a toy
        (("table", "wooden table", "cup"), "cup and wooden table"),
        (("couch", "sofa", "cup"), None),  # two words for one kind of thing
    ],
)
def test_everything_common_is_said_once_or_nothing_is_asked(labels: tuple[str, ...], answer: str | None) -> None:
    objects = [(label, box(i), []) for i, label in enumerate(labels)]
    table = graphs(scene("a", [*objects, ("dog", box(8), [])]), scene("b", objects))
    out = made(table, "CommonObject")
    assert out.qa["answer"].to_list() == ([answer] if answer else [])
    dropped = out.funnel.filter(reason="one_thing_two_names")["count"].sum()
    assert (dropped > 0) == (answer is None)


def test_one_place_under_two_names_is_not_asked_about() -> None:
    table = graphs(
        scene("a", [("computer", box(0), []), ("desk", box(0), []), ("cup", box(1), [])]),
        scene("b", things("computer", "desk")),
    )
    assert asked(table, "CommonObject") == []


def test_what_may_be_another_name_of_a_common_thing_is_no_false_option() -> None:
    table = graphs(scene("a", things("man", "person")), scene("b", things("man", "cup")))
    (qa,) = asked(table, "CommonObject")
    assert (qa["answer"], sorted(qa["options"])) == ("man", ["cup", "man"])


def test_common_attributes_are_offered_beside_what_contradicts_them_somewhere() -> None:
    table = graphs(
        scene("a", [("car", box(0), ["red", "parked"]), ("cup", box(1), ["blue"])]),
        scene("b", [("car", box(0), ["red", "large"]), ("cup", box(1), ["white"])]),
    )
    (qa,) = asked(table, "CommonAttribute")
    assert (qa["metadata"]["objects"], qa["answer"]) == (["car"], "red")
    assert qa["options"][qa["answer_index"]] == "red"
    assert set(qa["options"]) == {"red", "blue", "white"}


@pytest.mark.parametrize(
    "other",
    [
        things("red car", "red car"),  # which of them?
        things("red car", "vehicle"),
        things("blue car"),
        [("car", box(0), ["red", "frobbed"])],  # an unknown word is common: it would have to be said
    ],
)
def test_common_attributes_need_one_thing_and_known_words(other: list[Thing]) -> None:
    table = graphs(scene("a", [("car", box(0), ["red", "frobbed"])]), scene("b", other))
    assert made(table, "CommonAttribute").qa.is_empty()


# --- what differs


def test_attributes_of_one_category_are_compared() -> None:
    table = graphs(
        scene("a", [("car", box(0), ["red", "large"])]),
        scene("b", [("car", box(0), ["blue", "parked"])]),
        scene("c", [("car", box(0), ["white"])]),
    )
    (qa,) = asked(table, "CompareAttribute", n=3)
    color = {"a": "red", "b": "blue", "c": "white"}
    said = [color[key] for key in shown(table, qa)]
    assert qa["answer"] == f"The car is {said[0]} in Image 1, {said[1]} in Image 2 and {said[2]} in Image 3."
    assert "color" in qa["question"]
    assert len(qa["options"]) == len(set(qa["options"])) == 4
    assert set(qa["options"]) <= {
        f"The car is {x} in Image 1, {y} in Image 2 and {z} in Image 3." for x, y, z in permutations(said)
    }
    assert sorted(asked(table, "CompareAttribute", n=2)[0]["options"]) != []


@pytest.mark.parametrize(
    "other",
    [
        things("red car"),
        things("large car"),  # no shared category
        [("car", box(0), ["blue", "white"])],  # two values
        things("blue car", "blue car"),
        [("car", box(0), ["light red"])],
    ],
)
def test_comparison_needs_one_value_each_that_exclude_each_other(other: list[Thing]) -> None:
    table = graphs(scene("a", things("red car")), scene("b", other))
    assert made(table, "CompareAttribute").qa.is_empty()


def test_plural_things_are_compared_in_the_plural() -> None:
    table = graphs(scene("a", things("red shoes")), scene("b", things("blue shoes")))
    (qa,) = asked(table, "CompareAttribute")
    assert re.fullmatch(r"The shoes are (red|blue) in Image 1 and (red|blue) in Image 2\.", qa["answer"])


def test_relations_are_compared() -> None:
    table = graphs(pair("a", "riding"), pair("b", "under"))
    (qa,) = asked(table, "CompareRelation")
    verb = {"a": "is riding the horse", "b": "is under the horse"}
    one, two = (verb[key] for key in shown(table, qa))
    assert qa["answer"] == f"The man {one} in Image 1 and {two} in Image 2."
    assert sorted(qa["options"]) == sorted([qa["answer"], f"The man {two} in Image 1 and {one} in Image 2."])


@pytest.mark.parametrize("other", ["on", "riding", "near"])
def test_relations_that_may_hold_together_are_not_compared(other: str) -> None:
    assert made(graphs(pair("a", "riding"), pair("b", other)), "CompareRelation").qa.is_empty()


# --- supply


@pytest.mark.parametrize("rules", ["strict", "paper"])
@pytest.mark.parametrize("images", [0, 1])
def test_too_few_images_give_nothing(images: int, rules: str) -> None:
    scenes = [scene(f"k{i}", things("red car", "dog", "dog"), [(0, "near", 1)]) for i in range(images)]
    out = made(graphs(*scenes), n=(2, 3), rules=rules)
    assert out.qa.is_empty()
    assert out.qa.schema == pl.Schema(RAW_QA)
    assert set(out.funnel["generator"]) == NAMES


def searched(key: str, *labels: str) -> Row:
    """A scene in which everything was searched for and listed."""
    return scene(key, things(*labels), exhaustive=[*LABELS, "bird", "book"], complete=True)


CLOSED = graphs(
    searched("a", "dog", "dog", "cup", "red car"),
    searched("b", "dog", "car", "truck"),
    searched("c", "cup", "cup", "blue car", "table"),
    searched("d", "dog", "dog", "dog", "red car"),
    searched("e", "table", "cup"),
)
"""Five images in which what is not annotated is not there."""


def counts(table: pl.DataFrame) -> dict[str, dict[str, int]]:
    rows = table.select("image_key", o="objects").explode("o").unnest("o").group_by("image_key", "label").len()
    found: dict[str, dict[str, int]] = {key: {} for key in table["image_key"]}
    for key, label, number in rows.iter_rows():
        found[key][label] = number
    return found


def select_supply(n: int, *, with_label: int) -> int:
    """Pairs of a label and n images, so many of which show it."""
    held = counts(CLOSED)
    return sum(
        sum(label in held[key] for key in chosen) == with_label
        for label in {label for labels in held.values() for label in labels}
        for chosen in combinations(held, n)
    )


def test_supply_of_every_size_is_exact() -> None:
    held = counts(CLOSED)
    labels = {label for row in held.values() for label in row}
    for n in (2, 3, 4):
        chosen = list(combinations(held, n))
        different = sum(
            len({held[key].get(label, 0) for key in keys} - {0}) == n for label in labels for keys in chosen
        )
        supply = {
            "HasObject": select_supply(n, with_label=1),
            "HasNotObject": select_supply(n, with_label=n - 1),
            "CountObject": sum(select_supply(n, with_label=k) for k in range(1, n + 1)),
            "HasMost": different,
            "HasLeast": different,
            "CommonObject": sum(bool(set.intersection(*(set(held[key]) for key in keys))) for keys in chosen),
        }
        out = made(CLOSED, *supply, n=n, per=10_000)
        got = dict(out.qa.group_by("generator").len().iter_rows())
        assert {name: got.get(name, 0) for name in supply} == supply
        missing = out.funnel.filter(reason="not_supplied_by_shard").select("generator", "count")
        assert dict(missing.iter_rows()) == {name: 50_000 - number for name, number in supply.items()}


def test_the_wanted_number_is_supplied_where_there_is_more() -> None:
    for per in (1, 3):
        out = made(CLOSED, "HasObject", "CountObject", n=3, per=per)
        assert dict(out.qa.group_by("generator").len().iter_rows()) == {"HasObject": 5 * per, "CountObject": 5 * per}


def test_large_shards_look_absences_up_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same questions can be drawn with and without the table of absences, and with sparse words."""
    tabled = {question_key(qa) for qa in asked(CLOSED, "HasObject", "CountObject", "CommonObject", per=10_000)}
    monkeypatch.setattr(absence, "CELLS", 0)
    looked_up = {question_key(qa) for qa in asked(CLOSED, "HasObject", "CountObject", "CommonObject", per=10_000)}
    monkeypatch.setattr(absence, "DENSE", 0)
    sparse = {question_key(qa) for qa in asked(CLOSED, "HasObject", "CountObject", "CommonObject", per=10_000)}
    assert tabled == looked_up == sparse


# --- meaning of random graphs


@st.composite
def several_scenes(draw: st.DrawFn) -> pl.DataFrame:
    return graphs(*(draw(random_scene(f"k{i}")) for i in range(draw(st.integers(2, 6)))))


def question_key(qa: Row) -> tuple[Any, ...]:
    """What makes a question: the images, and all that it is about but for their order."""
    told = [tuple(sorted(qa["metadata"][k])) for k in ("attributes", "relations")]
    return (qa["generator"], frozenset(qa["image_ids"]), tuple(qa["metadata"]["objects"]), *told, slot_words(qa))


def slot_words(qa: Row) -> str:
    """The category that a comparison asks for: a label may be compared in color and in size."""
    return "" if qa["generator"] != "CompareAttribute" else "".join(sorted(qa["answer"]))


@SLOW
@given(several_scenes(), st.integers(0, 2**63 - 1))
def test_an_independent_check_finds_no_fault(table: pl.DataFrame, seed: int) -> None:
    qa = made(table, n=(2, 3, 4), per=30, seed=seed).qa
    report = audit_frame(qa, table, lexicon=lexicon())
    assert report.reasons == {}


@SLOW
@given(several_scenes(), st.sampled_from(["strict", "paper"]))
def test_answers_agree_with_the_annotations(table: pl.DataFrame, rules: str) -> None:
    rows = {row["image_id"]: row for row in table.iter_rows(named=True)}
    for qa in asked(table, n=(2, 3), per=20, rules=rules):
        check(qa, [rows[i] for i in qa["image_ids"]])


def check(qa: Row, images: list[Row]) -> None:
    """Compare an answer with what is annotated, without regard to what is merely likely."""
    about = qa["metadata"]
    label = next(iter(about["objects"]), None)
    held = [[o for o in image["objects"] if o["label"] == label] for image in images]
    attribute = next(iter(about["attributes"]), None)
    having = [[o for o in objects if attribute in o["attributes"]] for objects in held]
    match qa["generator"]:
        case "HasObject":
            assert [bool(o) for o in held] == named(qa, images)
        case "HasNotObject":
            assert [not o for o in held] == named(qa, images)
        case "HasAttributedObject":
            assert all(held)
            assert [bool(o) for o in having] == named(qa, images)
        case "HasNotAttributedObject":
            assert all(held)
            assert [not o for o in having] == named(qa, images)
        case "HasMost" | "HasLeast":
            sizes = [len(o) for o in held]
            best = max(sizes) if qa["generator"] == "HasMost" else min(sizes)
            assert sizes.count(best) == 1
            assert [s == best for s in sizes] == named(qa, images)
        case "CountObject":
            assert about["counts"] == [sum(map(len, held))]
        case "CountAttributeObject":
            assert about["counts"] == [sum(map(len, having))]
            assert about["counts"][0] >= 2
        case "HasRelation" | "HasNotRelation":
            sure = [about["relations"][0] in said(image, about["objects"]) for image in images]
            assert all(said(image, about["objects"]) for image in images)
            assert [s == (qa["generator"] == "HasRelation") for s in sure] == named(qa, images)
        case "CommonObject":
            assert all(set(about["objects"]) <= {o["label"] for o in image["objects"]} for image in images)
        case "CommonAttribute":
            assert [len(o) for o in held] == [1] * len(images)
            assert all(set(about["attributes"]) <= set(o[0]["attributes"]) for o in held)
        case "CompareAttribute":
            assert [len(o) for o in held] == [1] * len(images)
            for number, (value, objects) in enumerate(zip(about["attributes"], held, strict=True)):
                assert value in objects[0]["attributes"]
                assert f"{value} in Image {number + 1}" in qa["answer"]
        case "CompareRelation":
            for predicate, image in zip(about["relations"], images, strict=True):
                assert said(image, about["objects"]) >= {predicate}
        case other:
            pytest.fail(f"no check for {other}")


def named(qa: Row, images: list[Row]) -> list[bool]:
    return [qa["answer"] == f"Image {i + 1}" for i in range(len(images))]


def said(image: Row, labels: list[str]) -> set[str]:
    """Predicates between any two things of these labels."""
    objects = image["objects"]
    pairs = (
        (objects[r["subject"]]["label"], r["predicate"], objects[r["object"]]["label"]) for r in image["relations"]
    )
    return {predicate for one, predicate, two in pairs if (one, two) == (labels[0], labels[-1])}


@SLOW
@given(several_scenes(), st.integers(0, 99), st.sampled_from(["strict", "paper"]))
def test_no_question_comes_twice(table: pl.DataFrame, seed: int, rules: str) -> None:
    qa = made(table, n=(2, 3), per=20, seed=seed, rules=rules).qa
    assert qa["id"].n_unique() == qa.height
    keys = [question_key(row) for row in qa.to_dicts()]
    assert len(keys) == len(set(keys))
    assert all(len(set(row)) == len(row) for row in qa["image_ids"])


@SLOW
@given(several_scenes(), st.randoms(use_true_random=False))
def test_neither_order_nor_other_words_of_the_image_set_matter(table: pl.DataFrame, random: Any) -> None:
    """Codes differ when the image set holds more words; what is drawn does not."""
    words = vocabulary(table)
    more = pl.concat([words, vocabulary(graphs(scene("z", things("red aardvark", "yak"), [(0, "abreast of", 1)])))])
    order = list(range(table.height))
    random.shuffle(order)
    whole = made(table, per=5, words=words).qa
    assert made(table[order], per=5, words=words.sample(fraction=1, shuffle=True, seed=1)).qa.equals(whole)
    untouched = ["HasObject", "HasMost", "CountObject", "HasRelation", "CompareRelation"]
    assert made(table, *untouched, per=5, words=more).qa.equals(made(table, *untouched, per=5, words=words).qa)


def test_seeds_draw_differently() -> None:
    drawn = [{question_key(qa) for qa in asked(CLOSED, "CountObject", n=3, per=2, seed=seed)} for seed in (1, 2)]
    assert drawn[0] != drawn[1]


# --- no guessing


def positions(rows: Iterator[Row], place: Callable[[Row], int]) -> list[int]:
    found = [place(qa) for qa in rows]
    return [found.count(i) for i in range(3)]


def test_the_right_image_stands_in_every_place_equally_often() -> None:
    """100 images, a dog in half of them, 1,000 questions: 333 +- 60 each (4 standard deviations)."""
    table = graphs(*(scene(f"k{i}", things("dog" if i % 2 else "cup")) for i in range(100)))
    rows = asked(table, "HasObject", n=3, per=10)
    assert len(rows) == 1_000
    by_image = positions(iter(rows), lambda qa: int(qa["answer"].removeprefix("Image ")) - 1)
    by_option = positions(iter(rows), lambda qa: int(qa["answer_index"]))
    assert all(273 < number < 393 for number in by_image + by_option)


def test_images_are_used_about_equally_often() -> None:
    """3,000 places for 100 images."""
    table = graphs(*(scene(f"k{i}", things("dog" if i % 2 else "cup")) for i in range(100)))
    used = made(table, "HasObject", n=3, per=10).qa.explode("image_ids").group_by("image_ids").len()
    assert used.height == 100
    assert used["len"].max() < 2 * 30  # type: ignore[operator]
    assert used["len"].min() > 30 / 3  # type: ignore[operator]
