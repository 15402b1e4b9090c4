"""Is a table of scene graphs sound? Boxes lie in the picture, relations join objects that exist."""

import polars as pl


def graph_rules() -> dict[str, pl.Expr]:
    """Expressions over scene-graph rows that are true where a row is broken, by rule."""
    box = pl.element().struct.field("box").struct
    objects, relations = pl.col("objects"), pl.col("relations")
    width, height = pl.col("width"), pl.col("height")
    low = objects.list.eval(pl.min_horizontal(box.field("x1"), box.field("y1"))).list.min()
    right = objects.list.eval(box.field("x2")).list.max()
    bottom = objects.list.eval(box.field("y2")).list.max()
    flat = objects.list.eval((box.field("x2") <= box.field("x1")) | (box.field("y2") <= box.field("y1"))).list.any()
    ends = pl.element().struct
    last = relations.list.eval(pl.max_horizontal(ends.field("subject"), ends.field("object"))).list.max()
    ids = objects.list.eval(pl.element().struct.field("id"))
    return {
        "size_is_not_positive": (width < 1) | (height < 1),
        "box_leaves_picture": (low < 0) | (right > width) | (bottom > height),
        "box_is_empty": flat,
        "relation_without_object": last >= objects.list.len(),
        "object_id_is_repeated": ids.list.n_unique() < ids.list.len(),
    }


def uncovered(images: pl.DataFrame, *, scene_graphs: pl.DataFrame, repeated: pl.DataFrame) -> pl.DataFrame:
    """Usable pictures, first of their pixels, that have no scene graph."""
    key = ["image_set", "image_key"]
    usable = images.filter(pl.col("status").is_in(["ok", "annotations_only"]))
    return usable.join(scene_graphs.select(key), on=key, how="anti").join(repeated.select(key), on=key, how="anti")
