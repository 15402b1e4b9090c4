from collections import Counter
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.filters.duplicates.minhash import bands, jaccard, near_sets, signatures
from provision_dagster.filters.duplicates.words import Grams, normalized, whole_hash, word_hashes, word_ngrams

TEXTS = st.lists(st.lists(st.sampled_from(["a", "b", "c", "dog"]), max_size=7).map(" ".join), max_size=8)


def words_of(texts: list[str]) -> Grams:
    return word_hashes(pl.Series("text", texts, dtype=pl.String))


def runs(text: str, n: int, whole: bool) -> list[tuple[str, ...]]:
    words = text.split()
    if whole and 0 < len(words) < n:
        return [tuple(words)]
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def classes(values: list) -> list[int]:
    """Number equal values alike: hashes and what they stand for must fall into the same classes."""
    first: dict = {}
    return [first.setdefault(value, len(first)) for value in values]


@given(TEXTS, st.integers(1, 4), st.booleans())
def test_ngrams_are_the_runs_of_words(texts: list[str], n: int, whole: bool) -> None:
    found = word_ngrams(words_of(texts), n=n, whole=whole)
    expected = [runs(text, n, whole) for text in texts]
    assert found.counts.tolist() == [len(text) for text in expected]
    assert classes(found.hashes.tolist()) == classes([run for text in expected for run in text])


@given(TEXTS)
def test_whole_texts_and_distinct_items(texts: list[str]) -> None:
    words = words_of(texts)
    assert classes(whole_hash(words).tolist()) == classes([tuple(text.split()) for text in texts])
    assert words.distinct().counts.tolist() == [len(set(text.split())) for text in texts]
    back = words.take(np.arange(len(texts))[::-1])
    assert back.counts.tolist() == [len(text.split()) for text in reversed(texts)]


@given(TEXTS)
def test_jaccard_is_that_of_sets(texts: list[str]) -> None:
    sets = [set(runs(text, 2, True)) for text in texts]
    pairs = [(i, j) for i, j in combinations(range(len(texts)), 2) if sets[i] | sets[j]]
    first, second = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    found = jaccard(word_ngrams(words_of(texts), n=2, whole=True), first=first, second=second)
    assert found.tolist() == [len(sets[i] & sets[j]) / len(sets[i] | sets[j]) for i, j in pairs]


def variants(count: int, *, seed: int) -> list[str]:
    """Texts of 60 words, each four times: as it is, and with one, three and ten words changed."""
    random, texts = np.random.default_rng(seed), []
    for _ in range(count):
        text = random.integers(0, 2000, 60)
        for changes in (0, 1, 3, 10):
            copy = text.copy()
            copy[random.choice(60, changes, replace=False)] += 5000
            texts.append(" ".join(map(str, copy)))
    return texts


@pytest.mark.parametrize("least", [0.4, 0.7, 0.85])
def test_pairs_found_are_near_and_few_are_missed(least: float) -> None:
    sets = word_ngrams(words_of(variants(250, seed=1)), n=3, whole=True)
    own = [set(sets.hashes[a:b].tolist()) for a, b in zip(sets.offsets, sets.offsets[1:], strict=False)]
    near = {
        (i, j)
        for start in range(0, len(own), 4)
        for i, j in combinations(range(start, start + 4), 2)
        if len(own[i] & own[j]) / len(own[i] | own[j]) >= least
    }
    first, second, similarity = near_sets(sets, groups=np.zeros(len(own), np.uint64), min_jaccard=least)
    found = set(zip(first.tolist(), second.tolist(), strict=True))
    assert found <= near  # texts of different four share no three words in a row
    assert len(found) >= 0.98 * len(near) > 100
    assert (similarity >= least).all()


def test_minima_agree_as_often_as_items_do() -> None:
    texts = [" ".join(f"w{i}" for i in range(100)), " ".join(f"w{i}" for i in range(50, 150))]
    minima = signatures(word_ngrams(words_of(texts), n=1, whole=True), permutations=512)
    assert (minima[0] == minima[1]).mean() == pytest.approx(1 / 3, abs=0.07)


def test_sets_of_different_groups_are_no_pairs() -> None:
    sets = words_of(["a b c"] * 4)
    first, second, _ = near_sets(sets, groups=np.array([1, 2, 1, 2], dtype=np.uint64), min_jaccard=0.5)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 2), (1, 3)]


@pytest.mark.parametrize("least", [0.35, 0.5, 0.8, 0.95, 1.0])
def test_bands_leave_a_pair_at_the_bound_its_chance(least: float) -> None:
    number, rows = bands(permutations=64, min_jaccard=least, recall=0.95)
    assert 1 - (1 - least**rows) ** number >= 0.95
    longer = rows + 1
    assert longer > 64 or 1 - (1 - least**longer) ** (64 // longer) < 0.95


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How many  Dogs?", "how many dogs"),
        ("“Straße” – no. 7!", "straße no 7"),
        ("①ﬁsh, don't", "1fish don t"),
        ("कितने कुत्ते?", "कितने कुत्ते"),
        ("...", ""),
    ],
)
def test_normalized(text: str, expected: str) -> None:
    assert pl.DataFrame({"t": [text]}).select(normalized(pl.col("t"))).item() == expected


def test_long_columns_are_taken_apart_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*variants(20, seed=2), "", "one"]
    once = word_ngrams(words_of(texts), n=3, whole=True)
    monkeypatch.setattr("provision_dagster.filters.duplicates.words.BLOCK", 7)
    monkeypatch.setattr("provision_dagster.filters.duplicates.pairs.CHUNK", 50)
    again = word_ngrams(words_of(texts), n=3, whole=True)
    assert Counter(again.hashes.tolist()) == Counter(once.hashes.tolist())
    assert again.hashes.tolist() == once.hashes.tolist()
    assert again.offsets.tolist() == once.offsets.tolist()
