"""Readers of human annotations, one file per published layout."""

from provision_dagster.scene_graphs.readers.api import (
    FORMATS,
    READ_ANNOTATIONS,
    AnnotationFormat,
    image_keys,
    read_annotations,
    table_columns,
)

__all__ = [
    "FORMATS",
    "READ_ANNOTATIONS",
    "AnnotationFormat",
    "image_keys",
    "read_annotations",
    "table_columns",
]
