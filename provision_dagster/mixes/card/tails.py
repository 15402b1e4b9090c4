"""Objects, attributes and predicates that the examples of a mix are about, and how long their tails are."""

from dataclasses import dataclass

import polars as pl

KINDS = {"objects": "object", "attributes": "attribute", "relations": "predicate"}
"""Field of `mixes.metadata` by what it holds."""

RARE = 5
"""A value in fewer examples is rare."""

HEAD = 10
"""Values whose share says how even a distribution is."""

_METADATA = pl.Struct(dict.fromkeys(KINDS, pl.List(pl.String)))


@dataclass(frozen=True)
class Tail:
    """How often the values of one kind are mentioned.

    Attributes
    ----------
    kind
        object, attribute or predicate.
    counts
        `value`, `rows` (examples that mention it), the most frequent first.
    """

    kind: str
    counts: pl.DataFrame

    @property
    def values(self) -> int:
        """Distinct values."""
        return self.counts.height

    @property
    def mentions(self) -> int:
        """Examples times values."""
        return int(self.counts["rows"].sum())

    @property
    def head_share(self) -> float | None:
        """Share of the mentions that the most frequent values have."""
        return int(self.counts["rows"].head(HEAD).sum()) / self.mentions if self.mentions else None

    @property
    def rare(self) -> int:
        """Values in fewer than RARE examples."""
        return int((self.counts["rows"] < RARE).sum())

    @property
    def first(self) -> str:
        """The most frequent values."""
        return _listed(self.counts.head(HEAD))

    @property
    def last(self) -> str:
        """The least frequent values, where they are not among the first."""
        return _listed(self.counts.slice(HEAD).tail(HEAD))


def _listed(counts: pl.DataFrame) -> str:
    return ", ".join(f"{value} ({rows})" for value, rows in counts.select("value", "rows").iter_rows())


def tails(mix: pl.LazyFrame) -> list[Tail]:
    """Count what examples mention; each example counts once for a value.

    Parameters
    ----------
    mix
        Schema MIX. Rows of a base set say nothing about what they mention.

    Returns
    -------
    list of Tail
        One per kind of KINDS.
    """
    said = mix.select(said=pl.col("metadata").str.json_decode(_METADATA)).unnest("said")
    named = [said.select(value=pl.col(field).list.unique()).explode("value").drop_nulls() for field in KINDS]
    # together, so that the table is read and the JSON parsed once
    counts = pl.collect_all([n.group_by("value").agg(rows=pl.len()) for n in named], engine="streaming")
    ordered = [found.sort("rows", "value", descending=[True, False]) for found in counts]
    return [Tail(kind, found) for kind, found in zip(KINDS.values(), ordered, strict=True)]
