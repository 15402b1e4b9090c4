"""How the examples of a mix are distributed: by generator, family, form and answer, by length and by first words."""

from dataclasses import dataclass

import polars as pl

GROUPS = ("family", "generator", "form", "origin", "source", "pictures")
"""Columns by which examples are counted; `pictures`: how many an example shows."""

MOST_ANSWERS, MOST_WORDS = 20, 15
"""Rows of a chart."""

BIN, LAST_BIN = 5, 60
"""Words of one bar of a length chart; the last bar holds all that is longer."""

QUESTION = pl.coalesce("question", "prompt")
ANSWER = pl.coalesce("answer", "response")
"""Rows of a base set have no form besides the one they are trained in."""


@dataclass(frozen=True)
class Distributions:
    """Counts of a mix.

    Attributes
    ----------
    rows, questions
        Examples, distinct questions.
    groups
        By column of GROUPS: `value`, `rows`, `share`, the most frequent first.
    answers
        The most frequent answers of the open form: `value`, `rows`, `share`.
    letters
        The same of the letters of the multiple-choice form, by letter.
    yes_no
        Share of the open examples that are answered yes or no; None without any.
    question_words, answer_words
        Words per question and answer: `value` (bin), `rows`, `share`.
    first_words, first_two_words
        How questions begin: `value`, `rows`, `share`.
    lengths
        `of` (question, answer), `mean`, `median`, `p95`, `most`: words.
    """

    rows: int
    questions: int
    groups: dict[str, pl.DataFrame]
    answers: pl.DataFrame
    letters: pl.DataFrame
    yes_no: float | None
    question_words: pl.DataFrame
    answer_words: pl.DataFrame
    first_words: pl.DataFrame
    first_two_words: pl.DataFrame
    lengths: pl.DataFrame


def distributions(mix: pl.LazyFrame) -> Distributions:
    """Count the examples of a mix.

    Parameters
    ----------
    mix
        Schema MIX.

    Returns
    -------
    Distributions
        Counts that do not depend on the order of the rows.
    """
    shown = mix.with_columns(pictures=pl.col("image_uris").list.len())
    opened = mix.filter(pl.col("form") == "open").select(answer=ANSWER.str.strip_chars().str.to_lowercase())
    answers = counted(opened, pl.col("answer"))
    said = pl.LazyFrame({"answer": ["yes", "no"]})
    yes_no = answers.lazy().join(said, left_on="value", right_on="answer", how="semi").select(pl.col("share").sum())
    begun = QUESTION.str.to_lowercase().str.extract_all(r"[\p{L}\p{N}'’-]+").list.head(2)
    words = {"question": QUESTION.str.count_matches(r"\S+"), "answer": ANSWER.str.count_matches(r"\S+")}
    total = shown.select(rows=pl.len(), questions=QUESTION.n_unique()).collect(engine="streaming").row(0, named=True)
    return Distributions(
        **total,
        groups={name: counted(shown, pl.col(name)) for name in GROUPS},
        answers=answers.head(MOST_ANSWERS),
        letters=counted(mix.filter(pl.col("form") == "choice"), pl.col("response")).sort("value").head(MOST_ANSWERS),
        yes_no=yes_no.collect().item() if answers.height else None,
        question_words=_binned(mix, words["question"]),
        answer_words=_binned(mix, words["answer"]),
        first_words=counted(mix, begun.list.first()).head(MOST_WORDS),
        first_two_words=counted(mix, begun.list.join(" ")).head(MOST_WORDS),
        lengths=pl.concat([_length(mix, name, of=of) for of, name in words.items()]),
    )


def counted(rows: pl.LazyFrame, value: pl.Expr) -> pl.DataFrame:
    """Count rows by a value: `value`, `rows`, `share` of all rows; the most frequent first, then by value."""
    found = rows.select(value=value.cast(pl.String)).group_by("value").agg(rows=pl.len()).collect(engine="streaming")
    shares = found.with_columns(share=pl.col("rows") / pl.col("rows").sum())
    return shares.sort("rows", "value", descending=[True, False], nulls_last=True)


def _binned(rows: pl.LazyFrame, words: pl.Expr) -> pl.DataFrame:
    """Count rows by bins of words, every bin up to the last with rows, in order."""
    # 1 - 5, 6 - 10, ...
    place = ((words.clip(1, LAST_BIN + 1).cast(pl.Int64) - 1) // BIN).alias("bin")
    found = rows.select(place).drop_nulls().group_by("bin").agg(rows=pl.len()).collect(engine="streaming")
    highest = found["bin"].max()
    every = pl.DataFrame({"bin": range(int(highest) + 1 if isinstance(highest, int) else 0)}, schema={"bin": pl.Int64})
    full = every.join(found, on="bin", how="left", maintain_order="left").with_columns(pl.col("rows").fill_null(0))
    ends = pl.format("{} - {}", pl.col("bin") * BIN + 1, (pl.col("bin") + 1) * BIN)
    named = pl.when(pl.col("bin") * BIN >= LAST_BIN).then(pl.lit(f"over {LAST_BIN}")).otherwise(ends)
    return full.select(value=named, rows="rows", share=pl.col("rows") / pl.col("rows").sum())


def _length(rows: pl.LazyFrame, words: pl.Expr, *, of: str) -> pl.DataFrame:
    long = words.cast(pl.Float64)
    return rows.select(
        of=pl.lit(of), mean=long.mean(), median=long.median(), p95=long.quantile(0.95, "nearest"), most=long.max()
    ).collect()
