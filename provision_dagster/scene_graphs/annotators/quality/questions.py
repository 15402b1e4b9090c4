"""What models are asked about when they are measured: things that humans said, as if they had not."""

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.asking import (
    KEY,
    ObjectLimits,
    PairLimits,
    asked_of,
    objects_to_describe,
    pairs_to_relate,
)
from provision_dagster.scene_graphs.annotators.parts import SIDES, prompts_of
from provision_dagster.scene_graphs.annotators.quality.masks import true_masks
from provision_dagster.scene_graphs.annotators.quality.matching import things_of
from provision_dagster.scene_graphs.annotators.quality.relations import true_relations
from provision_dagster.scene_graphs.schema import ANNOTATIONS, OBJECT, RELATION


def ask_masks(images: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Add the boxes of objects whose true mask is known, as `prompts_of` does."""
    known = true_masks(truth).select("image_key", "id")
    objects = _objects(truth, only=known, mask_rle=pl.lit(None, pl.String))
    return prompts_of(images, objects.with_columns(mask_uri=pl.lit(None, pl.String)))


def ask_attributes(images: pl.DataFrame, truth: pl.DataFrame, *, limits: ObjectLimits) -> pl.DataFrame:
    """Add objects whose attributes are known, as `objects_to_describe` does.

    Known: the object has some, or all attributes of the picture are listed.
    """
    things = things_of(truth).join(truth.select("image_key", "exhaustive_attributes"), on="image_key")
    listed = pl.col("exhaustive_attributes").fill_null(value=False)
    known = things.filter(listed | (pl.col("attributes").list.len() > 0)).select("image_key", "id")
    objects = _objects(truth, only=known, attributes=pl.lit([], pl.List(pl.String)))
    return objects_to_describe(images, objects.with_columns(exhaustive_attributes=pl.lit(value=False)), limits=limits)


def ask_relations(images: pl.DataFrame, truth: pl.DataFrame, *, lexicon: Lexicon, limits: PairLimits) -> pl.DataFrame:
    """Add pairs of which it is known whether they are related, as `pairs_to_relate` does.

    The first pairs that the truth relates, each once and in its order; and in pictures of which all relations are
    listed, pairs that are near each other and not related. Of either at most `limits.most_pairs` a picture.
    """
    listed = truth.filter(pl.col("exhaustive_relations").fill_null(value=False))
    unlisted = listed.with_columns(exhaustive_relations=pl.lit(value=False))
    free = pairs_to_relate(images, unlisted, lexicon=lexicon, limits=limits).with_row_index("row")
    free = free.select("row", "pairs").filter(pl.col("pairs").list.len() > 0).explode("pairs").unnest("pairs")
    keys = images.with_row_index("row").select("row", *KEY)
    related = true_relations(truth).filter(pl.col("subject") != pl.col("object"))
    once = [pl.min_horizontal("subject", "object").alias("one"), pl.max_horizontal("subject", "object").alias("other")]
    related = related.with_columns(once).unique(["image_key", "one", "other"], keep="first", maintain_order=True)
    related = related.group_by("image_key", maintain_order=True).head(limits.most_pairs)
    pairs = pl.concat([related.join(keys, on="image_key").select("row", "subject", "object"), free])
    ends = pl.concat([pairs.select("row", id="subject"), pairs.select("row", id="object")]).unique()
    things = things_of(truth).join(keys, on="image_key").join(ends, on=["row", "id"], how="semi").sort("row", "place")
    boxes = pl.struct("id", "label", box=pl.struct(*SIDES))
    return asked_of(
        images,
        prompts=things.group_by("row", maintain_order=True).agg(prompts=boxes),
        pairs=pairs.group_by("row", maintain_order=True).agg(pairs=pl.struct("subject", "object")),
    )


def _objects(truth: pl.DataFrame, *, only: pl.DataFrame, **changes: pl.Expr) -> pl.DataFrame:
    """The truth with some of its objects (`image_key`, `id`), changed, and without relations, which name places."""
    things = things_of(truth).join(only, on=["image_key", "id"], how="semi", maintain_order="left")
    fields = {field.name: pl.col(field.name) for field in OBJECT.fields}
    whole = fields | {"box": pl.struct(*SIDES)} | changes
    made = pl.struct(expression.alias(name) for name, expression in whole.items()).cast(OBJECT)
    lists = things.group_by("image_key", maintain_order=True).agg(made.alias("objects"))
    rows = truth.drop("objects").join(lists, on="image_key", how="left", maintain_order="left")
    return rows.with_columns(
        pl.col("objects").fill_null(pl.lit([], pl.List(OBJECT))), relations=pl.lit([], pl.List(RELATION))
    ).select(list(ANNOTATIONS))
