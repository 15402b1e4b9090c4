"""Transitive closure of small directed graphs held as two-column frames."""

import polars as pl

from provision_dagster.errors import InputError


def ancestors(edges: pl.DataFrame, *, what: str) -> pl.DataFrame:
    """All pairs (node, ancestor) of a graph of (node, parent) edges; a node is not its own ancestor.

    Raises
    ------
    InputError
        The graph has a cycle; the message names one value of it.
    """
    edges = edges.select(pl.col("node"), pl.col("parent").alias("ancestor")).unique()
    found, step = edges, edges
    while step.height:
        step = (
            step.join(edges, left_on="ancestor", right_on="node", suffix="_next")
            .select("node", pl.col("ancestor_next").alias("ancestor"))
            .unique()
            .join(found, on=["node", "ancestor"], how="anti")
        )
        found = pl.concat([found, step])
    loop = found.filter(pl.col("node") == pl.col("ancestor"))
    if loop.height:
        raise InputError(f"{what}: `{loop['node'].sort()[0]}` is an ancestor of itself")
    return found.sort("node", "ancestor")


def symmetric(pairs: pl.DataFrame) -> pl.DataFrame:
    """Both orders of every pair of a two-column frame, each once, without pairs of equal values."""
    first, second = pairs.columns
    turned = pairs.select(pl.col(second).alias(first), pl.col(first).alias(second))
    return pl.concat([pairs, turned]).filter(pl.col(first) != pl.col(second)).unique().sort(first, second)
