"""Wrong answers: another that the same generator could have given, and that is false of the picture."""

import numpy as np
import polars as pl

from provision_dagster.filters.region_text_config import RegionGenerator
from provision_dagster.lexicon import Lexicon

ATTRIBUTES: tuple[RegionGenerator, ...] = ("AttributeBBox", "TypedAttributeBBox")
"""Generators whose answers say what is seen in a box."""

UNSEEN = ("size",)
"""Categories of attributes that a part of a picture does not show: they are not changed."""

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def wrong_attributes(qa: pl.DataFrame, *, lexicon: Lexicon, rng: np.random.Generator) -> pl.DataFrame:
    """Change one attribute of each answer for another of its category: "green and large" to "red and large".

    Parameters
    ----------
    qa
        Schema RAW_QA.

    Returns
    -------
    pl.DataFrame
        The changed rows, schema RAW_QA: those of `ATTRIBUTES` whose answer has an attribute with another to choose.
        The category's other attributes are those that some answer of `qa` has. They have no multiple-choice form.
    """
    asked = qa.filter(pl.col("generator").is_in(ATTRIBUTES))
    parts = asked.select("id", said=pl.col("metadata").struct.field("attributes")).explode("said").drop_nulls()
    known = lexicon.attributes(parts["said"].unique().sort()).select(said="attribute", category="category")
    seen = known.drop_nulls().filter(~pl.col("category").is_in(UNSEEN))
    pools = seen.group_by("category").agg(others=pl.col("said").sort())
    own = parts.group_by("id").agg(own="said")
    found = parts.join(seen, on="said").join(pools, on="category").join(own, on="id")
    found = found.with_columns(others=pl.col("others").list.set_difference("own").list.sort())
    choosable = found.filter(pl.col("others").list.len() > 0).sort("id", "said")
    chosen = _one_of(choosable, rng)
    changed = asked.join(chosen.select("id", "said", "other"), on="id").sort("id")
    answer = pl.col("answer").str.split(pl.col("said")).list.join(pl.col("other"))
    nothing = pl.lit([], dtype=pl.List(pl.String))
    told = changed.with_columns(answer=answer, options=nothing, answer_index=pl.lit(None, dtype=pl.Int8))
    return told.select(qa.columns)


def _one_of(candidates: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Choose one row per id, and of its `others` one as `other`."""
    luck = candidates.with_columns(first=pl.Series(rng.random(candidates.height)))
    chosen = luck.sort("id", "first").unique("id", keep="first", maintain_order=True)
    place = (pl.Series(rng.random(chosen.height)) * chosen["others"].list.len()).cast(pl.UInt32)
    return chosen.with_columns(place.alias("place")).with_columns(other=pl.col("others").list.get(pl.col("place")))


def wrong_answers(qa: pl.DataFrame, *, lexicon: Lexicon, rng: np.random.Generator) -> pl.DataFrame:
    """Change all answers that can be: by options or numbers (`wrong_options`), of others an attribute."""
    options = wrong_options(qa, rng=rng)
    rest = qa.join(options, on="id", how="anti", maintain_order="left").filter(pl.col("options").list.len() == 0)
    return pl.concat([options, wrong_attributes(rest, lexicon=lexicon, rng=rng)])


def wrong_options(qa: pl.DataFrame, *, rng: np.random.Generator) -> pl.DataFrame:
    """Give each question the answer that another of its options is, or another number.

    Parameters
    ----------
    qa
        Schema RAW_QA.

    Returns
    -------
    pl.DataFrame
        The changed rows, schema RAW_QA: those whose answer is one of their options (which are false by the truth
        rules of the generators), and those without options whose answer is a number.
    """
    many = pl.col("options").list.len()
    with_options = qa.filter(
        (many >= 2) & (pl.col("options").list.get(pl.col("answer_index"), null_on_oob=True) == pl.col("answer"))
    ).sort("id")
    step = pl.Series("step", rng.random(with_options.height))
    index = (pl.col("answer_index") + 1 + (step * (many - 1)).floor().cast(pl.Int64)) % many
    moved = with_options.with_columns(answer_index=index.cast(pl.Int8))
    moved = moved.with_columns(answer=pl.col("options").list.get(pl.col("answer_index")))
    return pl.concat([moved, _wrong_numbers(qa.filter(many == 0).sort("id"), rng)])


def _wrong_numbers(qa: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """One more or one less, in digits or words as before."""
    words = {word: str(number) for number, word in enumerate(NUMBERS)}
    lowered = pl.col("answer").str.to_lowercase()
    number = lowered.replace(words).cast(pl.Int64, strict=False)
    counted = qa.with_columns(number=number, spelt=lowered.is_in(list(words))).filter(pl.col("number").is_not_null())
    more = pl.Series("more", rng.random(counted.height)) < 0.5
    other = pl.col("number") + pl.when(more | (pl.col("number") <= 1)).then(1).otherwise(-1)
    told = counted.with_columns(other=other).with_columns(digits=pl.col("other").cast(pl.String))
    spelt = pl.col("digits").replace({str(number): word for number, word in enumerate(NUMBERS)})
    answer = pl.when("spelt").then(spelt).otherwise("digits")
    return told.with_columns(answer=answer).select(qa.columns)
