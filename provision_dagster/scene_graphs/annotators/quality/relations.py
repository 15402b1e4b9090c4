"""Relations that a model sees between objects against those that hold."""

from dataclasses import dataclass

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.quality.matching import things_of

PAIR = ["image_key", "subject", "object"]
_FACT = {**dict.fromkeys(PAIR, pl.String()), "predicate": pl.String()}


@dataclass(frozen=True)
class RelationQuality:
    """What a model says of pairs of objects.

    Attributes
    ----------
    pairs
        Ordered pairs of objects that are truly related and that the model was asked about.
    right
        Of these: the model's predicate is a true one or is implied by it ("on" by "sitting on").
    none
        Of these: the model gave no predicate.
    said
        Relations that the model gave to ordered pairs of pictures of which all relations are listed.
    false
        Of these: the truth relates the pair in no way, or only otherwise.
    by_predicate
        One row per true predicate, most frequent first: `predicate`, `pairs`, `right`, `none`.
    """

    pairs: int
    right: int
    none: int
    said: int
    false: int
    by_predicate: pl.DataFrame

    @property
    def accuracy(self) -> float:
        """Share of the pairs with a right predicate."""
        return self.right / self.pairs

    @property
    def none_share(self) -> float:
        """Share of the pairs without a predicate."""
        return self.none / self.pairs

    @property
    def false_share(self) -> float | None:
        """Share of the model's relations that do not hold; null where no picture has all relations listed."""
        return self.false / self.said if self.said else None


def relation_quality(truth: pl.DataFrame, relations: pl.DataFrame, *, lexicon: Lexicon) -> RelationQuality | None:
    """
    Compare relations with those that hold.

    A relation holds both ways: "A under B" is true where the truth says "B on A" and the lexicon knows the inverse.

    Parameters
    ----------
    truth
        `image_key`, `objects`, `relations`, `exhaustive_relations`, as in ANNOTATIONS.
    relations
        Schema RELATIONS, of the same image set: one entry per pair that was asked about, without a predicate where
        the model gave none; ids are those of the marked objects.
    lexicon
        Tells what a predicate implies, and its inverse.

    Returns
    -------
    RelationQuality | None
        None when no related pair can be compared.
    """
    asked = _asked(relations)
    pictures = truth.join(asked, on="image_key", how="semi", maintain_order="left")
    direct = true_relations(pictures)
    turned = _turned(direct, lexicon=lexicon)
    facts = pl.concat([direct, turned]).unique()
    stated = pl.concat([direct, turned.join(direct, on=PAIR, how="anti")]).unique().join(asked, on=PAIR, how="semi")
    if stated.is_empty():
        return None
    judged = _judged(asked.drop_nulls("predicate"), facts, lexicon=lexicon)
    pairs = stated.select(PAIR).unique().join(judged, on=PAIR, how="left")
    known = pictures.filter(pl.col("exhaustive_relations").fill_null(value=False))
    listed = judged.join(known, on="image_key", how="semi")
    return RelationQuality(
        pairs=pairs.height,
        right=int(pairs["right"].sum()),
        none=pairs["right"].null_count(),
        said=listed.height,
        false=listed.height - int(listed["right"].sum()),
        by_predicate=_by_predicate(stated, judged, lexicon=lexicon),
    )


def true_relations(truth: pl.DataFrame) -> pl.DataFrame:
    """One row per relation, with the ids of its objects: `image_key`, `subject`, `object`, `predicate`."""
    ids = things_of(truth).select("image_key", "place", "id")
    flat = truth.select("image_key", "relations").filter(pl.col("relations").list.len() > 0).explode("relations")
    rows = flat.unnest("relations").select("image_key", "predicate", from_="subject", to="object")
    for place, side in (("from_", "subject"), ("to", "object")):
        rows = rows.join(ids.rename({"place": place, "id": side}), on=["image_key", place], maintain_order="left")
    return rows.select(list(_FACT))


def _asked(relations: pl.DataFrame) -> pl.DataFrame:
    """Pairs that the model was asked about, `predicate` null where it gave none."""
    rows = relations.filter(pl.col("error").is_null() & (pl.col("relations").list.len() > 0))
    return rows.select("image_key", "relations").explode("relations").unnest("relations").select(list(_FACT))


def _turned(facts: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """The same relations told from the other object, where the lexicon knows how."""
    inverse = lexicon.predicates(facts["predicate"]).select("predicate", "inverse").drop_nulls()
    rows = facts.join(inverse, on="predicate", maintain_order="left")
    return rows.select("image_key", subject="object", object="subject", predicate="inverse")


def _judged(said: pl.DataFrame, facts: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """One row per pair of which the model says something: whether (one of) its predicates is right."""
    words = pl.concat([said["predicate"], facts["predicate"]]).unique().sort()
    same = pl.DataFrame({"predicate": words, "other": words})
    implied = pl.concat([same, lexicon.implied_predicates(words).select("predicate", "other")]).unique()
    holding = facts.join(implied, on="predicate").select(*PAIR, predicate="other").unique()
    told = said.join(holding.with_columns(right=True), on=[*PAIR, "predicate"], how="left")
    return told.group_by(PAIR, maintain_order=True).agg(pl.col("right").fill_null(value=False).any())


def _by_predicate(stated: pl.DataFrame, judged: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    names = lexicon.predicates(stated["predicate"]).select("predicate", "canonical")
    rows = stated.join(names, on="predicate").select(*PAIR, predicate="canonical").unique()
    both = rows.join(judged, on=PAIR, how="left")
    counts = both.group_by("predicate").agg(
        pairs=pl.len().cast(pl.Int64),
        right=pl.col("right").fill_null(value=False).sum().cast(pl.Int64),
        none=pl.col("right").is_null().sum().cast(pl.Int64),
    )
    return counts.sort("pairs", "predicate", descending=[True, False])
