"""False options for questions that ask what a thing is."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Pairs, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64
from provision_dagster.generators.options import Source, Weighted, draw_false
from provision_dagster.generators.registry import Choice
from provision_dagster.generators.words import Words


@dataclass(frozen=True)
class Apart(Pairs):
    """Labels that never name one thing, kept as the pairs that may: the others are too many to list."""

    def has(self, first: Ints, second: Ints) -> Bools:
        """Tell which pairs are told apart."""
        return np.asarray((first != second) & ~Pairs.has(self, first, second))


@dataclass(frozen=True)
class _Kinds:
    """Labels by kind ("thing", "part", ...): `of` label, and what is offered for each kind."""

    of: Ints
    source: Source


def _kinds(words: Words) -> _Kinds:
    table, related = words.labels, words.related_labels
    kind = ints(table.words["kind"].rank("dense").cast(pl.Int64)) - 1
    offered = np.flatnonzero(table.flag("usable") & table.flag("known"))
    offered = offered[np.argsort(kind[offered], kind="stable")]
    weighted = Weighted.of(kind[offered], offered, table.counts[offered], truths=int(kind.max(initial=0)) + 1)
    names = np.arange(table.words.height)
    return _Kinds(kind, Source(weighted, names, table.hashes, Apart(related.keys, related.partners)))


def label_choice(graphs: Graphs, h: U64, obj: Ints, near: Ints) -> Choice:
    """Offer the label of an object beside labels of the same kind that cannot name it (T2), drawn by frequency.

    Parameters
    ----------
    near
        Object that the question names, -1 = none: its label is never the answer, so it is no option either.
    """
    words = graphs.words
    kinds = words.once("label_kinds", lambda: _kinds(words))
    truth, option = graphs.label[obj], kinds.source.table.options.values
    other = np.where(near >= 0, graphs.label[near], truth)
    apart = kinds.source.exclusive

    def blocked(row: Ints, at: Ints) -> Bools:
        return ~(apart.has(truth[row], option[at]) & apart.has(other[row], option[at]))

    false = draw_false(h, kinds.of[truth], source=kinds.source, blocked=blocked)
    return Choice(words.labels.text, np.concatenate([truth[:, None], false], axis=1))
