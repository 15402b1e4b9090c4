"""Numbered combinations of images, and drawing different questions from them."""

from itertools import combinations, permutations, product
from math import comb, factorial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision_dagster.generators.programs.multi_image.clauses import negated
from provision_dagster.generators.programs.multi_image.cliques import ValueClasses, exclusive_sets
from provision_dagster.generators.programs.multi_image.drawing import (
    Concepts,
    all_different,
    draw_questions,
    members_identity,
    quotas,
)
from provision_dagster.generators.programs.multi_image.spaces import (
    Classes,
    Pool,
    Split,
    binomials,
    most_members,
    subset,
)
from provision_dagster.generators.programs.multi_image.statements import other_orders, permutation
from provision_dagster.lexicon import Lexicon

QUICK = settings(max_examples=60, deadline=None)


def hashes(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 2**63, n).astype(np.uint64)


@given(st.integers(0, 6), st.integers(0, 30))
def test_binomials(k: int, x: int) -> None:
    assert binomials(k, up_to=x).tolist() == [comb(i, k) for i in range(x + 1)]


@pytest.mark.parametrize(("size", "k"), [(5, 2), (7, 3), (8, 8), (6, 1), (9, 4)])
def test_ranks_are_all_subsets_once(size: int, k: int) -> None:
    found = subset(np.arange(comb(size, k)), k, up_to=size)
    assert {frozenset(row) for row in found.tolist()} == {frozenset(c) for c in combinations(range(size), k)}


@QUICK
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=5))
def test_split_numbers_every_combination_once(concepts: list[tuple[int, int, int]]) -> None:
    """Concept i: `k` of its first pool and 4 - k of its second one."""
    one, two, inside = (np.array(column) for column in zip(*concepts, strict=True))
    first = Pool.of(np.arange(one.sum()), np.repeat(np.arange(len(one)), one), concepts=len(one))
    second = Pool.of(1000 + np.arange(two.sum()), np.repeat(np.arange(len(two)), two), concepts=len(two))
    space = Split(4, (inside, 4 - inside), (first, second))
    concept = np.repeat(np.arange(len(one)), space.sizes)
    rank = np.concatenate([np.arange(size) for size in space.sizes]) if len(concept) else concept
    found = [
        (c, frozenset(row)) for c, row in zip(concept.tolist(), space.members(concept, rank).tolist(), strict=True)
    ]
    wanted = {
        (i, frozenset(a) | frozenset(b))
        for i, (_, _, k) in enumerate(concepts)
        for a in combinations(first.rows[first.first[i] : first.first[i] + one[i]].tolist(), k)
        for b in combinations(second.rows[second.first[i] : second.first[i] + two[i]].tolist(), 4 - k)
    }
    assert len(found) == len(set(found))
    assert set(found) == wanted


@QUICK
@given(st.lists(st.lists(st.integers(1, 3), max_size=5), min_size=1, max_size=4), st.integers(1, 4))
def test_classes_number_every_combination_once(sizes: list[list[int]], n: int) -> None:
    """Concept i has classes of these sizes; n members of different classes."""
    rows = [(i, v, f"{i}/{v}/{m}") for i, s in enumerate(sizes) for v, size in enumerate(s) for m in range(size)]
    concept = np.array([r[0] for r in rows], dtype=np.int64)
    value = np.array([r[1] for r in rows], dtype=np.int64)
    space = Classes.of(np.arange(len(rows)), concept, value, concepts=len(sizes), n=n)
    each = np.repeat(np.arange(len(sizes)), space.sizes)
    rank = np.concatenate([np.arange(size) for size in space.sizes])
    found = [frozenset(row) for row in space.members(each, rank).tolist()]
    wanted = [
        frozenset(c)
        for c in combinations(range(len(rows)), n)
        if len({rows[m][0] for m in c}) == 1 and len({rows[m][1] for m in c}) == n
    ]
    assert len(found) == len(wanted)
    assert set(found) == set(wanted)


def test_pieces_are_lists_laid_end_to_end() -> None:
    parts = Pool(np.array([10, 11, 12, 20, 21]), np.array([0, 3]), np.array([3, 2]))
    pool = Pool.spliced(parts, np.array([0, 0, 2]), np.array([1, 0, 1]), concepts=3)
    assert pool.size.tolist() == [5, 0, 2]
    assert pool.take(np.arange(5)).tolist() == [20, 21, 10, 11, 12]
    assert pool.take(pool.first[2] + np.arange(2)).tolist() == [20, 21]


def test_large_pools_are_cut_so_that_combinations_can_be_numbered() -> None:
    most = most_members(8)
    assert comb(most, 8) < 2**62
    pool = Pool.shared(np.arange(10 * most), concepts=2).cut(8, hashes(10 * most))
    assert pool.size.tolist() == [most, most]
    space = Split(8, (np.full(2, 8),), (pool,))
    assert (space.sizes == comb(most, 8)).all()
    last = space.members(np.array([1]), space.sizes[1:] - 1)
    assert len(set(last[0].tolist())) == 8
    assert pool.rows.tolist() == sorted(pool.rows.tolist())
    assert len(pool.rows) == most  # a list that concepts share is kept once


def test_the_members_of_least_luck_are_kept() -> None:
    most, luck = most_members(8), hashes(1_000)
    pool = Pool(np.arange(1_000), np.array([0, 500]), np.array([500, 10])).cut(8, luck)
    assert pool.size.tolist() == [most, 10]
    assert set(pool.rows[:most].tolist()) == set(np.argsort(luck[:500])[:most].tolist())
    assert pool.take(pool.first[1] + np.arange(10)).tolist() == list(range(500, 510))


@QUICK
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20), st.floats(1, 1e9)), min_size=1, max_size=20),
    st.integers(0, 400),
)
def test_quotas_supply_the_wanted_number_or_all(concepts: list[tuple[int, int, float]], wanted: int) -> None:
    limits, spread = np.array([c[0] for c in concepts]), np.array([c[1] for c in concepts])
    shares = np.cbrt(1 / np.array([c[2] for c in concepts]))
    given_ = quotas(shares, limits, spread, wanted=wanted, luck=hashes(len(limits)))
    assert (given_ >= 0).all()
    assert (given_ <= limits).all()
    assert given_.sum() == min(wanted, limits.sum())


def test_rare_concepts_get_more_than_their_part_but_not_all() -> None:
    """A word seen 10 times and one seen 1,000 times, both with plenty of combinations."""
    spread = np.array([10, 1000])
    given_ = quotas(np.array([1 / 10, 1 / 1000]), np.array([10**6, 10**6]), spread, wanted=500, luck=hashes(2))
    assert given_.sum() == 500
    assert given_[0] / 10 > given_[1] / 1000
    assert given_[0] <= 2 * 500 / 1010 * 10 + 1


def plain_space(sizes: list[int], n: int = 2) -> Split:
    concept = np.repeat(np.arange(len(sizes)), sizes)
    pool = Pool.of(np.arange(sum(sizes)), concept, concepts=len(sizes))
    return Split(n, (np.full(len(sizes), n),), (pool,))


@pytest.mark.parametrize("wanted", [1, 10, 1_000, 40_000])
def test_drawn_questions_are_different_and_as_many_as_wanted(wanted: int) -> None:
    space = plain_space([300, 20, 2, 1, 0])
    concepts = Concepts(hashes(5), np.array([300, 20, 2, 1, 1]) ** 3.0)
    drawing = draw_questions(space, concepts, wanted=wanted, start=7)
    everything = comb(300, 2) + comb(20, 2) + 1
    assert drawing.available == everything
    found = {frozenset(row) for row in drawing.members.tolist()}
    assert len(found) == len(drawing.members) == min(wanted, everything)
    assert all_different(drawing.members).all()


def test_unsound_combinations_are_dropped_and_others_found() -> None:
    space = plain_space([400])

    def even(concept: np.ndarray, members: np.ndarray) -> np.ndarray:
        return np.asarray((members % 2 == 0).all(axis=1))

    concepts = Concepts(hashes(1), np.ones(1))
    drawing = draw_questions(space, concepts, wanted=500, start=1, check=even)
    assert len(drawing.members) == 500
    assert (drawing.members % 2 == 0).all()
    assert drawing.unsound > 0
    scarce = draw_questions(plain_space([8]), concepts, wanted=500, start=1, check=even)
    assert len(scarce.members) == scarce.available == comb(4, 2)


def test_a_space_without_sound_combinations_ends_after_bounded_rounds() -> None:
    drawing = draw_questions(
        plain_space([2_000]),
        Concepts(hashes(1), np.ones(1)),
        wanted=100,
        start=1,
        check=lambda concept, members: np.zeros(len(members), dtype=bool),
    )
    assert len(drawing.members) == 0
    assert drawing.available is None
    assert 0 < drawing.unsound < 100 * 2**9


def test_two_ways_to_one_question_make_one_question() -> None:
    """Two concepts with the same members: a question is its members, whatever led to them."""
    pool = Pool.shared(np.arange(10), concepts=2)
    drawing = draw_questions(
        Split(3, (np.full(2, 3),), (pool,)),
        Concepts(hashes(2), np.ones(2)),
        wanted=10_000,
        start=3,
        identity=members_identity(np.zeros(2, dtype=np.uint64), hashes(10)),
    )
    assert len({frozenset(row) for row in drawing.members.tolist()}) == len(drawing.members) == comb(10, 3)


@QUICK
@given(st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True), st.integers(2, 4))
def test_exclusive_sets_are_all_sets_of_values_that_exclude_each_other(values: list[int], n: int) -> None:
    """Values exclude each other unless they are neighbours."""
    held = np.array(sorted(values))
    classes = ValueClasses.of(np.arange(len(held)), np.zeros(len(held), dtype=np.int64), held, hashes=hashes(len(held)))
    sets = exclusive_sets(classes, n, start=1, exclusive=lambda a, b: np.abs(a - b) > 1)
    members = sets.space.members(np.arange(len(sets.concept)), np.zeros(len(sets.concept), dtype=np.int64))
    wanted = {c for c in combinations(sorted(values), n) if all(b - a > 1 for a, b in combinations(c, 2))}
    assert {tuple(sorted(held[row].tolist())) for row in members} == wanted
    assert sets.whole


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
def test_other_orders_are_different_and_never_the_true_one(n: int) -> None:
    orders = other_orders(hashes(200), n)
    assert orders.shape == (200, min(3, factorial(n) - 1), n)
    for row in orders.tolist():
        texts = {tuple(order) for order in row}
        assert len(texts) == len(row)
        assert tuple(range(n)) not in texts
        assert all(sorted(order) == list(range(n)) for order in texts)


def test_ranks_are_all_orders() -> None:
    assert {tuple(row) for row in permutation(np.arange(24), 4).tolist()} == set(permutations(range(4)))
    assert permutation(np.array([0]), 4).tolist() == [[0, 1, 2, 3]]


def test_other_orders_are_uniform() -> None:
    """Over many rows every order of three is offered equally often."""
    orders = other_orders(hashes(30_000), 3).reshape(-1, 3)
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 5
    assert np.abs(counts / counts.sum() - 1 / 5).max() < 0.01


def test_every_predicate_of_the_lexicon_is_denied_in_grammatical_english() -> None:
    lexicon = Lexicon.load()
    known = lexicon.predicates(lexicon.tables["predicates"]["predicate"]).filter("usable")
    third = dict(lexicon.tables["verbs"].select("base", "third_person").iter_rows()) | {"have": "has"}
    assert known.height > 1_000
    for is_form, are_form, is_not, are_not in negated(known).iter_rows():
        rest = is_form.split(" ", 1)[1:]
        if is_form.startswith("is "):
            assert (is_not, are_not) == (f"is not {rest[0]}", f"are not {rest[0]}")
            assert are_form == f"are {rest[0]}"
        else:
            base = are_form.split(" ", 1)[0]
            assert third.get(base, base + "s") == is_form.split(" ", 1)[0]
            assert (is_not, are_not) == (f"does not {are_form}", f"do not {are_form}")


def test_an_unknown_predicate_is_denied_with_is() -> None:
    frame = pl.DataFrame({"predicate": ["blorking"], "is_form": [""], "are_form": [""]})
    assert negated(frame).row(0) == ("is blorking", "are blorking", "is not blorking", "are not blorking")


def test_ranks_of_two_pools_are_pairs() -> None:
    pools = Pool(np.arange(3), np.array([0]), np.array([3])), Pool(np.arange(4), np.array([0]), np.array([4]))
    space = Split(2, (np.array([1]), np.array([1])), pools)
    found = space.members(np.zeros(12, dtype=np.int64), np.arange(12))
    assert {tuple(row) for row in found.tolist()} == set(product(range(3), range(4)))
