"""Tables of held-out sets."""

import polars as pl

from provision_dagster.generators.schema import FILTERED_QA

HELD_OUT_PICTURES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "image_id": pl.String(),
    "sha256": pl.String(),
    "phash": pl.String(),
    "group": pl.String(),
    "drawn": pl.Boolean(),
}
"""Pictures that no mix may show. One row per shard and picture."""

BASE_PICTURES: dict[str, pl.DataType] = {
    "recipe": pl.String(),
    "uri": pl.String(),
    "image_id": pl.String(),
    "sha256": pl.String(),
    "phash": pl.String(),
    "error": pl.String(),
    "like": pl.String(),
    "method": pl.String(),
}
"""Pictures of base sets. One row per recipe and path."""

HELD_OUT: dict[str, pl.DataType] = {
    **FILTERED_QA,
    "type": pl.String(),
    "task": pl.String(),
    "rank": pl.UInt32(),
}
"""Questions whose pictures are all held out."""

COLUMNS: dict[str, str] = {
    "held_out_pictures.sha256": "SHA-256 of the file; null without pixels",
    "held_out_pictures.phash": "64-bit perceptual hash of the upright picture; null without pixels",
    "held_out_pictures.group": "Picture that decided for all that are like it, by the smallest hash of id and seed",
    "held_out_pictures.drawn": "Whether its own hash held the picture out; false: it is like one whose hash did",
    "base_pictures.uri": "Path below the base set's `image_root`, as in `image_uris` of the mix",
    "base_pictures.image_id": "Hash of the pixels; null where they are not decoded",
    "base_pictures.sha256": "SHA-256 of the file; null where it cannot be read",
    "base_pictures.phash": "64-bit perceptual hash of the upright picture; null where it is not decoded",
    "base_pictures.error": "Why the picture cannot be opened: of it nothing is known",
    "base_pictures.like": "Held-out picture that it shows; rows of the base set that show it are left out",
    "base_pictures.method": "How that was found: image_id, sha256 or phash",
    "held_out.type": "2D, 3D or multi (several pictures)",
    "held_out.task": "What is asked: count, position, relation, attribute, object, segmentation, depth_order, ...",
    "held_out.rank": "Place within the generator by hash, from 0, questions with options first: exports take the first",
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
