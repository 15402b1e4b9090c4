"""Expressions that turn columns into English: lists, boxes, numbers, agreement."""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from provision_dagster.english import inflect_engine
from provision_dagster.generators.arrays import Ragged


def join_lists(lists: Ragged, words: pl.Series, *, word: str = "and") -> pl.Series:
    """Join lists of words as English does: "a", "a and b", "a, b and c"."""
    first, size = lists.offsets[:-1], lists.sizes
    longest = int(size.max(initial=1))
    last = words.gather(lists.values[first + size - 1])
    text = pl.when(pl.col("n") == 1).then("last")
    # lists are short: one expression per length
    columns = {f"{i}": words.gather(lists.values[first + np.minimum(i, size - 1)]) for i in range(longest - 1)}
    for length in range(2, longest + 1):
        head = [piece for i in range(length - 1) for piece in (pl.col(f"{i}"), pl.lit(", "))][:-1]
        text = text.when(pl.col("n") == length).then(pl.concat_str([*head, pl.lit(f" {word} "), "last"]))  # type: ignore[assignment]
    return pl.DataFrame({"n": size, "last": last, **columns}).select(text=text).to_series()


def number_word(number: int) -> str:
    """Spell a count: 3 -> "three"."""
    known = _number_words()
    return known[number] if number < len(known) else str(inflect_engine().number_to_words(number))  # type: ignore[arg-type]


@cache
def _number_words() -> list[str]:
    """Numbers that inflect has spelled before: reading it takes a second of every new process."""
    return (Path(__file__).parent / "data" / "number_words.txt").read_text(encoding="utf-8").splitlines()


def contains_word(text: pl.Expr, word: pl.Expr) -> pl.Expr:
    """Whether a phrase occurs in a text as whole words (used to see an answer leak into its question)."""
    pad = pl.lit(" ")
    return pl.concat_str(pad, text, pad).str.contains(pl.concat_str(pad, word, pad), literal=True)
