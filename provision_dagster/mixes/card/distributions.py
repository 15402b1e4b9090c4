"""How the examples of a mix are distributed: by generator, family, form and answer, by length and by first words."""

from dataclasses import dataclass

import polars as pl

GROUPS = ("family", "generator", "form", "origin", "source", "pictures")
"""Columns by which examples are counted; `pictures`: how many an example shows."""

MOST_ANSWERS, MOST_LETTERS, MOST_WORDS = 20, 35, 15
"""Rows of a chart."""

LONGEST = 80
"""Letters of an answer that is counted by itself: captions are all different, and would all be held in memory."""

BIN, LAST_BIN = 5, 60
"""Words of one bar of a length chart; the last bar holds all that is longer."""

_BEGINNING = r"(?<first>[\p{L}\p{N}'’-]+)(?:[^\p{L}\p{N}'’-]+(?<second>[\p{L}\p{N}'’-]+))?"

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
        The most frequent answers of the open form: `value`, `rows`, `share`; those over LONGEST letters are one.
    letters
        The same of the letters of the multiple-choice form, "A of 2" and so on: `share` is that among the examples with
        as many options.
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
    long = pl.col("answer").str.len_chars() > LONGEST
    short = pl.when(long).then(pl.lit(f"(over {LONGEST} letters)")).otherwise("answer")
    begun = QUESTION.str.to_lowercase().str.extract_groups(_BEGINNING).struct
    pair = pl.concat_str(begun.field("first"), begun.field("second"), separator=" ", ignore_nulls=True)
    counts = {"question": QUESTION.str.count_matches(r"\S+"), "answer": ANSWER.str.count_matches(r"\S+")}
    words = mix.select(**counts).collect(engine="streaming")
    total = shown.select(rows=pl.len(), questions=QUESTION.n_unique()).collect(engine="streaming").row(0, named=True)
    return Distributions(
        **total,
        groups={name: counted(shown, pl.col(name)) for name in GROUPS},
        answers=counted(opened, short, most=MOST_ANSWERS),
        letters=_letters(mix),
        yes_no=opened.select(pl.col("answer").is_in(["yes", "no"]).mean()).collect(engine="streaming").item(),
        question_words=_binned(words["question"]),
        answer_words=_binned(words["answer"]),
        first_words=counted(mix, begun.field("first"), most=MOST_WORDS),
        first_two_words=counted(mix, pair, most=MOST_WORDS),
        lengths=pl.concat([_length(words[of]) for of in counts]),
    )


def counted(rows: pl.LazyFrame, value: pl.Expr, *, most: int | None = None) -> pl.DataFrame:
    """Count rows by a value: `value`, `rows`, `share` of all rows; the most frequent first, then by value."""
    found = rows.select(value=value.cast(pl.String)).group_by("value").agg(rows=pl.len())
    shares = found.with_columns(share=pl.col("rows") / pl.col("rows").sum())
    ordered = shares.sort("rows", "value", descending=[True, False], nulls_last=True)
    return (ordered if most is None else ordered.head(most)).collect(engine="streaming")


def _letters(mix: pl.LazyFrame) -> pl.DataFrame:
    """Count the letters that are right, by number of options."""
    chosen = mix.filter(pl.col("form") == "choice").select(of=pl.col("options").list.len(), letter="response")
    found = chosen.group_by("of", "letter").agg(rows=pl.len()).sort("of", "letter").head(MOST_LETTERS)
    share = pl.col("rows") / pl.col("rows").sum().over("of")
    return found.select(value=pl.format("{} of {}", "letter", "of"), rows="rows", share=share).collect(
        engine="streaming"
    )


def _binned(words: pl.Series) -> pl.DataFrame:
    """Count texts by bins of words, every bin up to the last with rows, in order."""
    # 1 - 5, 6 - 10, ...
    place = ((words.drop_nulls().clip(1, LAST_BIN + 1).cast(pl.Int64) - 1) // BIN).alias("bin")
    highest = place.max()
    every = pl.DataFrame({"bin": range(int(highest) + 1 if isinstance(highest, int) else 0)}, schema={"bin": pl.Int64})
    found = place.value_counts(name="rows")
    full = every.join(found, on="bin", how="left", maintain_order="left").with_columns(pl.col("rows").fill_null(0))
    ends = pl.format("{} - {}", pl.col("bin") * BIN + 1, (pl.col("bin") + 1) * BIN)
    named = pl.when(pl.col("bin") * BIN >= LAST_BIN).then(pl.lit(f"over {LAST_BIN}")).otherwise(ends)
    return full.select(value=named, rows="rows", share=pl.col("rows") / pl.col("rows").sum())


def _length(words: pl.Series) -> pl.DataFrame:
    long = words.cast(pl.Float64)
    said = {"mean": long.mean(), "median": long.median(), "p95": long.quantile(0.95, "nearest"), "most": long.max()}
    return pl.DataFrame([{"of": words.name, **said}], schema={"of": pl.String, **dict.fromkeys(said, pl.Float64)})
