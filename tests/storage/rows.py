"""Rows of raw QA for the tests of the store."""

import polars as pl

from provision_dagster.generators.schema import RAW_QA

NESTED = (
    {"objects": ["dog"], "attributes": [], "relations": None, "counts": [1, None]},
    {"objects": [], "attributes": ["big", None], "relations": ["on"], "counts": []},
    None,
)
EVIDENCE = (
    {"object_ids": ["1"], "boxes": [{"x1": 0.1, "y1": 0.0, "x2": 50.5, "y2": 3.0}]},
    {"object_ids": [], "boxes": None},
    {"object_ids": None, "boxes": [None]},
)


def raw_qa(shard: str, *, count: int = 3, family: str = "qa_object", answer: str = "a") -> pl.DataFrame:
    """Rows with every kind of nesting: empty lists, nulls in lists, null lists and structs, large numbers."""
    rows = [
        {
            "shard": shard,
            "family": family,
            "id": f"{i:032x}",
            "generator": "MostObject",
            "generator_version": "1",
            "rules": "strict",
            "seed": 2**64 - 1 - i,
            "template": "t1",
            "image_ids": [f"image{i}"],
            "question": f"Which one, number {i}?",
            "answer": answer,
            "choice_question": None,
            "options": [answer, "other"] if i % 2 else [],
            "answer_index": 0 if i % 2 else None,
            "metadata": NESTED[i % 3],
            "evidence": EVIDENCE[i % 3],
        }
        for i in range(count)
    ]
    return pl.DataFrame(rows, schema=RAW_QA)
