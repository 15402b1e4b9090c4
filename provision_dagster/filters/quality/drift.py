"""How far the figures of a data set are from those of the version before."""

from dataclasses import dataclass

import polars as pl

from provision_dagster.filters.quality.distances import aligned, jensen_shannon, psi

DISTRIBUTIONS = (
    ("filtered_qa", "generator_share"),
    ("filtered_qa", "question_chars_share"),
    ("filtered_qa", "object_mention_share"),
    ("filtered_qa", "attribute_mention_share"),
    ("filtered_qa", "relation_mention_share"),
    ("scene_graphs", "objects_share"),
    ("scene_graphs", "label_share"),
)
"""Figures that are shares of values."""

DISTANCES: dict[str, pl.DataType] = {
    "of": pl.String(),
    "psi": pl.Float64(),
    "jensen_shannon": pl.Float64(),
    "generators_lost": pl.Int64(),
}


@dataclass(frozen=True)
class Drift:
    """Two versions of the figures, schema QA_QUALITY.

    Attributes
    ----------
    head
        Most frequent values that are compared one by one.
    """

    before: pl.DataFrame
    now: pl.DataFrame
    head: int

    @staticmethod
    def nothing() -> pl.DataFrame:
        """Return no distances: there is no version before."""
        return pl.DataFrame(schema=DISTANCES)

    def sides(self, stage: str, measure: str) -> pl.DataFrame:
        """Both versions of a distribution: columns `part`, `before`, `now`."""
        value = pl.coalesce(pl.when(pl.col("part") != "").then("part"), "of").alias("part")
        both = [f.filter(stage=stage, measure=measure).select(value, "value") for f in (self.before, self.now)]
        return aligned(both[0], both[1], head=self.head)

    def distances(self) -> pl.DataFrame:
        """Return the distances of every distribution that both versions have, and how many generators are gone."""
        rows: list[tuple[str, float | None, float | None, int | None]] = []
        for stage, measure in DISTRIBUTIONS:
            sides = self.sides(stage, measure)
            old, new = sides["before"].to_numpy(), sides["now"].to_numpy()
            if len(sides) and old.sum() > 0 and new.sum() > 0:
                rows.append((f"{stage}: {measure}", psi(old, new), jensen_shannon(old, new), None))
        rows += [(f"lost: {name}", None, None, 1) for name in self.lost()]
        return pl.DataFrame(rows, schema=DISTANCES, orient="row")

    def lost(self) -> list[str]:
        """Generators that had questions and have none any more, sorted."""
        named = [set(f.filter(stage="filtered_qa", measure="generator_share")["of"]) for f in (self.before, self.now)]
        return sorted(named[0] - named[1])
