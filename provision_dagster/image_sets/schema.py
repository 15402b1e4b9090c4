"""Tables of the image-set stage."""

import polars as pl

IMAGE_STATUSES = (
    "ok",
    "annotations_only",  # the set ships no pixels (Visual Genome's JSON, GQA): sizes come from the annotations
    "missing",
    "empty_file",
    "not_an_image",
    "truncated",
    "unreadable",
    "too_large",
    "animated",
    "unsafe_path",
    "duplicate",
)
"""Every value of `images.status`. Only `ok` and `annotations_only` go on to scene graphs."""

USABLE_STATUSES = ("ok", "annotations_only")

IMAGE_SOURCES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "position": pl.UInt32(),
    "image_key": pl.String(),
    "uri": pl.String(),
    "member": pl.String(),
    "declared_width": pl.Int32(),
    "declared_height": pl.Int32(),
    "license": pl.String(),
    "attribution": pl.String(),
    "status": pl.String(),
    "error": pl.String(),
}

IMAGES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "position": pl.UInt32(),
    "image_key": pl.String(),
    "image_id": pl.String(),
    "uri": pl.String(),
    "member": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "format": pl.String(),
    "mode": pl.String(),
    "exif_orientation": pl.UInt8(),
    "bytes": pl.Int64(),
    "sha256": pl.String(),
    "phash": pl.String(),
    "license": pl.String(),
    "attribution": pl.String(),
    "status": pl.String(),
    "error": pl.String(),
}

IMAGE_SETS: dict[str, pl.DataType] = {
    "image_set": pl.String(),
    "spec_file": pl.String(),
    "spec_sha256": pl.String(),
    "images": pl.Int64(),
    "shards": pl.List(pl.String()),
    "error": pl.String(),
}

PICTURE_SAFETY: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "image_key": pl.String(),
    "safety": pl.String(),
    "unsafe_score": pl.Float64(),
}
"""What the file `safety` of an image set tells of its pictures; those of which nothing is told have no row."""

REPEATED_PICTURES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "image_key": pl.String(),
    "image_id": pl.String(),
    "first_image_key": pl.String(),
}
"""Pictures whose pixels stand in an earlier shard of their image set; inside a shard they have status `duplicate`."""

COLUMNS: dict[str, str] = {
    "shard": "Fixed-size slice of one image set: the partition that the row belongs to",
    "image_set": "Name of the image set",
    "image_key": "The source's own id of the picture, unique in its image set: 1, 000000000790, cats/1.jpg",
    "image_id": "32 hex digits: hash of the pixels as stored, or of image set and key where there are no pixels",
    "position": "Place of the picture in its image set, from 0; the shard is position // shard size",
    "uri": "Absolute path or URL of the file; null when the set has no pixels",
    "member": "Member of the tar at `uri`; null for a plain file",
    "declared_width": "Width in pixels as the annotations say; null when they do not",
    "declared_height": "Height in pixels as the annotations say; null when they do not",
    "width": "Pixels of the upright picture (after EXIF orientation)",
    "height": "Pixels of the upright picture (after EXIF orientation)",
    "format": "Format of the file as Pillow names it: JPEG, PNG",
    "mode": "Pixel mode as stored, as Pillow names it: RGB, L, CMYK, I;16",
    "exif_orientation": "1 .. 8; 1 when absent",
    "bytes": "Size of the file",
    "sha256": "SHA-256 of the file",
    "phash": "16 hex digits: 64-bit perceptual hash of the upright picture",
    "license": "Licence of the picture; null when it is not known",
    "attribution": "Whom the licence wants to be named",
    "safety": "Safety label of the picture, in the words of its source; null when there is none",
    "unsafe_score": "How likely the picture is unsafe, 0 .. 1, by its source; null when there is none",
    "status": "`ok`, `annotations_only` (the set ships no pixels), or why the picture cannot be used",
    "error": "Why there is no usable result, as a sentence that names the file or the picture; null when there is one",
    "first_image_key": "Key of the first picture of the image set with the same pixels: that one goes on",
    "image_sources.status": "Null: to be decoded; else a reason found while listing (`unsafe_path`, `missing`)",
    "image_sets.image_set": "Name in the spec; the file's stem when the spec cannot be read",
    "image_sets.images": "Pictures listed, usable or not; null when the set cannot be read",
    "image_sets.error": "Why the set cannot be read; null when it can",
    "spec_file": "YAML file that describes the image set",
    "spec_sha256": "SHA-256 of that file",
    "shards": "Partition keys of the image set, in order",
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
