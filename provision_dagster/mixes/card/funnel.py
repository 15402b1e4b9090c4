"""The way from candidates to examples, generator by generator, and what was lost on it."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

STAGES = ("candidates", "proved", "raw", "kept", "mixed")
"""Candidates of the programs, those that the truth rules prove, those drawn as raw QA, those that the filters kept, and
the examples of the mix."""

KEY = ("family", "generator")


@dataclass(frozen=True)
class Funnel:
    """What became of candidates.

    Attributes
    ----------
    generators
        `family`, `generator` and a column per stage; null where a stage does not know the generator.
    dropped
        `generator`, `reason`, `rows`: candidates that the truth rules dropped.
    rejected
        `rule`, `rows`: raw QA that the filters rejected.
    """

    generators: pl.DataFrame
    dropped: pl.DataFrame
    rejected: pl.DataFrame

    @property
    def totals(self) -> dict[str, int]:
        """Sum of every stage."""
        return {stage: int(self.generators[stage].sum()) for stage in STAGES}


def funnel(mix: pl.LazyFrame, *, tables: Mapping[str, pl.LazyFrame]) -> Funnel:
    """Follow candidates to a mix.

    Parameters
    ----------
    mix
        Schema MIX; rows of a base set are left out.
    tables
        `funnel`, `qa_statistics`, `rejected_qa`, all shards; the recipe may have asked for some of them only.

    Returns
    -------
    Funnel
        Generators by family and name; reasons and rules by rows.
    """
    fates, reason = tables["funnel"], pl.col("reason")
    proved, statistics = reason.is_in(["kept", "sampled_out"]), tables["qa_statistics"]
    stages = {
        "candidates": fates.filter(reason == "candidate").select(*KEY, rows="count"),
        "proved": fates.filter(proved).select(*KEY, rows="count"),
        "raw": statistics.select(*KEY, rows="raw_rows"),
        "kept": statistics.select(*KEY, rows="rows"),
        "mixed": mix.filter(pl.col("origin") == "generated").group_by(KEY).agg(rows=pl.len()),
    }
    dropped = fates.filter(~proved & (reason != "candidate")).group_by("generator", "reason")
    return Funnel(
        _side_by_side(stages),
        dropped.agg(rows=pl.col("count").sum()).filter(pl.col("rows") > 0).sort("generator", "reason").collect(),
        tables["rejected_qa"]
        .group_by("rule")
        .agg(rows=pl.len())
        .sort("rows", "rule", descending=[True, False])
        .collect(),
    )


def _side_by_side(stages: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """Sum the rows of every generator, a column per stage."""
    told = [rows.select(*KEY, pl.col("rows").cast(pl.Int64), stage=pl.lit(name)) for name, rows in stages.items()]
    summed = pl.concat(told).group_by(*KEY, "stage").agg(pl.col("rows").sum())
    return summed.pivot("stage", on_columns=STAGES, index=KEY, values="rows").sort(KEY).collect(engine="streaming")
