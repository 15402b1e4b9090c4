"""Which words of an image set stand, as whole words, in which others ("table" in "coffee table")."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, distinct, ints, member, packed

LONGEST = 4
"""Words of a phrase that is looked for; longer ones are only found when they are the whole."""
SMALL = 1 << 22
"""Pairs up to which all are kept as a table."""


@dataclass(frozen=True)
class Contained:
    """Pairs (short, long) of places in two tables of words, packed and sorted; `shape`: sizes of both tables."""

    keys: Ints
    shape: tuple[int, int]

    @staticmethod
    def of(short: Ints, long: Ints, *, shape: tuple[int, int]) -> "Contained":
        """Collect pairs."""
        return Contained(distinct(packed(short, long)), shape)

    @cached_property
    def _table(self) -> Bools | None:
        if self.shape[0] * self.shape[1] > SMALL:
            return None
        table = np.zeros(self.shape, dtype=bool)
        table[self.keys >> 32, self.keys & 0xFFFFFFFF] = True
        return table

    def has(self, short: Ints, long: Ints) -> Bools:
        """Tell which pairs are among them."""
        if self._table is not None:
            return np.asarray(self._table[short, long])
        return member(packed(short, long), self.keys)

    def joined(self, *others: "Contained") -> "Contained":
        """Return the pairs of all."""
        return Contained(distinct(np.concatenate([self.keys, *(o.keys for o in others)])), self.shape)

    @property
    def turned(self) -> "Contained":
        """The same pairs, (long, short)."""
        return Contained.of(self.keys & 0xFFFFFFFF, self.keys >> 32, shape=self.shape[::-1])


def contained(short: pl.Series, long: pl.Series) -> Contained:
    """Find the (place in `short`, place in `long`) where all words of the first stand in the second in a row.

    Case does not count; empty texts are in nothing.
    """
    parts = pl.col("text").str.split(" ")
    texts = pl.DataFrame({"long": range(len(long)), "text": long.str.to_lowercase()}).with_columns(parts=parts)
    most = int(texts["parts"].list.len().max() or 0)  # type: ignore[arg-type]
    pieces = [texts.select("long", "text")] + [
        texts.filter(pl.col("parts").list.len() >= first + size).select(
            "long", text=pl.col("parts").list.slice(first, size).list.join(" ")
        )
        for size in range(1, min(most - 1, LONGEST) + 1)
        for first in range(most - size + 1)
    ]
    names = pl.DataFrame({"short": range(len(short)), "text": short.str.to_lowercase()}).filter(pl.col("text") != "")
    found = pl.concat(pieces).join(names, on="text")
    return Contained.of(ints(found["short"]), ints(found["long"]), shape=(len(short), len(long)))
