"""Labels of which there may be more than is marked are not counted, missed, compared or pointed at (T1, T5)."""

from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision_dagster.generators.audit import audit_frame
from provision_dagster.generators.generate import Generated, Settings, generate
from tests.generators.scenes import LABELS, Thing, graphs, lexicon, random_graphs, scene, vocabulary

Row = dict[str, Any]

STREET: list[Thing] = [
    ("car", (0, 60, 20, 80), ["red"]),
    ("car", (25, 60, 45, 80), ["blue"]),
    ("dog", (50, 70, 60, 80), ["brown"]),
    ("cup", (75, 10, 80, 15), ["white"]),
    ("man", (85, 60, 95, 95), ["tall"]),
]
HOLDING = [(4, "holding", 3), (2, "under", 3)]


def made(*rows: Row, names: list[str], words: pl.DataFrame | None = None, **chosen: Any) -> Generated:
    table = graphs(*rows)
    mode = {"mode": "full"} if not names[0].startswith(("Has", "Common", "Count", "Compare")) else {}
    options = Settings(**{"per_generator": 50, "images_per_question": (2,), **mode, **chosen})
    known = vocabulary(table) if words is None else words
    return generate(table, vocabulary=known, lexicon=lexicon(), settings=options, generators=names)


def funnel(name: str, row: Row, **chosen: Any) -> dict[str, int]:
    rows = made(row, names=[name], **chosen).funnel.filter(pl.col("reason").is_in(["kept", "doubtful_label"]))
    return dict(rows.select("reason", "count").iter_rows())


@pytest.mark.parametrize(
    ("name", "doubtful", "before", "after"),
    [
        ("ExistsObject", "car", 4, {"kept": 3, "doubtful_label": 1}),
        ("ExistsAttribute", "car", 5, {"kept": 3, "doubtful_label": 2}),
        ("MostObject", "car", 1, {"kept": 0}),
        ("LeftMostObject", "cup", 1, {"kept": 0, "doubtful_label": 1}),
        ("ExistsRelation", "cup", 2, {"kept": 0, "doubtful_label": 2}),
        ("ExistsRelation", "man", 2, {"kept": 1, "doubtful_label": 1}),
        ("RelationBBox", "cup", 2, {"kept": 2}),
        ("AttributeBBox", "car", 5, {"kept": 5}),
        ("HeadRelation", "cup", 1, {"kept": 0, "doubtful_label": 2}),
    ],
)
def test_what_a_doubtful_label_rules_out(name: str, doubtful: str, before: int, after: dict[str, int]) -> None:
    assert funnel(name, scene("a", STREET, HOLDING, exhaustive=[]))["kept"] == before
    row = scene("a", STREET, HOLDING, doubtful=[doubtful])
    assert {k: v for k, v in funnel(name, row).items() if v or k == "kept"} == after
    assert funnel(name, row, rules="paper") == funnel(name, scene("a", STREET, HOLDING), rules="paper")


@pytest.mark.parametrize("doubtful", ["person", "men", "woman", "thing"])
def test_other_names_of_it_are_doubtful_too(doubtful: str) -> None:
    kept = made(scene("a", STREET, doubtful=[doubtful]), names=["ExistsObject"]).qa["metadata"]
    asked = {label for row in kept for label in row["objects"]}
    assert ("man" in asked) == (doubtful == "woman")
    assert ("dog" in asked) == (doubtful != "thing")


def test_a_search_for_the_label_leaves_no_doubt() -> None:
    row = scene("a", STREET, doubtful=["car", "truck"], exhaustive=["car"])
    assert funnel("ExistsObject", row) == {"kept": 4}


def test_a_label_that_nobody_knows_changes_nothing_else() -> None:
    one, other = (
        made(scene("a", STREET, HOLDING, doubtful=more), names=["ExistsObject", "HeadRelation", "SceneGraphCaption"])
        for more in ([], ["zorblefish"])
    )
    assert one.qa.equals(other.qa)
    assert one.funnel.equals(other.funnel)


def test_what_is_only_doubtful_is_never_offered() -> None:
    table = [scene(key, STREET, HOLDING, doubtful=["boat", "poodle"]) for key in "abc"]
    out = made(*table, names=["HasObject", "CommonObject", "ExistsObject"]).qa
    assert not {"boat", "poodle"} & set(out["options"].explode().drop_nulls())


def images_lacking(doubtful: list[str], label: str = "dog", **more: Any) -> list[str]:
    """Keys of the image without the label in questions on which image shows it."""
    rows = [scene("a", [STREET[2]]), scene("b", [STREET[0]], doubtful=doubtful, **more), scene("c", [STREET[3]])]
    words = vocabulary(graphs(scene("w", [(label, (0, 0, 9, 9), []), *STREET])))
    keys = {row["image_id"]: row["image_key"] for row in rows}
    qa = made(*rows, names=["HasObject"], words=words).qa
    asked = qa.filter(pl.col("metadata").struct.field("objects").list.contains("dog"))
    return sorted({keys[i] for ids in asked["image_ids"] for i in ids} - {"a"})


@pytest.mark.parametrize(
    ("doubtful", "lacking"),
    [([], ["b", "c"]), (["dog"], ["c"]), (["poodle"], ["c"]), (["animal"], ["c"]), (["truck"], ["b", "c"])],
)
def test_it_is_not_claimed_absent(doubtful: list[str], lacking: list[str]) -> None:
    assert images_lacking(doubtful) == lacking
    assert images_lacking(doubtful, exhaustive=["dog"]) == ["b", "c"]


def test_neither_are_its_parts_nor_what_it_may_wear() -> None:
    wheel = ("wheel", (0, 0, 9, 9), [])
    shirt = ("shirt", (0, 0, 9, 9), [])
    for thing, doubtful in ((wheel, "car"), (shirt, "person")):
        rows = [scene("a", [thing]), scene("b", [STREET[3]], doubtful=[doubtful])]
        words = vocabulary(graphs(scene("w", STREET, doubtful=[]), *rows))
        asked = made(*rows, names=["HasObject"], words=words).qa["metadata"]
        assert all(row["objects"] != [thing[0]] for row in asked)
        sure = [rows[0], {**rows[1], "doubtful_labels": []}]
        asked = made(*sure, names=["HasObject"], words=words).qa["metadata"]
        assert any(row["objects"] == [thing[0]] for row in asked)


@pytest.mark.parametrize("name", ["CountObject", "HasMost", "CommonObject", "CompareAttribute", "CountAttributeObject"])
def test_several_images(name: str) -> None:
    red, cup = ("car", (0, 0, 20, 20), ["red"]), STREET[3]
    blue = [("car", (25 * n, 0, 25 * n + 20, 20), ["blue"]) for n in range(1 if name == "CompareAttribute" else 2)]
    sure = [scene("a", [red, cup]), scene("b", [cup] if name == "CommonObject" else [*blue, cup])]
    unsure = [sure[0], {**sure[1], "doubtful_labels": ["car"]}]
    kept, left = (made(*rows, names=[name]).qa for rows in (sure, unsure))
    if name == "CommonObject":  # the cup is common; of cars nobody knows
        assert (kept.height, left.height) == (1, 0)
        return
    assert any("car" in row["objects"] for row in kept["metadata"])
    assert not any("car" in row["objects"] for row in left["metadata"])


def caption(*things: Thing, doubtful: list[str], relations: Any = ()) -> str:
    return str(
        made(scene("a", list(things), relations, doubtful=doubtful), names=["SceneGraphCaption"]).qa["answer"][0]
    )


def test_captions_do_not_count_it() -> None:
    assert caption(*STREET[:3], doubtful=[]) == "The image shows a red car, a blue car and a brown dog."
    plain = [("car", thing[1], []) for thing in STREET[:2]]
    assert caption(*plain, doubtful=[]) == "The image shows two cars."
    assert caption(*plain, doubtful=["car"]) == "The image shows at least two cars."
    told = caption(*plain, STREET[2], doubtful=["dog", "vehicle"])
    assert told == "The image shows at least two cars and at least one brown dog."
    row = scene("a", [*plain, STREET[2]], doubtful=["dog", "vehicle"])
    qa = made(row, names=["SceneGraphCaption"]).qa
    assert audit_frame(qa, graphs(row), lexicon=lexicon()).reasons == {}


def test_captions_do_not_tell_left_from_right_of_more_than_two() -> None:
    pair = [("dog", (0, 0, 10, 10), []), ("dog", (80, 0, 90, 10), []), ("cup", (40, 50, 50, 60), [])]
    near = [(0, "next to", 2), (1, "behind", 2)]
    sure, unsure = (caption(*pair, relations=near, doubtful=more) for more in ([], ["dog"]))
    assert "dog on the left" in sure
    assert "left" not in unsure
    assert "The first dog" in unsure


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(random_graphs(), st.data())
def test_the_checker_agrees(table: pl.DataFrame, data: st.DataObject) -> None:
    drawn = st.lists(st.sampled_from([*LABELS, "animal", "poodle"]), max_size=3, unique=True)
    doubts = [data.draw(drawn) for _ in range(table.height)]
    known = table.with_columns(pl.Series("doubtful_labels", doubts, dtype=pl.List(pl.String)))
    chosen = Settings(per_generator=3, images_per_question=(2, 3))
    qa = generate(known, vocabulary=vocabulary(known), lexicon=lexicon(), settings=chosen).qa
    assert audit_frame(qa, known, lexicon=lexicon()).reasons == {}


def test_graphs_without_the_column_have_no_doubts() -> None:
    table = graphs(scene("a", STREET, HOLDING))
    chosen = Settings(mode="full")
    whole, old = (
        generate(t, vocabulary=vocabulary(table), lexicon=lexicon(), settings=chosen).qa
        for t in (table, table.drop("doubtful_labels"))
    )
    assert whole.equals(old)
