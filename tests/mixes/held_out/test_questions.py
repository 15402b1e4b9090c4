"""Questions on either side, and what they ask."""

from typing import Any

import polars as pl

from provision_dagster.generators.registry import all_generators
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.questions import held_out_questions, without_held_out
from provision_dagster.mixes.held_out.schema import HELD_OUT, HELD_OUT_PICTURES
from provision_dagster.mixes.held_out.tasks import TASKS, TYPES, with_task
from tests.mixes.rows import filtered, qa


def _held(*names: str) -> pl.DataFrame:
    return pl.DataFrame([{"shard": "vg-00000", "image_id": name} for name in names], schema=HELD_OUT_PICTURES)


def _split(*rows: dict[str, Any]) -> tuple[pl.DataFrame, list[tuple[Any, ...]]]:
    found = held_out_questions(filtered(*rows).lazy(), pictures=_held("i1", "i2"), config=HeldOutConfig())
    assert dict(found.questions.schema) == HELD_OUT
    return found.questions, found.sides.rows()


ROWS = (
    qa(1),
    qa(2, image_ids=["i3"]),
    qa(3, image_ids=["i1", "i2"], generator="HeadRelation"),
    qa(4, image_ids=["i1", "i3"], generator="HeadRelation"),
    qa(5, image_ids=["i3", "i4"], generator="HeadRelation"),
)


def test_questions_go_with_their_pictures() -> None:
    questions, sides = _split(*ROWS)
    assert sorted(questions["id"]) == [f"{1:032x}", f"{3:032x}"]
    # generator, questions, held out, to train with, in neither
    assert sides == [("AttributeBBox", 2, 1, 1, 0), ("HeadRelation", 3, 1, 1, 1)]
    left = without_held_out(filtered(*ROWS).lazy(), pictures=_held("i1", "i2")).collect()
    assert left["id"].to_list() == [f"{2:032x}", f"{5:032x}"]


def test_without_held_out_pictures_all_questions_are_left() -> None:
    left = without_held_out(filtered(*ROWS).lazy(), pictures=_held()).collect()
    assert left.height == len(ROWS)
    found = held_out_questions(filtered(*ROWS).lazy(), pictures=_held())
    assert found.questions.is_empty()
    assert found.sides["to_train_with"].to_list() == [2, 3]


def test_a_question_that_two_sets_hold_is_taken_once() -> None:
    questions, sides = _split(qa(1), qa(1, shard="coco-00000"))
    assert questions["shard"].to_list() == ["coco-00000"]
    assert sides == [("AttributeBBox", 1, 1, 0, 0)]


def test_each_generator_is_ranked_with_options_first() -> None:
    bare: dict[str, Any] = {"options": [], "answer_index": None}
    rows = [qa(i, **(bare if i % 2 else {})) for i in range(6)] + [qa(9, generator="MostObject")]
    questions, _ = _split(*rows)
    ranks = questions.sort("generator", "rank").select("generator", "rank", pl.col("options").list.len() > 0)
    assert ranks.rows() == [
        *(("AttributeBBox", place, place < 3) for place in range(6)),
        ("MostObject", 0, True),
    ]
    again, _ = _split(*reversed(rows))
    assert again.equals(questions)


def test_every_generator_has_its_group() -> None:
    assert set(TASKS) == set(all_generators())
    assert {kind for kind, _ in TASKS.values()} == set(TYPES)
    depth = {name for name, one in all_generators().items() if one.family in ("qa_depth", "qa_object_depth")}
    assert {name for name, (kind, _) in TASKS.items() if kind == "3D"} == depth
    several = {name for name, one in all_generators().items() if one.family.startswith("qa_multi")}
    assert {name for name, (kind, _) in TASKS.items() if kind == "multi"} == several


def test_other_generators_are_grouped_by_family_and_pictures() -> None:
    rows = pl.DataFrame(
        {
            "generator": ["MadeByOthers", "MadeByOthers", "CloserPoint"],
            "family": ["qa_prompted", "qa_prompted", "qa_depth"],
            "image_ids": [["a"], ["a", "b"], ["a"]],
        }
    )
    assert with_task(rows).select("type", "task").rows() == [
        ("2D", "prompted"),
        ("multi", "prompted"),
        ("3D", "depth_order"),
    ]
