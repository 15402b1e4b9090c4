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
    # labels that were searched for exhaustively in this picture: their absence is a fact (spec T5).
    # COCO: its 80 classes; rendered scenes: all kinds; Visual Genome, GQA: empty.
    "exhaustive_labels": pl.List(pl.String()),
    # true when every object carries every attribute of its categories and every relation is listed (rendered scenes)
    "exhaustive_attributes": pl.Boolean(),
    "exhaustive_relations": pl.Boolean(),
    # scene-wide sampled points with the index of the topmost object there (null = background), the depth (larger =
    # closer) and how much the depth varies within 2 pixels (much at the edge of a thing; null where some is unknown)
    "points": pl.List(
        pl.Struct(
            {"x": pl.Int32(), "y": pl.Int32(), "depth": pl.Float64(), "object": pl.UInt32(), "relief": pl.Float64()}
        )
    ),
    # what differences of depth are measured by: 255 for 8-bit maps, else the largest known depth less the smallest;
    # null without a depth map
    "depth_span": pl.Float64(),
    # who made each part: "human:visual_genome", "rendered", or model id + revision; null when the part is missing
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
    "clipped_boxes": pl.UInt32(),  # boxes that reached out of the picture and were cut at its edge
}

ANNOTATIONS: dict[str, pl.DataType] = {
    **{k: v for k, v in SCENE_GRAPHS.items() if k not in ("image_id", "points", "depth_span")},
    "position": pl.UInt32(),
    "mask_uri": pl.String(),  # file with the masks of all objects of this image, in object order; null = none or in RLE
    "depth_uri": pl.String(),  # depth map file; null = none
}
"""What a reader of human annotations returns: a scene graph before pixel evidence (no `points`, no `depth`) and before
`image_id`. `mask_rle` is filled by readers whose source holds masks inline (COCO)."""

REJECTED_ANNOTATIONS: dict[str, pl.DataType] = {
    "shard": pl.String(),
    "image_set": pl.String(),
    "image_key": pl.String(),
    "file": pl.String(),  # file name in the annotation source
    "part": pl.String(),  # object | attribute | relation | mask | depth | region | caption | image
    "item": pl.String(),  # the source's id of the thing, or its place "3"
    "field": pl.String(),
    "reason": pl.String(),  # short code, e.g. "unknown_object_id", "empty_box", "empty_label"
    "detail": pl.String(),  # one sentence with the offending value
}

VOCABULARY: dict[str, pl.DataType] = {
    "image_set": pl.String(),
    "kind": pl.String(),  # label | attribute | predicate | count (a number of objects of one label in one image)
    "value": pl.String(),
    "context": pl.String(),  # attribute: the label that carries it; predicate: "subject label\tobject label"; label: ""
    "count": pl.Int64(),
}
"""How often each value occurs in an image set: the profile that distractors and sampling weights are drawn from."""
