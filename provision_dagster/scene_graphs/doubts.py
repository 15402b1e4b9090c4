"""Where a model was not sure: names of found objects, and labels of which there may be more than is marked."""

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.one_thing import SIDES, alike, iou, known

NAME_IOU = 0.8
"""Overlap from which boxes of two labels that one thing cannot have are taken for two names of one thing."""

RIVAL_SCORE = 0.25
"""Share of an object's score that another name for it must have to put the name in doubt."""


def in_doubt(found: pl.DataFrame, others: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """Find objects that may be something else: the model sees a thing of another kind in the same place.

    Parameters
    ----------
    found
        `row`, `place`, `label`, sides and `score` of what was found.
    others
        The same of all that may be there, what the model was not sure of too.

    Returns
    -------
    polars.DataFrame
        `row` and `place` of `found`.
    """
    columns = ["row", "label", *SIDES, "score"]
    pairs = found.select("place", *columns).join(others.select(columns), on="row", suffix="_other")
    rivals = pairs.filter(
        pl.col("label") != pl.col("label_other"),
        pl.col("score_other") >= RIVAL_SCORE * pl.col("score"),
        iou() >= NAME_IOU,
    )
    one_kind = alike(pl.concat([rivals["label"], rivals["label_other"]]).unique().sort(), lexicon=lexicon)
    unlike = rivals.join(one_kind, left_on=["label", "label_other"], right_on=["label", "other"], how="anti")
    return unlike.select("row", "place").unique()


def doubtful_labels(
    weak: pl.DataFrame, dropped: pl.DataFrame, marked: pl.DataFrame, *, lexicon: Lexicon
) -> pl.DataFrame:
    """Collect labels of which there may be more than is marked; a human's search for a label leaves no doubt.

    Parameters
    ----------
    weak
        `row`, `place`, `label`, sides and `searched` of what a model was not sure of: it says nothing new where the
        same thing is marked.
    dropped
        `row`, `label`, `searched` of objects whose name is in doubt.
    marked
        `row` and `objects`.

    Returns
    -------
    polars.DataFrame
        `row` and `doubts`, sorted.
    """
    news = weak.join(known(weak, marked, lexicon=lexicon), on=["row", "place"], how="anti")
    columns = ["row", "label", "searched"]
    both = pl.concat([news.select(columns), dropped.select(columns)])
    return both.filter(~pl.col("searched")).group_by("row").agg(doubts=pl.col("label").unique().sort())
