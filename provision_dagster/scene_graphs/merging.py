"""Objects that humans marked and objects that a model found, in one list: each thing once."""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.mask_places import mask_file, with_places
from provision_dagster.scene_graphs.normalize import normalized
from provision_dagster.scene_graphs.provenance import credited
from provision_dagster.scene_graphs.schema import ANNOTATIONS, OBJECT

Precedence = Literal["human-first", "human", "model"]
"""Whose objects count: both, a human's where both mark one thing; or those of one side alone."""

SAME_IOU = 0.5
"""Overlap from which two boxes with names for one thing are taken for that thing (COCO's looser threshold)."""

WITHIN_GROUP = 0.5
"""Share of a box within a group's box ("several books") from which it is taken for one of the group."""

KEY = ["image_set", "image_key"]
_SIDES = ("x1", "y1", "x2", "y2")
_OBJECT = {field.name: field.dtype for field in OBJECT.fields}


def merge_detections(
    annotations: pl.DataFrame, detections: pl.DataFrame, *, lexicon: Lexicon, precedence: Precedence = "human-first"
) -> pl.DataFrame:
    """
    Add what a model found to what humans marked.

    A found object is left out where a human marked the same thing (`SAME_IOU`; equal, synonymous or more general
    name), or where a human searched for its label and did not mark it: that search is the better witness.
    Attributes and relations of humans stay with their objects; an image to which an object was added no longer
    counts as having all attributes and relations listed.

    Parameters
    ----------
    annotations
        Schema ANNOTATIONS.
    detections
        Schema DETECTIONS; rows with an error add nothing.
    lexicon
        Tells which labels name one thing.
    precedence
        "human" leaves out all that was found, "model" all that humans marked (captions and regions stay).

    Returns
    -------
    polars.DataFrame
        Schema ANNOTATIONS; a row for each image of either table, those of `annotations` first.
    """
    if precedence == "human":
        return annotations.select(list(ANNOTATIONS))
    both = _both(annotations, detections.filter(pl.col("error").is_null()), whole=precedence == "model")
    added = _added(both, lexicon=lexicon)
    joined = both.join(added, on="row", how="left", maintain_order="left")
    more = pl.col("added").is_not_null()
    return joined.with_columns(
        _places(more),
        objects=pl.concat_list(pl.col("objects").fill_null([]), pl.col("added").fill_null([])),
        exhaustive_attributes=pl.col("exhaustive_attributes").fill_null(value=False) & ~more,
        exhaustive_relations=pl.col("exhaustive_relations").fill_null(value=False) & ~more,
        provenance=credited(objects=_made_by(more)),
    ).select(_column(name, dtype) for name, dtype in ANNOTATIONS.items())


def _column(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name).cast(dtype)
    return column.fill_null(pl.lit([], dtype=dtype)) if isinstance(dtype, pl.List) else column


def merge_sets(
    annotations: pl.DataFrame,
    detections: pl.DataFrame,
    *,
    lexicon: Lexicon,
    precedence: Mapping[str, Precedence],
) -> pl.DataFrame:
    """
    Merge the rows of several image sets, as `merge_detections` does.

    Parameters
    ----------
    precedence
        By image set; sets that are not named have no model, and keep their annotations as they are.
    """
    named = pl.col("image_set").is_in(list(precedence))
    merged = [
        merge_detections(
            annotations.filter(image_set=name), detections.filter(image_set=name), lexicon=lexicon, precedence=whose
        )
        for name, whose in sorted(precedence.items())
    ]
    return pl.concat([annotations.filter(~named).select(list(ANNOTATIONS)), *merged])


def _both(annotations: pl.DataFrame, detections: pl.DataFrame, *, whole: bool) -> pl.DataFrame:
    """One row per image of either table, with its `found` objects; `whole`: nothing of humans but the texts."""
    new = detections.join(annotations, on=KEY, how="anti", maintain_order="left")
    empty = pl.DataFrame(schema=ANNOTATIONS)
    rows = pl.concat([annotations.select(list(ANNOTATIONS)), new.select("shard", *KEY)], how="diagonal")
    if whole:
        texts = ["shard", *KEY, "position", "width", "height", "captions", "regions", "depth_uri", "provenance"]
        rows = pl.concat([empty, rows.select(texts)], how="diagonal").with_columns(
            credited(**{part: pl.lit(None, pl.String) for part in ("objects", "attributes", "relations", "masks")})
        )
    model = pl.col("model").alias("found_by")
    return rows.with_row_index("row").join(
        detections.select(*KEY, pl.col("objects").alias("found"), model), on=KEY, how="left", maintain_order="left"
    )


def _added(both: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """Found objects that go in: columns `row`, `added`."""
    found = both.select("row", "found", "exhaustive_labels").filter(pl.col("found").list.len() > 0)
    flat = found.with_columns(place=pl.int_ranges(pl.col("found").list.len())).explode("found", "place")
    flat = flat.unnest("found").unnest("box").with_columns(normalized(pl.col("label")))
    searched = pl.col("exhaustive_labels").fill_null([]).list.contains(pl.col("label"))
    new = flat.join(_known(both, flat, lexicon=lexicon), on=["row", "place"], how="anti", maintain_order="left")
    kept = new.filter(~searched)
    fields: list[pl.Expr] = [
        pl.format("model-{}", "place").alias("id"),
        pl.col("label"),
        pl.struct(*_SIDES).alias("box"),
        pl.col("score"),
        pl.lit([], _OBJECT["attributes"]).alias("attributes"),
        pl.lit(value=False).alias("is_group"),
        *(pl.lit(None, _OBJECT[name]).alias(name) for name in ("mask_rle", "mask_area", "depth")),
        *(pl.lit([], _OBJECT[name]).alias(name) for name in ("points", "mirrored")),
    ]
    return kept.group_by("row", maintain_order=True).agg(pl.struct(*fields).cast(OBJECT).alias("added"))


def _known(both: pl.DataFrame, found: pl.DataFrame, *, lexicon: Lexicon) -> pl.DataFrame:
    """Found objects (`row`, `place`) that a human marked: the same box, or one within a group."""
    marked = both.select("row", "objects").filter(pl.col("objects").list.len() > 0).explode("objects")
    marked = marked.unnest("objects").unnest("box").select("row", "label", "is_group", *_SIDES)
    pairs = found.select("row", "place", "label", *_SIDES).join(marked, on="row", suffix="_marked")
    alike = _alike(pl.concat([found["label"], marked["label"]]).unique().sort(), lexicon=lexicon)
    same = pairs.join(alike, left_on=["label", "label_marked"], right_on=["label", "other"], how="semi")
    over = pl.max_horizontal(
        0.0, pl.min_horizontal("x2", "x2_marked") - pl.max_horizontal("x1", "x1_marked")
    ) * pl.max_horizontal(0.0, pl.min_horizontal("y2", "y2_marked") - pl.max_horizontal("y1", "y1_marked"))
    area = (pl.col("x2") - pl.col("x1")) * (pl.col("y2") - pl.col("y1"))
    area_marked = (pl.col("x2_marked") - pl.col("x1_marked")) * (pl.col("y2_marked") - pl.col("y1_marked"))
    one_thing = over / (area + area_marked - over) >= SAME_IOU
    of_group = pl.col("is_group").fill_null(value=False) & (over / area >= WITHIN_GROUP)
    return same.filter(one_thing | of_group).select("row", "place").unique()


def _alike(labels: pl.Series, *, lexicon: Lexicon) -> pl.DataFrame:
    """Ordered pairs [label, other] that may name one thing: equal, synonyms, or one the kind of the other."""
    equal = pl.DataFrame({"label": labels, "other": labels})
    implied = lexicon.implied_labels(labels).select("label", other="implied")
    turned = implied.select(label="other", other="label")
    return pl.concat([equal, lexicon.synonym_labels(labels).select("label", "other"), implied, turned]).unique()


def _places(more: pl.Expr) -> pl.Expr:
    """Say in a mask file's URI that the objects that were added have no mask in it."""
    uri, places, count = mask_file(pl.col("mask_uri"), objects=pl.col("objects").list.len())
    written = with_places(uri, places=places, kept=pl.lit(0), count=count)
    # the masks of no object: nothing in the file is of use
    useful = pl.when(pl.col("objects").list.len() > 0).then(written)
    return pl.when(more).then(useful).otherwise("mask_uri").alias("mask_uri")


def _made_by(more: pl.Expr) -> pl.Expr:
    human = pl.col("provenance").struct.field("objects")
    both = pl.when(human.is_null()).then("found_by").otherwise(pl.format("{} + {}", human, "found_by"))
    ran = pl.col("found_by").is_not_null()
    return pl.when(more | (ran & human.is_null())).then(both).otherwise(human)


def add_masks(annotations: pl.DataFrame, masks: pl.DataFrame) -> pl.DataFrame:
    """
    Give objects without a mask the one that a model made.

    Parameters
    ----------
    annotations
        Schema ANNOTATIONS.
    masks
        Schema MASKS; masks of objects that are not there (any more) are left out.

    Returns
    -------
    polars.DataFrame
        Schema ANNOTATIONS.
    """
    rows = annotations.with_row_index("row")
    made = masks.filter(pl.col("masks").list.len() > 0).select(*KEY, "masks", "model")
    flat = rows.select("row", *KEY, "objects").join(made, on=KEY, maintain_order="left")
    if flat.is_empty():
        return annotations.select(list(ANNOTATIONS))
    cut = flat.select("row", "masks").explode("masks").unnest("masks").select("row", "id", made="mask_rle")
    things = flat.select("row", "objects").explode("objects").with_columns(id=pl.col("objects").struct.field("id"))
    joined = things.join(cut, on=["row", "id"], how="left", maintain_order="left")
    rle = pl.coalesce(pl.col("objects").struct.field("mask_rle"), "made")
    filled = joined.with_columns(pl.col("objects").struct.with_fields(mask_rle=rle))
    nested = filled.group_by("row", maintain_order=True).agg(pl.col("objects").alias("masked"))
    by = flat.select("row", "model").join(cut.select("row").unique(), on="row", how="semi")
    whole = rows.join(nested, on="row", how="left", maintain_order="left").join(by, on="row", how="left")
    human = pl.col("provenance").struct.field("masks")
    both = pl.when(human.is_null()).then("model").otherwise(pl.format("{} + {}", human, "model"))
    more = pl.col("model").is_not_null()
    return (
        whole.sort("row")
        .with_columns(
            objects=pl.coalesce("masked", "objects"),
            provenance=pl.when(more).then(credited(masks=both)).otherwise("provenance"),
        )
        .select(_column(name, dtype) for name, dtype in ANNOTATIONS.items())
    )
