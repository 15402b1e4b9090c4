"""Copies of questions: letter for letter, and with words that bear no meaning."""

import polars as pl

WORDINGS = 3
"""Ways in which a question is worded anew, by turns."""


def copied(qa: pl.DataFrame) -> pl.DataFrame:
    """Repeat questions letter for letter under ids of their own; `of` is the id of the original."""
    renamed = pl.concat_str(pl.col("id").str.slice(16), pl.col("id").str.slice(0, 16))
    return qa.with_columns(of="id", id=renamed)


def reworded(qa: pl.DataFrame) -> pl.DataFrame:
    """Repeat questions in other words: "in the picture", "please", "that you can see here"."""
    turn = pl.int_range(pl.len()) % WORDINGS
    texts = {name: _reworded(pl.col(name), turn) for name in ("question", "choice_question")}
    return copied(qa).with_columns(**texts)


def _reworded(text: pl.Expr, turn: pl.Expr) -> pl.Expr:
    said, end = text.str.head(-1), text.str.tail(1)
    return (
        pl.when(turn == 0)
        .then(pl.concat_str(said, pl.lit(" in the picture"), end))
        .when(turn == 1)
        .then(pl.concat_str(pl.lit("Please: "), text))
        .otherwise(pl.concat_str(said, pl.lit(" that you can see here"), end))
    )
