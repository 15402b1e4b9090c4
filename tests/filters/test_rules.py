"""Each rule, by what it rejects and what it lets pass."""

from typing import Any

import polars as pl
import pytest

from provision_dagster.errors import SchemaError
from provision_dagster.filters.config import FilterConfig
from provision_dagster.filters.filter_qa import RULES, filter_qa
from provision_dagster.filters.models import load_models
from provision_dagster.generators.schema import FILTERED_QA, REJECTED_QA
from tests.filters.rows import box, images, qa, raw_qa, scene_graphs

NAN = float("nan")


def run(*rows: dict[str, Any], config: FilterConfig | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    made = images(bad="truncated")
    return filter_qa(raw_qa(*rows), images=made, scene_graphs=scene_graphs(), config=config)


def evidence(*boxes: Any, ids: Any = ("o1",)) -> dict[str, Any]:
    return {"evidence": {"object_ids": None if ids is None else list(ids), "boxes": list(boxes)}}


REJECTED: list[tuple[dict[str, Any], str, str, float | None, float | None]] = [
    ({"id": None}, "format", "the id is empty", None, None),
    ({"question": None}, "format", "the question is empty", None, None),
    ({"question": "  "}, "format", "the question is empty", None, None),
    ({"answer": ""}, "format", "the answer is empty", None, None),
    ({"answer": None}, "format", "the answer is empty", None, None),
    ({"choice_question": ""}, "format", "the choice question is empty", None, None),
    (
        {"question": "What is it"},
        "format",
        'the question ends neither in "?" nor in ".": "What is it"',
        None,
        None,
    ),
    (
        {"choice_question": "Pick one:"},
        "format",
        'the choice question ends neither in "?" nor in ".": "Pick one:"',
        None,
        None,
    ),
    ({"question": "Is it {color}?"}, "format", 'unfilled slot: "{color}"', None, None),
    ({"answer": "{answer}"}, "format", 'unfilled slot: "{answer}"', None, None),
    ({"options": ["brown", "{x}"]}, "format", 'unfilled slot: "{x}"', None, None),
    ({"question": "Is the  dog big?"}, "format", 'doubled space: "the  dog"', None, None),
    ({"answer": "light\tbrown"}, "format", 'doubled space: "light\tbrown"', None, None),
    ({"question": "Is it\nbig?"}, "format", "a text has a line break", None, None),
    ({"answer": "a\u2028b"}, "format", "a text has a line break", None, None),
    ({"choice_question": "A\r\nb?"}, "format", "a text has a line break", None, None),
    ({"answer": "brown "}, "format", "a text begins or ends with a space", None, None),
    ({"options": ["brown", " black"]}, "format", "a text begins or ends with a space", None, None),
    ({"question": "a" * 1000 + "?"}, "length", "the question has 1001 characters", 1001, 1000),
    ({"choice_question": "a" * 1001 + "?"}, "length", "the question has 1002 characters", 1002, 1000),
    ({"answer": "a" * 4001}, "length", "the answer or an option has 4001 characters", 4001, 4000),
    ({"options": ["brown", "a" * 4001]}, "length", "the answer or an option has 4001 characters", 4001, 4000),
    ({"image_ids": ["nowhere"]}, "image", "image nowhere is unknown", None, None),
    ({"image_ids": ["i1", "bad"]}, "image", 'image bad has the status "truncated"', None, None),
    ({"image_ids": []}, "image", "an image id is missing", None, None),
    ({"image_ids": None}, "image", "an image id is missing", None, None),
    ({"image_ids": ["i1", None]}, "image", "an image id is missing", None, None),
    (evidence(box(49.9, 70)), "region_size", "the shortest side of a box is 49.9 px", 49.9, 50),
    (evidence(box(70, 12), box(60, 60)), "region_size", "the shortest side of a box is 12.0 px", 12, 50),
    (evidence(box(NAN, 60)), "region_size", "the shortest side of a box is 0.0 px", 0, 50),
    (evidence({"x1": 0, "y1": 0, "x2": None, "y2": 99}), "region_size", "the shortest side", 0, 50),
    (evidence(), "region_size", "the evidence has no box", 0, 50),
    ({"evidence": None}, "region_size", "the evidence has no box", 0, 50),
    ({"generator": "RelationBBox"} | evidence(box(9, 9)), "region_size", "the shortest side", 9, 50),
    ({"generator": "TypedAttributeBBox"} | evidence(box(9, 9)), "region_size", "the shortest side", 9, 50),
    ({"options": ["brown"]}, "options", "there are fewer options than needed", 1, 2),
    ({"options": [f"o{i}" for i in range(27)]}, "options", "there are more options than letters", 27, 26),
    ({"options": ["brown", ""]}, "options", "an option is empty", None, None),
    ({"options": ["brown", None]}, "options", "an option is empty", None, None),
    ({"options": ["brown", "black", "Brown"]}, "options", "two options are equal", None, None),
    ({"answer_index": 3}, "options", "the answer index is 3 of 3 options", None, None),
    ({"answer_index": -1}, "options", "the answer index is -1 of 3 options", None, None),
    ({"answer_index": None}, "options", "the answer index is missing", None, None),
    ({"options": []}, "options", "there is an answer index but no option", None, None),
    ({"options": None}, "options", "there is an answer index but no option", None, None),
    (
        evidence(box(60, 60), ids=["o9"]),
        "evidence",
        "object o9 is in no scene graph of its images",
        None,
        None,
    ),
    (
        evidence(box(60, 60), ids=["o3"]),
        "evidence",
        "object o3 is in no scene graph of its images",
        None,
        None,
    ),
    (evidence(box(60, 60), ids=["o1", None]), "evidence", "object null is in no", None, None),
]


@pytest.mark.parametrize(("change", "rule", "detail", "score", "threshold"), REJECTED)
def test_rejected(change: dict[str, Any], rule: str, detail: str, score: float | None, threshold: float | None) -> None:
    kept, rejected = run(qa(1, **change), qa(2))
    assert kept["id"].to_list() == [f"{2:032x}"]
    (row,) = rejected.to_dicts()
    assert (row["rule"], row["threshold"]) == (rule, threshold)
    assert row["detail"].startswith(detail)
    assert row["score"] == (None if score is None else pytest.approx(score))


KEPT: list[dict[str, Any]] = [
    {},
    {"question": "Describe the dog."},
    {"question": 'What does the sign "A {" say?'},
    {"question": "a" * 999 + "?"},
    {"choice_question": "Which one?"},
    {"options": [], "answer_index": None},
    {"options": None, "answer_index": None},
    {"answer_index": 2},
    {"answer": "brown, furry"},
    {"image_ids": ["i2"], "evidence": {"object_ids": ["o3"], "boxes": [box(50, 50)]}},
    {"image_ids": ["i1", "i2"], "evidence": {"object_ids": ["o1", "o3"], "boxes": [box(50, 50)]}},
    {"evidence": {"object_ids": [], "boxes": [box(50, 50)]}},
    {"generator": "MostObject", "evidence": None},
    {"generator": "MostObject", "evidence": {"object_ids": ["o1", "o2"], "boxes": [box(3, 3)]}},
    {"metadata": None},
]


@pytest.mark.parametrize("change", KEPT)
def test_kept_unchanged(change: dict[str, Any]) -> None:
    row = qa(1, **change)
    kept, rejected = run(row)
    assert rejected.is_empty()
    assert kept.equals(raw_qa(row))


def test_of_equal_pairs_the_first_by_id_stays() -> None:
    same = {"question": "What is it?"}
    folded = {"question": "What IS it?", "answer": "Brown"}
    kept, rejected = run(qa(3, **same), qa(1, **same), qa(2, **folded), qa(4, **same, image_ids=["i1", "i2"]))
    assert kept["id"].to_list() == [f"{1:032x}", f"{4:032x}"]
    assert rejected.select("id", "rule", "score", "threshold").rows() == [
        (f"{2:032x}", "duplicate", 2, 1),
        (f"{3:032x}", "duplicate", 3, 1),
    ]
    assert rejected["detail"].unique().to_list() == [f"repeats {1:032x}"]


def test_of_conflicting_pairs_none_stays() -> None:
    same = {"question": "What is it?"}
    kept, rejected = run(qa(1, **same), qa(2, **same, answer="black"), qa(3, **same), qa(4))
    assert kept["id"].to_list() == [f"{4:032x}"]
    assert rejected.select("rule", "score", "threshold").unique().rows() == [("conflicting_answers", 2, 1)]


def test_the_order_of_images_is_part_of_the_question() -> None:
    same = {"question": "Which is it?", "evidence": {"object_ids": [], "boxes": [box(50, 50)]}}
    kept, _ = run(qa(1, **same, image_ids=["i1", "i2"]), qa(2, **same, image_ids=["i2", "i1"], answer="black"))
    assert kept.height == 2


def test_a_broken_pair_does_not_displace_a_sound_one() -> None:
    same = {"question": "What is it?"}
    kept, rejected = run(
        qa(1, **same, options=["brown"]), qa(2, **same), qa(3, **same, answer="black", image_ids=["x"])
    )
    assert kept["id"].to_list() == [f"{2:032x}"]
    assert rejected["rule"].to_list() == ["options", "image"]


def test_an_id_is_used_once() -> None:
    kept, rejected = run(qa(1), qa(1, question="And now?"), qa(2))
    assert kept["question"].to_list() == ["And now?", "What is the color of dog 2?"]
    assert rejected["detail"].to_list() == ["the id is that of an earlier pair"]


def test_the_first_broken_rule_is_named() -> None:
    everything: dict[str, Any] = {
        "question": "a" * 1001 + "?",
        "image_ids": ["x"],
        "evidence": {"object_ids": ["o9"], "boxes": [box(9, 9)]},
        "options": ["brown"],
    }
    repairs: list[tuple[str, dict[str, Any]]] = [
        ("format", {"answer": ""}),
        ("length", {}),
        ("image", {"question": "Is it?"}),
        ("licence", {"image_ids": ["i1"]}),
        ("safety", {}),
        ("region_size", {}),
        ("options", {"evidence": {"object_ids": ["o9"], "boxes": [box(90, 90)]}}),
        ("evidence", {"options": ["brown", "black"]}),
    ]
    assert [rule for rule, _ in repairs] == list(RULES[:8])
    for rule, change in repairs:
        everything |= change
        licences = ("cc-by",) if rule in ("format", "length", "image", "licence") else ()
        unsafe = rule in (*RULES[:4], "safety")
        _, rejected = run(qa(1, **everything), config=FilterConfig(allowed_licences=licences, require_safety=unsafe))
        assert rejected["rule"].to_list() == [rule]
        everything.pop("answer", None)


def test_every_rule_is_a_model_and_every_rule_model_is_named() -> None:
    found = {name.removeprefix("int_rule_") for name in load_models() if name.startswith("int_rule_")}
    assert found == set(RULES)


def test_thresholds_come_from_the_configuration() -> None:
    config = FilterConfig(
        min_region_side_px=100,
        region_generators=("MostObject",),
        min_options=4,
        max_copies=2,
        max_answer_chars=5,
    )
    same = {"question": "What is it?", "options": [], "answer_index": None}
    kept, rejected = run(
        *(qa(i, **same) for i in range(3)),
        qa(4),
        qa(5, generator="MostObject", options=[], answer_index=None),
        qa(6, answer="silver"),
        config=config,
    )
    assert kept["id"].to_list() == [f"{0:032x}", f"{1:032x}"]
    assert rejected.select("rule", "threshold").rows() == [
        ("duplicate", 2),
        ("options", 4),
        ("region_size", 100),
        ("length", 5),
    ]


def test_a_duplicate_image_row_does_not_hide_the_usable_one() -> None:
    twice = pl.concat([images(), images(i1="duplicate").filter(pl.col("image_id") == "i1")])
    kept, _ = filter_qa(raw_qa(qa(1)), images=twice, scene_graphs=scene_graphs())
    assert kept.height == 1


def test_nothing_in_nothing_out() -> None:
    kept, rejected = run()
    assert dict(kept.schema) == FILTERED_QA
    assert dict(rejected.schema) == REJECTED_QA
    assert kept.is_empty()
    assert rejected.is_empty()


def test_lazy_frames_will_do() -> None:
    kept, _ = filter_qa(raw_qa(qa(1)).lazy(), images=images().lazy(), scene_graphs=scene_graphs().lazy())
    assert kept.height == 1


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaError, match=r"table `raw_qa`: missing columns \['answer'\]"):
        filter_qa(raw_qa().drop("answer"), images=images(), scene_graphs=scene_graphs())
