"""What a question asks, in the groups of CV-Bench (Cambrian-1, arXiv 2406.16860): 2D, 3D, and several pictures.

CV-Bench asks for counts and spatial relations in 2D, for depth order and relative distance in 3D. The generators ask
for more in 2D, and about several pictures; of relative distance they know the part that is depth.
"""

import polars as pl

TASKS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("ExistsObject", "MostObject", "LeastObject", "ExistsAttribute"), ("2D", "count")),
    **dict.fromkeys(
        ("LeftMostObject", "RightMostObject", "TopMostObject", "BottomMostObject"),
        ("2D", "position"),
    ),
    **dict.fromkeys(("ExistsRelation", "RelationBBox", "HeadRelation", "SceneGraphRelationQA"), ("2D", "relation")),
    **dict.fromkeys(("AttributeBBox", "TypedAttributeBBox", "SceneGraphAttributeQA"), ("2D", "attribute")),
    "SceneGraphObjectQA": ("2D", "object"),
    "SceneGraphCaption": ("2D", "caption"),
    **dict.fromkeys(("SameObjectSeg", "DiffObjectSeg"), ("2D", "segmentation")),
    **dict.fromkeys(("CloserPoint", "FartherPoint", "CloserObject", "FartherObject"), ("3D", "depth_order")),
    **dict.fromkeys(("CloserToAnchorObject", "FartherToAnchorObject"), ("3D", "relative_distance")),
    **dict.fromkeys(("CountObject", "CountAttributeObject", "HasMost", "HasLeast"), ("multi", "count")),
    **dict.fromkeys(("CommonObject", "CommonAttribute"), ("multi", "common")),
    **dict.fromkeys(("HasObject", "HasNotObject"), ("multi", "object")),
    **dict.fromkeys(("HasAttributedObject", "HasNotAttributedObject", "CompareAttribute"), ("multi", "attribute")),
    **dict.fromkeys(("HasRelation", "HasNotRelation", "CompareRelation"), ("multi", "relation")),
}
"""(type, task) by generator."""

TYPES = ("2D", "3D", "multi")


def with_task(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `type` and `task` to rows with `generator`, `family` and `image_ids`.

    Generators that are not in `TASKS` have their family's name as task.
    """
    known = pl.DataFrame(
        [(name, *place) for name, place in TASKS.items()], schema=["generator", "type", "task"], orient="row"
    )
    several = pl.when(pl.col("image_ids").list.len() > 1).then(pl.lit("multi")).otherwise(pl.lit("2D"))
    return rows.join(known, on="generator", how="left", maintain_order="left").with_columns(
        pl.col("type").fill_null(several), pl.col("task").fill_null(pl.col("family").str.strip_prefix("qa_"))
    )
