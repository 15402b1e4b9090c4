"""Raw QA, images and scene graphs for the tests of the filters."""

from typing import Any

import polars as pl

from provision_dagster.generators.schema import RAW_QA
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.scene_graphs.schema import SCENE_GRAPHS


def box(width: float, height: float) -> dict[str, float]:
    return {"x1": 10.0, "y1": 20.0, "x2": 10.0 + width, "y2": 20.0 + height}


def qa(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A sound pair about image `i1`; questions differ by number."""
    row: dict[str, Any] = {
        "shard": "s-00000",
        "family": "qa_attribute",
        "id": f"{number:032x}",
        "generator": "AttributeBBox",
        "generator_version": "1",
        "rules": "strict",
        "seed": 0,
        "template": "t1",
        "image_ids": ["i1"],
        "question": f"What is the color of dog {number}?",
        "answer": "brown",
        "choice_question": None,
        "options": ["brown", "black", "white"],
        "answer_index": 0,
        "metadata": {"objects": ["dog"], "attributes": ["brown"], "relations": [], "counts": []},
        "evidence": {"object_ids": ["o1"], "boxes": [box(60, 70)]},
    }
    assert set(changes) <= set(row)
    return row | changes


def raw_qa(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=RAW_QA)


def images(**statuses: str) -> pl.DataFrame:
    """Images by id with their status; `i1` and `i2` are usable unless told otherwise."""
    found = {"i1": "ok", "i2": "annotations_only"} | statuses
    rows = [{"image_id": image, "status": status, "image_set": "t"} for image, status in found.items()]
    return pl.DataFrame(rows, schema=IMAGES)


def scene_graphs() -> pl.DataFrame:
    """Image `i1` has the objects o1 and o2, `i2` has o3."""
    objects = {"i1": ["o1", "o2"], "i2": ["o3"]}
    rows = [
        {"image_id": image, "objects": [{"id": name, "label": "dog"} for name in names]}
        for image, names in objects.items()
    ]
    return pl.DataFrame(rows, schema=SCENE_GRAPHS)
