"""What is said of rendered objects, what is false of them, and how far scores tell one from the other."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from provision_dagster.samples.rendering import render_scene
from provision_dagster.training.expressions import (
    KIND_OF,
    SEEN,
    TERMS,
    corrupted,
    some_of,
    terms_of,
    text_of,
    wording_of,
)
from provision_dagster.training.separation import roc_auc, roc_chart, roc_curve

ITEMS = [item for index in range(12) for item in render_scene(index, seed=5).items]


def test_every_word_of_a_scene_is_known_and_in_order() -> None:
    for item in ITEMS:
        terms = terms_of(item)
        assert terms[-1] == item.kind.label
        assert {item.look.color, item.size} < set(terms)
        assert [TERMS.index(term) for term in terms] == sorted(TERMS.index(term) for term in terms)
    assert text_of(("small", "red", "striped", "cup")) == "small red striped cup"


@given(st.integers(0, len(ITEMS) - 1), st.integers(0, 2**32))
def test_one_word_is_wrong(place: int, seed: int) -> None:
    rng = random.Random(seed)
    terms = terms_of(ITEMS[place])
    said = some_of(terms, rng)
    assert set(said) <= set(terms)
    assert len(said) >= 2
    other = corrupted(said, rng)
    (changed,) = [at for at in range(len(said)) if said[at] != other.terms[at]]
    assert KIND_OF[said[changed]] == KIND_OF[other.terms[changed]] == other.kind
    assert other.kind in SEEN
    assert other.terms[changed] not in terms
    words = set(wording_of(said, rng).replace(",", "").split())
    assert words - {"and", "that", "is"} == set(text_of(said).split())


scores = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=30)


@given(scores, scores)
def test_area_is_that_of_mann_and_whitney(true: list[float], false: list[float]) -> None:
    expected = mannwhitneyu(true, false).statistic / (len(true) * len(false))
    assert roc_auc(true, false) == pytest.approx(expected)
    kept_false, kept_true = roc_curve(true, false)
    assert np.trapezoid(kept_true, kept_false) == pytest.approx(expected)
    assert (kept_false[0], kept_true[0], kept_false[-1], kept_true[-1]) == (0, 0, 1, 1)


def test_a_chart_is_the_same_each_time() -> None:
    curves = {"all": ([0.9, 0.8, 0.4], [0.1, 0.5]), "color": ([0.9], [0.1])}
    drawn = roc_chart(curves, title="Expressions")
    assert drawn.startswith(b"\x89PNG")
    assert drawn == roc_chart(curves, title="Expressions")
    assert drawn != roc_chart({"all": ([0.1], [0.9])}, title="Expressions")
