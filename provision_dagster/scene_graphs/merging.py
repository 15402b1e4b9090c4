"""Objects that humans marked and objects that a model found, in one list: each thing once."""

from collections.abc import Mapping
from typing import Literal

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.doubts import doubtful_labels, in_doubt
from provision_dagster.scene_graphs.mask_places import mask_file, with_places
from provision_dagster.scene_graphs.one_thing import SIDES, known, laid_out
from provision_dagster.scene_graphs.provenance import credited
from provision_dagster.scene_graphs.schema import ANNOTATIONS, OBJECT

Precedence = Literal["human-first", "human", "model"]
"""Whose objects count: both, a human's where both mark one thing; or those of one side alone."""

KEY = ["image_set", "image_key"]
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

    Where the model was not sure, labels are doubtful: there may be more of them than is marked. A found object that it
    also sees as something else is left out, and its label doubtful.

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
    found, weak = (_compared(both, side, lexicon=lexicon) for side in ("found", "weak"))
    new = found.filter(~pl.col("marked") & ~pl.col("searched"))
    # what a human searched for and did not mark is not there, under no name
    there = pl.col("marked") | ~pl.col("searched")
    others = pl.concat([found.filter(there), weak.filter(there)])
    dropped = new.join(in_doubt(new, others, lexicon=lexicon), on=["row", "place"], how="semi")
    added = _as_objects(new.join(dropped, on=["row", "place"], how="anti", maintain_order="left"))
    joined = both.join(added, on="row", how="left", maintain_order="left")
    every = pl.concat_list(pl.col("objects").fill_null([]), pl.col("added").fill_null([]))
    doubts = doubtful_labels(weak, dropped, joined.select("row", objects=every), lexicon=lexicon)
    joined = joined.join(doubts, on="row", how="left", maintain_order="left")
    more = pl.col("added").is_not_null()
    return joined.with_columns(
        _places(more),
        objects=every,
        doubtful_labels=_union("doubtful_labels", "doubts"),
        exhaustive_attributes=pl.col("exhaustive_attributes").fill_null(value=False) & ~more,
        exhaustive_relations=pl.col("exhaustive_relations").fill_null(value=False) & ~more,
        provenance=credited(objects=_made_by(more)),
    ).select(_column(name, dtype) for name, dtype in ANNOTATIONS.items())


def _union(one: str, other: str) -> pl.Expr:
    return pl.col(one).fill_null([]).list.set_union(pl.col(other).fill_null([])).list.sort()


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
        detections.select(*KEY, pl.col("objects").alias("found"), "weak", model),
        on=KEY,
        how="left",
        maintain_order="left",
    )


def _compared(both: pl.DataFrame, side: str, *, lexicon: Lexicon) -> pl.DataFrame:
    """Lay out what a model found; whether a human marked the same thing, and whether one searched for its label."""
    flat = laid_out(both.select("row", side, "exhaustive_labels"), side)
    same = known(flat, both, lexicon=lexicon).with_columns(marked=True)
    return flat.join(same, on=["row", "place"], how="left", maintain_order="left").select(
        *("row", "place", "label", *SIDES, "score"),
        pl.col("marked").fill_null(value=False),
        searched=pl.col("exhaustive_labels").fill_null([]).list.contains(pl.col("label")),
    )


def _as_objects(found: pl.DataFrame) -> pl.DataFrame:
    """Objects of a scene graph, by picture: columns `row`, `added`."""
    fields: list[pl.Expr] = [
        pl.format("model-{}", "place").alias("id"),
        pl.col("label"),
        pl.struct(*SIDES).alias("box"),
        pl.col("score"),
        pl.lit([], _OBJECT["attributes"]).alias("attributes"),
        pl.lit(value=False).alias("is_group"),
        *(pl.lit(None, _OBJECT[name]).alias(name) for name in ("mask_rle", "mask_area", "depth")),
        *(pl.lit([], _OBJECT[name]).alias(name) for name in ("points", "mirrored")),
    ]
    return found.group_by("row", maintain_order=True).agg(pl.struct(*fields).cast(OBJECT).alias("added"))


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
