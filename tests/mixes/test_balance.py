"""No answer, label, generator or template prevails."""

from collections import Counter
from typing import Any

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given, settings

from provision_dagster.errors import InputError
from provision_dagster.mixes.balance import balanced, largest_limit
from provision_dagster.mixes.build import build_mix
from provision_dagster.mixes.recipe_parts import Balance
from tests.mixes.rows import filtered, images_of, many, qa, recipe

IMAGES = images_of()


@pytest.mark.parametrize(
    ("counts", "share", "limit"),
    [
        ([90, 10], 0.5, 10),
        ([90, 10], 0.9, 90),
        ([90, 10], 0.6, 15),
        ([100, 50, 50], 0.4, 66),
        ([100], 0.1, 100),  # one value has all rows, whatever its share
        ([7, 7], 0.1, 7),  # two have half each
        ([29, 71], 0.29, 29),
        ([1, 1, 98], 0.34, 1),
    ],
)
def test_the_largest_limit(counts: list[int], share: float, limit: int) -> None:
    assert largest_limit(counts, max_share=share) == limit


@given(counts=st.lists(st.integers(1, 200), min_size=1, max_size=8), share=st.floats(0.01, 1))
def test_a_limit_is_kept_and_no_larger_one_would_be(counts: list[int], share: float) -> None:
    limit = largest_limit(counts, max_share=share)
    allowed = max(share, 1 / len(counts))

    def holds(most: int) -> bool:
        stay = [min(count, most) for count in counts]
        return max(stay) <= allowed * sum(stay) + 1e-6

    assert holds(limit)
    assert limit == max(counts) or not holds(limit + 1) or limit + 1 > max(counts)


ROW = st.fixed_dictionaries(
    {
        "generator": st.sampled_from(["A", "B"]),
        "answer": st.sampled_from(["yes", "no", "two"]),
        "label": st.sampled_from(["dog", "cat", ""]),
        "template": st.sampled_from(["t1", "t2"]),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(ROW, min_size=1, max_size=60),
    by=st.lists(st.sampled_from(["answer", "label", "generator", "template"]), min_size=1, max_size=4, unique=True),
    share=st.floats(0.05, 1),
)
def test_every_share_is_kept(rows: list[dict[str, str]], by: list[Any], share: float) -> None:
    frame = pl.DataFrame(rows).with_row_index("number")
    stay = balanced(frame, balance=Balance(by=tuple(by), max_share=share))
    assert not stay.is_empty()
    assert stay["number"].is_sorted()
    for column in by:
        groups = stay.partition_by("generator") if column in ("answer", "template") else [stay]
        for group in groups:
            counts = group[column].value_counts()["count"]
            assert counts.max() <= max(share, 1 / len(counts)) * group.height + 1e-6  # type: ignore[operator]


def uneven() -> pl.DataFrame:
    """60 answers brown and 20 black of one generator, 10 of another."""
    answers = ["brown"] * 60 + ["black"] * 20
    rows = [qa(i, answer=answer, options=[], answer_index=None, image_ids=["vg0"]) for i, answer in enumerate(answers)]
    other = [qa(100 + i, generator="MostObject", answer=f"dog {i}", image_ids=["vg0"]) for i in range(10)]
    return filtered(*rows, *other)


def build(**fields: Any) -> pl.DataFrame:
    return build_mix(recipe(form="open", **fields), filtered_qa=uneven(), images=IMAGES)


def test_answers_within_a_generator() -> None:
    mix = build(balance={"by": ["answer"], "max_share": 0.5})
    assert Counter(mix.filter(generator="AttributeBBox")["answer"]) == {"brown": 20, "black": 20}
    assert mix.filter(generator="MostObject").height == 10


def test_generators() -> None:
    mix = build(balance={"by": ["generator"], "max_share": 0.75})
    assert Counter(mix["generator"]) == {"AttributeBBox": 30, "MostObject": 10}


def test_a_part_keeps_the_shares() -> None:
    mix = build(balance={"by": ["answer"], "max_share": 0.5}, sources=[{"count": 25}])
    answers = Counter(mix.filter(generator="AttributeBBox")["answer"])
    assert Counter(mix["generator"]) == {"AttributeBBox": 20, "MostObject": 5}
    assert answers == {"brown": 10, "black": 10}


def test_the_order_of_the_rows_does_not_matter() -> None:
    wanted = recipe(
        form="open", balance={"by": ["label", "answer", "template"], "max_share": 0.6}, sources=[{"ratio": 0.5}]
    )
    first, second = (build_mix(wanted, filtered_qa=rows, images=IMAGES) for rows in (many(90), many(90).reverse()))
    assert first.equals(second)


def test_more_than_balance_leaves_says_so() -> None:
    with pytest.raises(InputError, match=r"60 rows wanted, 50 possible: .* 40 over `balance.max_share`"):
        build(balance={"by": ["answer"], "max_share": 0.5}, sources=[{"count": 60}])
