"""Inverted list label -> images."""

from dataclasses import dataclass

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, any_of, bools, runs
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64
from provision_dagster.generators.language import number_word
from provision_dagster.generators.programs.multi_image.spaces import Floats, Pool
from provision_dagster.generators.words import Words


@dataclass(frozen=True)
class LabelRows:
    """Labels that may be asked about, and the rows of `Graphs.labels` of each, in the order of the images."""

    label: Ints
    pool: Pool
    hashes: U64
    cubes: Floats


def label_rows(graphs: Graphs, keep: Bools) -> LabelRows:
    """Collect the kept rows of `Graphs.labels` by label."""
    labels, table = graphs.labels, graphs.words.labels
    row = np.flatnonzero(keep)
    row = row[np.argsort(labels.label[row], kind="stable")]
    first, size = runs(labels.label[row])
    label = labels.label[row[first]]
    return LabelRows(label, Pool(row, first, size), table.hashes[label], table.counts[label] ** 3)


def provable_counts(graphs: Graphs) -> Bools:
    """Rows of `Graphs.labels` whose number of boxes is the number of things, and whose name holds no number (T3)."""
    labels = graphs.labels
    told = graphs.words.once("labels_with_numbers", lambda: _with_numbers(graphs.words))
    return np.asarray(labels.countable & ~any_of(labels.unclear.values()) & ~told[labels.label])


def _with_numbers(words: Words) -> Bools:
    """Labels that hold a number ("three hole punch"): it may be the answer."""
    numbers = "|".join([r"\d+", *map(number_word, range(21))])
    return bools(words.labels.text.str.contains(rf"\b(?:{numbers})\b"))
