"""From the flat tables of a batch to annotations: normalized, checked, clipped, indexed and nested."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from provision_dagster.scene_graphs.mask_places import with_places
from provision_dagster.scene_graphs.normalize import attribute_parts, normalized, one_line
from provision_dagster.scene_graphs.readers.boxes import box_rules, clipped
from provision_dagster.scene_graphs.readers.judging import Rule, distinct_rows, judge
from provision_dagster.scene_graphs.readers.raw import BOX_COLUMNS
from provision_dagster.scene_graphs.schema import ANNOTATIONS, OBJECT

READ_ANNOTATIONS: dict[str, pl.DataType] = {
    **ANNOTATIONS,
    "file_name": pl.String(),
    "license": pl.String(),
    "attribution": pl.String(),
}
"""What readers yield: ANNOTATIONS and what the source says of the picture file."""

_OBJECT_FIELDS = {field.name: field.dtype for field in OBJECT.fields}


class Resolved(NamedTuple):
    """Objects of a batch by reference: kept ones have an `index`, rejected ones a null."""

    kept: pl.DataFrame
    known: pl.DataFrame
    rejected: pl.DataFrame


def build(raw: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """
    Check a batch and nest it into one row per image.

    Parameters
    ----------
    raw
        The flat tables of RAW and `rejected`, as read from the files.

    Returns
    -------
    tuple of polars.DataFrame
        Schema READ_ANNOTATIONS, and REJECTED_ANNOTATIONS with one row for each object, attribute, relation,
        caption or region of `raw` that was not kept.
    """
    images = raw["images"]
    about = images.select("image", "shard", "image_set", "image_key", "width", "height")
    objects = _objects(raw["objects"].join(about, on="image", maintain_order="left"))
    refs = _references(objects, lost=raw["lost"], aliases=raw["aliases"])
    attributes, no_attributes = _attributes(raw["attributes"].join(about, on="image", maintain_order="left"), refs=refs)
    relations, no_relations = _relations(raw["relations"].join(about, on="image", maintain_order="left"), refs=refs)
    captions, no_captions = _captions(raw["captions"].join(about, on="image", maintain_order="left"))
    regions, no_regions = _regions(raw["regions"].join(about, on="image", maintain_order="left"))
    parts = (objects.rejected, no_attributes, no_relations, no_captions, no_regions)
    rejected = distinct_rows(pl.concat([raw["rejected"], *parts]))
    images = _with_mask_places(images, objects=objects)
    nested = (
        _nest_objects(objects.kept, attributes),
        _nest_relations(relations),
        _nest_captions(captions),
        _nest_regions(regions),
        _clips(objects.kept, regions),
    )
    for lists in nested:
        images = images.join(lists, on="image", how="left", maintain_order="left")
    return _finished(images), rejected


def _objects(objects: pl.DataFrame) -> Resolved:
    again = ~pl.struct("image", "id").is_first_distinct()
    rules = [
        Rule(
            "duplicate_object_id",
            again,
            "id",
            pl.format("object id `{}` is already used in this image", "id"),
        ),
        Rule("empty_label", pl.col("label") == "", "label", pl.lit("label is empty")),
        *box_rules(),
        Rule("not_finite", ~pl.col("score").is_finite(), "score", pl.format("score is {}", "score")),
    ]
    kept, rejected = judge(objects.with_columns(normalized(pl.col("label"))), rules, part="object")
    kept = clipped(kept).with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).over("image").alias("index"))
    fate = objects.select("image", "ref").join(
        kept.select("image", "ref", "index"), on=["image", "ref"], how="left", maintain_order="left"
    )
    return Resolved(kept, fate.unique(["image", "ref"], keep="first", maintain_order=True), rejected)


def _references(objects: Resolved, *, lost: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """Index of the object behind each reference; a merged id stands for its survivor."""
    known = pl.concat([objects.known, lost.with_columns(pl.lit(None, pl.UInt32).alias("index"))])
    known = known.unique(["image", "ref"], keep="first", maintain_order=True)
    merged = aliases.join(known, on=["image", "ref"], how="inner", maintain_order="left")
    together = pl.concat([known, merged.select("image", pl.col("alias").alias("ref"), "index")])
    return together.unique(["image", "ref"], keep="first", maintain_order=True)


def _resolve(frame: pl.DataFrame, *, column: str, refs: pl.DataFrame) -> pl.DataFrame:
    """Add `<column>_index` and `<column>_known`."""
    known = refs.select(
        "image",
        pl.col("ref").alias(column),
        pl.col("index").alias(f"{column}_index"),
        pl.lit(value=True).alias(f"{column}_known"),
    )
    return frame.join(known, on=["image", column], how="left", maintain_order="left")


def _reference_rules(columns: tuple[str, ...]) -> list[Rule]:
    def rules(reason: str, missing: str, text: str) -> list[Rule]:
        return [
            Rule(
                reason,
                pl.col(f"{column}_{missing}").is_null(),
                "object_id" if column == "ref" else column,
                pl.format(text, column),
            )
            for column in columns
        ]

    unknown = rules("unknown_object_id", "known", "no object of this image has the id `{}`")
    return [*unknown, *rules("rejected_object", "index", "object `{}` was rejected")]


def _attributes(attributes: pl.DataFrame, *, refs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    found = _resolve(attributes, column="ref", refs=refs).with_columns(attribute_parts(pl.col("value")).alias("parts"))
    empty = Rule(
        "empty_attribute",
        pl.col("parts").list.len() == 0,
        "attributes",
        pl.format("attribute `{}` has no word", "value"),
    )
    kept, rejected = judge(found, [*_reference_rules(("ref",)), empty], part="attribute")
    lists = kept.group_by("image", "ref_index").agg(pl.col("parts").explode().unique().sort())
    return lists.rename({"ref_index": "index", "parts": "attributes"}), rejected


def _relations(relations: pl.DataFrame, *, refs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    found = _resolve(_resolve(relations, column="subject", refs=refs), column="object", refs=refs)
    found = found.with_columns(normalized(pl.col("predicate")))
    predicate = pl.col("predicate")
    to_itself = pl.col("subject_index") == pl.col("object_index")
    rules = [
        *_reference_rules(("subject", "object")),
        Rule("empty_predicate", predicate == "", "predicate", pl.lit("predicate is empty")),
        Rule("predicate_of", predicate == "of", "predicate", pl.lit("predicate `of` alone says nothing")),
        Rule("self_relation", to_itself, "object", pl.format("object `{}` is related to itself", "object")),
        Rule("not_finite", ~pl.col("score").is_finite(), "score", pl.format("score is {}", "score")),
    ]
    kept, rejected = judge(found, rules, part="relation")
    again = ~pl.struct("image", "subject_index", "predicate", "object_index").is_first_distinct()
    same = pl.format("`{}` `{}` `{}` is already listed", "subject", "predicate", "object")
    kept, repeated = judge(kept, [Rule("repeated_relation", again, "predicate", same)], part="relation")
    return kept, pl.concat([rejected, repeated])


def _captions(captions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    empty = Rule("empty_caption", pl.col("caption") == "", "caption", pl.lit("caption is empty"))
    return judge(captions.with_columns(one_line(pl.col("caption"))), [empty], part="caption")


def _regions(regions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    empty = Rule("empty_phrase", pl.col("phrase") == "", "phrase", pl.lit("phrase is empty"))
    tidy = regions.with_columns(one_line(pl.col("phrase")))
    kept, rejected = judge(tidy, [empty, *box_rules()], part="region")
    return clipped(kept), rejected


def _box() -> pl.Expr:
    return pl.struct(*BOX_COLUMNS).alias("box")


def _nest_objects(objects: pl.DataFrame, attributes: pl.DataFrame) -> pl.DataFrame:
    full = objects.join(attributes, on=["image", "index"], how="left", maintain_order="left").with_columns(
        _box(),
        pl.col("attributes").fill_null([]),
        pl.lit(None, pl.Int64).alias("mask_area"),
        pl.lit(None, _OBJECT_FIELDS["depth"]).alias("depth"),
        *(pl.lit([], _OBJECT_FIELDS[name]).alias(name) for name in ("points", "mirrored")),
    )
    fields = [pl.col(name).cast(dtype) for name, dtype in _OBJECT_FIELDS.items()]
    return full.group_by("image", maintain_order=True).agg(pl.struct(*fields).alias("objects"))


def _nest_relations(relations: pl.DataFrame) -> pl.DataFrame:
    triple = pl.struct(
        pl.col("subject_index").alias("subject"), "predicate", pl.col("object_index").alias("object"), "score"
    )
    return relations.group_by("image", maintain_order=True).agg(triple.alias("relations"))


def _nest_captions(captions: pl.DataFrame) -> pl.DataFrame:
    return captions.group_by("image", maintain_order=True).agg(pl.col("caption").alias("captions"))


def _nest_regions(regions: pl.DataFrame) -> pl.DataFrame:
    return regions.group_by("image", maintain_order=True).agg(pl.struct("id", "phrase", _box()).alias("regions"))


def _clips(objects: pl.DataFrame, regions: pl.DataFrame) -> pl.DataFrame:
    both = pl.concat([frame.select("image", "was_clipped") for frame in (objects, regions)])
    return both.group_by("image").agg(pl.col("was_clipped").sum().cast(pl.UInt32).alias("clipped_boxes"))


def _with_mask_places(images: pl.DataFrame, *, objects: Resolved) -> pl.DataFrame:
    """Where objects were rejected, say in the mask file's URI which of its masks the kept objects have."""
    kept = objects.kept.group_by("image", maintain_order=True).agg("mask_index", pl.len().alias("kept"))
    uri = with_places(pl.col("mask_uri"), places=pl.col("mask_index"), kept=pl.col("kept"), count=pl.col("mask_count"))
    return images.join(kept, on="image", how="left", maintain_order="left").with_columns(uri)


def _finished(images: pl.DataFrame) -> pl.DataFrame:
    named = ("exhaustive_labels", "doubtful_labels")
    lists = ("objects", "relations", "captions", "regions", *named)
    name = normalized(pl.element())
    labels = pl.col(*named).list.eval(name.filter(name != "")).list.unique().list.sort()
    filled = images.with_columns(labels, pl.col("clipped_boxes").fill_null(0))
    return filled.select(
        pl.col(name).cast(dtype).fill_null(pl.lit([], dtype=dtype)) if name in lists else pl.col(name).cast(dtype)
        for name, dtype in READ_ANNOTATIONS.items()
    )
