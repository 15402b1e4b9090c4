"""The way from candidates to examples, generator by generator, and what was lost on it."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

STAGES = ("candidates", "proved", "raw", "kept", "mixed")
"""Candidates of the programs, those that the truth rules prove, those drawn as raw QA, those that the filters kept, and
the examples of the mix."""

READ = ("funnel", "qa_statistics", "rejected_qa")


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
    key = ["family", "generator"]
    fates, reason = tables["funnel"], pl.col("reason")
    told = fates.group_by(key).agg(
        candidates=pl.col("count").filter(reason == "candidate").sum(),
        proved=pl.col("count").filter(reason.is_in(["kept", "sampled_out"])).sum(),
    )
    filtered = tables["qa_statistics"].group_by(key).agg(raw=pl.col("raw_rows").sum(), kept=pl.col("rows").sum())
    mixed = mix.filter(pl.col("origin") == "generated").group_by(key).agg(mixed=pl.len())
    joined = told.join(filtered, on=key, how="full", coalesce=True).join(mixed, on=key, how="full", coalesce=True)
    dropped = fates.filter(~reason.is_in(["candidate", "kept", "sampled_out"])).group_by("generator", "reason")
    return Funnel(
        joined.select(*key, *(pl.col(stage).cast(pl.Int64) for stage in STAGES)).sort(key).collect(),
        dropped.agg(rows=pl.col("count").sum()).filter(pl.col("rows") > 0).sort("generator", "reason").collect(),
        tables["rejected_qa"]
        .group_by("rule")
        .agg(rows=pl.len())
        .sort("rows", "rule", descending=[True, False])
        .collect(),
    )
