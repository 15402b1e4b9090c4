"""The depth of objects, and how far apart two depths must be before one is called closer (T6)."""

from collections.abc import Iterable

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, all_of
from provision_dagster.generators.graphs import Floats, Graphs
from provision_dagster.generators.registry import Rules

MARGIN, LEVELS = 50, 255
"""Depths are told apart when they differ by 50 of the 255 levels of an 8-bit map (ProVision, section 3)."""


def margins(graphs: Graphs) -> Floats:
    """Least difference between two depths of an image, shape (images,).

    50 for an 8-bit map; for others the same share of the range of depths in the picture. NaN, which no difference
    reaches, where there is no depth map.
    """
    return graphs.source["depth_span"].to_numpy() * MARGIN / LEVELS


def depths(graphs: Graphs, rules: Rules) -> Floats:
    """Depth of each object, larger = closer, NaN where unknown, shape (objects,): median of its mask (paper: mode)."""
    return graphs.object_column("mode" if rules == "paper" else "p50")


def spreads(graphs: Graphs) -> Floats:
    """Interquartile range of the depth of each object, shape (objects,)."""
    return graphs.object_column("p75") - graphs.object_column("p25")


def measured(graphs: Graphs) -> Ints:
    """Objects with a unique label, a mask and a known depth, in order."""
    known = graphs.objects["masked"].to_numpy() & ~np.isnan(graphs.object_column("mode"))
    return graphs.uniques[known[graphs.uniques]]


def too_near(graphs: Graphs, lead: Floats, objects: Iterable[Ints]) -> dict[str, Bools]:
    """Rules of T6 on comparisons of objects: the lead must exceed the margin and the interquartile range of each.

    Parameters
    ----------
    lead
        By how much the closer one is closer, shape (n,).
    objects
        Columns of objects that are compared, each of shape (n,).
    """
    columns = list(objects)
    spread = spreads(graphs)
    return {
        "margin": ~(lead > margins(graphs)[graphs.img[columns[0]]]),
        "spread_in_depth": ~all_of(lead > spread[column] for column in columns),
    }
