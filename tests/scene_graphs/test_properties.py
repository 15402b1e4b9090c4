"""Whatever the annotations say: every item is kept or rejected, and what is kept is sound."""

import json
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision_dagster.scene_graphs.readers import READ_ANNOTATIONS
from provision_dagster.scene_graphs.schema import REJECTED_ANNOTATIONS
from tests.scene_graphs.support import read_all

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

junk = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.just([]), st.just({}))
words = st.one_of(st.sampled_from(["cat", "Cat ", "", "grey", "on", "OF", " , ", "red and blue"]), junk)
side = st.one_of(st.floats(-50, 150), st.integers(-50, 150), st.sampled_from([float("nan"), float("inf"), "7", None]))
box = st.one_of(st.lists(side, min_size=4, max_size=4), st.lists(side, max_size=5), junk)
ids = st.one_of(st.integers(0, 5), st.sampled_from(["0", "1", "x"]), junk)
size = st.sampled_from([None, 60, 100])


def lists(item: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(item, min_size=count, max_size=count)


@st.composite
def provision_annotation(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(0, 5))
    side = draw(size)
    return {
        "width": side,
        "height": side,
        "labels": draw(lists(words, count)),
        "bboxes": draw(lists(box, count)),
        "attributes": draw(lists(st.lists(words, max_size=3), count)),
        "relations": draw(st.lists(st.one_of(st.tuples(ids, words, ids).map(list), junk), max_size=6)),
        "captions": draw(st.lists(words, max_size=3)),
    }


def sound(annotations: pl.DataFrame) -> None:
    assert dict(annotations.schema) == READ_ANNOTATIONS
    for row in annotations.iter_rows(named=True):
        wide, high = row["width"] or float("inf"), row["height"] or float("inf")
        for one in row["objects"]:
            corners = one["box"]
            if row["width"]:
                assert 0 <= corners["x1"] < corners["x2"] <= wide
                assert 0 <= corners["y1"] < corners["y2"] <= high
            assert one["label"] == " ".join(one["label"].lower().split()) != ""
            assert one["attributes"] == sorted(set(one["attributes"]))
        names = [one["id"] for one in row["objects"]]
        assert len(names) == len(set(names))
        triples = [(one["subject"], one["predicate"], one["object"]) for one in row["relations"]]
        assert len(triples) == len(set(triples))
        for subject, predicate, target in triples:
            assert subject != target
            assert max(subject, target) < len(names)
            assert predicate not in ("", "of")


def read_value(value: Any, format: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.json"
        path.write_text(json.dumps(value))
        return read_all(path, format)


def count(rejected: pl.DataFrame, part: str) -> int:
    return rejected.filter((pl.col("part") == part) & pl.col("item").is_not_null()).height


def items(annotations: pl.DataFrame, column: str) -> int:
    return sum(len(found) for found in annotations[column])


@few
@given(st.lists(provision_annotation(), min_size=1, max_size=4))
def test_provision_accounts_for_everything(scenes: list[dict[str, Any]]) -> None:
    value = {str(n): {"data_path": "a.png", "annotation": scene} for n, scene in enumerate(scenes)}
    annotations, rejected = read_value(value, "provision")
    sound(annotations)
    assert annotations.height == len(scenes)
    assert dict(rejected.schema) == REJECTED_ANNOTATIONS
    assert rejected.height == rejected.unique().height
    for part, column, name in (("object", "objects", "labels"), ("relation", "relations", "relations")):
        assert items(annotations, column) + count(rejected, part) == sum(len(s[name]) for s in scenes)
    assert items(annotations, "captions") + count(rejected, "caption") == sum(len(s["captions"]) for s in scenes)
    written = sum(len(values) for scene in scenes for values in scene["attributes"])
    assert count(rejected, "attribute") <= written


gqa_object = st.fixed_dictionaries(
    {"name": words, "x": side, "y": side, "w": side, "h": side},
    optional={
        "attributes": st.lists(words, max_size=3),
        "relations": st.lists(st.one_of(st.fixed_dictionaries({"name": words, "object": ids}), junk), max_size=3),
    },
)


@few
@given(st.dictionaries(st.sampled_from("012345"), st.one_of(gqa_object, junk), max_size=5), size)
def test_gqa_accounts_for_everything(objects: dict[str, Any], length: int | None) -> None:
    annotations, rejected = read_value({"7": {"width": length, "height": length, "objects": objects}}, "gqa")
    sound(annotations)
    assert items(annotations, "objects") + count(rejected, "object") == len(objects)
    relations = sum(len(one.get("relations", [])) for one in objects.values() if isinstance(one, dict))
    assert items(annotations, "relations") + count(rejected, "relation") == relations


coco_annotation = st.fixed_dictionaries(
    {"image_id": st.sampled_from([1, 2, 3, None]), "category_id": st.sampled_from([1, 2, 9]), "bbox": box},
    optional={
        "iscrowd": st.integers(0, 1),
        "segmentation": st.one_of(
            st.lists(st.lists(side, max_size=10), max_size=2),
            st.fixed_dictionaries(
                {
                    "size": st.just([100, 100]),
                    "counts": st.one_of(st.lists(st.integers(-5, 10_000)), st.text()),
                }
            ),
            junk,
        ),
    },
)


@few
@given(st.lists(st.one_of(coco_annotation, junk), max_size=8))
def test_coco_accounts_for_everything(annotations: list[Any]) -> None:
    value = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 100} for n in (1, 2)],
        "annotations": [{**one, "id": n} if isinstance(one, dict) else one for n, one in enumerate(annotations)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    read, rejected = read_value(value, "coco")
    sound(read)
    assert read.height == 2
    assert items(read, "objects") + count(rejected, "object") == len(annotations)
