"""Attributes that a model gives objects against those that they have."""

from dataclasses import dataclass

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.quality.matching import things_of

KEY = ["image_key", "id"]
UNKNOWN = "other"
"""Category of what the lexicon does not know."""


@dataclass(frozen=True)
class AttributeQuality:
    """How many true attributes a model names, and how many of its attributes are true.

    Attributes
    ----------
    objects
        That were compared.
    by_category
        One row per category of the lexicon, most frequent first: `category`, `true`, `recalled`, `said`, `right`,
        `recall` (recalled / true) and `precision` (right / said), null without any.
    """

    objects: int
    by_category: pl.DataFrame

    @property
    def recall(self) -> float | None:
        """Share of the true attributes that the model names."""
        return _ratio(self.by_category, "recalled", "true")

    @property
    def precision(self) -> float | None:
        """Share of the model's attributes that are true."""
        return _ratio(self.by_category, "right", "said")


def attribute_quality(truth: pl.DataFrame, attributes: pl.DataFrame, *, lexicon: Lexicon) -> AttributeQuality | None:
    """
    Compare attributes with those that objects have.

    Two attributes agree when they are equal, synonyms, or one a kind of the other ("light blue", "blue"). In pictures
    with `exhaustive_attributes` every attribute of the model is judged; elsewhere only those in categories of which a
    human named an attribute of the object, for people do not name all that they see.

    Parameters
    ----------
    truth
        `image_key`, `objects`, `exhaustive_attributes`, as in ANNOTATIONS.
    attributes
        Schema ATTRIBUTES, of the same image set; ids are those of the marked objects.
    lexicon
        Tells categories and synonyms.

    Returns
    -------
    AttributeQuality | None
        None when no object has both true attributes and an answer.
    """
    both = _compared(truth, attributes)
    if both.is_empty():
        return None
    true = both.select("row", "exhaustive", word="attributes").explode("word").drop_nulls("word").unique()
    said = both.select("row", "exhaustive", word="found").explode("word").drop_nulls("word").unique()
    words = pl.concat([true["word"], said["word"]]).unique().sort()
    itself = pl.DataFrame({"attribute": words, "other": words})
    same = pl.concat([itself, lexicon.same_attribute(words).select("attribute", "other")]).unique()
    category = lexicon.attributes(words).select("category", word="attribute")
    true, said = (side.join(category, on="word") for side in (true, said))
    named = true.select("row", "category").filter(pl.col("category") != UNKNOWN).unique()
    told = said.join(named.with_columns(named=True), on=["row", "category"], how="left")
    judged = told.filter(pl.col("exhaustive") | pl.col("named").fill_null(value=False))
    counts = [
        _counted(true, said, same=same, all_as="true", hits_as="recalled"),
        _counted(judged, true, same=same, all_as="said", hits_as="right"),
    ]
    return AttributeQuality(both.height, _table(*counts))


def _compared(truth: pl.DataFrame, attributes: pl.DataFrame) -> pl.DataFrame:
    """One row per object that has an answer and either attributes or a picture of which all are listed."""
    lists = attributes.filter(pl.col("error").is_null()).select("image_key", "objects")
    answers = lists.filter(pl.col("objects").list.len() > 0).explode("objects").unnest("objects")
    exhaustive = truth.select("image_key", exhaustive=pl.col("exhaustive_attributes").fill_null(value=False))
    things = things_of(truth).select(*KEY, "attributes").join(exhaustive, on="image_key", maintain_order="left")
    both = things.join(answers.select(*KEY, found="attributes"), on=KEY, maintain_order="left")
    return both.filter(pl.col("exhaustive") | (pl.col("attributes").list.len() > 0)).with_row_index("row")


def _counted(
    words: pl.DataFrame, others: pl.DataFrame, *, same: pl.DataFrame, all_as: str, hits_as: str
) -> pl.DataFrame:
    """Count words per category, and those that agree with a word of the other side."""
    agreeing = words.join(same, left_on="word", right_on="attribute").join(
        others.select("row", other="word"), on=["row", "other"], how="semi"
    )
    marked = words.join(agreeing.select("row", "word").unique().with_columns(hit=True), on=["row", "word"], how="left")
    hits = pl.col("hit").fill_null(value=False).sum().cast(pl.Int64)
    return marked.group_by("category").agg(pl.len().cast(pl.Int64).alias(all_as), hits.alias(hits_as))


def _table(recalled: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    both = recalled.join(right, on="category", how="full", coalesce=True)
    counts = both.with_columns(pl.col("true", "recalled", "said", "right").fill_null(0))
    shares = [
        pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole)).alias(name)
        for name, part, whole in (("recall", "recalled", "true"), ("precision", "right", "said"))
    ]
    return counts.with_columns(shares).sort("true", "said", "category", descending=[True, True, False])


def _ratio(table: pl.DataFrame, part: str, whole: str) -> float | None:
    every = int(table[whole].sum())
    return int(table[part].sum()) / every if every else None
