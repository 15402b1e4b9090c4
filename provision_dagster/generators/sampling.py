"""Balanced sampling: n candidates per image, rare words likelier."""

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import Bools, Ints, Ragged, runs
from provision_dagster.generators.hashing import U64, draw, uniform
from provision_dagster.generators.registry import Mentions
from provision_dagster.generators.words import Words

Floats = npt.NDArray[np.float64]


def mean_cubes(mentions: Mentions, words: Words, *, rows: int) -> Floats:
    """Mean of count^3 over the words that each candidate mentions, shape (rows,); 1 where it mentions none.

    `count` is how often the image set says the word (ProVision, section 3: rarer is likelier).
    """
    total, size = np.zeros(rows), np.zeros(rows)
    for lists, counts in (
        (mentions.labels, words.labels.counts),
        (mentions.attributes, words.attributes.counts),
        (mentions.predicates, words.predicates.counts),
        (mentions.counts, words.number_counts),
    ):
        if lists is not None:
            total += _sums(lists, counts**3)
            size += lists.sizes
    return np.where(size > 0, total / np.maximum(size, 1), 1.0)


def _sums(lists: Ragged, values: Floats) -> Floats:
    each = values[np.minimum(lists.values, len(values) - 1)]
    return np.asarray(np.bincount(lists.rows, weights=each, minlength=len(lists.sizes)), dtype=np.float64)


def choose(h: U64, img: Ints, *, n: int, cubes: Floats) -> Bools:
    """Draw n candidates per image without replacement, each with probability proportional to 1 / mean(count^3).

    The draw is Efraimidis and Spirakis' (2006): the n largest log(u) / w, with u from the candidate's hash.

    Parameters
    ----------
    h
        Hash of each candidate.
    img
        Image of each, sorted.
    n
        Candidates to keep per image; an image with fewer keeps all.
    cubes
        What `mean_cubes` gives: 1 / w.

    Returns
    -------
    numpy.ndarray
        True for the chosen ones.
    """
    scores = np.log(uniform(draw(h, "sample"))) * cubes
    return first_of_groups(-scores, img, n=n)


def first_of_groups(keys: Floats, groups: Ints, *, n: int) -> Bools:
    """Mark the n smallest keys of each group; ties go to the first.

    Parameters
    ----------
    keys
        Numbers >= 0.
    groups
        Group of each, sorted, below 2**31.
    """
    chosen = np.zeros(len(groups), dtype=bool)
    order = grouped_order(keys, groups)
    chosen[order[places(groups) < n]] = True
    return chosen


def grouped_order(keys: Floats, groups: Ints) -> Ints:
    """Sort by group, then key; ties keep their order."""
    # the bits of a float >= 0 sort as it does, so one integer sort does for both; 32 bits tell luck apart well enough
    bits = keys.astype(np.float32).view(np.uint32).astype(np.int64)
    return np.argsort((groups << 32) | bits, kind="stable")


def places(groups: Ints) -> Ints:
    """Number the members of each group from 0; `groups` is sorted."""
    first, size = runs(groups)
    return np.arange(len(groups)) - np.repeat(first, size)
