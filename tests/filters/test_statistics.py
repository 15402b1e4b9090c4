"""The distributions of a few rows, counted by hand."""

import polars as pl

from provision_dagster.filters.filter_qa import filter_qa, qa_statistics
from provision_dagster.filters.schema import LABEL_STATISTICS, QA_STATISTICS
from tests.filters.rows import images, qa, raw_qa, scene_graphs

MENTIONED = {"objects": ["dog", "dog", "cat"], "attributes": None, "relations": ["on"], "counts": [2]}


def _statistics() -> tuple[pl.DataFrame, pl.DataFrame]:
    raw = raw_qa(
        qa(1, question="Is it?", answer="Yes", options=["Yes", "No"], answer_index=1, template="t2"),
        qa(2, question="Was it?", answer="no", options=[], answer_index=None),
        qa(
            3,
            question="Who?",
            answer="abcd",
            options=["a", "b", "c", "d"],
            answer_index=1,
            metadata=MENTIONED,
        ),
        qa(4, question="Who is it?", answer="no", options=["a", "b"], answer_index=0, image_ids=["i1", "i2"]),
        qa(5, question="broken"),
        qa(6, generator="MostObject", question="broken"),
        qa(7, shard="s-00001", options=[], answer_index=None, metadata=None),
    )
    kept, _ = filter_qa(raw, images=images(), scene_graphs=scene_graphs())
    return qa_statistics(raw, filtered_qa=kept)


def test_each_generator_has_a_row() -> None:
    statistics, _ = _statistics()
    assert dict(statistics.schema) == QA_STATISTICS
    assert statistics.row(0, named=True) == {
        "shard": "s-00000",
        "family": "qa_attribute",
        "generator": "AttributeBBox",
        "raw_rows": 5,
        "rows": 4,
        "keep_rate": 0.8,
        "images": 2,
        "templates": 2,
        "questions": 4,
        "answers": 3,
        "top_answer": "no",
        "top_answer_share": 0.5,
        "yes_no_share": 0.75,
        "mean_question_chars": (6 + 7 + 4 + 10) / 4,
        "mean_answer_chars": (3 + 2 + 4 + 2) / 4,
        "choice_share": 0.75,
        "mean_options": 8 / 3,
        "answer_position_shares": [1 / 3, 2 / 3, 0.0, 0.0],
    }


def test_a_generator_of_which_nothing_was_kept() -> None:
    row = _statistics()[0].row(1, named=True)
    assert (row["generator"], row["raw_rows"], row["rows"], row["keep_rate"]) == ("MostObject", 1, 0, 0)
    assert (row["top_answer"], row["yes_no_share"], row["answer_position_shares"]) == (None, None, [])


def test_without_options_there_is_no_position() -> None:
    row = _statistics()[0].row(2, named=True)
    assert (row["shard"], row["choice_share"], row["mean_options"]) == ("s-00001", 0, None)
    assert row["answer_position_shares"] == []


def test_a_label_counts_once_per_pair() -> None:
    _, labels = _statistics()
    assert dict(labels.schema) == LABEL_STATISTICS
    assert labels.select("kind", "value", "rows", "share").rows() == [
        ("attribute", "brown", 3, 0.75),
        ("object", "cat", 1, 0.25),
        ("object", "dog", 4, 1.0),
        ("relation", "on", 1, 0.25),
    ]
