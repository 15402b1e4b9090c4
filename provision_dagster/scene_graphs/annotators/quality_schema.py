"""Table of how good annotators are: light, for the declarations of all tables read it."""

import polars as pl

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
    "table": "Table that was measured: detections, masks, depth_maps, attributes or relations",
    "measure": "What was measured: ap, mask_iou, spearman, attribute_recall, ...",
    "of": "Label, category of attributes or predicate that the figure is of; empty: all together",
    "annotator_quality.value": "The figure",
    "annotator_quality.count": "How many objects, pictures, attributes or pairs the figure is of",
    "pictures": "Annotated pictures that the comparison was made on",
}
"""What the columns of this table hold, by column."""
