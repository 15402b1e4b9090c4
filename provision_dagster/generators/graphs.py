"""Scene graphs of one shard, laid out as flat tables that generators join and filter.

`img` is the row of an image in the shard, `obj` an object's place in its scene graph; both are only names inside one
call: what
leaves a generator (ids, choices) depends on image ids and object places alone.
"""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from provision_dagster.generators.hashing import column_hash
from provision_dagster.lexicon import Lexicon

DUPLICATE_IOU = 0.6
"""Two boxes of one label that overlap this much are taken for one thing marked twice, so the label is not counted."""


@dataclass(frozen=True)
class Graphs:
    """Flat tables of one shard, built by `flatten`."""

    images: pl.DataFrame
    objects: pl.DataFrame
    attributes: pl.DataFrame
    relations: pl.DataFrame
    lexicon: Lexicon
    vocabulary: pl.DataFrame

    @cached_property
    def labels(self) -> pl.DataFrame:
        """One row per image and label: how many objects, what the lexicon says, and what could make it ambiguous."""
        return _labels(self)

    @cached_property
    def uniques(self) -> pl.DataFrame:
        """Objects whose label occurs once in the image, with `ambiguous`: it does not point at one thing (T1)."""
        once = self.labels.filter(pl.col("n") == 1).select(
            "img", "label", "plural_verb", ambiguous=pl.any_horizontal("ambiguous", "group_present", ~pl.col("usable"))
        )
        return self.objects.select("img", "obj", "label", "x1", "y1", "x2", "y2").join(once, on=["img", "label"])

    @cached_property
    def typed_attributes(self) -> pl.DataFrame:
        """`attributes` with what the lexicon says of each; those without a category are left out."""
        words = self.lexicon.attributes(self.attributes["attribute"].unique().sort())
        return self.attributes.join(words, on="attribute").filter(pl.col("category").is_not_null())


def flatten(scene_graphs: pl.DataFrame, *, lexicon: Lexicon, vocabulary: pl.DataFrame) -> Graphs:
    """Lay out scene graphs as flat tables.

    Parameters
    ----------
    scene_graphs
        Rows of the scene-graph table.
    lexicon
        What is known about words.
    vocabulary
        Frequencies of labels, attributes and predicates in the whole image set (schema `VOCABULARY`).
    """
    rows = scene_graphs.sort("image_id").with_row_index("img")
    images = rows.select(
        "img", "image_id", "width", "height", "exhaustive_labels", "exhaustive_attributes", "exhaustive_relations"
    )
    images = images.with_columns(pl.Series("image_hash", column_hash(images["image_id"]), dtype=pl.UInt64))
    objects = _objects(rows)
    attributes = objects.select("img", "obj", "label", attribute="attributes").explode("attribute", empty_as_null=False)
    return Graphs(
        images=images,
        objects=objects.drop("attributes"),
        attributes=attributes.drop_nulls("attribute"),
        relations=_relations(rows, objects=objects),
        lexicon=lexicon,
        vocabulary=vocabulary,
    )


def _objects(rows: pl.DataFrame) -> pl.DataFrame:
    nested = rows.select("img", "width", "height", objects="objects").filter(pl.col("objects").list.len() > 0)
    places = nested.select(
        "img", "width", "height", "objects", obj=pl.int_ranges(0, pl.col("objects").list.len(), dtype=pl.UInt32)
    )
    flat = places.explode("objects", "obj").unnest("objects").unnest("box")
    return flat.select("img", "obj", "id", "label", "x1", "y1", "x2", "y2", "width", "height", "is_group", "attributes")


def _relations(rows: pl.DataFrame, *, objects: pl.DataFrame) -> pl.DataFrame:
    nested = rows.select("img", "relations").filter(pl.col("relations").list.len() > 0)
    flat = nested.explode("relations").unnest("relations").select("img", "subject", "predicate", "object")
    flat = flat.filter(pl.col("predicate") != "of").unique(maintain_order=True)
    names = objects.select("img", "obj", "label")
    return flat.join(names.rename({"obj": "subject", "label": "subject_label"}), on=["img", "subject"]).join(
        names.rename({"obj": "object", "label": "object_label"}), on=["img", "object"]
    )


def _labels(graphs: Graphs) -> pl.DataFrame:
    counted = graphs.objects.group_by("img", "label").agg(
        n=pl.len().cast(pl.Int32), objs=pl.col("obj").sort(), group_present=pl.col("is_group").any()
    )
    words = graphs.lexicon.labels(counted["label"].unique().sort())
    words = words.select(
        "label",
        "lemma",
        "countable",
        "kind",
        "known",
        "usable",
        plural_form="plural",
        plural_verb="is_plural",
        article="singular_article",
    )
    searched = graphs.images.select("img", label="exhaustive_labels").explode("label", empty_as_null=False).drop_nulls()
    table = counted.join(words, on="label").join(
        searched.with_columns(exhaustive=True), on=["img", "label"], how="left"
    )
    table = table.with_columns(pl.col("exhaustive").fill_null(False))
    rivals = _rivals(table, lexicon=graphs.lexicon)
    doubled = _doubled(graphs.objects, table)
    flag = pl.lit(True)
    return (
        table.join(rivals.with_columns(ambiguous=flag), on=["img", "label"], how="left")
        .join(_wholes(table, lexicon=graphs.lexicon).with_columns(whole_present=flag), on=["img", "label"], how="left")
        .join(doubled.with_columns(doubled=flag), on=["img", "label"], how="left")
        .with_columns(pl.col("ambiguous", "whole_present", "doubled").fill_null(False))
        .sort("img", "label")
    )


def _rivals(table: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """Labels of an image beside which a synonym, plural, hypernym or hyponym stands (T1, T5).

    Two labels that were both searched for exhaustively are told apart by the annotation itself, so they are no rivals.
    """
    pairs = lexicon.related_labels(table["label"].unique().sort())
    here = table.select("img", "label", "exhaustive")
    met = here.join(pairs, on="label").join(
        here.rename({"label": "other", "exhaustive": "other_exhaustive"}), on=["img", "other"]
    )
    return met.filter(~(pl.col("exhaustive") & pl.col("other_exhaustive"))).select("img", "label").unique()


def _wholes(table: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """Labels of an image beside something that has such a part (T5: no "arm" where there is a "person")."""
    pairs = lexicon.part_labels(table["label"].unique().sort()).rename({"part": "label", "whole": "other"})
    open_world = table.filter(~pl.col("exhaustive")).select("img", "label")
    return (
        open_world.join(pairs, on="label")
        .join(table.select("img", other="label"), on=["img", "other"])
        .select("img", "label")
        .unique()
    )


def _doubled(objects: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Labels of an image of which two boxes overlap so much that one thing may have been marked twice."""
    several = table.filter((pl.col("n") > 1) & ~pl.col("exhaustive")).select("img", "label")
    boxes = objects.join(several, on=["img", "label"]).select("img", "label", "obj", "x1", "y1", "x2", "y2")
    pairs = boxes.join(boxes, on=["img", "label"], suffix="_b").filter(pl.col("obj") < pl.col("obj_b"))
    return pairs.filter(iou() > DUPLICATE_IOU).select("img", "label").unique()


def iou(*, suffix: str = "_b") -> pl.Expr:
    """Intersection over union of box columns `x1` .. `y2` and the same with a suffix."""
    c = pl.col
    w = pl.min_horizontal("x2", "x2" + suffix) - pl.max_horizontal("x1", "x1" + suffix)
    h = pl.min_horizontal("y2", "y2" + suffix) - pl.max_horizontal("y1", "y1" + suffix)
    inner = w.clip(lower_bound=0) * h.clip(lower_bound=0)
    area = (c("x2") - c("x1")) * (c("y2") - c("y1"))
    area_b = (c("x2" + suffix) - c("x1" + suffix)) * (c("y2" + suffix) - c("y1" + suffix))
    return inner / (area + area_b - inner)
