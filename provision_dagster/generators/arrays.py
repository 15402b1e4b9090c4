"""Whole-column arithmetic on integer codes: ragged lists, expansion, membership of pairs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def ints(column: pl.Series) -> Ints:
    """Return an integer column without nulls as int64, shape (n,)."""
    return column.to_numpy().astype(np.int64, copy=False)


def bools(column: pl.Series) -> Bools:
    """Return a boolean column without nulls, shape (n,)."""
    return column.to_numpy()


@dataclass(frozen=True)
class Ragged:
    """A list per row: row i holds `values[offsets[i]:offsets[i + 1]]`; shapes (m,) and (n + 1,)."""

    values: Ints
    offsets: Ints

    @staticmethod
    def columns(*columns: Ints) -> "Ragged":
        """Lists of equal length: one value of each column."""
        table = np.stack(columns, axis=1)
        return Ragged(table.reshape(-1), np.arange(len(table) + 1, dtype=np.int64) * table.shape[1])

    @staticmethod
    def slices(values: Ints, *, first: Ints, size: Ints) -> "Ragged":
        """Lists that are parts of one array."""
        return Ragged(values[spans(first, size)], offsets_of(size))

    @staticmethod
    def masked(table: Ints, keep: Bools) -> "Ragged":
        """Rows of a table (n, k) without the places that `keep` (n, k) leaves out."""
        return Ragged(table[keep], offsets_of(keep.sum(axis=1)))

    @staticmethod
    def empty(rows: int) -> "Ragged":
        """Return empty lists."""
        return Ragged(np.zeros(0, dtype=np.int64), np.zeros(rows + 1, dtype=np.int64))

    @property
    def sizes(self) -> Ints:
        """Length of each list, shape (n,)."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> Ints:
        """Row of each value, shape (m,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.sizes)

    def series(self, values: pl.Series | None = None) -> pl.Series:
        """Turn into a list column, of the values themselves or of `values` at these places."""
        flat = pl.Series(self.values) if values is None else values.gather(self.values)
        return list_series(flat, self.offsets)


def list_series(flat: pl.Series, offsets: Ints) -> pl.Series:
    """Cut a flat column into lists without copying it."""
    items = flat.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    if isinstance(items, pa.ChunkedArray):
        items = items.combine_chunks()
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), items))
    assert isinstance(lists, pl.Series)
    return lists


def offsets_of(sizes: npt.NDArray[np.integer]) -> Ints:
    """Return where lists of these lengths begin and end when laid end to end, shape (n + 1,)."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes, dtype=np.int64)])


def spans(first: Ints, size: Ints) -> Ints:
    """Concatenate the ranges first[i] .. first[i] + size[i] - 1."""
    ends = np.cumsum(size)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(first - (ends - size), size))


def packed(high: Ints, low: Ints) -> Ints:
    """Make one sortable number of a pair of codes below 2**31."""
    return (high << 32) | low


def member(values: Ints, within: Ints) -> Bools:
    """Tell which values are in a sorted array."""
    if not len(within):
        return np.zeros(len(values), dtype=bool)
    at = np.searchsorted(within, values)
    at[at == len(within)] = 0
    return np.asarray(within[at] == values)


SMALL = 2048
"""Words up to which pairs of them are kept as a table (4 MB)."""


@dataclass(frozen=True)
class Pairs:
    """A relation between codes, as sorted distinct ordered pairs and as a list of partners per code."""

    keys: Ints
    partners: Ragged

    @staticmethod
    def of(first: Ints, second: Ints, *, codes: int) -> "Pairs":
        """Collect pairs of codes below `codes`."""
        keys = distinct(packed(first, second))
        return Pairs(keys, Ragged(keys & 0xFFFFFFFF, offsets_of(np.bincount(keys >> 32, minlength=codes))))

    @cached_property
    def _table(self) -> Bools | None:
        """All pairs as a square table where that is small: looking up is ten times quicker than searching."""
        size = len(self.partners.sizes)
        if size > SMALL:
            return None
        table = np.zeros((size, size), dtype=bool)
        table[self.keys >> 32, self.keys & 0xFFFFFFFF] = True
        return table

    def has(self, first: Ints, second: Ints) -> Bools:
        """Tell which pairs are in the relation."""
        if self._table is not None:
            return np.asarray(self._table[first, second])
        return member(packed(first, second), self.keys)

    def expand(self, codes: Ints) -> tuple[Ints, Ints]:
        """List the partners of each code: (place in `codes`, partner), in order."""
        size = self.partners.sizes[codes]
        return np.repeat(np.arange(len(codes)), size), self.partners.values[spans(self.partners.offsets[codes], size)]


def runs(*columns: Ints) -> tuple[Ints, Ints]:
    """Find runs of equal rows in columns that are sorted together: where each begins, and its length."""
    size = len(columns[0])
    if size == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    change = np.zeros(size, dtype=bool)
    change[0] = True
    for column in columns:
        change[1:] |= column[1:] != column[:-1]
    first = np.flatnonzero(change)
    return first, np.diff(np.append(first, size))


def any_of(columns: Iterable[Bools]) -> Bools:
    """Whether any column is true, row by row: quicker than `any(axis=1)` on a narrow table."""
    return reduce(np.logical_or, columns)


def all_of(columns: Iterable[Bools]) -> Bools:
    """Whether all columns are true, row by row."""
    return reduce(np.logical_and, columns)


def distinct(values: Ints) -> Ints:
    """Return sorted distinct values; for these sizes quicker than `np.unique`."""
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values
