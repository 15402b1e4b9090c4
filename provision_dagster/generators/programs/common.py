"""Pieces that several generators share."""

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, all_of, any_of
from provision_dagster.generators.graphs import Graphs


def verbs(plural: Bools, *, singular: str, plural_form: str) -> pl.Series:
    """Choose a verb form per row."""
    return pl.Series([singular, plural_form]).gather(plural.astype(np.int64))


def table(**columns: Ints) -> pl.DataFrame:
    """Make a frame of integer columns."""
    return pl.DataFrame({name: pl.Series(values, dtype=pl.Int64) for name, values in columns.items()})


def name_rules(graphs: Graphs, *objects: Ints) -> dict[str, Bools]:
    """Rules T1 for objects that are named by their label alone: it can mean nothing else that is or may be there."""
    return {
        "ambiguous_label": ~all_of(graphs.unambiguous[o] for o in objects),
        "doubtful_label": any_of(graphs.doubtful[o] for o in objects),
    }


def box_rules(graphs: Graphs, *objects: Ints) -> dict[str, Bools]:
    """Rules T1 for objects that are named by their printed box: it has a size, and no other object prints the same."""
    flat, twin = graphs.box_fault
    return {
        "box_prints_flat": any_of(flat[o] for o in objects),
        "same_printed_box": any_of(twin[o] for o in objects),
    }
