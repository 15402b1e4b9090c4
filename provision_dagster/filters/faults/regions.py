"""Wrong regions: a question points at the box of another object of its picture."""

import numpy as np
import polars as pl

from provision_dagster.filters.faults.answers import ATTRIBUTES

MAX_COVERED = 0.3
"""Of the right region, so much may lie in the wrong one."""

PRINTED = r"\[\d\.\d\d(?:, \d\.\d\d){3}\]"
"""A box as questions print it: shares of width and height."""


def wrong_regions(
    qa: pl.DataFrame, *, scene_graphs: pl.DataFrame, min_side_px: float, rng: np.random.Generator
) -> pl.DataFrame:
    """Let questions about the object in a box point at an object of another label.

    Parameters
    ----------
    qa
        Schema RAW_QA.
    scene_graphs
        Schema SCENE_GRAPHS of their pictures.
    min_side_px
        Sides of the other box are at least so long: else the rule `region_size` would find it.

    Returns
    -------
    pl.DataFrame
        The changed rows, schema RAW_QA: another box in texts and evidence; the object of the evidence stays.
    """
    asked = qa.filter(pl.col("generator").is_in(ATTRIBUTES)).select(
        "id",
        image_id=pl.col("image_ids").list.first(),
        label=pl.col("metadata").struct.field("objects").list.first(),
        right=pl.col("evidence").struct.field("boxes").list.first(),
    )
    pairs = asked.join(_boxes(scene_graphs, min_side_px), on="image_id").sort("id", "object_id")
    wrong = pairs.filter((pl.col("label") != pl.col("other_label")) & (_covered() <= MAX_COVERED))
    luck = wrong.with_columns(luck=pl.Series(rng.random(wrong.height)))
    chosen = luck.sort("id", "luck").unique("id", keep="first", maintain_order=True)
    changed = qa.join(chosen.select("id", "box", text=_printed()), on="id").sort("id")
    evidence = pl.struct(pl.col("evidence").struct.field("object_ids"), boxes=pl.concat_list("box"))
    texts = [pl.col(name).str.replace_all(PRINTED, pl.col("text")) for name in ("question", "choice_question")]
    return changed.with_columns(*texts, evidence=evidence).select(qa.columns)


def _boxes(scene_graphs: pl.DataFrame, min_side_px: float) -> pl.DataFrame:
    """Objects that are large enough to be pointed at."""
    each = scene_graphs.select("image_id", "width", "height", object="objects").explode("object").drop_nulls("object")
    fields = pl.col("object").struct
    flat = each.select(
        "image_id", "width", "height", object_id=fields.field("id"), other_label=fields.field("label"),
        box=fields.field("box"),
    )  # fmt: skip
    box = pl.col("box").struct.field
    sides = pl.min_horizontal(box("x2") - box("x1"), box("y2") - box("y1"))
    return flat.filter(sides >= min_side_px)


def _covered() -> pl.Expr:
    """Share of the right box that lies in the other one."""
    right, other = pl.col("right").struct.field, pl.col("box").struct.field
    sides = [
        (pl.min_horizontal(right(end), other(end)) - pl.max_horizontal(right(start), other(start))).clip(0)
        for start, end in (("x1", "x2"), ("y1", "y2"))
    ]
    area = (right("x2") - right("x1")) * (right("y2") - right("y1"))
    return sides[0] * sides[1] / area


def _printed() -> pl.Expr:
    """Print a box as the generators do: hundredths, rounded half up."""
    told = []
    for name, size in (("x1", "width"), ("y1", "height"), ("x2", "width"), ("y2", "height")):
        side = pl.col(size)
        hundredths = ((200 * pl.col("box").struct.field(name) + side) / (2 * side)).floor().cast(pl.Int64).clip(0, 100)
        rest = (hundredths % 100).cast(pl.String).str.zfill(2)
        told.append(pl.format("{}.{}", hundredths // 100, rest))
    return pl.format("[{}, {}, {}, {}]", *told)
