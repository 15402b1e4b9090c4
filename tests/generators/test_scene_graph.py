"""Scene-graph questions and captions: candidate sets, what makes a description unfit, sampling, sentences."""

import json
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from provision_dagster.generators.arrays import Ragged
from provision_dagster.generators.audit.frame import audit_frame
from provision_dagster.generators.generate import Settings, generate, generate_blocks
from provision_dagster.generators.graphs import flatten
from provision_dagster.generators.phrases import adjectives
from provision_dagster.generators.programs.description_book import BLOCK
from provision_dagster.generators.programs.description_pairs import Products, side
from provision_dagster.generators.programs.description_qa import Weights, mentioned
from provision_dagster.generators.programs.descriptions import descriptions
from provision_dagster.generators.programs.relation_options import related_pairs
from provision_dagster.generators.programs.single_image import scene_graph_relation_qa
from provision_dagster.generators.sampling import mean_cubes
from provision_dagster.generators.templates import Template
from provision_dagster.image_sets.spec import parse_spec
from provision_dagster.lexicon import Lexicon
from provision_dagster.pipeline import Request, generate_files
from tests.generators.scenes import Thing, graphs, lexicon, random_graphs, scene, vocabulary

QUESTIONS = ["SceneGraphObjectQA", "SceneGraphAttributeQA", "SceneGraphRelationQA"]
SLOW = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
FULL = Settings(mode="full")
PAPER = Settings(mode="full", rules="paper")


PLAIN = {
    "SceneGraphObjectQA": [Template("o", "{description}.", None)],
    "SceneGraphAttributeQA": [Template("a", "{noun}: {description}.", None)],
    "SceneGraphRelationQA": [Template("r", "{subject_description}, {object_description}.", None)],
}


def made(table: pl.DataFrame, chosen: Settings = FULL, *names: str, **options: Any) -> Any:
    return generate(
        table,
        vocabulary=vocabulary(table),
        lexicon=lexicon(),
        settings=chosen,
        generators=names or ["qa_scene_graph"],
        **options,
    )


def counts(out: Any, generator: str) -> dict[str, int]:
    return dict(out.funnel.filter(generator=generator).select("reason", "count").iter_rows())


# --- the candidate sets, from their definition ---


def component(row: dict[str, Any], start: int) -> frozenset[int]:
    found, open_ = {start}, [start]
    while open_:
        here = open_.pop()
        for r in row["relations"]:
            for a, b in ((r["subject"], r["object"]), (r["object"], r["subject"])):
                if a == here and b not in found:
                    found.add(b)
                    open_.append(b)
    return frozenset(found)


@cache
def category(attribute: str) -> str | None:
    found: str | None = lexicon().attributes([attribute])["category"][0]
    return found


def held(row: dict[str, Any], place: int) -> list[str]:
    return [a for a in row["objects"][place]["attributes"] if category(a) is not None]


Description = tuple[frozenset[str], tuple[Any, ...] | None]


def described(row: dict[str, Any], place: int, *, own: list[str], without: int | None = None) -> Iterator[Description]:
    """Every description of an object, from the rule's words."""
    for three in combinations(own, 3):
        yield frozenset(three), None
    for r in row["relations"]:
        for here, other, way in ((r["subject"], r["object"], "out"), (r["object"], r["subject"], "in")):
            if here != place or other == without:
                continue
            for k in range(3):
                for mine in combinations(own, k):
                    for theirs in combinations(held(row, other), 2 - k):
                        yield (
                            frozenset(mine),
                            (r["predicate"], way, row["objects"][other]["label"], frozenset(theirs)),
                        )


def expected_totals(row: dict[str, Any]) -> Counter[str]:
    """Numbers of candidates of one image by brute force."""
    total: Counter[str] = Counter()
    places = range(len(row["objects"]))
    parts = {p: component(row, p) for p in places}
    every = {p: set(described(row, p, own=held(row, p))) for p in places}
    for part in {p for p in parts.values() if len(p) > 1}:
        total["SceneGraphObjectQA"] += len({d for p in part for d in every[p]})
        asked = set()
        for p in part:
            for kind in {category(a) for a in held(row, p)}:
                rest = [a for a in held(row, p) if category(a) != kind]
                asked |= {(kind, d) for d in described(row, p, own=rest)}
        total["SceneGraphAttributeQA"] += len(asked)
        owners = Counter(d for p in part for d in every[p])
        for s, o in {(r["subject"], r["object"]) for r in row["relations"] if r["subject"] in part}:
            ends = [
                len({d for d in described(row, a, own=held(row, a), without=b) if owners[d] == 1})
                for a, b in ((s, o), (o, s))
            ]
            total["SceneGraphRelationQA"] += ends[0] * ends[1]
    return total


@SLOW
@given(random_graphs(most=3))
def test_candidates_are_those_of_the_definition(table: pl.DataFrame) -> None:
    expected: Counter[str] = Counter()
    for row in table.iter_rows(named=True):
        expected += expected_totals(row)
    for rules in (PAPER, FULL):
        out = made(table, rules, *QUESTIONS)
        assert {name: counts(out, name)["candidate"] for name in QUESTIONS} == {
            name: expected[name] for name in QUESTIONS
        }


@pytest.mark.shared
@pytest.mark.slow
def test_totals_are_those_of_the_reference(shared: Path, tmp_path: Path) -> None:
    bench = shared / "bench"
    script = [sys.executable, str(bench / "make_scene_graphs.py"), "--n", "1000", "--n-masks", "0", "--seed", "7"]
    subprocess.run([*script, "--out", str(tmp_path / "data")], check=True, capture_output=True)
    fields = {
        "name": "bench",
        "reader": "annotations",
        "annotations": tmp_path / "data" / "scene_graphs_1000.json",
        "annotations_format": "provision",
    }
    request = Request(
        spec=parse_spec(fields, source="test"),
        out=tmp_path,
        settings=PAPER,
        generators=("qa_scene_graph",),
        vocabulary=bench / "vocabulary.json",
    )
    expected = json.loads((bench / "expected_totals.json").read_text())["generators"]
    found = generate_files(request)["by_generator"]
    assert found.pop("SceneGraphCaption") == 1000
    assert found == {name: expected[name]["qa"] for name in QUESTIONS}


# --- what is asked is true ---


@SLOW
@given(random_graphs(), st.sampled_from(["full", "sampled"]), st.integers(0, 2**63 - 1))
def test_the_independent_checker_finds_no_fault(table: pl.DataFrame, mode: Any, seed: int) -> None:
    out = made(table, Settings(mode=mode, per_generator=5, seed=seed), *QUESTIONS)
    # long lists repeat the same descriptions
    sample = out.qa.sort("id").head(60)
    report = audit_frame(sample, table, lexicon=lexicon())
    assert not report.reasons


BOX = (0, 0, 10, 10)


def street(*more: Any, relations: Any = (), **options: Any) -> dict[str, Any]:
    """A cup (red, small) on a wooden table, and more."""
    things = [("cup", BOX, ["red", "small"]), ("table", (20, 0, 60, 40), ["wooden"]), *more]
    return scene("street", things, [(0, "on", 1), *relations], **options)


def asked(row: dict[str, Any], generator: str = "SceneGraphObjectQA") -> tuple[set[str], dict[str, int]]:
    """(descriptions that the questions hold, funnel without zeros) for open questions of one image."""
    out = made(graphs(row), FULL, generator, templates=PLAIN)
    texts = {q.removesuffix(".") for q in out.qa["question"]}
    return texts, {k: v for k, v in counts(out, generator).items() if v}


BALL_THINGS: list[Thing] = [
    ("ball", (0, 0, 20, 20), ["blue", "light", "round"]),
    ("woman", (0, 0, 40, 60), ["tall"]),
    ("plane", (50, 50, 90, 90), ["light blue", "round"]),
]
BALL = scene("ball", BALL_THINGS, [(1, "on", 0), (1, "on", 2)])
"""A "light blue object that a woman is on" is both."""

PHOTO = scene(
    "photo",
    [
        ("building", (0, 0, 40, 60), ["in photo", "brick"]),
        ("photo", (0, 0, 100, 100), ["outdoors"]),
        ("building", (50, 0, 90, 60), []),
    ],
    [(0, "in", 1), (2, "in", 1)],
)
"""Both buildings are in the photo; one is said to be so by an attribute."""

SIGN_THINGS: list[Thing] = [
    ("cup", (0, 0, 20, 20), ["red"]),
    ("sign", (0, 0, 40, 40), ["black"]),
    ("black sign", (50, 50, 90, 90), ["large"]),
    ("plate", (50, 50, 60, 60), ["red"]),
]
SIGNS = scene("signs", SIGN_THINGS, [(0, "on", 1), (3, "on", 2)])
"""The "black sign" may be either."""


WINE = scene(
    "wine",
    [("white wine", (0, 0, 20, 20), ["cold"]), ("wine glass", (0, 0, 40, 40), ["black and white", "tall"])],
    [(0, "in front of", 1)],
)
"""What is in front of the "black and white wine glass" is the white wine."""


def test_descriptions_read_as_english() -> None:
    texts, funnel = asked(street())
    # a text begins with a capital
    texts = {text[0].lower() + text[1:] for text in texts}
    assert funnel["candidate"] == funnel["kept"] == 6
    assert texts == {
        "small red object that is on the table",
        "red object that is on the wooden table",
        "small object that is on the wooden table",
        "object that the small red cup is on",
        "wooden object that the red cup is on",
        "wooden object that the small cup is on",
    }


@pytest.mark.parametrize(
    ("row", "reason", "number"),
    [
        # another cup fits as well, in the same words
        (street(("cup", BOX, ["red", "small"]), relations=[(2, "on", 1)]), "description_not_unique", 3),
        # in other words: a relation that implies the asked one, another name of the neighbor, a kind of the attribute
        (street(("fork", BOX, ["red", "small"]), relations=[(2, "on top of", 1)]), "description_not_unique", 6),
        (
            street(("fork", BOX, ["red"]), ("coffee table", (70, 0, 90, 40), ["wooden"]), relations=[(2, "on", 3)]),
            "description_not_unique",
            4,  # those that say "small" too: forks are not small beside cups, nor large
        ),
        (street(("fork", BOX, ["dark red", "small"]), relations=[(2, "on", 1)]), "description_not_unique", 5),
        # said from the other side
        (
            scene(
                "a",
                [("cup", BOX, ["red"]), ("table", BOX, ["wooden"]), ("fork", BOX, ["red"])],
                [(0, "behind", 1), (1, "in front of", 2)],
            ),
            "description_not_unique",
            2,
        ),
        (street(groups=(0,)), "group_box", 3),
        (scene("a", [("cup", BOX, ["red", "small"]), ("table", BOX, [])], [(0, "a", 1)]), "unusable_predicate", 2),
        (scene("a", [("zorble", BOX, ["red", "small"]), ("cup", BOX, [])], [(0, "on", 1)]), "kept", 2),
        (scene("a", [("cup", BOX, ["red", "frobbed"]), ("table", BOX, [])], [(0, "on", 1)]), "kept", 0),
        (scene("a", [("cup", BOX, ["open", "closed"]), ("table", BOX, [])], [(0, "on", 1)]), "kept", 0),
        (
            scene("a", [("cup", BOX, ["red", "small"]), ("table", BOX, [])], [(0, "on", 1), (0, "under", 1)]),
            "contradicting_predicates",
            4,
        ),
        (
            scene("a", [("coffee table", BOX, ["red", "small"]), ("table", BOX, [])], [(0, "next to", 1)]),
            "answer_in_question",
            2,
        ),
        (
            scene("a", [("cup", BOX, ["red"]), ("wooden table", BOX, ["wooden"])], [(0, "on", 1)]),
            "attribute_in_neighbor_label",
            1,
        ),
        (WINE, "answer_in_question", 2),
        (BALL, "attributes_run_together", 3),
        # without a "light blue" thing in the image set there is nothing else to read
        (scene("a", BALL_THINGS[:2], [(1, "on", 0)]), "kept", 13),
        (PHOTO, "attribute_says_relation", 4),
        # where the label is not in the picture, nothing else can be so related
        (scene("a", [("building", BOX, ["in photo"]), ("car", BOX, ["parked"])], [(0, "behind", 1)]), "kept", 2),
        (SIGNS, "attribute_makes_other_label", 1),
        (scene("a", SIGN_THINGS[:2], [(0, "on", 1)]), "kept", 2),
    ],
)
def test_truth_rules_of_descriptions(row: dict[str, Any], reason: str, number: int) -> None:
    _, funnel = asked(row)
    assert funnel.get(reason, 0) == number
    assert funnel["candidate"] == sum(n for r, n in funnel.items() if r != "candidate")


@pytest.mark.parametrize("row", [BALL, PHOTO, SIGNS, WINE], ids=["light blue", "in photo", "black sign", "white wine"])
@pytest.mark.parametrize("mode", ["full", "sampled"])
def test_descriptions_have_one_reading(row: dict[str, Any], mode: Any) -> None:
    table = graphs(row)
    out = made(table, Settings(mode=mode, per_generator=50), *QUESTIONS)
    assert out.qa.height
    assert audit_frame(out.qa, table, lexicon=lexicon()).reasons == {}


def test_an_attribute_that_the_question_tells_is_not_asked() -> None:
    row = scene("a", [("cup", BOX, ["white", "small"]), ("table", BOX, ["white", "wooden"])], [(0, "on", 1)])
    out = made(graphs(row), FULL, "SceneGraphAttributeQA")
    for question, answer in out.qa.select("question", "answer").iter_rows():
        assert not re.search(rf"\b{answer}\b", question)
    assert counts(out, "SceneGraphAttributeQA")["answer_in_question"] == 4


@pytest.mark.parametrize(("beside", "asked"), [("large", True), ("tall", False)])
def test_a_size_is_asked_beside_another_of_its_kind_only(beside: str, asked: bool) -> None:
    things = [("cup", BOX, ["white", "small"]), ("table", BOX, ["wooden"]), ("cup", BOX, ["blue", beside])]
    out = made(graphs(scene("a", things, [(0, "on", 1), (2, "on", 1)])), FULL, "SceneGraphAttributeQA")
    assert ("small" in out.qa["answer"].to_list()) == asked
    assert ("size_without_comparison" in counts(out, "SceneGraphAttributeQA")) != asked
    assert "white" in out.qa["answer"].to_list()


def test_a_relation_question_does_not_use_its_relation() -> None:
    row = street(("lamp", BOX, ["tall", "metal"]), relations=[(2, "next to", 1), (0, "under", 2)])
    out = made(graphs(row), FULL, "SceneGraphRelationQA", templates=PLAIN)
    assert out.qa.filter(answer="on").height
    for qa in out.qa.filter(answer="on").iter_rows(named=True):
        assert not re.search(r"\bon\b", qa["question"])
        assert "cup" not in qa["question"]


def test_every_usable_predicate_makes_grammatical_descriptions() -> None:
    words = lexicon().tables["predicates"].filter(pl.col("usable") & (pl.col("predicate") == pl.col("canonical")))
    table = graphs(
        *(
            scene(f"{i:04d}", [("zebra", BOX, ["red", "small"]), ("lamp", BOX, ["tall", "metal"])], [(0, p, 1)])
            for i, p in enumerate(words["predicate"])
        )
    )
    out = made(table, FULL, "SceneGraphObjectQA").qa
    several = [p for p in words["predicate"] if re.search(r"\b(between|among)\b", p)]
    assert out["metadata"].struct.field("relations").explode().n_unique() == words.height - len(several)
    outward, inward = (out.filter(pl.col("question").str.contains(t)) for t in ("the (tall )?(metal )?lamp", "zebra"))
    assert outward.height + inward.height == out.height
    for question in out["question"]:
        assert not re.search(r"\b(\w+) \1\b|\b(is|has) (is|has)\b|  ", question)
    assert not audit_frame(out.sample(200, seed=1), table, lexicon=lexicon()).reasons


# --- determinism and sampling ---


@SLOW
@given(random_graphs(), st.integers(0, 99), st.sampled_from(["full", "sampled"]), st.randoms(use_true_random=False))
def test_neither_order_nor_shards_matter(table: pl.DataFrame, seed: int, mode: Any, random: Any) -> None:
    chosen, words = Settings(mode=mode, seed=seed, per_generator=3), vocabulary(table)
    whole = made(table, chosen).qa
    order = list(range(table.height))
    random.shuffle(order)
    shown: dict[str, Any] = {"lexicon": lexicon(), "settings": chosen, "generators": ["qa_scene_graph"]}
    assert generate(table[order], vocabulary=words.sample(fraction=1, shuffle=True, seed=seed), **shown).qa.equals(
        whole
    )
    pieces = [generate(table[i], vocabulary=words, **shown).qa for i in range(table.height)]
    assert pl.concat(pieces).sort("id").equals(whole.sort("id"))


@SLOW
@given(random_graphs(), st.integers(1, 4), st.sampled_from(["strict", "paper"]))
def test_sampled_is_part_of_full(table: pl.DataFrame, n: int, rules: Any) -> None:
    few = made(table, Settings(rules=rules, per_generator=n))
    with pytest.MonkeyPatch.context() as patch:
        # all numbers are looked at: then nothing sound is missed
        patch.setattr("provision_dagster.generators.programs.description_sampling.PROPOSALS", 1_000_000)
        most = made(table, Settings(rules=rules, per_generator=n))
    every = made(table, Settings(rules=rules, mode="full"))
    kept = few.qa.drop("evidence").sort("id")
    assert kept.equals(every.qa.drop("evidence").filter(pl.col("id").is_in(kept["id"].implode())).sort("id"))
    per_image = every.qa.group_by("generator", "image_ids").len().with_columns(pl.col("len").clip(upper_bound=n))
    assert most.qa.height == per_image["len"].sum() >= few.qa.height
    for name in QUESTIONS:
        found = counts(few, name)
        assert found.pop("candidate") == sum(found.values())


def test_what_is_rare_is_drawn_more_often() -> None:
    # each picture has a common and a rare neighbor; elsewhere "table" is said 20 times as often as "zebra"
    rows = [
        scene(
            f"{i:04d}",
            [("cup", BOX, ["red", "small"]), ("table", BOX, []), ("zebra", BOX, [])],
            [(0, "on", 1), (0, "behind", 2)],
        )
        for i in range(200)
    ]
    table = graphs(*rows)
    words = vocabulary(table).with_columns(
        count=pl.when(pl.col("value") == "table").then(4000).otherwise(pl.col("count")).cast(pl.Int64)
    )
    out = generate(
        table,
        vocabulary=words,
        lexicon=lexicon(),
        settings=Settings(),
        generators=["SceneGraphObjectQA"],
    ).qa
    assert out.height == 200
    assert sum("zebra" in said for said in out["metadata"].struct.field("objects")) == 200


def test_weights_are_those_of_the_mentions() -> None:
    table = graphs(street(("lamp", BOX, ["tall", "metal"]), relations=[(2, "next to", 1)]))
    shard = flatten(table, lexicon=lexicon(), vocabulary=vocabulary(table))
    space = descriptions(shard)
    expected = mean_cubes(mentioned(space, [space.every]), shard.words, rows=space.total)
    assert np.allclose(Weights.of(space, [space.every]).cubes, expected)


# --- one dense image ---


def hub(objects: int, attributes: int) -> dict[str, Any]:
    """One image whose first object is related to all others, and each of these to the next; labels differ."""
    known = Lexicon.load().tables["labels"].filter(pl.col("usable") & (pl.col("kind") == "thing"))["label"]
    values = ["red", "small", "wooden", "wet", "round", "striped"][:attributes]
    things: list[Thing] = [(known[7 * i], (i, i, i + 5, i + 5), values) for i in range(objects)]
    predicates = ["near", "on", "behind", "holding", "under", "above"]
    spokes = [(i, predicates[i % 6], 0) if i % 2 else (0, predicates[i % 6], i) for i in range(1, objects)]
    rim = [(i, "looking at", i + 1) for i in range(1, objects - 1)]
    return scene("hub", things, spokes + rim)


def test_a_dense_image_is_counted_not_listed() -> None:
    row = hub(50, 300)
    row["relations"] = (
        row["relations"][:98]
        + [
            {"subject": 1 + k % 49, "predicate": p, "object": 1 + (k + d) % 49, "score": None}
            for d, p in ((1, "on"), (2, "behind"), (3, "near"), (5, "above"), (7, "under"))
            for k in range(41)
        ][:202]
    )
    table = graphs(row)
    shard = flatten(table, lexicon=lexicon(), vocabulary=vocabulary(table))
    space, related = descriptions(shard), related_pairs(shard)
    ends = ((related.subject, related.object), (related.object, related.subject))
    listed = Products(*(side(space, *end) for end in ends)).sizes.sum()
    assert listed > 40_000_000
    tracemalloc.start()
    first = next(scene_graph_relation_qa.candidates(shard, "paper"))
    assert first.rows.height == BLOCK
    out = made(table, Settings(per_generator=5), *QUESTIONS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300e6
    assert set(out.qa.group_by("generator").len()["len"]) == {5}
    found = counts(out, "SceneGraphRelationQA")
    assert found.pop("candidate") == listed == sum(found.values())


def test_full_mode_streams_a_hub_in_blocks() -> None:
    row = hub(22, 4)
    total, table = expected_totals(row)["SceneGraphRelationQA"], graphs(row)
    assert total > BLOCK
    heights, funnel = [], []
    for part in generate_blocks(
        table, vocabulary=vocabulary(table), lexicon=lexicon(), settings=PAPER, generators=["SceneGraphRelationQA"]
    ):
        heights.append(part.qa.height)
        funnel.append(part.funnel)
        assert part.qa.height <= BLOCK
    assert sum(heights) == total
    assert dict(pl.concat(funnel).select("reason", "count").iter_rows())["candidate"] == total


@pytest.mark.parametrize("rules", ["strict", "paper"])
def test_blocks_are_the_whole(rules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table = graphs(hub(6, 3))
    whole = made(table, Settings(mode="full", rules=rules), "SceneGraphRelationQA")
    for module in ("description_pairs", "description_book"):
        monkeypatch.setattr(f"provision_dagster.generators.programs.{module}.BLOCK", 100)
    cut = made(table, Settings(mode="full", rules=rules), "SceneGraphRelationQA")
    assert cut.qa.height > 100
    assert cut.qa.equals(whole.qa)
    assert cut.funnel.equals(whole.funnel)


# --- captions ---


def alternatives(words: Any) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, set(words)), key=len, reverse=True)) + ")"


class Reader:
    """Reads captions back, with the words of one image."""

    def __init__(self, row: dict[str, Any]) -> None:
        labels = lexicon().labels([o["label"] for o in row["objects"]])
        # "trees" may be several objects "tree", or one "trees"
        self.label_of: dict[str, set[str]] = {}
        for r in labels.iter_rows(named=True):
            for name in filter(None, (r["label"], r["plural"])):
                self.label_of.setdefault(name, set()).add(r["label"])
        self.values = {a for o in row["objects"] for a in o["attributes"]} or {"zzz"}
        predicates = lexicon().predicates([r["predicate"] for r in row["relations"]] or ["on"])
        self.forms: dict[str, set[str]] = {"zzz": set()}
        for r in predicates.iter_rows(named=True):
            for form in (r["is_form"], r["are_form"]):
                self.forms.setdefault(form, set()).add(r["canonical"])
        value = alternatives(self.values)
        values = rf"{value}(?:(?:,| and|) {value})*"
        label = alternatives(self.label_of)
        self.noun = re.compile(
            rf"(?:an?|the|some|another|two|three|four|five|six|seven|eight)(?: more)?"
            rf"(?: (?P<ordinal>first|second|third|fourth|fifth|sixth|seventh|eighth))?"
            rf"(?P<before>(?: {values})*) (?P<label>{label})(?P<side> on the (?:left|right))?"
            rf"(?: that (?:is|are) (?P<behind>{values}))?(?= |,|$)"
        )
        self.like = re.compile(rf"(?:is|are) (?P<values>{values})(?=,| and (?:is|are|has|have)|$)")
        self.verb = re.compile(alternatives(f for f in self.forms if f))

    def attributes(self, text: str | None) -> set[str]:
        return set(re.findall(alternatives(self.values), text or ""))

    def read(self, sentence: str) -> tuple[Any, list[Any], list[str]]:
        """(subject, [(predicates, object)], attributes of the subject): nouns as (label, attributes, name)."""
        text = sentence[0].lower() + sentence[1:]
        opening = re.match(r"the image (?:also )?shows ", text)
        nouns, said, like, verb = [], [], [], None
        text = text[opening.end() :] if opening else text
        subject = None
        while text:
            noun, quality, action = self.noun.match(text), self.like.match(text), self.verb.match(text)
            if noun:
                name = (noun["ordinal"], noun["side"])
                held = self.attributes(noun["before"]) | self.attributes(noun["behind"])
                found = (self.label_of[noun["label"]], frozenset(held), name)
                nouns.append(found)
                if subject is None and not opening:
                    subject = found
                elif verb:
                    said.append((verb, found))
                end = noun.end()
            elif quality:
                like += sorted(self.attributes(quality["values"]))
                end = quality.end()
            elif action:
                verb, end = self.forms[action[0]], action.end()
            else:
                raise AssertionError(f"cannot read {text!r} of {sentence!r}")
            text = re.sub(r"^(?:,? and |, | )", "", text[end:])
        return subject, [*said, *(((), n) for n in nouns)], like


def check_caption(row: dict[str, Any], caption: str) -> None:
    reader, objects = Reader(row), row["objects"]
    canonical = {p: lexicon().predicates([p])["canonical"][0] for p in {r["predicate"] for r in row["relations"]}}
    said = {
        (objects[r["subject"]]["label"], canonical[r["predicate"]], objects[r["object"]]["label"])
        for r in row["relations"]
    }
    assert caption.endswith(".")
    for sentence in caption.removesuffix(".").split(". "):
        assert sentence[0].isupper()
        subject, facts, like = reader.read(sentence)
        for predicates, (names, held_, told_apart) in facts:
            assert any(o["label"] in names and held_ <= set(o["attributes"]) for o in objects)
            if any(told_apart):
                assert sum(o["label"] in names for o in objects) > 1
            if predicates:
                assert any((s, p, label) in said for s in subject[0] for p in predicates for label in names)
        if like:
            assert any(o["label"] in subject[0] and set(like) <= set(o["attributes"]) for o in objects)


@SLOW
@given(random_graphs())
def test_captions_say_only_what_is_annotated(table: pl.DataFrame) -> None:
    rows = {row["image_id"]: row for row in table.iter_rows(named=True)}
    out = made(table, FULL, "SceneGraphCaption")
    for qa in out.qa.iter_rows(named=True):
        check_caption(rows[qa["image_ids"][0]], qa["answer"])
        assert qa["options"] == []
        assert qa["choice_question"] is None
    found = counts(out, "SceneGraphCaption")
    assert found["candidate"] == sum(bool(row["objects"]) for row in rows.values())


def caption(*things: Any, relations: Any = (), **options: Any) -> str:
    out = made(graphs(scene("a", list(things), list(relations), **options)), FULL, "SceneGraphCaption").qa
    assert out.height == 1
    return str(out["answer"][0])


LEFT, RIGHT = (0, 0, 10, 10), (50, 0, 60, 10)


def test_captions_read_as_english() -> None:
    man: Thing = ("man", LEFT, ["tall"])
    shirt: Thing = ("shirt", LEFT, ["red"])
    apple: Thing = ("apple", RIGHT, [])
    assert caption(man, shirt, apple, relations=[(0, "wearing", 1), (0, "holding", 2)]) == (
        "A tall man is holding an apple and is wearing a red shirt."
    )
    assert caption(man, shirt, ("trees", BOX, []), ("dog", RIGHT, ["black"]), relations=[(0, "wearing", 1)]) == (
        "A tall man is wearing a red shirt. The image also shows some trees and a black dog."
    )
    assert caption(("car", LEFT, []), ("car", RIGHT, []), ("car", (80, 0, 90, 10), ["red"])) == (
        "The image shows two cars and a red car."
    )


def test_repeated_objects_are_told_apart() -> None:
    men: list[Thing] = [("man", LEFT, ["tall"]), ("man", RIGHT, [])]
    hat: Thing = ("hat", (20, 20, 30, 30), [])
    assert caption(*men, hat, relations=[(0, "wearing", 2), (1, "holding", 2)]) == (
        "The man on the left is tall and is wearing a hat. The man on the right is holding the hat."
    )
    third: Thing = ("man", (80, 0, 90, 10), [])
    said = [(0, "wearing", 3), (1, "holding", 3), (2, "looking at", 0)]
    assert caption(*men, third, hat, relations=said) == (
        "The first man is tall and is wearing a hat. The second man is holding the hat. "
        "The third man is looking at the first man."
    )


def test_captions_keep_case_and_leave_out_what_is_unclear() -> None:
    assert caption(("TV", LEFT, []), ("table", RIGHT, ["open", "closed"]), relations=[(0, "on", 1)]) == (
        "A TV is on a table."
    )
    # one dog, marked twice
    assert caption(("dog", LEFT, []), ("dog", LEFT, [])) == "The image shows a dog."
    # said from both sides
    assert caption(("cup", LEFT, []), ("box", RIGHT, []), relations=[(0, "behind", 1), (1, "in front of", 0)]) == (
        "A cup is behind a box."
    )
    assert made(graphs(scene("a", [])), FULL, "SceneGraphCaption").qa.is_empty()


def test_no_scene_graph_gives_no_rows_but_a_funnel() -> None:
    for table in (graphs(), graphs(scene("a", [])), graphs(scene("a", [("cup", BOX, [])]))):
        for mode in ("full", "sampled"):
            out = made(table, Settings(mode=mode), *QUESTIONS)
            assert out.qa.is_empty()
            assert set(out.funnel["generator"]) == set(QUESTIONS)


def test_sets_of_adjectives_are_written_once_each() -> None:
    table = graphs(street(("lamp", BOX, ["tall", "metal"])))
    shard = flatten(table, lexicon=lexicon(), vocabulary=vocabulary(table))
    words = shard.words.attributes.text.to_list()
    codes = np.array([[words.index("red"), words.index("small")], [words.index("small"), words.index("red")]])
    said = adjectives(Ragged.columns(*codes.T), shard.words)
    assert said.before.to_list() == ["small red "] * 2


@pytest.mark.parametrize(
    ("held", "before", "behind"),
    [
        (["red"], "red ", ""),
        (["white", "red"], "red and white ", ""),
        (["red", "white", "black"], "black, red and white ", ""),
        (["red", "white", "black", "small", "metal"], "small black, red and white metal ", ""),
        (["attached", "red", "alone"], "red ", " that is alone and attached"),
        (["asleep", "attached", "alone"], "", " that is alone, attached and asleep"),
    ],
)
def test_adjectives_of_one_category_are_a_list(held: list[str], before: str, behind: str) -> None:
    table = graphs(scene("a", [("lamp", BOX, held)]))
    shard = flatten(table, lexicon=lexicon(), vocabulary=vocabulary(table))
    words = shard.words.attributes.text.to_list()
    said = adjectives(Ragged.columns(*np.array([[words.index(word) for word in held]]).T), shard.words)
    assert (said.before.to_list(), said.behind_is.to_list()) == ([before], [behind])


def test_a_caption_does_not_count_groups() -> None:
    things: list[Thing] = [("book", (0, 0, 9, 40), []), ("book", (20, 0, 90, 40), []), ("cup", (40, 60, 60, 90), [])]
    (told,) = made(graphs(scene("shelf", things, groups=(1,))), FULL, "SceneGraphCaption").qa["answer"]
    assert "cup" in told
    assert "book" not in told


def test_a_size_does_not_shut_out_things_of_another_label() -> None:
    things: list[Thing] = [
        ("table", (0, 40, 60, 90), ["small", "brown"]),
        ("vase", (70, 60, 80, 80), ["large", "green"]),
        ("painting", (0, 0, 99, 30), ["purple"]),
    ]
    relations = [(0, "in front of", 2), (1, "in front of", 2)]
    sized = "small object that is in front of the purple painting"

    def described(second: str) -> list[str]:
        some = [things[0], (second, *things[1][1:]), things[2]]
        table = graphs(scene("room", some, relations))
        return made(table, FULL, "SceneGraphObjectQA", templates=PLAIN).qa["question"].to_list()

    assert not [text for text in described("vase") if sized in text.lower()]
    assert [text for text in described("table") if sized in text.lower()]
    assert [text for text in described("vase") if "brown object that is in front of" in text.lower()]
