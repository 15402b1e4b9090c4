"""TypedAttributeBBox: which colour, material, ... the object in a box has."""

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
    """One per object and category of its attributes, except "other"."""
    held = held_attributes(graphs, by_category=True)
    other = graphs.words.category_code("other")
    return attribute_candidates(graphs, rules, held, keep=held.category != other)


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The label and the attributes of the category."""
    return attribute_mentions(graphs, rows, held_attributes(graphs, by_category=True))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with the attributes of the category."""
    return finish_attributes(graphs, rows, held_attributes(graphs, by_category=True), noun=True)


register(
    Generator(
        name="TypedAttributeBBox",
        family="qa_attribute",
        version="3",
        key={"obj": "object", "category": "category"},
        slots=("label", "box", "noun", "be", "do"),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
    )
)
