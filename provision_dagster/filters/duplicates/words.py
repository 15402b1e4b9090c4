"""Texts as numbers: hashed words and n-grams of whole columns, without a loop over texts."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from provision_dagster.filters.duplicates.pairs import I64, expand
from provision_dagster.generators.hashing import U64, column_hash, mix

_ODD = np.uint64(0x9E3779B97F4A7C15)

BLOCK = 100_000
"""Texts taken apart at a time: words as strings take some 50 bytes each."""


class Grams(NamedTuple):
    """Hashes of each row's items: those of row i are `hashes[offsets[i]:offsets[i + 1]]`."""

    offsets: I64
    hashes: U64

    @property
    def counts(self) -> I64:
        """Items of each row."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> I64:
        """Row of each item."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.counts)

    def take(self, rows: I64) -> "Grams":
        """Return the items of some rows, in their order."""
        start, stop = self.offsets[rows], self.offsets[rows + 1]
        found = [self.hashes[place] for _, place in expand(start, stop)]
        hashes = np.concatenate(found) if found else np.zeros(0, dtype=np.uint64)
        return Grams(_offsets(stop - start), hashes)

    def distinct(self) -> "Grams":
        """Return each row's items once, sorted."""
        rows = self.rows
        order = np.lexsort((self.hashes, rows))
        rows, hashes = rows[order], self.hashes[order]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (rows[1:] != rows[:-1]) | (hashes[1:] != hashes[:-1])
        return Grams(_offsets(np.bincount(rows[new], minlength=len(self.offsets) - 1)), hashes[new])


def normalized(text: pl.Expr) -> pl.Expr:
    """Lower the case of a text, bring its characters to one form (NFKC) and leave words, one space between them."""
    folded = text.str.normalize("NFKC").str.to_lowercase()
    return folded.str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ").str.strip_chars()


def word_hashes(texts: pl.Series) -> Grams:
    """Hash each word of normalized texts; nulls have none."""
    counts, hashes = [], []
    for start in range(0, len(texts), BLOCK):
        words = (
            texts.slice(start, BLOCK).fill_null("").str.split(" ").list.eval(pl.element().filter(pl.element() != ""))
        )
        counts.append(words.list.len().to_numpy().astype(np.int64))
        hashes.append(column_hash(words.explode(empty_as_null=False).rename("word")))
    if not counts:
        return Grams(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.uint64))
    return Grams(_offsets(np.concatenate(counts)), np.concatenate(hashes))


def word_ngrams(words: Grams, *, n: int, whole: bool) -> Grams:
    """Hash every run of n words.

    Parameters
    ----------
    words
        Hashed words.
    n
        Words in a run.
    whole
        Whether a shorter text counts as one run; else it has none.
    """
    counts = words.counts
    runs = np.maximum(counts - n + 1, 0)
    if whole:
        runs[(counts > 0) & (counts < n)] = 1
    offsets = _offsets(runs)
    hashes = np.empty(offsets[-1], dtype=np.uint64)
    lengths = range(1, n + 1) if whole else (n,)
    for length in lengths:
        rows = np.flatnonzero(counts == length if length < n else counts >= n)
        done = 0
        to = _places(offsets, rows, runs[rows])
        for _, start in expand(words.offsets[rows], words.offsets[rows] + runs[rows]):
            hashes[to[done : done + len(start)]] = _run(words.hashes, start, length)
            done += len(start)
    return Grams(offsets, hashes)


def whole_hash(words: Grams) -> U64:
    """Hash each text as a sequence of words; 0 for those without any."""
    counts = words.counts
    place = np.arange(len(words.hashes)) - np.repeat(words.offsets[:-1], counts)
    with np.errstate(over="ignore"):
        mixed = mix(words.hashes, mix(place.astype(np.uint64), 1))
        # sums of differences: a row without words adds nothing
        total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
        return np.asarray(total[words.offsets[1:]] - total[words.offsets[:-1]], dtype=np.uint64)


def without(words: Grams, *, left_out: U64) -> Grams:
    """Leave out some words."""
    stays = ~np.isin(words.hashes, left_out)
    kept = np.concatenate([np.zeros(1, np.int64), np.cumsum(stays)])
    return Grams(kept[words.offsets], words.hashes[stays])


def _run(hashes: U64, start: I64, length: int) -> U64:
    with np.errstate(over="ignore"):
        found = np.zeros(len(start), dtype=np.uint64)
        for step in range(length):
            found = found * _ODD + hashes[start + step]
    return mix(found, length)


def _places(offsets: I64, rows: I64, runs: I64) -> I64:
    found: Iterator[tuple[I64, I64]] = expand(offsets[rows], offsets[rows] + runs)
    places = [place for _, place in found]
    return np.concatenate(places) if places else np.zeros(0, dtype=np.int64)


def _offsets(counts: I64) -> I64:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
