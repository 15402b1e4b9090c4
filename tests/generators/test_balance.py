"""Strengths of options (T4): with them every option is right as often as chance has it, among the questions kept."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.generators.balance import fit_choices, fit_strengths, kept_share, strengths_of
from provision_dagster.generators.options import order_options
from provision_dagster.generators.registry import Choice

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def repeated(*questions: tuple[int, tuple[int, ...]]) -> Ints:
    """Lay out questions (how many, (answer, false options)) as codes."""
    return np.array([codes + (-1,) * (4 - len(codes)) for n, codes in questions for _ in range(n)], dtype=np.int64)


def wins_and_chance(codes: Ints, kept: Floats, *, options: int) -> tuple[Floats, Floats]:
    """How often each option is right among the kept questions, and how often it would be by chance."""
    wins, chance = np.zeros(options), np.zeros(options)
    for row, share in zip(codes, kept, strict=True):
        there = [int(c) for c in row if c >= 0]
        wins[there[0]] += share
        for option in there:
            chance[option] += share / len(there)
    return wins, chance


PARKED, LEFT, RIGHT, WALKING, LYING, BESIDE, RIDING = range(7)
STREET = repeated(
    (2864, (LEFT, PARKED, WALKING, LYING)),
    (2724, (RIGHT, PARKED, WALKING, LYING)),
    (397, (BESIDE, PARKED, RIDING)),
    (186, (PARKED, RIGHT)),
    (185, (PARKED, LEFT)),
    (59, (PARKED, LEFT, RIGHT)),
    (40, (RIDING, BESIDE)),
    (30, (WALKING, LEFT, RIGHT)),
    (30, (LYING, LEFT, RIGHT)),
    (20, (LEFT, PARKED)),
    (20, (RIGHT, PARKED)),
)
"""What GQA asks about a street: "parked on" is offered beside "walking on" only where it is false."""


def test_options_that_depend_on_the_answer_are_balanced() -> None:
    strength = fit_strengths(STREET, options=7)
    kept = kept_share(STREET, strength)
    wins, chance = wins_and_chance(STREET, kept, options=7)
    assert np.abs(wins - chance).max() < 0.5
    assert kept.sum() > 50
    # the best that an option's text promises, against chance, before and after
    before, _ = wins_and_chance(STREET, np.ones(len(STREET)), options=7)
    assert before[LEFT] > 2800
    assert wins[LEFT] < 200


def test_answers_by_strength_get_that_strength() -> None:
    true = np.array([8.0, 4.0, 2.0, 1.0])
    sets = [(a, b) for a in range(4) for b in range(4) if a != b]
    codes = repeated(*((round(6000 * true[a] / (true[a] + true[b])), (a, b)) for a, b in sets))
    strength = fit_strengths(codes, options=5)
    assert strength[:4] / strength[3] == pytest.approx(true, rel=0.02)
    # an option that is never offered is like any other
    assert strength[4] == 1
    wins, chance = wins_and_chance(codes, kept_share(codes, strength), options=5)
    assert wins[:4] == pytest.approx(chance[:4], rel=0.01)


def test_an_option_that_is_only_ever_right_is_thinned_with_care() -> None:
    codes = repeated((1, (0, 1, 2)), (500, (1, 2)), (500, (2, 1)))
    kept = kept_share(codes, fit_strengths(codes, options=3))
    assert 0.3 < kept[0] <= 1
    assert kept[1:].mean() > 0.95


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.permutations(range(6)).map(lambda p: tuple(p[:3])), min_size=1, max_size=60),
)
def test_neither_the_order_of_questions_nor_of_false_options_matters(asked: list[tuple[int, ...]]) -> None:
    codes = repeated(*((1, question) for question in asked))
    turned = codes[::-1][:, [0, 3, 2, 1]]
    strength = fit_strengths(codes, options=6)
    assert fit_strengths(turned, options=6) == pytest.approx(strength)
    assert (strength > 0).all()
    assert (kept_share(codes, strength) <= 1).all()
    assert np.log(strength[np.unique(codes[codes >= 0])]).mean() == pytest.approx(0, abs=1e-9)


def counted(ones: int, fours: int) -> Choice:
    """Questions with the options 1 .. 4, of which nearly all are answered by 1."""
    codes = repeated((ones, (0, 1, 2, 3)), (fours, (3, 0, 1, 2)), (fours, (1, 0, 2, 3)), (fours, (2, 0, 1, 3)))
    return Choice(pl.Series(["1", "2", "3", "4"]), codes)


def test_where_nearly_all_answers_are_one_no_question_keeps_its_options() -> None:
    beyond, within = fit_choices([counted(10_000, 2)]), fit_choices([counted(1_000, 200)])
    assert beyond["strength"].to_list() == [0] * 4
    assert within["strength"].min() > 0  # type: ignore[operator]
    for table, some in ((beyond, False), (within, True)):
        choice = counted(100, 100)
        strengths = strengths_of(table.with_columns(generator=pl.lit("g")), "g", choice.words)
        hashes = np.arange(1, 401, dtype=np.uint64) << np.uint64(40)
        assert order_options(choice, hashes, strengths=strengths).offered.any() == some
