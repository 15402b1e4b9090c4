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
    "position": pl.UInt32(),  # 0-based place in the image set; the shard is position // shard_size
    "image_key": pl.String(),  # the source's own id, unique in the set: "1", "000000000790", "cats/1.jpg"
    "uri": pl.String(),  # absolute path or URL of the file; null when the set has no pixels
    "member": pl.String(),  # member of the tar at `uri`; null for a plain file
    "declared_width": pl.Int32(),  # from the annotations; null when they do not say
    "declared_height": pl.Int32(),
    "license": pl.String(),
    "attribution": pl.String(),
    "status": pl.String(),  # null = to be decoded; else a reason found while listing ("unsafe_path", "missing")
    "error": pl.String(),
}

IMAGES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "position": pl.UInt32(),
    "image_key": pl.String(),
    "image_id": pl.String(),  # 32 hex digits: hash of the pixels as stored, or of (image_set, image_key) without pixels
    "uri": pl.String(),
    "member": pl.String(),
    "width": pl.Int32(),  # upright, after EXIF orientation
    "height": pl.Int32(),
    "format": pl.String(),  # JPEG, PNG, ... as Pillow names it
    "mode": pl.String(),  # pixel mode as stored: RGB, L, CMYK, I;16, ...
    "exif_orientation": pl.UInt8(),  # 1 .. 8; 1 when absent
    "bytes": pl.Int64(),
    "sha256": pl.String(),  # of the file
    "phash": pl.String(),  # 16 hex digits, 64-bit perceptual hash of the upright picture
    "license": pl.String(),
    "attribution": pl.String(),
    "status": pl.String(),  # one of IMAGE_STATUSES
    "error": pl.String(),  # null when usable; else one sentence that names the file and the reason
}

IMAGE_SETS: dict[str, pl.DataType] = {
    "image_set": pl.String(),  # name in the spec; the file's stem when the spec cannot be read
    "spec_file": pl.String(),
    "spec_sha256": pl.String(),
    "images": pl.Int64(),  # pictures listed, usable or not; null when the set cannot be read
    "shards": pl.List(pl.String()),
    "error": pl.String(),  # why the set cannot be read; null when it can
}

REPEATED_PICTURES: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "image_key": pl.String(),
    "image_id": pl.String(),
    "first_image_key": pl.String(),
}
"""Pictures whose pixels stand in an earlier shard of their image set; inside a shard they have status `duplicate`."""
