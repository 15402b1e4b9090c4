"""Options of multiple choice: false ones drawn by weight, thinned where they tell the answer, shuffled."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Pairs, Ragged, any_of, offsets_of, runs, spans
from provision_dagster.generators.hashing import U64, below, column_hash, draw, mix, uniform
from provision_dagster.generators.language import number_word
from provision_dagster.generators.registry import OPTIONS, Choice
from provision_dagster.generators.sampling import grouped_order, places

ROUNDS = 24
"""Draws with rejection before the few rows that are still short list all their options."""


@dataclass(frozen=True)
class Weighted:
    """For each truth a list of false options with weights."""

    options: Ragged
    weights: npt.NDArray[np.float64]

    @staticmethod
    def of(truth: Ints, option: Ints, weights: npt.NDArray[np.float64], *, truths: int) -> "Weighted":
        """Collect rows (truth, option, weight) that are sorted by truth."""
        return Weighted(Ragged(option, offsets_of(np.bincount(truth, minlength=truths))), weights)


Blocked = Callable[[Ints, Ints], Bools]
"""(row, place in `Weighted.options.values`) -> whether this option is not certainly false for this row."""


@dataclass(frozen=True)
class Source:
    """Where false options come from.

    Parameters
    ----------
    table
        False options of each truth.
    names
        Code of the text that each option shows: two options may show the same one.
    hashes
        64-bit hash of each such text.
    exclusive
        Options that rule each other out. All options of a question must, the false ones too: if two could be true
        together, both would be seen to be false.
    """

    table: Weighted
    names: Ints
    hashes: U64
    exclusive: Pairs


def draw_false(h: U64, truth: Ints, *, source: Source, blocked: Blocked, size: int = OPTIONS - 1) -> Ints:
    """Draw up to `size` different false options per row without replacement, heavier ones likelier.

    Parameters
    ----------
    h, truth
        Hash and truth of each row, shape (n,); a truth of -1 gets no options.

    Returns
    -------
    numpy.ndarray
        Codes of texts, shape (n, size), -1 where there are no more.
    """
    table = source.table
    chosen = np.full((len(h), size), -1, dtype=np.int64)
    first = np.where(truth >= 0, table.options.offsets[truth], 0)
    count = np.where(truth >= 0, table.options.sizes[truth], 0)
    many = np.flatnonzero(count > 4 * size)
    few = np.flatnonzero((count > 0) & (count <= 4 * size))
    short = _draw_rounds(h, many, chosen, first, count, source, blocked)
    rest = np.sort(np.concatenate([few, short]))
    chosen[rest] = -1
    row = np.repeat(rest, count[rest])
    at = spans(first[rest], count[rest])
    free = ~blocked(row, at)
    _draw_listed(h, row[free], table.options.values[at[free]], table.weights[at[free]], source, chosen)
    return np.where(chosen >= 0, source.names[chosen], -1)


def _fits(option: Ints, chosen: Ints, source: Source) -> Bools:
    """Whether options (n,) show another text than all chosen ones (n, k) and rule them out."""
    good = np.ones(len(option), dtype=bool)
    for column in chosen.T:
        there = column >= 0
        apart = (source.names[column] != source.names[option]) & source.exclusive.has(np.maximum(column, 0), option)
        good &= ~there | apart
    return good


def _draw_rounds(h: U64, rows: Ints, chosen: Ints, first: Ints, count: Ints, source: Source, blocked: Blocked) -> Ints:
    """Fill `chosen` by drawing with rejection; return the rows that are still short."""
    table = source.table
    ends = np.cumsum(table.weights)
    before = np.concatenate([np.zeros(1), ends])
    open_, filled = rows, np.zeros(len(h), dtype=np.int64)
    for number in range(ROUNDS):
        if not len(open_):
            break
        luck = uniform(draw(h[open_], f"distractor {number}"))
        low, high = before[first[open_]], before[first[open_] + count[open_]]
        at = np.searchsorted(ends, low + luck * (high - low), side="right")
        at = np.clip(at, first[open_], first[open_] + count[open_] - 1)
        option = table.options.values[at]
        good = _fits(option, chosen[open_], source)
        good[good] = ~blocked(open_[good], at[good])
        took = open_[good]
        chosen[took, filled[took]] = option[good]
        filled[took] += 1
        open_ = open_[filled[open_] < chosen.shape[1]]
    return open_


def _draw_listed(
    h: U64, row: Ints, option: Ints, weights: npt.NDArray[np.float64], source: Source, chosen: Ints
) -> None:
    """Fill `chosen` from whole lists, sorted by row: time and again the best that fits."""
    order = _by_luck(h, row, source.hashes[source.names[option]], weights)
    row, option = row[order], option[order]
    for place in range(chosen.shape[1]):
        best, _ = runs(row)
        chosen[row[best], place] = option[best]
        fit = _fits(option, chosen[row, : place + 1], source)
        row, option = row[fit], option[fit]


def _by_luck(h: U64, row: Ints, hashes: U64, weights: npt.NDArray[np.float64]) -> Ints:
    """Order in which options are drawn without replacement by weight (Efraimidis and Spirakis, 2006), row by row."""
    luck = uniform(mix(draw(h, "distractor")[row], hashes))
    return grouped_order(-np.log(luck) / np.maximum(weights, 1e-9), row)


def draw_listed(h: U64, row: Ints, name: Ints, weights: npt.NDArray[np.float64], *, hashes: U64, into: Ints) -> None:
    """Draw from lists of different texts, by weight.

    Parameters
    ----------
    h
        Hash of each row of `into`.
    row, name, weights
        Row, text code and weight of each false option, sorted by row.
    hashes
        64-bit hash of each text.
    into
        Shape (n, size), filled from the left.
    """
    order = _by_luck(h, row, hashes[name], weights)
    row, name = row[order], name[order]
    place = places(row)
    best = place < into.shape[1]
    into[row[best], place[best]] = name[best]


@dataclass(frozen=True)
class Options:
    """Options in their final order.

    Parameters
    ----------
    words
        Text by code.
    codes, there
        Codes of the options of each row, absent ones last, and which are there; shapes (n, k).
    offered
        Rows that keep their multiple-choice form.
    place
        Place of the true option, shape (n,).
    """

    words: pl.Series
    codes: Ints
    there: Bools
    offered: Bools
    place: Ints

    @property
    def texts(self) -> pl.Series:
        """List of option texts, empty for rows without multiple choice."""
        return Ragged.masked(self.codes, self.there & self.offered[:, None]).series(self.words)

    @property
    def answer_index(self) -> pl.Series:
        """Place of the true option, null for rows without multiple choice."""
        index = pl.DataFrame({"i": pl.Series(self.place, dtype=pl.Int8), "o": self.offered})
        return index.select(pl.when("o").then("i")).to_series()

    def enumerated(self, *, prefix: str) -> pl.Series:
        """All options of each row in words: "the car, the dog or the tree"."""
        named = (pl.lit(prefix) + pl.col("w")) if prefix else pl.col("w")
        words = self.words.to_frame("w").select(named).to_series()
        table = pl.DataFrame({f"{i}": words.gather(np.maximum(column, 0)) for i, column in enumerate(self.codes.T)})
        sizes = pl.Series(self.there.sum(axis=1))
        text = pl.when(sizes == 1).then("0")
        for size in range(2, self.codes.shape[1] + 1):
            between = [piece for i in range(size - 1) for piece in (pl.col(f"{i}"), pl.lit(", "))][:-1]
            text = text.when(sizes == size).then(pl.concat_str([*between, pl.lit(" or "), pl.col(f"{size - 1}")]))  # type: ignore[assignment]
        return table.select(text=text).to_series()


def order_options(choice: Choice, h: U64, *, strengths: npt.NDArray[np.float64] | None = None) -> Options:
    """Thin out and shuffle options.

    Parameters
    ----------
    h
        Hash of each row.
    strengths
        How likely each of `choice.words` is the answer where it is offered (see `balance`); None = all alike.
    """
    codes = choice.codes
    there = codes >= 0
    offered = there[:, 0] & any_of(there.T[1:])
    if strengths is not None and choice.balanced:
        offered &= _fair(codes, there, h, strengths)
    hashes = column_hash(choice.words)
    luck = mix(draw(h, "order")[:, None], hashes[np.maximum(codes, 0)])
    # absent options go last: their key is the largest there is
    luck[~there] = np.iinfo(np.uint64).max
    order = np.argsort(luck, axis=1, kind="stable")
    return Options(
        words=choice.words,
        codes=np.take_along_axis(codes, order, axis=1),
        there=np.take_along_axis(there, order, axis=1),
        offered=offered,
        place=(order == 0).argmax(axis=1),
    )


def _fair(codes: Ints, there: Bools, h: U64, strengths: npt.NDArray[np.float64]) -> Bools:
    """Keep a row with probability min(strength of its options) / strength of the true one: then none is likelier."""
    each = np.where(there, strengths[np.maximum(codes, 0)], np.inf)
    return np.asarray(uniform(draw(h, "balance")) * each[:, 0] < np.minimum.reduce(list(each.T)))


@dataclass(frozen=True)
class Counted:
    """A counting question's answer and options."""

    answer: pl.Series
    choice: Choice


@cache
def _numerals(largest: int) -> pl.Series:
    """Digits 0 .. largest, then words for the same."""
    return pl.Series([*map(str, range(largest + 1)), *(number_word(n) for n in range(largest + 1))])


def count_options(h: U64, truth: Ints, *, least: int = 1) -> Counted:
    """Offer consecutive numbers with the rank of the truth uniform (T3); half of the rows use digits, half words.

    No option is below the least count that is asked for: 1, where the question names something that is there. For
    small counts the rank is uniform over what that leaves, and `balance` evens out the rest.

    Parameters
    ----------
    h
        Hash of each row.
    truth
        Count, at least `least`.
    """
    rank = np.minimum(below(draw(h, "rank"), OPTIONS).astype(np.int64), truth - least)
    shift = np.tile(np.arange(1, OPTIONS), (len(h), 1))
    numbers = np.concatenate(
        [truth[:, None], truth[:, None] + np.where(shift <= rank[:, None], -shift, shift - rank[:, None])], axis=1
    )
    spelled = below(draw(h, "spelling"), 2).astype(np.int64)
    # rounded up, so that few different tables are ever made
    largest = 1 << int(numbers.max(initial=OPTIONS)).bit_length()
    words = _numerals(largest)
    codes = numbers + (spelled * (largest + 1))[:, None]
    return Counted(words.gather(codes[:, 0]), Choice(words, codes))
