"""Faults of a whole data set, though each of its questions is right: one answer prevails, one generator prevails."""

import numpy as np
import polars as pl

from provision_dagster.filters.faults.ledger import shuffled

PREVAILS = 0.9
"""Share of one answer among a generator's questions without options."""


def most_frequent(qa: pl.DataFrame) -> tuple[str, str]:
    """Return the generator and the answer (lower case) that most questions without options have."""
    open_form = qa.filter(pl.col("options").list.len() == 0)
    counts = open_form.group_by("generator", answer=pl.col("answer").str.to_lowercase()).len()
    generator, answer, _ = counts.sort("len", "generator", "answer", descending=[True, False, False]).row(0)
    return generator, answer


def other_answers(qa: pl.DataFrame, *, generator: str, answer: str, rng: np.random.Generator) -> pl.DataFrame:
    """Choose the questions that must go for one answer to prevail in a generator."""
    own = qa.filter(pl.col("options").list.len() == 0, generator=generator)
    same = pl.col("answer").str.to_lowercase() == answer
    stay = round(own.filter(same).height * (1 - PREVAILS) / PREVAILS)
    return shuffled(own.filter(~same), rng).slice(stay)
