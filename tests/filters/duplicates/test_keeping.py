import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.filters.duplicates.cosine import near_vectors
from provision_dagster.filters.duplicates.keeping import keep_first

EDGES = st.dictionaries(
    st.tuples(st.integers(0, 14), st.integers(0, 14)).filter(lambda pair: pair[0] < pair[1]), st.integers(0, 3)
)


def kept(edges: dict[tuple[int, int], int], rows: int = 15) -> tuple[list[int], list[float]]:
    first, second = (np.array([pair[side] for pair in edges], dtype=np.int64) for side in (0, 1))
    of, distance = keep_first(rows, first=first, second=second, distance=np.array(list(edges.values()), dtype=np.int64))
    return of.tolist(), distance.tolist()


@given(EDGES, st.randoms())
def test_what_goes_is_near_an_earlier_one_that_stays_and_what_stays_is_near_none(edges: dict, random) -> None:
    of, distance = kept(edges)
    for row, instead in enumerate(of):
        near = {i: far for (i, j), far in edges.items() if j == row and of[i] == i}
        if instead == row:
            assert not near
        else:
            assert (distance[row], instead) == min((far, i) for i, far in near.items())
    shuffled = list(edges.items())
    random.shuffle(shuffled)
    assert kept(dict(shuffled)) == (of, distance)


def test_of_a_chain_every_other_one_stays() -> None:
    assert kept({(0, 1): 1, (1, 2): 1, (2, 3): 1}, rows=4)[0] == [0, 0, 2, 2]


@given(st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), max_size=12))
def test_near_vectors_are_those_of_comparing_all(rows: list[list[int]]) -> None:
    vectors = np.array(rows, dtype=np.float32).reshape(-1, 3)
    expected = []
    for i in range(len(rows)):
        for j in range(i + 1, len(rows)):
            dot, length = vectors[i] @ vectors[j], np.linalg.norm(vectors[i]) * np.linalg.norm(vectors[j])
            if length and dot / length >= 0.91:
                expected.append((i, j))
    first, second, _ = near_vectors(vectors, min_cosine=0.91)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected
