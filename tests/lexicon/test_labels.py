"""Lemma, number, countability and grammar of labels."""

import inflect
import polars as pl
import pytest

from provision_dagster.lexicon import Lexicon
from provision_dagster.lexicon.labels import LABEL_COLUMNS

SAME_PLURAL = {
    "aircraft", "bison", "buffalo", "caribou", "deer", "elk", "fish", "goldfish", "grapefruit",
    "jellyfish", "kleenex", "moose", "reindeer", "sheep", "shrimp", "squash", "starfish", "dragon fruit",
    "passion fruit", "star fruit",
}  # fmt: skip

#        label             lemma          number      countable plural         article plural? known
ROWS = [
    ("man", "man", "singular", True, "men", "a", False, True),
    ("men", "man", "plural", False, "men", "", True, True),
    ("people", "person", "plural", False, "people", "", True, True),
    ("person", "person", "singular", True, "people", "a", False, True),
    ("pants", "pants", "pair", False, "pants", "", True, True),
    ("grass", "grass", "mass", False, "grass", "", False, True),
    ("sheep", "sheep", "singular", True, "sheep", "a", False, True),
    ("umbrella", "umbrella", "singular", True, "umbrellas", "an", False, True),
    ("leg", "leg", "singular", False, "legs", "a", False, True),
    ("window", "window", "singular", False, "windows", "a", False, True),
    ("buses", "bus", "plural", False, "buses", "", True, True),
    ("dining table", "dining table", "singular", True, "dining tables", "a", False, True),
    ("orange umbrella", "orange umbrella", "singular", True, "orange umbrellas", "an", False, True),
    ("wooden tables", "wooden table", "plural", False, "wooden tables", "", True, True),
    ("mug of cocoa", "mug of cocoa", "singular", True, "mugs of cocoa", "a", False, True),
    ("zorb", "zorb", "singular", False, "zorbs", "a", False, False),
    ("zorbs", "zorb", "plural", False, "zorbs", "", True, False),
]


@pytest.mark.parametrize("row", ROWS, ids=[r[0] for r in ROWS])
def test_label(lexicon: Lexicon, row: tuple[object, ...]) -> None:
    columns = ["label", "lemma", "number", "countable", "plural", "singular_article", "is_plural", "known"]
    assert lexicon.labels([str(row[0])]).select(columns).row(0) == row


@pytest.mark.parametrize(
    "label",
    [
        "sky",
        "wall",
        "arm",
        "wheel",
        "crowd",
        "herd",
        "glasses",
        "trees",
        "water",
        "branch",
        "shoes",
        "building",
        "sand",
    ],
)
def test_not_countable(lexicon: Lexicon, label: str) -> None:
    assert lexicon.labels([label])["countable"].to_list() == [False]


@pytest.mark.parametrize("label", ["crowd", "people", "herd", "bunch", "pile", "flock"])
def test_groups(lexicon: Lexicon, label: str) -> None:
    assert lexicon.labels([label])["is_group"].item()


@pytest.mark.parametrize("label", ["see gray desk.", "there", "is", "monitor is off.", "two men", "outside"])
def test_not_a_noun_phrase(lexicon: Lexicon, label: str) -> None:
    row = lexicon.labels([label])
    assert not row["usable"].item()
    assert not row["countable"].item()


def test_order_duplicates_and_nulls(lexicon: Lexicon) -> None:
    frame = lexicon.labels(pl.Series(["zorb", "man", None, "zorb", "car"]))
    assert frame["label"].to_list() == ["zorb", "man", "car"]
    assert dict(frame.schema) == LABEL_COLUMNS
    assert lexicon.labels([]).schema == frame.schema


def test_countable_rows_are_singular_things(lexicon: Lexicon) -> None:
    rows = lexicon.labels(lexicon.tables["labels"]["label"]).filter("countable")
    assert rows.height > 800
    assert set(rows["number"]) == {"singular"}
    assert set(rows["kind"]) <= {"thing", "clothing", "place"}
    assert not rows["is_group"].any()


def test_every_plural_differs(lexicon: Lexicon) -> None:
    rows = lexicon.tables["labels"].filter((pl.col("number") == "singular") & (pl.col("label") == pl.col("plural")))
    assert set(rows["label"]) <= SAME_PLURAL
    others = lexicon.tables["labels"].filter(pl.col("number") != "singular")
    assert (others["label"] == others["plural"]).all()
    assert (
        lexicon.tables["labels"]
        .filter(pl.col("plural").str.contains(r"sss|ss$|ys$|[^aeiou]ies[^ ]"))
        .filter(~pl.col("plural").str.contains(r"[aeou]ys$|grass$|glass$"))
        .filter(pl.col("number") == "singular")["plural"]
        .to_list()
        == []
    )


def test_articles_agree_with_inflect(lexicon: Lexicon) -> None:
    engine = inflect.engine()
    rows = lexicon.labels(lexicon.tables["labels"]["label"]).filter(
        (pl.col("singular_article") != "") & pl.col("usable")
    )
    wrong = [
        label
        for label, article in rows.select("label", "singular_article").iter_rows()
        if engine.a(label).split(" ", 1)[0] != article
    ]
    assert set(wrong) == {"mp3 player", "suv", "ups truck"}  # it reads these as words


def test_coco_and_reference_vocabulary_are_known(lexicon: Lexicon) -> None:
    coco = """
    person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant,
    stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe,
    backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball
    bat, baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife,
    spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair,
    couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone,
    microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier,
    toothbrush
    """
    rows = lexicon.labels([" ".join(c.split()) for c in coco.split(",")])
    assert rows.height == 80
    assert set(rows["match"]) == {"exact"}
    assert set(rows.filter(~pl.col("countable"))["label"]) == {
        "skis",
        "scissors",
        "broccoli",
    }
