"""Expressions that turn columns into English: lists, boxes, numbers, agreement."""

import inflect
import polars as pl

_ENGINE = inflect.engine()


def join_list(column: str, *, word: str = "and") -> pl.Expr:
    """Join a list column as English does: "a", "a and b", "a, b and c"."""
    items = pl.col(column)
    size = items.list.len()
    head = items.list.head(size - 1).list.join(", ")
    return (
        pl.when(size <= 1)
        .then(items.list.first())
        .otherwise(pl.concat_str(head, pl.lit(f" {word} "), items.list.last()))
    )


def box_text(*, suffix: str = "") -> pl.Expr:
    """Write a box as ratios of width and height with two decimals: "[0.12, 0.34, 0.56, 0.78]".

    Reads `x1` .. `y2` with the suffix, and `width`, `height`, all in pixels.
    """
    sides = [_ratio(f"{c}{suffix}", "width" if c[0] == "x" else "height") for c in ("x1", "y1", "x2", "y2")]
    return pl.format("[{}, {}, {}, {}]", *sides)


def _ratio(column: str, side: str) -> pl.Expr:
    hundredths = (pl.col(column) / pl.col(side) * 100).round(mode="half_away_from_zero").cast(pl.Int32).clip(0, 100)
    return pl.format("{}.{}", hundredths // 100, (hundredths % 100).cast(pl.String).str.zfill(2))


def number_word(number: int) -> str:
    """Spell a count: 3 -> "three"."""
    return str(_ENGINE.number_to_words(number))  # type: ignore[arg-type]


def agree(plural: str | pl.Expr, *, singular: str, plural_form: str) -> pl.Expr:
    """Choose a verb form by a boolean column or expression."""
    flag = pl.col(plural) if isinstance(plural, str) else plural
    return pl.when(flag).then(pl.lit(plural_form)).otherwise(pl.lit(singular))


def contains_word(text: pl.Expr, word: pl.Expr) -> pl.Expr:
    """Whether a phrase occurs in a text as whole words (used to see an answer leak into its question)."""
    pad = pl.lit(" ")
    return pl.concat_str(pad, text, pad).str.contains(pl.concat_str(pad, word, pad), literal=True)
