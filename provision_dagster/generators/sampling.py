"""Balanced sampling: n candidates per image, rare words likelier."""

import numpy as np
import polars as pl

from provision_dagster.generators.hashing import draw, uniform
from provision_dagster.generators.registry import Mentions


def sample(candidates: pl.DataFrame, *, n: int, mentions: Mentions, vocabulary: pl.DataFrame) -> pl.DataFrame:
    """Draw n candidates per image without replacement, each with probability proportional to 1 / mean(count^3).

    `count` is how often the image set says a word that the candidate mentions (ProVision, section 3: rarer is
    likelier).
    The draw is Efraimidis and Spirakis' (2006): the n largest log(u) / w, with u from the candidate's hash `h`.

    Parameters
    ----------
    candidates
        Rows with `img`, `h` and the columns of `mentions`.
    n
        Candidates to keep per image; an image with fewer keeps all.
    """
    weights = _weights(candidates, mentions=mentions, vocabulary=vocabulary)
    scores = np.log(uniform(draw(candidates["h"].to_numpy(), "sample"))) / weights
    place = pl.col("_score").rank("ordinal", descending=True).over("img")
    return candidates.with_columns(_score=pl.Series(scores)).filter(place <= n).drop("_score")


def _weights(candidates: pl.DataFrame, *, mentions: Mentions, vocabulary: pl.DataFrame) -> np.ndarray:
    kinds = (("label", mentions.objects), ("attribute", mentions.attributes), ("predicate", mentions.relations))
    cubes = [
        _cubes(candidates, column=column, counts=_counts(vocabulary, kind=kind))
        for kind, columns in kinds
        for column in columns
        if column in candidates.columns
    ]
    if not cubes:
        return np.ones(candidates.height)
    total = np.sum([c for c, _ in cubes], axis=0)
    size = np.sum([n for _, n in cubes], axis=0)
    return np.asarray(np.maximum(size, 1) / np.maximum(total, 1.0))


def _counts(vocabulary: pl.DataFrame, *, kind: str) -> pl.DataFrame:
    return vocabulary.filter(kind=kind).group_by("value").agg(pl.col("count").sum())


def _cubes(candidates: pl.DataFrame, *, column: str, counts: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Sum of count^3 over the words of a column (text or list of texts), and how many words, per row."""
    words = candidates.select(value=pl.col(column)).with_row_index("_row")
    if words.schema["value"] != pl.String:
        words = words.explode("value", empty_as_null=True)
    known = words.join(counts, on="value", how="left", maintain_order="left")
    cube = pl.col("count").fill_null(1).cast(pl.Float64) ** 3
    sums = known.group_by("_row", maintain_order=True).agg(
        total=cube.filter(pl.col("value").is_not_null()).sum(), size=pl.col("value").is_not_null().sum()
    )
    return sums["total"].to_numpy(), sums["size"].to_numpy()
