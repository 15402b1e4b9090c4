"""Which examples a gallery shows: of every generator as many, as far as it has them; a hash decides."""

import polars as pl

from provision_dagster.mixes.choose import hashed

ROWS = 240
"""Examples of a gallery: a page of some megabytes."""


def sample(mix: pl.LazyFrame, *, seed: int, rows: int = ROWS) -> pl.DataFrame:
    """Draw examples of a mix, generators taking turns.

    Parameters
    ----------
    mix
        Schema MIX.
    seed
        Another seed draws others.
    rows
        Examples to draw; fewer where the mix is smaller.

    Returns
    -------
    pl.DataFrame
        Schema MIX: the first of every generator, then the second of every generator, and so on. A larger sample begins
        with the smaller.
    """
    tossed = mix.select("position", "generator", toss=hashed("id", seed=seed, purpose="gallery")).sort(
        "toss", "position"
    )
    turns = tossed.with_columns(turn=pl.int_range(pl.len()).over("generator")).filter(pl.col("turn") < rows)
    first = turns.sort("turn", "toss", "position").head(rows).select("position", place=pl.int_range(pl.len()))
    drawn = first.collect()
    found = mix.filter(pl.col("position").is_in(drawn["position"].implode())).collect(engine="streaming")
    return found.join(drawn, on="position").sort("place").drop("place")
