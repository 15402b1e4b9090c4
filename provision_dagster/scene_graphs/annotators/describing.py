"""Tables of what models say about objects and pairs of them, part by part."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from provision_dagster.scene_graphs.annotators.feeding import Outcome, Work, annotate_all
from provision_dagster.scene_graphs.annotators.found import Answer, Asked, AttributeModel, Pixels, RelationModel
from provision_dagster.scene_graphs.annotators.parts import SIDES, Part, places_of, table_of

Row = dict[str, Any]


def describe(part: Part, *, annotator: AttributeModel, config: str, batch: int, work: Work) -> pl.DataFrame:
    """Say what the objects of a part's pictures are like; schema ATTRIBUTES, one row per picture, in their order.

    The part's images have the columns that `objects_to_describe` adds.
    """
    prompts = part.images["prompts"].to_list()

    def given(row: int, picture: Pixels) -> Asked:
        return Asked(picture, *_boxes(prompts[row]))

    found = _answers(part, annotator.annotate, given=given, batch=batch, work=work)
    said = [_described(one, prompts[one.row]) for one in found]
    return table_of(part, "attributes", "objects", said, found, model=annotator.model, config=config)


def relate(part: Part, *, annotator: RelationModel, config: str, batch: int, work: Work) -> pl.DataFrame:
    """Say how objects of a part's pictures are related; schema RELATIONS, one row per picture, in their order.

    The part's images have the columns that `pairs_to_relate` adds.
    """
    prompts, pairs = part.images["prompts"].to_list(), part.images["pairs"].to_list()

    def given(row: int, picture: Pixels) -> Asked:
        place = {prompt["id"]: number for number, prompt in enumerate(prompts[row])}
        ends = [(place[pair["subject"]], place[pair["object"]]) for pair in pairs[row]]
        return Asked(picture, *_boxes(prompts[row]), pairs=ends)

    found = _answers(part, annotator.annotate, given=given, batch=batch, work=work)
    said = [_related(one, pairs[one.row]) for one in found]
    return table_of(part, "relations", "relations", said, found, model=annotator.model, config=config)


def _boxes(prompts: Sequence[Row]) -> tuple[np.ndarray, list[str]]:
    """Boxes in pixels, shape (n, 4), and labels."""
    boxes = [[prompt["box"][side] for side in SIDES] for prompt in prompts]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4), [prompt["label"] for prompt in prompts]


def _answers(
    part: Part,
    model: Callable[[list[Asked]], list[list[Answer]]],
    *,
    given: Callable[[int, Pixels], Asked],
    batch: int,
    work: Work,
) -> list[Outcome[list[Answer]]]:
    """Ask about each picture of which something is to be asked; the others are not even opened."""
    asked = part.images["prompts"].list.len().to_list()
    places = (place for place in places_of(part.images) if asked[place.row])
    found = list(annotate_all(places, model, batch=batch, given=given, work=work))
    silent: list[Outcome[list[Answer]]] = [Outcome(row, []) for row, number in enumerate(asked) if not number]
    return sorted([*found, *silent], key=lambda one: one.row)


def _described(one: Outcome[list[Answer]], prompts: Sequence[Row]) -> list[Row]:
    if one.found is None:
        return []
    return [
        {"id": prompt["id"], "attributes": answer.values, "said": answer.said}
        for prompt, answer in zip(prompts, one.found, strict=True)
    ]


def _related(one: Outcome[list[Answer]], pairs: Sequence[Row]) -> list[Row]:
    if one.found is None:
        return []
    return [
        {**pair, "predicate": predicate, "score": answer.score, "said": answer.said}
        for pair, answer in zip(pairs, one.found, strict=True)
        # a pair without a predicate stays, with what was said
        for predicate in (answer.values or (None,))
    ]
