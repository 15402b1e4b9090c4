"""Which sizes can be seen: "small" and "large" say nothing of a thing beside which there is no other of its kind."""

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, Ragged, distinct, ints, member, packed
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.words import Words

GROUP = "size"
"""Exclusive group of the attributes that compare a thing with others of its kind; "wide" or "tall" can be seen."""


def relative(words: Words) -> Bools:
    """Attributes that compare a thing with others of its kind."""
    return words.once("relative_sizes", lambda: (words.attributes.words["exclusive_group"] == GROUP).to_numpy())


def size_alone(graphs: Graphs, row: Ints, values: Ragged) -> Bools:
    """Whether a list holds a size that no other thing of the label in the image contradicts.

    Parameters
    ----------
    row
        Row of `Graphs.labels` of each list: what the attributes are said of.
    """
    asked = np.flatnonzero(relative(graphs.words)[values.values])
    lines = values.rows[asked]
    seen = graphs.once("compared_sizes", lambda: _compared(graphs))
    alone = ~member(packed(row[lines], values.values[asked]), seen)
    found = np.zeros(len(row), dtype=bool)
    found[lines[alone]] = True
    return found


def _compared(graphs: Graphs) -> Ints:
    """(row of `Graphs.labels`, size) of which the image has a thing with a contrary size, sorted."""
    obj, value = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    sized = relative(graphs.words)[value]
    held = distinct(packed(graphs.label_row[obj[sized]], value[sized]))
    place, other = graphs.words.contradictions.expand(held & 0xFFFFFFFF)
    return distinct(packed(held[place] >> 32, other))
