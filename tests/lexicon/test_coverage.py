"""How much of real annotations the lexicon knows."""

import json
from pathlib import Path

import polars as pl
import pytest

from provision_dagster.errors import InputError
from provision_dagster.lexicon import COVERAGE_COLUMNS, Lexicon

# among the most frequent labels of the full Visual Genome
LABELS = """
man window tree person building shirt wall woman sign sky ground cloud grass light pole leaf car table leg
hand head water hair people ear eye shoe line flower plate wheel door letter chair glass street fence train
floor hat road shadow snow jacket rock boat boy handle tail stripe nose horse bird clock elephant giraffe
sidewalk umbrella zebra girl bus plane arm helmet cow dog field bag tile foot number track face bench bottle
sheep spot kite wave cat post banana tire bush food plant pillow bear picture truck motorcycle surfboard
player roof bowl logo bike mirror brick branch skateboard box shelf button house pizza cap glove book cup
trunk top mountain mouth flag dirt board animal wing paper ball seat lamp counter bed sink headlight vehicle
beach cabinet child writing sock neck sand coat reflection vase hill toilet laptop airplane phone towel edge
cake wire tie desk frisbee word tower finger container orange ceiling frame skier curtain apple lady fruit
ocean
"""


def test_measures_and_lists_unknown(lexicon: Lexicon) -> None:
    rows = [
        ("label", "man", 6),
        ("label", "zorb", 3),
        ("label", "blorb", 1),
        ("attribute", "red", 2),
        ("predicate", "of", 5),
    ]
    frame = pl.DataFrame(rows, schema=["kind", "value", "count"], orient="row")
    found = lexicon.coverage(frame, top=1)
    assert dict(found.shares.schema) == COVERAGE_COLUMNS
    assert found.shares.select("kind", "mentions", "share").rows() == [
        ("attribute", 2, 1.0),
        ("label", 10, 0.6),
        ("predicate", 5, 1.0),
    ]
    assert found.shares["usable_mentions"].to_list() == [2, 6, 0]
    assert found.unknown.rows() == [("label", "zorb", 3)]


def test_needs_its_columns(lexicon: Lexicon) -> None:
    with pytest.raises(InputError, match="`count`"):
        lexicon.coverage(pl.DataFrame({"kind": ["label"], "value": ["man"]}))


def test_frequent_labels_are_rows_of_their_own(lexicon: Lexicon) -> None:
    rows = lexicon.labels(LABELS.split())
    assert rows.filter(pl.col("match") != "exact")["label"].to_list() == []
    assert rows["usable"].all()


@pytest.mark.shared
def test_real_mentions_are_covered(lexicon: Lexicon, mentions: pl.DataFrame) -> None:
    found = lexicon.coverage(mentions)
    shares = dict(found.shares.select("kind", "share").iter_rows())
    assert shares.keys() == {"label", "attribute", "predicate"}
    assert min(shares.values()) >= 0.95, found.unknown.head(20)
    assert found.shares.filter(pl.col("usable_mentions") / pl.col("mentions") < 0.93).is_empty()


@pytest.mark.shared
def test_labels_are_covered_by_rows_of_their_own(lexicon: Lexicon, mentions: pl.DataFrame) -> None:
    labels = mentions.filter(pl.col("kind") == "label")
    exact = lexicon.labels(labels["value"]).filter(pl.col("match") == "exact")
    share = labels.join(exact, left_on="value", right_on="label", how="semi")["count"].sum() / labels["count"].sum()
    assert share >= 0.95


@pytest.mark.shared
def test_reference_vocabulary(lexicon: Lexicon, shared: Path) -> None:
    path = shared / "bench" / "vocabulary.json"
    given = json.loads(path.read_text())
    labels = given["countable_labels"] + given["uncountable_labels"]
    assert lexicon.labels(labels)["known"].all()
    assert lexicon.attributes(list(given["attribute_category"]))["known"].all()
    loaded = Lexicon.load(vocabulary=path)
    countable = loaded.labels(labels).filter("countable")["label"].to_list()
    assert set(countable) == set(given["countable_labels"])
    category = dict(loaded.attributes(list(given["attribute_category"])).select("attribute", "category").iter_rows())
    assert category == given["attribute_category"]
