"""Questions on either side: about held-out pictures, about others, and about both, which are in neither set."""

from typing import NamedTuple

import polars as pl

from provision_dagster.mixes.choose import hashed
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.schema import HELD_OUT
from provision_dagster.mixes.held_out.tasks import with_task

SIDES: dict[str, pl.DataType] = {
    "generator": pl.String(),
    "questions": pl.UInt32(),
    "held_out": pl.UInt32(),
    "to_train_with": pl.UInt32(),
    "in_neither": pl.UInt32(),
}


class HeldOut(NamedTuple):
    """Held-out questions, and how many of each generator are on which side."""

    questions: pl.DataFrame  # schema HELD_OUT
    sides: pl.DataFrame  # schema SIDES


def held_out_questions(
    filtered_qa: pl.LazyFrame, *, pictures: pl.DataFrame, config: HeldOutConfig | None = None
) -> HeldOut:
    """Take the questions whose pictures are all held out.

    Parameters
    ----------
    filtered_qa
        Schema FILTERED_QA, all shards; a question that two image sets hold is taken once.
    pictures
        Schema HELD_OUT_PICTURES.
    config
        Its seed orders the questions of each generator; None: nothing is held out.

    Returns
    -------
    HeldOut
        `in_neither` counts questions about several pictures, some held out and some not.
    """
    held = pictures["image_id"].unique()
    judged = filtered_qa.with_columns(all=_held(held).list.all(), any=_held(held).list.any())
    narrow = judged.select("id", "generator", "all", "any").unique("id")
    counts = (
        narrow.group_by("generator")
        .agg(
            questions=pl.len(),
            held_out=pl.col("all").sum(),
            to_train_with=(~pl.col("any")).sum(),
            in_neither=(pl.col("any") & ~pl.col("all")).sum(),
        )
        .sort("generator")
        .select(pl.col(name).cast(dtype) for name, dtype in SIDES.items())
        .collect(engine="streaming")
    )
    rows = judged.filter("all").drop("all", "any").sort("id", "shard").unique("id", keep="first", maintain_order=True)
    return HeldOut(_ranked(with_task(rows.collect()), seed=config.seed if config else 0), counts)


def without_held_out(rows: pl.LazyFrame, *, pictures: pl.DataFrame) -> pl.LazyFrame:
    """Leave out the rows that show a held-out picture, alone or among others: what remains may be trained with.

    Parameters
    ----------
    rows
        At least `image_ids`.
    pictures
        Schema HELD_OUT_PICTURES; none: nothing is left out.
    """
    if pictures.is_empty():
        return rows
    return rows.filter(~_held(pictures["image_id"].unique()).list.any())


def _held(ids: pl.Series) -> pl.Expr:
    return pl.col("image_ids").list.eval(pl.element().is_in(ids.implode()))


def _ranked(rows: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Number the questions of each generator by hash, those with options first."""
    open_only = pl.col("options").list.len() == 0
    order = rows.with_columns(bare=open_only, order=hashed("id", seed=seed, purpose="rank"))
    ordered = order.sort("generator", "bare", "order", "id").with_columns(rank=pl.int_range(pl.len()).over("generator"))
    return ordered.select(pl.col(name).cast(dtype) for name, dtype in HELD_OUT.items())
