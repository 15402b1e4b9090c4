"""Tables of the scene-graph stage. One row per image holds all a generator may ask, so none opens a pixel."""

import polars as pl

BOX = pl.Struct({"x1": pl.Float64(), "y1": pl.Float64(), "x2": pl.Float64(), "y2": pl.Float64()})
"""Pixels of the upright picture, x to the right, y down; 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height."""

OBJECT = pl.Struct(
    {
        "id": pl.String(),  # the source's own id, unique in the image
        "label": pl.String(),  # normalized: lower case, single spaces
        "box": BOX,
        "score": pl.Float64(),  # null for human annotations
        "attributes": pl.List(pl.String()),  # normalized, sorted, no repeats
        "is_group": pl.Boolean(),  # one box round several things (COCO iscrowd): such a label is never counted
        "mask_rle": pl.String(),  # COCO compressed RLE of the full picture (pycocotools "counts"); null without mask
        "mask_area": pl.Int64(),  # pixels
        "depth": pl.Struct({"p25": pl.Float64(), "p50": pl.Float64(), "p75": pl.Float64(), "mode": pl.Float64()}),
        # interior points of the mask (or none): pixel centres, their depth (null without a depth map), and the objects
        # (indexes, this one among them) whose masks hold the point; null where an object without a mask may hold it too
        "points": pl.List(
            pl.Struct({"x": pl.Int32(), "y": pl.Int32(), "depth": pl.Float64(), "inside": pl.List(pl.UInt32())})
        ),
        # pixels on other objects: the point `same` mirrored in x, in y or in both at the point `anchor` (indexes into
        # `points`), so as far from it; no object whose mask holds one of these two is in `inside`
        "mirrored": pl.List(
            pl.Struct(
                {
                    "anchor": pl.UInt32(),
                    "same": pl.UInt32(),
                    "x": pl.Int32(),
                    "y": pl.Int32(),
                    "inside": pl.List(pl.UInt32()),
                }
            )
        ),
    }
)

RELATION = pl.Struct(
    {
        "subject": pl.UInt32(),  # index into `objects`
        "predicate": pl.String(),  # normalized: lower case, single spaces
        "object": pl.UInt32(),
        "score": pl.Float64(),
    }
)

REGION = pl.Struct({"id": pl.String(), "phrase": pl.String(), "box": BOX})

SCENE_GRAPHS: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "image_key": pl.String(),
    "image_id": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "objects": pl.List(OBJECT),
    "relations": pl.List(RELATION),
    "captions": pl.List(pl.String()),
    "regions": pl.List(REGION),
    "exhaustive_labels": pl.List(pl.String()),
    "doubtful_labels": pl.List(pl.String()),
    "exhaustive_attributes": pl.Boolean(),
    "exhaustive_relations": pl.Boolean(),
    "points": pl.List(
        pl.Struct(
            {"x": pl.Int32(), "y": pl.Int32(), "depth": pl.Float64(), "object": pl.UInt32(), "relief": pl.Float64()}
        )
    ),
    "depth_span": pl.Float64(),
    "provenance": pl.Struct(
        {
            "objects": pl.String(),
            "attributes": pl.String(),
            "relations": pl.String(),
            "masks": pl.String(),
            "depth": pl.String(),
            "captions": pl.String(),
        }
    ),
    "clipped_boxes": pl.UInt32(),
}

ANNOTATIONS: dict[str, pl.DataType] = {
    **{k: v for k, v in SCENE_GRAPHS.items() if k not in ("image_id", "points", "depth_span")},
    "position": pl.UInt32(),
    "mask_uri": pl.String(),
    "depth_uri": pl.String(),
}
"""What a reader of human annotations returns: a scene graph before pixel evidence (no `points`, no `depth`) and before
`image_id`. `mask_rle` is filled by readers whose source holds masks inline (COCO)."""

REJECTED_ANNOTATIONS: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "image_key": pl.String(),
    "file": pl.String(),
    "part": pl.String(),
    "item": pl.String(),
    "field": pl.String(),
    "reason": pl.String(),
    "detail": pl.String(),
}

VOCABULARY: dict[str, pl.DataType] = {
    "image_set": pl.String(),
    "kind": pl.String(),
    "value": pl.String(),
    "context": pl.String(),
    "count": pl.Int64(),
}
"""How often each value occurs in an image set: the profile that distractors and sampling weights are drawn from."""

COLUMNS: dict[str, str] = {
    "objects": "Things in the picture: id, label, box in pixels, score (null for humans), attributes, mask, depth",
    "relations": "Subject and object (places in `objects`), predicate, score (null for humans)",
    "captions": "Sentences about the whole picture",
    "regions": "Phrases about a box: id, phrase, box in pixels",
    "exhaustive_labels": "Labels of which every instance is marked, so that their absence is a fact (T5): the 80 "
    "classes of COCO, all kinds of rendered scenes, none of Visual Genome and GQA",
    "doubtful_labels": "Labels of which there may be more than is marked, for a model was not sure of what it saw: "
    "nothing is counted or missed by them; sorted, empty for human annotations",
    "exhaustive_attributes": "Whether every object carries every attribute of its categories (rendered scenes)",
    "exhaustive_relations": "Whether every relation is listed (rendered scenes)",
    "points": "Sampled points: place of the topmost object there (null: background), depth (larger: closer), and how "
    "much the depth varies within 2 pixels (much at the edge of a thing; null where some is unknown)",
    "depth_span": "What differences of depth are measured by: 255 for 8-bit maps, else the largest known depth less "
    "the smallest; null without a depth map",
    "provenance": "Who made each part: human:visual_genome, rendered, or model and revision, joined by + where several "
    "did; null when the part is missing",
    "clipped_boxes": "Boxes that reached out of the picture and were cut at its edge",
    "mask_uri": "File with the masks of all objects, in their order; null: none, or as RLE in the objects",
    "depth_uri": "Depth map; null: none",
    "annotations.width": "Pixels for which boxes are given; null where the source does not say",
    "annotations.height": "Pixels for which boxes are given; null where the source does not say",
    "file": "File name in the annotation source",
    "part": "What was rejected: object, attribute, relation, mask, depth, region, caption or image",
    "item": "The source's id of the thing, or its place",
    "field": "Field of the thing that is at fault",
    "reason": "Short code, such as unknown_object_id, empty_box, empty_label",
    "detail": "One sentence with the offending value",
    "kind": "label, attribute, predicate, or count (a number of objects of one label in one image)",
    "value": "The word, or the number",
    "context": "Of an attribute: the label that carries it; of a predicate: the labels of both ends, tab between; else "
    "empty",
    "count": "How often the value occurs",
}
"""What the columns of these tables hold, by column; by "table.column" where one table means something else by it."""
