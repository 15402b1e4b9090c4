"""Scores of pairs of region and expression: each region of a picture is encoded once, and each expression."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.filters.region_text_model import Regions, RegionTextModel
from provision_dagster.scene_graphs.annotators.feeding import Work, annotate_all
from provision_dagster.scene_graphs.annotators.found import Floats, Pixels
from provision_dagster.scene_graphs.annotators.parts import SIDES, places_of
from provision_dagster.scene_graphs.annotators.steps import steps_of

PAIR = ("image_id", *SIDES, "expression")
"""What a score is of: a box of a picture, and what is said of it."""
DIGITS = 6
"""Of a cosine: as many as single precision has, whatever the batch was."""


def score_pairs(
    pairs: pl.DataFrame, images: pl.DataFrame, *, model: RegionTextModel, work: Work
) -> Iterator[pl.DataFrame]:
    """Score distinct pairs of region and expression, picture by picture.

    Parameters
    ----------
    pairs
        Columns `PAIR`, no two alike.
    images
        Columns `image_id`, `uri`, `member`: where the pictures are.

    Yields
    ------
    pl.DataFrame
        Columns `PAIR`, `cosine`, `error`, of one picture.
    """
    if pairs.is_empty():
        return
    places = images.select("image_id", "uri", "member").unique("image_id", keep="first", maintain_order=True)
    places = places.join(pairs, on="image_id", how="semi", maintain_order="left")
    laid = _laid_out(pairs, places)
    texts = model.encode_expressions(laid.expressions)
    per_picture = laid.regions / places.height

    def given(row: int, picture: Pixels) -> Regions:
        return Regions(picture, laid.boxes[row])

    def cosines(row: int, seen: Floats) -> Floats:
        of = laid.pairs[row]
        both = np.einsum("pf,pf->p", seen[of["region"].to_numpy()], texts[of["text"].to_numpy()])
        return np.asarray(np.round(both, DIGITS))

    outcomes = annotate_all(
        places_of(places),
        steps_of(model),
        batch=max(1, round(model.config.batch / per_picture)),
        given=given,
        kept=cosines,
        work=work,
    )
    for one in outcomes:
        rows = laid.pairs[one.row].select(PAIR)
        yield rows.with_columns(
            pl.Series("cosine", [None] * rows.height if one.found is None else one.found, dtype=pl.Float64),
            pl.lit(one.error, dtype=pl.String).alias("error"),
        )


@dataclass(frozen=True)
class _Laid:
    """Pairs by row of the picture: boxes, shape (regions, 4), and pairs with `region` and `text`, their places."""

    boxes: list[Floats]
    pairs: list[pl.DataFrame]
    expressions: list[str]
    regions: int


def _laid_out(pairs: pl.DataFrame, places: pl.DataFrame) -> _Laid:
    text = pl.col("expression").rank("dense").cast(pl.Int64) - 1
    region = pl.struct(SIDES).rank("dense").over("image_id").cast(pl.Int64) - 1
    numbered = places.select("image_id").join(pairs, on="image_id", how="inner", maintain_order="left_right")
    numbered = numbered.with_columns(text=text, region=region)
    of_picture = numbered.partition_by("image_id", maintain_order=True)
    boxes = [one.unique("region").sort("region").select(SIDES).to_numpy() for one in of_picture]
    expressions = numbered.unique("text").sort("text")["expression"].to_list()
    return _Laid(boxes, of_picture, expressions, sum(map(len, boxes)))
