"""Tables of what models find and say, one row per picture, committed in parts; and of how good they are."""

import polars as pl

from provision_dagster.scene_graphs.schema import BOX

_PICTURE: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "part": pl.String(),
    "image_set": pl.String(),
    "image_key": pl.String(),
    "image_id": pl.String(),
}
_MADE_BY: dict[str, pl.DataType] = {
    "model": pl.String(),
    "config": pl.String(),
    "error": pl.String(),
}

_FOUND = pl.List(pl.Struct({"label": pl.String(), "box": BOX, "score": pl.Float64()}))

DETECTIONS: dict[str, pl.DataType] = {
    **_PICTURE,
    "objects": _FOUND,
    "weak": _FOUND,
    "tags": pl.List(pl.Struct({"label": pl.String(), "score": pl.Float64()})),
    **_MADE_BY,
}

DEPTH_MAPS: dict[str, pl.DataType] = {
    **_PICTURE,
    "closeness": pl.Binary(),
    **_MADE_BY,
}


MASKS: dict[str, pl.DataType] = {
    **_PICTURE,
    "masks": pl.List(pl.Struct({"id": pl.String(), "mask_rle": pl.String(), "score": pl.Float64()})),
    "asked": pl.String(),
    **_MADE_BY,
}

ATTRIBUTES: dict[str, pl.DataType] = {
    **_PICTURE,
    "objects": pl.List(pl.Struct({"id": pl.String(), "attributes": pl.List(pl.String()), "said": pl.String()})),
    "asked": pl.String(),
    **_MADE_BY,
}

RELATIONS: dict[str, pl.DataType] = {
    **_PICTURE,
    "relations": pl.List(
        pl.Struct(
            {
                "subject": pl.String(),
                "predicate": pl.String(),
                "object": pl.String(),
                "score": pl.Float64(),
                "said": pl.String(),
            }
        )
    ),
    "asked": pl.String(),
    **_MADE_BY,
}

SCHEMAS = {
    "detections": DETECTIONS,
    "masks": MASKS,
    "depth_maps": DEPTH_MAPS,
    "attributes": ATTRIBUTES,
    "relations": RELATIONS,
}
"""By name of the table."""

ANNOTATOR_SETTINGS: dict[str, pl.DataType] = {
    "image_set": pl.String(),
    "table": pl.String(),
    "kind": pl.String(),
    "settings": pl.String(),
    "files": pl.List(pl.Struct({"field": pl.String(), "name": pl.String(), "bytes": pl.Int64()})),
}

ANNOTATOR_QUALITY: dict[str, pl.DataType] = {
    "image_set": pl.String(),
    "table": pl.String(),
    "measure": pl.String(),
    "of": pl.String(),
    "value": pl.Float64(),
    "count": pl.Int64(),
    "pictures": pl.Int64(),
    "model": pl.String(),
    "config": pl.String(),
}

COLUMNS: dict[str, str] = {
    "detections.objects": "What was found, best first: label, box in pixels, score 0 .. 1",
    "detections.tags": "Labels that were searched for, best first, with cosine similarity to the picture; null: all "
    "of the file were, no tagger chose them",
    "weak": "What the model was not sure enough of to be an object: it makes labels doubtful",
    "depth_maps.closeness": "16-bit grey PNG at the model's own resolution, covering the whole picture; larger: closer",
    "masks.masks": "Masks of objects that had none: id of the object, COCO compressed RLE, expected overlap 0 .. 1",
    "attributes.objects": "Objects without attributes: id, attributes in normal form, the model's own words",
    "relations.relations": "Pairs of objects: ids of both, predicate (null where the model names none that is known), "
    "similarity of the predicate to its words (null where it was not measured), its own words",
    "model": "Model and revision (of a file: its name and digest)",
    "config": "Thresholds, prompts and the rest of the annotator's configuration, as JSON",
    "asked": "Digest of what the model was asked about: other boxes or names are another result",
    "table": "Table that was measured: detections, masks, depth_maps, attributes or relations",
    "annotator_settings.table": "Table that the model fills; scene_graphs: how what was found joins what humans marked",
    "annotator_settings.kind": "Kind of the annotator, as in its file",
    "settings": "Thresholds, prompts and the rest of the configuration that may change results, as JSON",
    "files": "Files and models that the configuration names, with size (null: no single file)",
    "measure": "What was measured: ap, mask_iou, spearman, attribute_recall, ...",
    "of": "Label, category of attributes or predicate that the figure is of; empty: all together",
    "annotator_quality.value": "The figure",
    "annotator_quality.count": "How many objects, pictures, attributes or pairs the figure is of",
    "pictures": "Annotated pictures that the comparison was made on",
    **{f"{table}.part": "00000, 00001, ...: pictures that are annotated and committed together" for table in SCHEMAS},
    **{f"{table}.error": "Why nothing was found; null when the model was run" for table in SCHEMAS},
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
