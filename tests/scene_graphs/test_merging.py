"""Objects of humans and of models in one list: each thing once, nobody's word lost without a reason."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.found import to_png
from provision_dagster.scene_graphs.annotators.parts import prompts_of
from provision_dagster.scene_graphs.annotators.schema import DEPTH_MAPS, DETECTIONS, MASKS
from provision_dagster.scene_graphs.assemble import assemble
from provision_dagster.scene_graphs.fitting import sized
from provision_dagster.scene_graphs.ingest import ingest_image_set
from provision_dagster.scene_graphs.merging import Precedence, add_masks, merge_detections
from provision_dagster.scene_graphs.rle import encode_mask
from provision_dagster.scene_graphs.schema import ANNOTATIONS

Thing = tuple[str, list[float]]


def human(*things: Thing, key: str = "a", group: bool = False, **fields: Any) -> pl.DataFrame:
    """One annotated picture; the attributes of each thing are its label's first letter."""
    objects = [
        {"id": f"h{n}", "label": label, "box": dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)),
         "attributes": [label[0]], "is_group": group, "points": [], "mirrored": []}
        for n, (label, box) in enumerate(things)
    ]  # fmt: skip
    row = {
        "shard": "s-00000", "image_set": "s", "image_key": key, "width": 100, "height": 100, "objects": objects,
        "relations": [], "captions": ["Two things."], "regions": [], "exhaustive_labels": [],
        "doubtful_labels": [],
        "exhaustive_attributes": True, "exhaustive_relations": True, "provenance": {"objects": "human:test"},
    }  # fmt: skip
    return pl.DataFrame([{**row, **fields}], schema=ANNOTATIONS)


def model(
    *things: Thing, key: str = "a", error: str | None = None, weak: Sequence[Thing] = (), least: float = 0.4
) -> pl.DataFrame:
    """What a model found in one picture, best first, and what it was not sure of, with scores from `least` down."""
    objects, unsure = (
        [
            {"label": label, "box": dict(zip(("x1", "y1", "x2", "y2"), box, strict=True)), "score": best - n / 10}
            for n, (label, box) in enumerate(some)
        ]
        for some, best in ((things, 0.9), (weak, least))
    )
    row = {
        "shard": "s-00000", "part": "00000", "image_set": "s", "image_key": key, "image_id": key, "objects": objects,
        "weak": unsure, "model": "m@1", "config": "{}", "error": error,
    }  # fmt: skip
    return pl.DataFrame([row], schema=DETECTIONS)


def merged(one: pl.DataFrame, other: pl.DataFrame, precedence: Precedence = "human-first") -> pl.DataFrame:
    return merge_detections(one, other, lexicon=Lexicon.load(), precedence=precedence)


def things(table: pl.DataFrame, row: int = 0) -> list[tuple[str, str]]:
    return [(thing["id"], thing["label"]) for thing in table["objects"][row]]


LEFT, RIGHT = [10.0, 10.0, 50.0, 90.0], [60.0, 10.0, 90.0, 90.0]
BELOW = [60.0, 70.0, 90.0, 98.0]
NEAR_LEFT = [12.0, 10.0, 52.0, 88.0]


def test_what_only_the_model_found_is_added_behind() -> None:
    table = merged(human(("cat", LEFT)), model(("dog", RIGHT), ("cat", BELOW)))
    assert things(table) == [("h0", "cat"), ("model-0", "dog"), ("model-1", "cat")]
    first, added, _ = table["objects"][0]
    assert (first["attributes"], first["score"]) == (["c"], None)
    assert (added["attributes"], added["score"], added["is_group"]) == ([], 0.9, False)
    row = table.row(0, named=True)
    assert row["provenance"]["objects"] == "human:test + m@1"
    assert (row["exhaustive_attributes"], row["exhaustive_relations"]) == (False, False)


@pytest.mark.parametrize(("marked", "found"), [("cat", "cat"), ("couch", "sofa"), ("dog", "animal"), ("animal", "dog")])
def test_the_same_thing_under_one_name_stays_the_humans(marked: str, found: str) -> None:
    table = merged(human((marked, LEFT)), model((found, NEAR_LEFT)))
    assert things(table) == [("h0", marked)]
    assert table.row(0, named=True)["provenance"]["objects"] == "human:test"
    assert table["exhaustive_attributes"].to_list() == [True]


def test_another_thing_in_the_same_place_is_another_thing() -> None:
    assert things(merged(human(("horse", LEFT)), model(("person", NEAR_LEFT)))) == [
        ("h0", "horse"),
        ("model-0", "person"),
    ]


def test_one_of_a_group_is_not_added() -> None:
    crowd = human(("person", [0.0, 0.0, 100.0, 60.0]), group=True)
    table = merged(crowd, model(("person", [10.0, 10.0, 20.0, 50.0]), ("person", [10.0, 50.0, 20.0, 95.0])))
    assert things(table) == [("h0", "person"), ("model-1", "person")]


def test_a_humans_search_is_the_better_witness() -> None:
    table = merged(human(("cat", LEFT), exhaustive_labels=["cat", "dog"]), model(("dog", RIGHT), ("bird", RIGHT)))
    assert things(table) == [("h0", "cat"), ("model-1", "bird")]
    assert table["exhaustive_labels"].to_list() == [["cat", "dog"]]


def test_precedence() -> None:
    one, other = human(("cat", LEFT), exhaustive_labels=["cat", "dog"]), model(("dog", NEAR_LEFT))
    assert merged(one, other, "human").equals(one)
    table = merged(one, other, "model").row(0, named=True)
    assert [thing["label"] for thing in table["objects"]] == ["dog"]
    assert (table["exhaustive_labels"], table["exhaustive_attributes"]) == ([], False)
    assert table["captions"] == ["Two things."]
    assert table["provenance"] == dict.fromkeys(table["provenance"]) | {"objects": "m@1"}


def test_pictures_of_either_side() -> None:
    rows = pl.concat([human(("cat", LEFT), key="a"), human(("cat", LEFT), key="b")])
    found = pl.concat([model(("dog", RIGHT), key="c"), model(key="d"), model(key="b", error="failed")])
    table = merged(rows, found)
    assert table["image_key"].to_list() == ["a", "b", "c", "d"]
    assert [things(table, n) for n in range(4)] == [[("h0", "cat")], [("h0", "cat")], [("model-0", "dog")], []]
    assert [p["objects"] for p in table["provenance"]] == ["human:test", "human:test", "m@1", "m@1"]


def doubts(table: pl.DataFrame, row: int = 0) -> list[str]:
    return list(table["doubtful_labels"][row])


def test_what_the_model_is_not_sure_of_makes_a_label_doubtful() -> None:
    table = merged(human(("cat", LEFT)), model(("dog", RIGHT), weak=[("dog", LEFT), ("Cup ", BELOW), ("cup", RIGHT)]))
    assert things(table) == [("h0", "cat"), ("model-0", "dog")]
    assert doubts(table) == ["cup", "dog"]
    assert doubts(merged(human(), model(weak=[("cat", LEFT)]), "model")) == ["cat"]
    assert doubts(merged(human(), model(weak=[("cat", LEFT)], error="failed"))) == []


@pytest.mark.parametrize(("marked", "weak"), [("cat", "cat"), ("couch", "sofa"), ("dog", "animal"), ("poodle", "dog")])
def test_where_the_same_thing_is_marked_there_is_no_doubt(marked: str, weak: str) -> None:
    assert doubts(merged(human((marked, LEFT)), model(weak=[(weak, NEAR_LEFT)]))) == []
    assert doubts(merged(human(), model((marked, LEFT), weak=[(weak, NEAR_LEFT)]))) == []
    assert doubts(merged(human((marked, LEFT)), model(weak=[(weak, RIGHT)]))) == [weak]


def test_humans_leave_no_doubt() -> None:
    crowd = human(("person", [0.0, 0.0, 100.0, 60.0]), group=True)
    assert doubts(merged(crowd, model(weak=[("person", [10.0, 10.0, 20.0, 50.0])]))) == []
    searched = human(("cat", LEFT), exhaustive_labels=["cat", "dog"])
    assert doubts(merged(searched, model(weak=[("cat", RIGHT), ("dog", RIGHT), ("bird", RIGHT)]))) == ["bird"]
    assert doubts(merged(searched, model(weak=[("cat", RIGHT)]), "human")) == []
    known = human(("cat", LEFT), doubtful_labels=["cup"])
    assert doubts(merged(known, model(weak=[("bird", RIGHT)]))) == ["bird", "cup"]


def test_an_object_that_may_be_something_else_is_left_out() -> None:
    names = ("dog", RIGHT), ("teddy bear", [61.0, 10.0, 90.0, 90.0])
    both = merged(human(), model(*names))
    assert (things(both), doubts(both)) == ([], ["dog", "teddy bear"])
    one = merged(human(), model(names[0], weak=[names[1]]))
    assert (things(one), doubts(one)) == ([], ["dog", "teddy bear"])
    faint = merged(human(), model(names[0], weak=[names[1]], least=0.2))
    assert (things(faint), doubts(faint)) == ([("model-0", "dog")], ["teddy bear"])
    apart = merged(human(), model(names[0], weak=[("teddy bear", LEFT)]))
    assert things(apart) == [("model-0", "dog")]
    kind = merged(human(), model(names[0], weak=[("animal", RIGHT)]))
    assert (things(kind), doubts(kind)) == ([("model-0", "dog")], [])


def test_a_humans_name_is_never_in_doubt_and_puts_the_models_in_doubt() -> None:
    table = merged(human(("dog", RIGHT)), model(("dog", RIGHT), ("teddy bear", RIGHT)))
    assert (things(table), doubts(table)) == ([("h0", "dog")], ["teddy bear"])
    # nobody saw a dog where a human looked for dogs
    table = merged(human(exhaustive_labels=["dog"]), model(("dog", RIGHT), ("teddy bear", RIGHT)))
    assert (things(table), doubts(table)) == ([("model-1", "teddy bear")], [])


def test_doubts_reach_the_scene_graph(tmp_path: Path) -> None:
    found = merged(human(("cat", LEFT), key="a.png"), model(key="a.png", weak=[("dog", RIGHT)]))
    graphs, _ = assemble(photographs(tmp_path), found)
    assert graphs["doubtful_labels"].to_list() == [["dog"], []]


def photographs(folder: Path) -> pl.DataFrame:
    """Two pictures of 100 x 100 pixels, as the table of images."""
    for name, color in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (100, 100), color).save(folder / f"{name}.png")
    spec = parse_spec({"name": "s", "reader": "folder", "path": folder}, source="test")
    return inspect_images(ingest_image_set(spec).sources)


def test_masks_stay_with_the_objects_that_humans_marked(tmp_path: Path) -> None:
    images = photographs(tmp_path)
    masks = np.zeros((2, 100, 100), dtype=bool)
    masks[0, 10:90, 10:50] = masks[1, 20:30, 70:80] = True
    np.save(tmp_path / "masks.npy", masks)
    marked = human(("cat", LEFT), ("cup", [70.0, 20.0, 80.0, 30.0]), key="a.png", mask_uri=str(tmp_path / "masks.npy"))
    table = merged(marked, model(("dog", RIGHT), key="a.png"))
    graphs, rejected = assemble(images, table)
    assert rejected.is_empty()
    areas = [(thing["label"], thing["mask_area"]) for thing in graphs["objects"][0]]
    assert areas == [("cat", 3200), ("cup", 100), ("dog", None)]


def test_depth_of_a_model_where_there_is_no_file(tmp_path: Path) -> None:
    images = photographs(tmp_path)
    ramp = np.linspace(0, 65_535, 40).astype(np.uint16)[None].repeat(30, axis=0)
    maps = pl.DataFrame(
        [
            {"shard": "s-00000", "part": "00000", "image_set": "s", "image_key": key, "image_id": key,
             "closeness": to_png(ramp), "model": "depth@2", "config": "{}", "error": None}
            for key in ("a.png", "b.png")
        ],
        schema=DEPTH_MAPS,
    )  # fmt: skip
    own = np.full((100, 100), 7, dtype=np.uint8)
    np.save(tmp_path / "depth.npy", own)
    marked = human(("cat", LEFT), key="a.png", depth_uri=str(tmp_path / "depth.npy"))
    graphs, rejected = assemble(images, marked, depth_maps=maps)
    assert rejected.is_empty()
    assert graphs["depth_span"].to_list() == [255, 65_535]
    assert [p["depth"] for p in graphs["provenance"]] == [None, "depth@2"]
    points = pl.DataFrame(graphs["points"][1].to_list())
    assert points.select(pl.corr("x", "depth")).item() > 0.99


def test_what_has_no_mask_is_asked_for_and_gets_the_models(tmp_path: Path) -> None:
    images = photographs(tmp_path)
    cat = np.zeros((1, 100, 100), dtype=bool)
    cat[0, 10:90, 10:50] = True
    np.save(tmp_path / "masks.npy", cat)
    table = merged(
        human(("cat", LEFT), key="a.png", mask_uri=str(tmp_path / "masks.npy")), model(("dog", RIGHT), key="a.png")
    )
    prompts = prompts_of(images, table)
    assert prompts["prompts"].to_list() == [
        [{"id": "model-0", "box": dict(zip(("x1", "y1", "x2", "y2"), RIGHT, strict=True))}],
        [],
    ]
    other = merged(human(("cat", LEFT), key="a.png"), model(key="a.png"))
    assert prompts_of(images, other)["asked"][0] != prompts["asked"][0]
    dog = np.zeros((100, 100), dtype=np.uint8, order="F")
    dog[20:30, 60:90] = 1
    made = [
        {"id": "model-0", "mask_rle": encode_mask(dog), "score": 0.9},
        {"id": "gone", "mask_rle": encode_mask(dog), "score": 0.9},
    ]
    row = {"image_set": "s", "image_key": "a.png", "masks": made, "model": "cutter@3"}
    whole = add_masks(table, pl.DataFrame([row], schema=MASKS))
    assert whole["provenance"][0]["masks"] == "cutter@3"
    graphs, rejected = assemble(images, whole)
    assert rejected.is_empty()
    areas = [(thing["label"], thing["mask_area"]) for thing in graphs["objects"][0]]
    assert areas == [("cat", 3200), ("dog", 300)]
    assert add_masks(table, pl.DataFrame(schema=MASKS)).equals(table)


def test_what_only_a_model_saw_gets_the_size_of_its_picture() -> None:
    marked = human(("cat", [0, 0, 50, 50]), key="known", doubtful_labels=["dog"])
    both = pl.concat([merge_detections(marked, found, lexicon=Lexicon.load()) for found in [
        model(("dog", [10, 10, 90, 70]), ("cup", [85, 10, 99, 20]), key="new"),
    ]])  # fmt: skip
    assert both["width"].to_list() == [100, None]
    sizes = pl.DataFrame(
        {"image_set": "s", "image_key": ["new", "known", "other"], "width": [80, 100, 1], "height": [60, 100, 1]},
        schema_overrides={"width": pl.Int32, "height": pl.Int32},
    )
    known, new = sized(both, sizes).iter_rows(named=True)
    assert known == both.row(0, named=True)
    assert (new["width"], new["height"], new["provenance"]["objects"]) == (80, 60, "m@1")
    # cut at the edge; what lies outside is left out
    assert [(thing["label"], thing["box"]) for thing in new["objects"]] == [
        ("dog", {"x1": 10.0, "y1": 10.0, "x2": 80.0, "y2": 60.0})
    ]
    assert sized(both, sizes.clear()).equals(both)
