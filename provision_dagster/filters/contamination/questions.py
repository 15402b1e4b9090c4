"""Questions of a benchmark among the data: long ones by n-grams, short ones as a whole."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from provision_dagster.filters.duplicate_config import BenchmarkConfig
from provision_dagster.filters.duplicates.pairs import F64, I64, equal_pairs
from provision_dagster.filters.duplicates.words import (
    Grams,
    normalized,
    whole_hash,
    word_hashes,
    word_ngrams,
)
from provision_dagster.filters.schema import CONTAMINATION
from provision_dagster.generators.hashing import U64

BLOCK = 100_000
"""Questions compared at a time."""


class _Index(NamedTuple):
    """Questions of one benchmark: the n-grams of long ones with their row, the hashes of short ones."""

    grams: U64
    gram_rows: I64
    sizes: I64  # n-grams of each row
    whole: U64
    whole_rows: I64
    items: pl.Series


def contaminated_questions(
    qa: pl.DataFrame, *, items: pl.DataFrame, benchmarks: Sequence[BenchmarkConfig]
) -> pl.DataFrame:
    """Find questions that a benchmark holds.

    Parameters
    ----------
    qa
        At least shard, id, question and answer.
    items
        Schema BENCHMARK_ITEMS.
    benchmarks
        Bounds; items of other benchmarks are left out.

    Returns
    -------
    pl.DataFrame
        Schema CONTAMINATION, at most a row per question and benchmark: the best match, the first of several. Score:
        share of the n-grams of a long question of the benchmark that question and answer hold; 1 for a short question
        that is asked as it is there, but for case and punctuation.
    """
    found = [pl.DataFrame(schema=CONTAMINATION)]
    for benchmark in benchmarks:
        own = items.filter(
            (pl.col("benchmark") == benchmark.name) & (pl.col("kind") == "question") & pl.col("text").is_not_null()
        )
        if own.is_empty():
            continue
        index = _index(own, benchmark)
        found += [_hits(qa.slice(start, BLOCK), index, benchmark) for start in range(0, qa.height, BLOCK)]
    return pl.concat(found)


def _index(items: pl.DataFrame, benchmark: BenchmarkConfig) -> _Index:
    words = word_hashes(items.select(normalized(pl.col("text")).alias("text"))["text"])
    grams = word_ngrams(words, n=benchmark.ngram_words, whole=False).distinct()
    # n-grams of many questions are the benchmark's way of asking, not its content
    values, which, asked = np.unique(grams.hashes, return_inverse=True, return_counts=True)
    own = asked[which] <= benchmark.max_ngram_questions
    rows = grams.rows[own]
    short = np.flatnonzero((words.counts >= benchmark.min_words) & (words.counts < benchmark.ngram_words))
    return _Index(
        grams=values[which][own],
        gram_rows=rows,
        sizes=np.bincount(rows, minlength=items.height),
        whole=whole_hash(words)[short],
        whole_rows=short,
        items=items["item"],
    )


def _hits(qa: pl.DataFrame, index: _Index, benchmark: BenchmarkConfig) -> pl.DataFrame:
    question, text = (
        word_hashes(qa.select(normalized(pl.concat_str(*columns, separator=" ", ignore_nulls=True)).alias("t"))["t"])
        for columns in (("question",), ("question", "answer"))
    )
    long = _long(word_ngrams(text, n=benchmark.ngram_words, whole=False).distinct(), index)
    asked = list(equal_pairs(whole_hash(question), right=index.whole))
    rows = np.concatenate([long[0], *(i for i, _ in asked)])
    items = np.concatenate([long[1], *(index.whole_rows[j] for _, j in asked)])
    scores = np.concatenate([long[2], np.ones(len(rows) - len(long[0]))])
    enough = scores >= benchmark.min_share
    order = np.lexsort((items[enough], -scores[enough], rows[enough]))
    rows, items, scores = (values[enough][order] for values in (rows, items, scores))
    best = np.flatnonzero(np.diff(rows, prepend=-1))
    return pl.DataFrame(
        {
            "kind": pl.repeat("question", len(best), dtype=pl.String, eager=True),
            "shard": qa["shard"].gather(rows[best]),
            "id": qa["id"].gather(rows[best]),
            "benchmark": pl.repeat(benchmark.name, len(best), dtype=pl.String, eager=True),
            "method": pl.repeat("ngram", len(best), dtype=pl.String, eager=True),
            "score": scores[best],
            "item": index.items.gather(items[best]),
        },
        schema=CONTAMINATION,
    )


def _long(grams: Grams, index: _Index) -> tuple[I64, I64, F64]:
    """Count the n-grams that each question shares with each of the benchmark."""
    many = max(len(index.items), 1)
    shared, counts = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    rows = grams.rows
    # most n-grams stand in no benchmark
    known = np.flatnonzero(np.isin(grams.hashes, index.grams))
    for i, j in equal_pairs(grams.hashes[known], right=index.grams):
        pairs = np.concatenate([shared, rows[known[i]] * many + index.gram_rows[j]])
        weights = np.concatenate([counts, np.ones(len(i), dtype=np.int64)])
        shared, which = np.unique(pairs, return_inverse=True)
        counts = np.bincount(which, weights=weights).astype(np.int64)
    row, item = np.divmod(shared, many)
    return row, item, counts / index.sizes[item]
