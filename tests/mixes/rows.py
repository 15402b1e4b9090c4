"""Filtered QA and images for the tests of mixes."""

from types import MappingProxyType
from typing import Any

import polars as pl

from provision_dagster.generators.schema import FILTERED_QA
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.mixes.recipe import Recipe, parse_recipe

GENERATORS = MappingProxyType(
    {"MostObject": "qa_object", "AttributeBBox": "qa_attribute", "HeadRelation": "qa_relation"}
)
"""Those of `many`, with their families."""

FAMILIES = {
    **GENERATORS,
    "CloserPoint": "qa_depth",
    "HasObject": "qa_multi_select",
    "SceneGraphCaption": "qa_scene_graph",
}
"""Those that `qa` can be asked for."""


def qa(number: int, **changes: Any) -> dict[str, Any]:
    generator = changes.get("generator", "AttributeBBox")
    row: dict[str, Any] = {
        "shard": "vg-00000",
        "family": FAMILIES[generator],
        "id": f"{number:032x}",
        "generator": generator,
        "template": "t1",
        "image_ids": ["i1"],
        "question": f"What color is dog {number}?",
        "answer": "brown",
        "choice_question": None,
        "options": ["black", "brown"],
        "answer_index": 1,
        "metadata": {"objects": ["dog"], "attributes": ["brown"], "relations": None, "counts": []},
    }
    assert set(changes) <= set(row)
    return row | changes


def filtered(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=FILTERED_QA)


def many(count: int, *, images_per_set: int = 10) -> pl.DataFrame:
    """Rows over three generators, two image sets; every third row has no options."""
    names = list(GENERATORS)
    rows = []
    for i in range(count):
        bare: dict[str, Any] = {"options": [], "answer_index": None} if i % 3 == 2 else {}
        image_set = ("vg", "coco")[i % 2]
        image = f"{image_set}{i // 2 % images_per_set}"
        made = qa(i, generator=names[i % 3], shard=f"{image_set}-00000", image_ids=[image], **bare)
        rows.append(made)
    return filtered(*rows)


def image(image_id: str, **changes: Any) -> dict[str, Any]:
    row = {
        "shard": "vg-00000",
        "image_set": "vg",
        "image_key": f"{image_id}.jpg",
        "image_id": image_id,
        "uri": f"/photos/{image_id}.jpg",
        "license": "CC BY 4.0",
        "status": "ok",
    }
    return row | changes


def images(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=IMAGES)


def images_of(count: int = 10) -> pl.DataFrame:
    """The images that `many` shows."""
    return images(*(image(f"{s}{i}", image_set=s, shard=f"{s}-00000") for s in ("vg", "coco") for i in range(count)))


def recipe(**fields: Any) -> Recipe:
    return parse_recipe({"name": "test", "sources": [{}]} | fields)
