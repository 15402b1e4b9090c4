"""Every generator: what it makes of random scene graphs is true, and depends on nothing but the seed."""

import re
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from provision_dagster.errors import InputError
from provision_dagster.generators.generate import Generated, Settings, generate
from provision_dagster.generators.registry import Generator, all_generators
from provision_dagster.generators.schema import FUNNEL, RAW_QA
from tests.generators.scenes import graphs, lexicon, random_graphs, scene, vocabulary

FAMILIES = ["qa_object", "qa_attribute", "qa_relation"]
"""The others have tests of their own."""

SLOW = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
SETTINGS = st.builds(
    Settings,
    rules=st.sampled_from(["strict", "paper"]),
    mode=st.sampled_from(["full", "sampled"]),
    per_generator=st.integers(1, 3),
    seed=st.integers(0, 2**63 - 1),
)


def made(table: pl.DataFrame, chosen: Settings | None = None, **options: Any) -> Generated:
    return generate(
        table, vocabulary=vocabulary(table), lexicon=lexicon(), settings=chosen or Settings(mode="full"), **options
    )


def single_image() -> list[str]:
    return [g.name for g in all_generators().values() if isinstance(g, Generator)]


def by_id(table: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["image_id"]: row for row in table.iter_rows(named=True)}


def check(qa: dict[str, Any], graph: dict[str, Any]) -> None:
    """Read the question's meaning off the scene graph, row by row, and compare."""
    objects = {o["id"]: o for o in graph["objects"]}
    chosen = None if qa["answer_index"] is None else qa["options"][qa["answer_index"]]
    false = [o for i, o in enumerate(qa["options"]) if i != qa["answer_index"]]
    evidence = [objects[i] for i in qa["evidence"]["object_ids"]]
    labels = [o["label"] for o in graph["objects"]]
    said = {
        (graph["objects"][r["subject"]]["label"], r["predicate"], graph["objects"][r["object"]]["label"])
        for r in graph["relations"]
    }
    match qa["generator"]:
        case "ExistsObject":
            (label,) = qa["metadata"]["objects"]
            assert qa["metadata"]["counts"] == [labels.count(label)]
            assert len(evidence) == labels.count(label)
        case "MostObject" | "LeastObject":
            sign = 1 if qa["generator"] == "MostObject" else -1
            assert chosen == qa["answer"]
            assert all(sign * labels.count(chosen) > sign * labels.count(o) for o in false)
        case "LeftMostObject" | "RightMostObject" | "TopMostObject" | "BottomMostObject" as name:
            side, sign = {"L": ("x1", 1), "R": ("x2", -1), "T": ("y1", 1), "B": ("y2", -1)}[name[0]]
            edges = {o["label"]: sign * o["box"][side] for o in evidence}
            assert chosen == qa["answer"] == min(edges, key=edges.__getitem__)
            assert set(edges) == set(qa["options"])
        case "ExistsAttribute":
            (label,), wanted = qa["metadata"]["objects"], set(qa["metadata"]["attributes"])
            having = [o for o in graph["objects"] if o["label"] == label and wanted <= set(o["attributes"])]
            assert qa["metadata"]["counts"] == [len(having)]
            assert {o["id"] for o in having} == set(qa["evidence"]["object_ids"])
        case "AttributeBBox" | "TypedAttributeBBox":
            (thing,) = evidence
            assert set(qa["metadata"]["attributes"]) <= set(thing["attributes"])
            assert chosen is None or chosen in thing["attributes"]
            assert not set(false) & set(thing["attributes"])
        case "ExistsRelation" | "RelationBBox":
            pair = {
                r["predicate"]
                for r in graph["relations"]
                if [str(r["subject"]), str(r["object"])] == qa["evidence"]["object_ids"]
            }
            assert set(qa["metadata"]["relations"]) == pair
            assert not set(false) & pair
        case "HeadRelation":
            head, target = qa["metadata"]["objects"]
            (predicate,) = qa["metadata"]["relations"]
            assert (head, predicate, target) in said
            assert all((o, predicate, target) not in said for o in false)
            assert labels.count(target) == 1
            assert head != target
        case other:
            pytest.fail(f"no check for {other}")


@SLOW
@given(random_graphs(), st.sampled_from(["full", "sampled"]), st.integers(0, 2**63 - 1))
def test_strict_answers_are_true_of_the_graph(table: pl.DataFrame, mode: Any, seed: int) -> None:
    rows = by_id(table)
    for qa in made(table, Settings(mode=mode, seed=seed), generators=FAMILIES).qa.iter_rows(named=True):
        check(qa, rows[qa["image_ids"][0]])


@SLOW
@given(random_graphs(), SETTINGS)
def test_shape_of_every_row(table: pl.DataFrame, chosen: Settings) -> None:
    out = made(table, chosen)
    assert out.qa.schema == pl.Schema(RAW_QA)
    assert out.funnel.schema == pl.Schema(FUNNEL)
    assert out.qa["id"].n_unique() == out.qa.height
    for qa in out.qa.iter_rows(named=True):
        assert len(set(qa["options"])) == len(qa["options"]) != 1
        assert (qa["answer_index"] is None) == (not qa["options"])
        for text in filter(None, (qa["question"], qa["choice_question"])):
            assert text.endswith(("?", "."))
            # paper rules keep "the object that the tree is next to to the ..."
            if chosen.rules == "strict" or qa["generator"] != "SceneGraphRelationQA":
                assert not re.search(r"[{}]|  |\b(\w+) \1\b", text.lower().replace("that that", ""))


@SLOW
@given(random_graphs(), SETTINGS)
def test_the_funnel_accounts_for_every_candidate(table: pl.DataFrame, chosen: Settings) -> None:
    out = made(table, chosen)
    for (name,), part in out.funnel.group_by("generator"):
        counts = dict(part.select("reason", "count").iter_rows())
        candidates = counts.pop("candidate")
        assert sum(counts.values()) == candidates
        assert counts["kept"] == out.qa.filter(generator=name).height


@SLOW
@given(random_graphs(), st.integers(0, 99), st.randoms(use_true_random=False))
def test_order_and_shards_of_the_input_do_not_matter(table: pl.DataFrame, seed: int, random: Any) -> None:
    chosen = Settings(seed=seed)
    words = vocabulary(table)
    whole = made(table, chosen).qa
    order = list(range(table.height))
    random.shuffle(order)
    assert generate(
        table[order], vocabulary=words.sample(fraction=1, shuffle=True, seed=seed), lexicon=lexicon(), settings=chosen
    ).qa.equals(whole)
    single = single_image()
    pieces = [
        generate(table[i], vocabulary=words, lexicon=lexicon(), settings=chosen, generators=single).qa
        for i in range(table.height)
    ]
    assert pl.concat(pieces).sort("id").equals(whole.filter(pl.col("generator").is_in(single)).sort("id"))


@SLOW
@given(random_graphs(), st.integers(1, 3))
def test_sampled_is_part_of_full_and_bounded(table: pl.DataFrame, n: int) -> None:
    few = made(table, Settings(per_generator=n), generators=single_image()).qa
    every = made(table, generators=single_image()).qa
    assert set(few["id"]) <= set(every["id"])
    # questions about several images are counted per shard
    of_one = few.filter(pl.col("image_ids").list.len() == 1)
    assert of_one.group_by("generator", "image_ids").len()["len"].max() in (None, *range(1, n + 1))


STREET = scene(
    "street",
    [
        ("car", (0, 60, 20, 80), ["red"]),
        ("car", (25, 60, 45, 80), ["blue"]),
        ("car", (50, 60, 70, 80), ["white"]),
        ("dog", (75, 70, 85, 80), ["brown", "small"]),
        ("tree", (88, 10, 99, 80), ["green", "tall"]),
        ("table", (0, 30, 30, 50), ["wooden"]),
        ("cup", (5, 24, 10, 32), ["small", "white"]),
        ("bird", (60, 2, 66, 8), ["black"]),
        ("lamp", (40, 2, 46, 20), ["metal"]),
    ],
    [(6, "on", 5), (3, "in front of", 6), (3, "next to", 4), (7, "above", 4)],
    exhaustive=["car", "dog", "tree", "table", "cup", "bird", "lamp"],
    complete=True,
)


def test_two_seeds_differ() -> None:
    table = graphs(STREET)
    assert not made(table, Settings(seed=1)).qa.equals(made(table, Settings(seed=2)).qa)


def test_every_generator_makes_something_of_a_rich_scene() -> None:
    wanted = {name for name, generator in all_generators().items() if generator.family in FAMILIES}
    assert set(made(graphs(STREET), generators=FAMILIES).qa["generator"]) == wanted


def dropped(generator: str, row: dict[str, Any]) -> dict[str, int]:
    funnel = made(graphs(row), generators=[generator]).funnel
    return dict(
        funnel.filter(~pl.col("reason").is_in(["candidate", "sampled_out"])).select("reason", "count").iter_rows()
    )


BOX = (0, 0, 10, 10)
FAR = (50, 50, 60, 60)


@pytest.mark.parametrize(
    ("generator", "row", "expected"),
    [
        ("ExistsObject", scene("a", [("car", BOX, [])]), {"kept": 1}),
        ("ExistsObject", scene("a", [("car", BOX, [])], groups=(0,)), {"kept": 0, "group_box": 1}),
        ("ExistsObject", scene("a", [("man", BOX, []), ("person", FAR, [])]), {"kept": 0, "related_label_present": 2}),
        (
            "ExistsObject",
            scene("a", [("man", BOX, []), ("person", FAR, [])], exhaustive=["man", "person"]),
            {"kept": 2},
        ),
        (
            "ExistsObject",
            scene("a", [("car", BOX, []), ("car", (0, 0, 10, 11), [])]),
            {"kept": 0, "box_marked_twice": 1},
        ),
        (
            "ExistsAttribute",
            scene("a", [("car", BOX, ["red"]), ("car", FAR, ["blue"])]),
            {"kept": 2},
        ),
        (
            "ExistsAttribute",
            scene("a", [("car", BOX, ["red"]), ("car", FAR, [])]),
            {"kept": 0, "attribute_of_other_objects_unknown": 1},
        ),
        ("ExistsAttribute", scene("a", [("car", BOX, ["red"]), ("car", FAR, [])], complete=True), {"kept": 1}),
        (
            "AttributeBBox",
            scene("a", [("car", BOX, ["red"]), ("dog", BOX, ["brown"])]),
            {"kept": 0, "same_printed_box": 2},
        ),
        ("AttributeBBox", scene("a", [("door", BOX, ["open", "closed"])]), {"kept": 0, "contradicting_attributes": 1}),
        ("AttributeBBox", scene("a", [("cat", BOX, ["black", "white"])]), {"kept": 1}),
        *(
            (name, scene("a", [("car", BOX, [size]), (other, FAR, [beside])]), expected)
            for name in ("AttributeBBox", "TypedAttributeBBox", "ExistsAttribute")
            for size, other, beside, expected in (
                ("small", "car", "large", {"kept": 2}),
                ("small", "dog", "large", {"kept": 0, "size_without_comparison": 2}),
                ("small", "car", "tiny", {"kept": 0, "size_without_comparison": 2}),
                ("wide", "dog", "narrow", {"kept": 2}),
            )
            if (name, beside) != ("ExistsAttribute", "tiny")  # a tiny car may be called small
        ),
        (
            "LeftMostObject",
            scene("a", [("car", (0, 0, 2, 9), []), ("dog", (3, 0, 40, 9), []), ("cup", (50, 0, 60, 9), [])]),
            {"kept": 0, "margin": 1},
        ),
        (
            "LeftMostObject",
            scene("a", [("car", (0, 0, 9, 9), []), ("dog", (20, 0, 40, 9), []), ("cup", (50, 0, 60, 9), [])]),
            {"kept": 1},
        ),
        (
            "HeadRelation",
            scene("a", [("cup", BOX, []), ("table", (0, 8, 30, 30), []), ("dog", FAR, [])], [(0, "on", 1)]),
            {"kept": 1},
        ),
        (
            "HeadRelation",
            scene("a", [("cup", BOX, []), ("table", (0, 8, 30, 30), []), ("dog", (5, 5, 20, 20), [])], [(0, "on", 1)]),
            {"kept": 0, "no_provable_distractor": 1},
        ),
    ],
)
def test_truth_rules(generator: str, row: dict[str, Any], expected: dict[str, int]) -> None:
    assert dropped(generator, row) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": "loose"}, "`rules` must be one of strict, paper, got 'loose'"),
        ({"mode": "all"}, "`mode` must be one of sampled, full, got 'all'"),
        ({"per_generator": 0}, "`per_generator` must be at least 1, got 0"),
        ({"seed": -1}, "`seed` must be 0 .. 2**63 - 1, got -1"),
        ({"seed": 2**63}, "`seed` must be 0 .. 2**63 - 1"),
    ],
)
def test_settings_name_what_is_allowed(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        Settings(**options)


def test_an_unknown_generator_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown generator `MostObjects`; allowed: .*MostObject.*qa_object"):
        made(graphs(STREET), generators=["MostObjects"])


def test_no_scene_graph_gives_no_rows_but_a_funnel() -> None:
    out = made(graphs())
    assert out.qa.schema == pl.Schema(RAW_QA)
    assert out.qa.is_empty()
    assert set(out.funnel["generator"]) == set(all_generators())
