"""Puts faults of every kind into the questions of a data set, each question getting one at most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.filters.duplicates.words import normalized
from provision_dagster.filters.faults.answers import ATTRIBUTES, wrong_answers, wrong_attributes
from provision_dagster.filters.faults.balance import most_frequent, other_answers
from provision_dagster.filters.faults.copies import copied, reworded
from provision_dagster.filters.faults.labels import drifted_graphs, drifted_questions, mention, rarest_labels
from provision_dagster.filters.faults.ledger import LEDGER, drawn, entries, replaced, without
from provision_dagster.filters.faults.regions import wrong_regions
from provision_dagster.lexicon import Lexicon

WRONG_REGION = "wrong region"
WRONG_ATTRIBUTE = "wrong answer: what is seen in a region"
WRONG_JUDGED = "wrong answer: of generators that the judge knows"
WRONG_OTHER = "wrong answer: of other generators"
COPY = "duplicate: letter for letter"
REWORDED = "duplicate: reworded"
PICTURE_COPY = "duplicate: picture coded anew, every other one smaller, in another image set"
BENCHMARK_QUESTION = "contaminated: question of a benchmark"
BENCHMARK_PICTURE = "contaminated: picture of a benchmark"
ONE_ANSWER = "unbalanced generator: one answer prevails"
TOO_MANY = "unbalanced generator: too large a share"
DRIFT = "drifted labels"

MIN_WORDS = 8
"""Of a question of the benchmark: shorter ones are everybody's, and not compared."""


@dataclass(frozen=True)
class Plan:
    """How much is made faulty, and what cannot be known from the questions.

    Attributes
    ----------
    share
        Of the questions that a kind of fault can befall, so many get it.
    min_side_px
        Shortest side of a box that is pointed at.
    judged
        Generators that the judge is asked about.
    benchmark
        Ids of pictures that stand in the benchmark.
    """

    share: float
    min_side_px: float
    judged: tuple[str, ...]
    benchmark: Sequence[str]


@dataclass(frozen=True)
class Faulty:
    """A data set with faults.

    Attributes
    ----------
    qa, scene_graphs
        Schemas RAW_QA and SCENE_GRAPHS.
    ledger
        Schema LEDGER: which question has which fault.
    asked
        Questions that the benchmark holds.
    labels
        Labels that have been lost.
    prevails
        The generator in which one answer prevails, and that answer.
    removed
        Questions that were taken away so that it does.
    """

    qa: pl.DataFrame
    scene_graphs: pl.DataFrame
    ledger: pl.DataFrame
    asked: pl.Series
    labels: list[str]
    prevails: tuple[str, str]
    removed: int


def inject(
    qa: pl.DataFrame, *, good: pl.DataFrame, scene_graphs: pl.DataFrame, plan: Plan, rng: np.random.Generator
) -> Faulty:
    """Put faults into questions.

    Parameters
    ----------
    qa
        Schema RAW_QA.
    good
        Those of them that are right and that the filters keep: only these are made faulty.
    scene_graphs
        Schema SCENE_GRAPHS of their pictures.
    plan, rng
        How much, and what luck decides.
    """
    lexicon, ledger = Lexicon.load(), pl.DataFrame(schema=LEDGER)
    shown = good.filter(pl.col("image_ids").list.eval(pl.element().is_in(list(plan.benchmark))).list.any())
    ledger = pl.concat([ledger, entries(shown, BENCHMARK_PICTURE)])
    labels = rarest_labels(scene_graphs, share=plan.share)
    ledger = pl.concat([ledger, entries(without(good, ledger).filter(mention(labels)), DRIFT)])
    prevails = most_frequent(without(good, ledger))
    rest = without(good, ledger)
    removed = other_answers(qa, generator=prevails[0], answer=prevails[1], rng=rng)
    free = rest.filter(pl.col("generator") != prevails[0])
    asked = _benchmark_questions(free, plan.share, rng)
    told = _question(pl.col("question"))
    held = without(good, ledger).filter(told.is_in(asked.implode()))
    ledger = pl.concat([ledger, entries(held, BENCHMARK_QUESTION)])
    changed, own = _changed(without(free, ledger), scene_graphs, plan, lexicon, rng)
    ledger = pl.concat([ledger, own])
    copies, own = _copies(without(free, ledger), plan.share, rng)
    ledger = pl.concat([ledger, own]).join(removed, on="id", how="anti", maintain_order="left")
    drifted = drifted_questions(qa, labels, lexicon=lexicon)
    faulty = replaced(replaced(qa, drifted), changed).join(removed, on="id", how="anti", maintain_order="left")
    return Faulty(
        pl.concat([faulty, copies.select(qa.columns)]), drifted_graphs(scene_graphs, labels),
        ledger, asked, labels, prevails, removed.height,
    )  # fmt: skip


def _question(text: pl.Expr) -> pl.Expr:
    return normalized(text)


def _benchmark_questions(free: pl.DataFrame, share: float, rng: np.random.Generator) -> pl.Series:
    """Choose questions that the benchmark holds too: half of the share, the other half is of pictures."""
    texts = free.select("id", text=_question(pl.col("question")))
    long = texts.filter(pl.col("text").str.count_matches(" ", literal=True) + 1 >= MIN_WORDS)
    return drawn(long, share / 2, rng)["text"].unique().sort()


def _changed(
    free: pl.DataFrame, scene_graphs: pl.DataFrame, plan: Plan, lexicon: Lexicon, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make regions and answers wrong."""
    region = drawn(
        wrong_regions(free, scene_graphs=scene_graphs, min_side_px=plan.min_side_px, rng=rng), plan.share, rng
    )
    ledger = entries(region, WRONG_REGION)
    attribute = drawn(without(wrong_attributes(free, lexicon=lexicon, rng=rng), ledger), plan.share, rng)
    ledger = pl.concat([ledger, entries(attribute, WRONG_ATTRIBUTE)])
    rows = [region, attribute]
    known = pl.col("generator").is_in(plan.judged)
    left = without(free, ledger).filter(known | ~pl.col("generator").is_in(ATTRIBUTES))
    others = wrong_answers(left, lexicon=lexicon, rng=rng)
    for fault, candidates in ((WRONG_JUDGED, others.filter(known)), (WRONG_OTHER, others.filter(~known))):
        if candidates.height:
            chosen = drawn(candidates, plan.share, rng)
            rows.append(chosen)
            ledger = pl.concat([ledger, entries(chosen, fault)])
    return pl.concat(rows), ledger


def _copies(free: pl.DataFrame, share: float, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Repeat questions: half of the share letter for letter, half in other words."""
    chosen = drawn(free, share, rng)
    half = chosen.height // 2
    same, other = copied(chosen.head(half)), reworded(chosen.tail(-half))
    return pl.concat([same, other]), pl.concat([entries(same, COPY), entries(other, REWORDED)])
