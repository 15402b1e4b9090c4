from itertools import permutations
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision_dagster.filters.duplicate_config import DuplicatesConfig
from provision_dagster.filters.duplicates.questions import duplicate_questions
from provision_dagster.filters.schema import DUPLICATES

LONG = " ".join(f"word{i}" for i in range(140))


def qa(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Rows of (question, answer) and, where it matters, image ids and shard; ids a, b, ..."""
    full = [(*row, *([["i1"], "s-00000"][len(row) - 2 :])) for row in rows]
    return pl.DataFrame(
        {
            "id": [chr(97 + i) for i in range(len(full))],
            "shard": [row[3] for row in full],
            "image_ids": [row[2] for row in full],
            "question": [row[0] for row in full],
            "answer": [row[1] for row in full],
        },
        schema={
            "id": pl.String,
            "shard": pl.String,
            "image_ids": pl.List(pl.String),
            "question": pl.String,
            "answer": pl.String,
        },
    )


def gone(frame: pl.DataFrame, **how: Any) -> dict[str, str]:
    scope = how.pop("scope", None)
    found = duplicate_questions(frame, config=DuplicatesConfig(**how), scope=scope)
    assert found.schema == pl.Schema(DUPLICATES)
    return dict(found.select("id", "of").iter_rows())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How many dogs are there?", "how many dogs are there"),
        ("How many dogs are there?", "How many dogs can you see in the picture?"),
        ("How many dogs are there in this picture?", "How many dogs are there in this picture in the picture?"),
        ("How many dogs are there?", "In this image, how many dogs are there?"),
        ("Is the cat left of the dog?", "Is a cat left of a dog, please?"),
        ("the?", "The"),
    ],
)
def test_fillers_make_no_difference(first: str, second: str) -> None:
    assert gone(qa((first, "2"), (second, "2"))) == {"b": "a"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("How many dogs are there?", "How many cats are there?"),
        ("Is the cat left of the dog?", "Is the dog left of the cat?"),
        ("Is the cat in the box?", "Is the cat on the box?"),
        ("How many dogs are in the first image?", "How many dogs are in the second image?"),
        ("What is at (10, 20)?", "What is at (10, 21)?"),
        (
            "Look closely at every part of the picture, think step by step, take your time, and then answer with one "
            "word only, yes or no, and nothing else at all, since nothing else will be read: is there a dog?",
            "Look closely at every part of the picture, think step by step, take your time, and then answer with one "
            "word only, yes or no, and nothing else at all, since nothing else will be read: is there a cat?",
        ),
    ],
)
def test_one_word_that_bears_meaning_makes_another_question(first: str, second: str) -> None:
    assert gone(qa((first, "yes"), (second, "yes"))) == {}


def test_another_short_answer_is_another_question_and_a_long_one_is_compared() -> None:
    question = f"Describe this: {LONG}"
    assert gone(qa((question, "yes"), (question.upper(), "no"))) == {}
    assert gone(qa(("Describe.", LONG), ("Describe!", LONG + " end"))) == {"b": "a"}
    assert gone(qa(("Describe.", LONG), ("Describe!", "short"))) == {}


def test_long_texts_with_a_word_changed_are_one() -> None:
    changed = LONG.replace("word70 ", "other ")
    found = duplicate_questions(qa(("Describe.", LONG), ("Describe.", changed)))
    assert found.select("id", "of", "method").row(0) == ("b", "a", "minhash")
    # 140 shingles of 141 words each, three differ
    assert found["distance"][0] == pytest.approx(1 - 136 / 142, abs=0.001)
    assert gone(qa(("Describe.", LONG), ("Describe.", changed)), min_jaccard=0.99) == {}


def test_letter_for_letter_repeats_are_left_to_the_rule_that_counts_them() -> None:
    rows = qa(("How many dogs?", "2"), ("How many dogs?", "2"), ("How many dogs are there?", "2"))
    assert gone(rows) == {"c": "a"}


def test_scopes() -> None:
    question = ("How many dogs are there?", "2")
    rows = qa(
        (*question, ["i1"], "s-0"), (*question, ["i2"], "s-0"), (*question, ["i3"], "s-1"), (*question, ["i1"], "s-2")
    )
    assert gone(rows) == {"d": "a"}
    assert gone(rows, scope="shard") == {"b": "a"}
    assert gone(rows, scope="anywhere") == {"b": "a", "c": "a", "d": "a"}
    swapped = qa((*question, ["i1", "i2"]), (question[0].lower(), "2", ["i2", "i1"]))
    assert gone(swapped) == {}


def test_switches() -> None:
    rows = qa(("How many dogs are there?", "2"), ("How many dogs?", "2"))
    assert gone(rows) == {"b": "a"}
    assert gone(rows, same_words=False) == {}
    assert gone(rows, filler_words=("!",), filler_phrases=()) == {}
    assert gone(rows, questions=False) == {}
    assert gone(rows.clear()) == {}


def test_nulls_and_texts_without_words_are_no_duplicates_of_others() -> None:
    rows = qa(("?!", "2"), ("...", "2"), (None, None), ("dog?", "2"), ("dog", None))
    assert gone(rows) == {"b": "a"}


WORDS = st.lists(st.sampled_from(["the", "dog", "cat", "is", "left"]), max_size=5).map(" ".join)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["yes", "no"])), max_size=7))
def test_short_questions_go_as_comparing_all_says_whatever_the_order(rows: list[tuple[str, str]]) -> None:
    def meaning(text: str) -> list[str]:
        return [word for word in text.split() if word not in ("the", "is")] or text.split()

    frame = qa(*rows)
    ids = frame["id"].to_list()
    expected = {}
    for j, (text, answer) in enumerate(rows):
        of = next((i for i in range(j) if (meaning(rows[i][0]), rows[i][1]) == (meaning(text), answer)), None)
        if of is not None and rows[of] != rows[j]:
            expected[ids[j]] = ids[of]
    # among so few words only equal sets have a Jaccard similarity of 1
    assert gone(frame, min_jaccard=1.0, shingle_words=5) == expected
    assert gone(frame.reverse(), min_jaccard=1.0, shingle_words=5) == expected


def test_the_order_of_rows_does_not_matter() -> None:
    rows = qa(("How many dogs?", "2"), ("How many dogs are there?", "2"), ("How many the dogs?", "2"))
    for order in permutations(range(3)):
        assert gone(rows[list(order)]) == {"b": "a", "c": "a"}
