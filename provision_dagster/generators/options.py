"""Options of multiple-choice questions: false ones drawn by weight, all in random order."""

import numpy as np
import polars as pl

from provision_dagster.generators.hashing import below, column_hash, draw, mix, uniform
from provision_dagster.generators.language import number_word
from provision_dagster.generators.registry import OPTIONS, Draft


def attach_options(draft: Draft) -> pl.DataFrame:
    """Give every row of a draft `options` (shuffled; empty without a multiple-choice form) and `answer_index`."""
    rows = draft.rows
    if "options" in rows.columns:
        return rows
    if draft.pool is None or draft.pool.is_empty():
        return rows.with_columns(options=pl.lit([], dtype=pl.List(pl.String)), answer_index=pl.lit(None, dtype=pl.Int8))
    false = _draw_false(rows, draft.pool)
    true = rows.filter(pl.col("truth").is_not_null()).join(false.select("row").unique(), on="row")
    every = pl.concat([false, true.select("row", "h", option="truth", true=pl.lit(True))])
    order = mix(draw(every["h"].to_numpy(), "order"), column_hash(every["option"]))
    lists = (
        every.with_columns(order=pl.Series(order))
        .sort("row", "order")
        .group_by("row")
        .agg(options=pl.col("option"), answer_index=pl.col("true").arg_max().cast(pl.Int8))
    )
    empty = pl.lit([], dtype=pl.List(pl.String))
    return rows.join(lists, on="row", how="left").with_columns(pl.col("options").fill_null(empty))


def _draw_false(rows: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """Draw K-1 options per row without replacement, by weight (Efraimidis and Spirakis, 2006)."""
    drawn = pool.join(rows.filter(pl.col("truth").is_not_null()).select("row", "h"), on="row")
    luck = uniform(mix(draw(drawn["h"].to_numpy(), "distractor"), column_hash(drawn["option"])))
    scores = np.log(luck) / np.maximum(drawn["weight"].cast(pl.Float64).to_numpy(), 1e-9)
    ranked = drawn.with_columns(place=pl.Series(scores)).with_columns(
        place=pl.col("place").rank("ordinal", descending=True).over("row")
    )
    return ranked.filter(pl.col("place") < OPTIONS).select("row", "h", "option", true=pl.lit(False))


def count_options(rows: pl.DataFrame, *, count: str) -> pl.DataFrame:
    """Give counting rows `options` of consecutive numbers, with the rank of the truth uniform (T3), and `answer`.

    No option is below 1, since the question names something that is there; for small counts the rank is uniform over
    what
    that leaves. Half of the rows use digits, half words.

    Parameters
    ----------
    rows
        Rows with `h` and the count.
    count
        Name of the column with the true count, at least 1.
    """
    state = rows["h"].to_numpy()
    truth = rows[count].to_numpy().astype(np.uint64)
    rank = np.minimum(below(draw(state, "rank"), OPTIONS), truth - np.uint64(1)).astype(np.int64)
    lowest = truth.astype(np.int64) - rank
    numbers = lowest[:, None] + np.arange(OPTIONS)
    order = np.argsort(np.stack([draw(state, f"order {i}") for i in range(OPTIONS)], axis=1), axis=1)
    shuffled = np.take_along_axis(numbers, order, axis=1)
    place = (shuffled == truth.astype(np.int64)[:, None]).argmax(axis=1)
    spelled = pl.Series(below(draw(state, "spelling"), 2).astype(bool))
    listed = rows.with_columns(
        spelled=spelled,
        answer_index=pl.Series(place, dtype=pl.Int8),
        numbers=pl.Series(shuffled, dtype=pl.List(pl.Int32)),
    ).with_columns(numbers=pl.col("numbers").cast(pl.List(pl.Int32)))
    words = _spelling(int(numbers.max(initial=0)))
    text = pl.element().cast(pl.String)
    digits, letters = pl.col("numbers").list.eval(text), pl.col("numbers").list.eval(text.replace_strict(words))
    return listed.with_columns(
        options=pl.when("spelled").then(letters).otherwise(digits),
        answer=pl.when("spelled")
        .then(pl.col(count).cast(pl.String).replace_strict(words))
        .otherwise(pl.col(count).cast(pl.String)),
    ).drop("numbers", "spelled")


def _spelling(largest: int) -> dict[str, str]:
    return {str(n): number_word(n) for n in range(1, largest + 1)} or {"1": "one"}
