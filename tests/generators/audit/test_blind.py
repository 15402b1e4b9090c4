"""Blind solvers find what gives a question away, and nothing in questions that give nothing away (T4)."""

import random
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from provision_dagster.generators.audit.blind import CHOICES, blind_accuracy, choices_of
from provision_dagster.generators.audit.words import Words, vocabulary_of
from tests.generators.audit.rows import qa, table
from tests.generators.scenes import graphs, lexicon, scene

ROWS = 2_000
PICTURE = scene("p", [("dog", (0, 0, 10, 10), [])])
COLORS = ["red", "blue", "green", "white", "black", "yellow", "brown", "gray"]
Row = Callable[[random.Random], tuple[list[str], int, list[str]]]


def choices(make: Row) -> pl.DataFrame:
    rng = random.Random(0)
    rows = []
    for options, place, kinds in (make(rng) for _ in range(ROWS)):
        said = {"generator": "X", "half": rng.random() < 0.5, "options": options, "kinds": kinds, "answer_index": place}
        rows.append({**said, "height": [], "offset": [], "distance": []})
    return pl.DataFrame(rows, schema=CHOICES)


def fair(rng: random.Random) -> tuple[list[str], int, list[str]]:
    return rng.sample(COLORS, 4), rng.randrange(4), ["color"] * 4


def shuffled(rng: random.Random, truth: str, others: list[str]) -> tuple[list[str], int]:
    options = [truth, *others]
    rng.shuffle(options)
    return options, options.index(truth)


def smallest_number(rng: random.Random) -> tuple[list[str], int, list[str]]:
    low = rng.randint(1, 40)
    options, place = shuffled(rng, str(low + 1), [str(low), str(low + 2), str(low + 3)])
    return options, place, ["number"] * 4


def common_answer(rng: random.Random) -> tuple[list[str], int, list[str]]:
    options, place = shuffled(rng, "red", rng.sample(COLORS[1:], 3))
    return options, place, ["color"] * 4


def odd_category(rng: random.Random) -> tuple[list[str], int, list[str]]:
    options, place = shuffled(rng, f"a{rng.random()}", [f"b{rng.random()}" for _ in range(3)])
    return options, place, ["one" if o.startswith("a") else "two" for o in options]


def always_first(rng: random.Random) -> tuple[list[str], int, list[str]]:
    return rng.sample(COLORS, 4), 0, ["color"] * 4


def longest(rng: random.Random) -> tuple[list[str], int, list[str]]:
    options, place = shuffled(rng, f"{rng.random():.8f}", [f"{rng.random():.4f}" for _ in range(3)])
    return options, place, ["other"] * 4


@pytest.mark.parametrize(
    ("make", "solvers"),
    [
        (smallest_number, {"numeric rank"}),
        (common_answer, {"most frequent answer", "highest answer/option ratio", "most frequent option"}),
        (odd_category, {"odd category out", "category"}),
        (always_first, {"position"}),
        (longest, {"length"}),
    ],
)
def test_solvers_find_what_gives_the_answer_away(make: Row, solvers: set[str]) -> None:
    found = blind_accuracy(choices(make))["X"]
    assert found.accuracy > 0.99
    assert found.solver in solvers
    assert found.chance == 0.25
    assert found.rows == ROWS


def test_fair_questions_stay_at_chance() -> None:
    found = blind_accuracy(choices(fair))["X"]
    assert max(found.by_solver.values()) < 0.25 + 0.05
    assert found.margin == pytest.approx(0.019, abs=0.002)


def test_no_rows() -> None:
    assert blind_accuracy(pl.DataFrame(schema=CHOICES)) == {}


def test_generators_are_told_apart() -> None:
    two: Any = pl.concat([choices(fair), choices(always_first).with_columns(generator=pl.lit("Y"))])
    found = blind_accuracy(two)
    assert found["X"].accuracy < 0.3 < 0.99 < found["Y"].accuracy


def test_points_low_in_the_picture_or_near_the_anchor_are_found() -> None:
    rng = random.Random(1)
    rows = []
    for _ in range(400):
        heights = rng.sample(range(100), 2)
        options = [f"({rng.random():.2f}, {h / 100:.2f})" for h in heights]
        rows.append({
            **qa("CloserPoint", PICTURE, {"candidates": " or ".join(options)}, answer=options[0], options=options,
                 index=heights.index(max(heights))),
            "image_ids": [f"{rng.random()}"],
        })  # fmt: skip
    words = Words(lexicon(), vocabulary_of(graphs(PICTURE)))
    found = blind_accuracy(choices_of(table(*rows), words=words))["CloserPoint"]
    assert found.solver == "height in the picture"
    assert found.accuracy > 0.99


def test_points_near_the_anchor_are_found() -> None:
    rng = random.Random(1)
    rows = []
    for _ in range(400):
        x, far, near = rng.random() / 2, 0.3 + rng.random() / 9, rng.random() / 9
        points = [f"({x + far:.2f}, 0.50)", f"({x + near:.2f}, 0.50)"]
        options, place = shuffled(rng, points[1], points[:1])
        rows.append({
            **qa("SameObjectSeg", PICTURE, {"anchor": f"({x:.2f}, 0.50)", "candidates": " or ".join(options)},
                 answer=points[1], options=options, index=place),
            "image_ids": [f"{rng.random()}"],
        })  # fmt: skip
    words = Words(lexicon(), vocabulary_of(graphs(PICTURE)))
    found = blind_accuracy(choices_of(table(*rows), words=words))["SameObjectSeg"]
    assert found.by_solver["distance to the point asked about"] > 0.95
