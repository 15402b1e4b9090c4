"""Distances between two versions of scene graphs, on what can be worked out by hand."""

import io
import warnings
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import ks_2samp

from provision_dagster.scene_graphs.drift import LIMITS, Drift, number_distance, values_of
from tests.generators.scenes import graphs, random_graphs, scene

BOX = (0.0, 0.0, 10.0, 10.0)


def table(*pictures: list[tuple[str, float | None, list[str]]], facts: int = 0) -> pl.DataFrame:
    """One picture per list of (label, score, attributes); `facts` relations in the first."""
    rows: list[dict[str, Any]] = []
    for number, things in enumerate(pictures):
        row = scene(str(number), [(label, BOX, words) for label, _, words in things], [(0, "on", 1)] * facts)
        for one, (_, score, _) in zip(row["objects"], things, strict=True):
            one["score"] = score
        rows.append(row if number == 0 else row | {"relations": []})
    return graphs(*rows)


def distances(before: pl.DataFrame, now: pl.DataFrame) -> dict[str, float]:
    found = Drift(values_of(before.lazy()), values_of(now.lazy())).distances()
    assert dict(found.select("what", "limit").iter_rows()) == {name: LIMITS[name] for name in found["what"]}
    return dict(found.select("what", "distance").iter_rows())


def test_distances_by_hand() -> None:
    before = table([("dog", 0.2, ["red"]), ("cup", 0.6, [])], [("dog", 0.7, []), ("cup", 0.8, ["red"])], facts=1)
    now = table([("dog", 0.6, ["red"]), ("dog", 0.7, ["wet"])], [("dog", 0.8, []), ("cup", 0.9, [])], [], facts=2)
    assert distances(before, now) == pytest.approx(
        {
            "objects per image": 1 / 3,  # 2, 2 and 2, 2, 0
            "labels": 0.25,  # 50 % dogs, then 75 %
            "scores": 0.25,
            "attributes": 0.5,
            "relations per image": 1 / 3,  # 1, 0 and 2, 0, 0: up to 1 all and 2/3
            "predicates": 0,
        }
    )


def test_what_only_one_version_has_is_as_far_as_can_be() -> None:
    human = table([("dog", None, [])])
    model = table([("dog", 0.5, [])])
    assert distances(human, model) == {"objects per image": 0, "labels": 0, "scores": 1, "relations per image": 0}
    nothing = distances(table([]), model)
    assert (nothing["objects per image"], nothing["labels"]) == (1, 1)


def test_heads_say_what_there_is() -> None:
    words = values_of(table([("dog", 0.5, []), ("dog", 0.7, []), ("cup", 0.9, [])]).lazy())
    rows = {row["what"]: row["now"] for row in Drift(words, words).distances().iter_rows(named=True)}
    assert rows["labels"] == "dog 67%, cup 33%"
    assert rows["scores"] == "3: mean 0.7; 0.6, 0.7, 0.8"


@settings(deadline=None, max_examples=50)
@given(
    before=st.lists(st.integers(0, 9) | st.floats(-5, 15), min_size=1, max_size=30),
    now=st.lists(st.integers(0, 9) | st.floats(-5, 15), min_size=1, max_size=30),
)
def test_distances_of_numbers_are_those_of_scipy(before: list[float], now: list[float]) -> None:
    with warnings.catch_warnings():  # its asymptotic probability, which is not looked at, divides by zero
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = ks_2samp(before, now, method="asymp").statistic
    sides = [pl.Series(side, dtype=pl.Float64, strict=False) for side in (before, now)]
    assert number_distance(*sides) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(one=random_graphs(), other=random_graphs())
def test_distances_are_symmetric_and_zero_of_the_same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    there, back = distances(one, other), distances(other, one)
    assert there == pytest.approx(back)
    assert all(0 <= value <= 1 for value in there.values())
    assert set(distances(one, one.reverse()).values()) <= {0.0}


def test_both_versions_are_drawn() -> None:
    drift = Drift(values_of(table([("dog", 0.5, [])]).lazy()), values_of(table([("$cup$", None, [])], []).lazy()))
    with Image.open(io.BytesIO(drift.plot())) as picture:
        # objects per image, labels, scores and relations per image, for one of the two has scores
        assert picture.size == (4 * 336, 240)
    assert drift.plot() == drift.plot()
