"""Sources by template, number of pictures and scores; questions that the judge found hard."""

from collections import Counter
from typing import Any

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.filters.schema import JUDGE_SCORES, REGION_TEXT_SCORES
from provision_dagster.generators.schema import REJECTED_QA
from provision_dagster.mixes.build import build_mix
from tests.mixes.rows import filtered, image, images, images_of, many, qa, recipe


def judge(*rows: tuple[int, str, float | None]) -> pl.DataFrame:
    told = [{"id": f"{number:032x}", "form": form, "p_yes": p} for number, form, p in rows]
    return pl.DataFrame(told, schema=JUDGE_SCORES)


def region_text(*rows: tuple[int, float]) -> pl.DataFrame:
    return pl.DataFrame([{"id": f"{n:032x}", "cosine": c} for n, c in rows], schema=REGION_TEXT_SCORES)


SCORES = judge(*((n, "open", n / 10) for n in range(9)), *((n, "choice", 0.95) for n in range(9)), (9, "open", None))
REGIONS = region_text(*((n, n / 20) for n in range(5)), (2, -0.5))


def rejected(*rows: tuple[int, str, str]) -> pl.DataFrame:
    told = [qa(number) | {"rule": rule, "detail": detail} for number, rule, detail in rows]
    return pl.DataFrame(told, schema=REJECTED_QA)


REJECTED = rejected(
    (50, "judge", "hard: the judge says Yes to the open form with a probability of 0.612"),
    (51, "judge", "false: the judge says Yes to the open form with a probability of 0.100"),
    (52, "duplicate", "hard"),
)


def build(**fields: Any) -> pl.DataFrame:
    rows = filtered(*(qa(n, image_ids=["i1"]) for n in range(10)))
    return build_mix(
        recipe(form=fields.pop("form", "open"), **fields),
        filtered_qa=rows,
        images=images(image("i1")),
        rejected_qa=REJECTED,
        judge_scores=SCORES,
        region_text_scores=REGIONS,
    )


def numbers(mix: pl.DataFrame) -> list[int]:
    return sorted(int(name, 16) for name in mix["id"])


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ({"min_judge": 0.7}, [7, 8]),  # of both forms the one that the judge believes less
        ({"min_judge": 0.5, "max_judge": 0.7}, [5, 6]),
        ({"max_judge": 0.1}, [0]),
        ({"min_region_text": 0.15}, [3, 4]),
        ({"min_region_text": -1}, [0, 1, 2, 3, 4]),
        ({"min_judge": 0.4, "min_region_text": 0.0}, [4]),
        ({"hard": True}, [50]),
    ],
)
def test_a_score_band(source: dict[str, Any], taken: list[int]) -> None:
    assert numbers(build(sources=[source])) == taken


def test_hard_and_filtered_together() -> None:
    mix = build(sources=[{"hard": True}, {"count": 3}])
    assert Counter(mix["source"]) == {0: 1, 1: 3}
    assert mix.filter(source=0)["prompt"].to_list() == ["What color is dog 50?"]


def test_scores_are_told_of_the_form_that_is_taken() -> None:
    for form, p in (("open", 0.3), ("choice", 0.95)):
        mix = build(form=form).filter(id=f"{3:032x}")
        assert mix["scores"].to_list() == [{"region_text": 0.15, "judge": p}]
    assert build().filter(id=f"{9:032x}")["scores"].to_list() == [{"region_text": None, "judge": None}]


@pytest.mark.parametrize(("images_", "taken"), [("single", {1}), ("multi", {2, 3}), ("any", {1, 2, 3})])
def test_single_and_multi_image(images_: str, taken: set[int]) -> None:
    lists = [["i1"], ["i1", "i2"], ["i2", "i1", "i3"]]
    rows = filtered(*(qa(n, image_ids=lists[n % 3]) for n in range(9)))
    pictures = images(*(image(name) for name in ("i1", "i2", "i3")))
    mix = build_mix(recipe(sources=[{"images": images_}]), filtered_qa=rows, images=pictures)
    assert set(mix["image_ids"].list.len()) == taken


def test_templates() -> None:
    rows = filtered(*(qa(n, template=f"t{n % 3}") for n in range(9)))
    mix = build_mix(recipe(sources=[{"templates": ["t0", "t2"]}]), filtered_qa=rows, images=images(image("i1")))
    assert Counter(mix["template"]) == {"t0": 3, "t2": 3}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"min_judge": 0.99}, r"\{'min_judge': 0.99\}; .*9 of 10 rows have a score `judge`, from 0.000 to 0.800"),
        ({"min_region_text": 0.9}, r"5 of 10 rows have a score `region_text`, from -0.500 to 0.200"),
        ({"images": "multi"}, r"\{'images': 'multi'\}; .*10 rows are about one picture, 0 about several"),
        ({"templates": ["t7"]}, r"`templates`: no row of \['t7'\]; by `template`, filtered_qa has t1 \(10\)"),
        (
            {"hard": True, "generators": ["MostObject"]},
            r"by `generator`, rejected_qa, as hard, has AttributeBBox \(1\)",
        ),
    ],
)
def test_what_is_not_there(source: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(sources=[source])


@pytest.mark.parametrize(
    ("source", "table"),
    [
        ({"min_judge": 0.5}, "judge_scores"),
        ({"min_region_text": 0.5}, "region_text_scores"),
        ({"hard": True}, "rejected_qa"),
    ],
)
def test_a_missing_table_is_named(source: dict[str, Any], table: str) -> None:
    with pytest.raises(InputError, match=rf"table `{table}` must be given"):
        build_mix(recipe(sources=[source]), filtered_qa=many(9), images=images_of())


def test_held_out_pictures_are_not_shown() -> None:
    held_out = pl.DataFrame({"image_id": ["vg1", "coco3", "vg1", "unknown"]})
    mix = build_mix(recipe(), filtered_qa=many(90), images=images_of(), held_out_pictures=held_out)
    assert not {"vg1", "coco3"} & set(mix["image_ids"].explode())
    assert mix.height == 80
    wanted = recipe(held_out={"exclude": False})
    assert build_mix(wanted, filtered_qa=many(90), images=images_of(), held_out_pictures=held_out).height == 90


def test_a_question_of_two_shards_is_taken_once() -> None:
    rows = filtered(qa(1), qa(1, shard="vg-00001"), qa(2))
    pictures = images(image("i1"), image("i1", shard="vg-00001", uri="/other/i1.jpg"))
    mix = build_mix(recipe(form="open"), filtered_qa=rows, images=pictures)
    assert numbers(mix) == [1, 2]
    assert set(mix["shard"]) == {"vg-00000"}


def test_sizes_and_boxes() -> None:
    box = {"x1": 10.0, "y1": 20.0, "x2": 110.0, "y2": 120.0}
    question = "What color is the dog in [0.05, 0.20, 0.55, 1.00]?"
    row = qa(1, question=question) | {"evidence": {"object_ids": ["o"], "boxes": [box | {"y2": 100.0}]}}
    picture = image("i1", width=200, height=100)
    (ratio,) = build_mix(recipe(form="open"), filtered_qa=filtered(row), images=images(picture)).to_dicts()
    assert ratio["sizes"] == [{"width": 200, "height": 100}]
    assert ratio["boxes"] == [{"image": 0, **box, "y2": 100.0, "label": "dog"}]
    wanted = recipe(form="open", box_format="pixels")
    (pixels,) = build_mix(wanted, filtered_qa=filtered(row), images=images(picture)).to_dicts()
    assert pixels["prompt"] == "What color is the dog in [10, 20, 110, 100]?"


def test_blocks_do_not_change_the_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    from provision_dagster.mixes import spool

    whole = build_mix(recipe(), filtered_qa=many(90), images=images_of())
    monkeypatch.setattr(spool, "BLOCK", 7)
    assert build_mix(recipe(), filtered_qa=many(90), images=images_of()).equals(whole)
    monkeypatch.setattr(spool, "MOST", 2)
    assert build_mix(recipe(), filtered_qa=many(90), images=images_of()).equals(whole)
