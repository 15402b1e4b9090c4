"""Attributes and relations on cases that can be worked out by hand: synonyms, kinds, inverses, what humans left out."""

from typing import Any

import polars as pl
import pytest

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.quality import attribute_quality, match_objects, relation_quality
from provision_dagster.scene_graphs.annotators.schema import ATTRIBUTES, DETECTIONS, RELATIONS
from tests.generators.scenes import graphs, scene

CUP, TABLE, MAN = (0, 0, 10, 10), (0, 10, 50, 40), (60, 0, 90, 90)


def truth(*, complete: bool = False, relations: list[tuple[int, str, int]] | None = None) -> pl.DataFrame:
    things = [("cup", CUP, ["light blue", "small"]), ("table", TABLE, ["wooden"]), ("man", MAN, [])]
    return graphs(scene("a", things, relations or [], complete=complete))


def rows(column: str, schema: dict[str, pl.DataType], things: list[dict[str, Any]], **more: Any) -> pl.DataFrame:
    return pl.DataFrame([{"image_key": "a", "image_set": "set", column: things} | more], schema=schema)


def said(**answers: list[str]) -> pl.DataFrame:
    return rows("objects", ATTRIBUTES, [{"id": id_[1:], "attributes": words} for id_, words in answers.items()])


def related(*facts: tuple[int, str | None, int]) -> pl.DataFrame:
    pairs = [{"subject": str(s), "predicate": predicate, "object": str(o)} for s, predicate, o in facts]
    return rows("relations", RELATIONS, pairs)


def test_kinds_and_synonyms_agree() -> None:
    quality = attribute_quality(truth(), said(_0=["blue"], _1=["wood"]), lexicon=Lexicon.load())
    assert quality is not None
    assert quality.by_category.filter(category="color").select("true", "recalled", "said", "right").rows() == [
        (1, 1, 1, 1)
    ]
    assert (quality.objects, quality.recall, quality.precision) == (2, pytest.approx(2 / 3), 1)


def test_what_humans_left_out_is_judged_only_where_they_list_all() -> None:
    answers = said(_0=["red", "metal"], _1=["brown"], _2=["tall"])
    human = attribute_quality(truth(), answers, lexicon=Lexicon.load())
    assert human is not None
    assert human.by_category.select("category", "said", "right").filter(pl.col("said") > 0).rows() == [("color", 1, 0)]
    assert human.objects == 2
    whole = attribute_quality(truth(complete=True), answers, lexicon=Lexicon.load())
    assert whole is not None
    assert (whole.objects, whole.by_category["said"].sum(), whole.precision) == (3, 4, 0)


def test_objects_that_were_not_asked_about_and_failed_pictures_do_not_count() -> None:
    one = attribute_quality(truth(), said(_1=[]), lexicon=Lexicon.load())
    assert one is not None
    assert (one.objects, one.recall, one.precision) == (1, 0, None)
    failed = said(_0=["blue"]).with_columns(error=pl.lit("x"))
    assert attribute_quality(truth(), failed, lexicon=Lexicon.load()) is None
    assert attribute_quality(truth(), said(_2=["tall"]), lexicon=Lexicon.load()) is None


def test_what_the_truth_implies_is_right() -> None:
    facts = truth(relations=[(0, "sitting on", 1), (2, "holding", 0)])
    quality = relation_quality(facts, related((0, "on", 1), (2, None, 0)), lexicon=Lexicon.load())
    assert quality is not None
    assert (quality.pairs, quality.right, quality.none) == (2, 1, 1)
    # but what the truth does not imply is not
    turned = relation_quality(truth(relations=[(0, "on", 1)]), related((0, "holding", 1)), lexicon=Lexicon.load())
    assert turned is not None
    assert (turned.right, turned.none, turned.false_share) == (0, 0, None)


def test_a_relation_may_be_told_from_the_other_object() -> None:
    quality = relation_quality(
        truth(relations=[(0, "to the left of", 2)]), related((2, "to the right of", 0)), lexicon=Lexicon.load()
    )
    assert quality is not None
    assert (quality.pairs, quality.right) == (1, 1)
    assert quality.by_predicate.rows() == [("to the right of", 1, 1, 0)]


def test_pairs_that_nothing_relates_are_false_where_all_is_listed() -> None:
    facts = [(0, "on", 1)]
    answers = related((0, "on", 1), (2, "holding", 0), (2, None, 1))
    whole = relation_quality(truth(relations=facts, complete=True), answers, lexicon=Lexicon.load())
    assert whole is not None
    assert (whole.pairs, whole.right, whole.said, whole.false, whole.false_share) == (1, 1, 2, 1, 0.5)
    human = relation_quality(truth(relations=facts), answers, lexicon=Lexicon.load())
    assert human is not None
    assert (human.said, human.false_share) == (0, None)
    assert relation_quality(truth(), answers, lexicon=Lexicon.load()) is None


def found(*things: tuple[str, tuple[float, float, float, float]]) -> pl.DataFrame:
    boxes = [
        {"label": label, "box": dict(zip(("x1", "y1", "x2", "y2"), map(float, box), strict=True)), "score": 0.5}
        for label, box in things
    ]
    return rows("objects", DETECTIONS, boxes)


def test_each_object_is_matched_once_by_the_best_box_of_its_label() -> None:
    names = match_objects(
        truth(), found(("cup", (0, 0, 10, 9)), ("Cup", CUP), ("table", CUP), ("man", (60, 0, 75, 89)))
    )
    # the first cup overlaps less, the table lies elsewhere, of the man is found less than half
    assert names.rows() == [("a", "model-1", "0")]
