"""AttributeBBox: which attributes the object in a box has."""

import numpy as np
import polars as pl

from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.attribute_options import (
    attribute_candidates,
    attribute_mentions,
    finish_attributes,
    held_attributes,
)
from provision_dagster.generators.registry import Candidates, Draft, Generator, Mentions, Rules, register


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per object that has an attribute."""
    held = held_attributes(graphs, by_category=False)
    found = attribute_candidates(graphs, rules, held, keep=np.ones(len(held.obj), dtype=bool))
    return Candidates(found.rows, {k: v for k, v in found.rules.items() if k != "category_not_askable"})


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The label and all attributes."""
    return attribute_mentions(graphs, rows, held_attributes(graphs, by_category=False))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with all attributes."""
    return finish_attributes(graphs, rows, held_attributes(graphs, by_category=False), noun=False)


register(
    Generator(
        name="AttributeBBox",
        family="qa_attribute",
        version="3",
        key={"obj": "object"},
        slots=("label", "box", "be", "do"),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
    )
)
