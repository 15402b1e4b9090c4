"""The one door to the readers: choose by format, check the layout, read in batches."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers import coco, gqa, provision, visual_genome
from provision_dagster.scene_graphs.readers.build import READ_ANNOTATIONS, build
from provision_dagster.scene_graphs.readers.companions import Companions
from provision_dagster.scene_graphs.readers.detect import AnnotationFormat, check_format
from provision_dagster.scene_graphs.readers.sink import Sink
from provision_dagster.scene_graphs.readers.visual_genome_files import Main
from provision_dagster.scene_graphs.schema import ANNOTATIONS

FORMATS: tuple[AnnotationFormat, ...] = get_args(AnnotationFormat)


def read_annotations(
    path: str | Path,
    *,
    format: AnnotationFormat,
    images: str | Path | None = None,
    depth: str | Path | None = None,
    masks: str | Path | None = None,
    batch: int = 500,
    parts: Main | None = None,
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """
    Read human annotations in the layout in which they are published.

    Files are streamed; memory is that of a batch. An item that cannot be used becomes a rejected row with a
    reason. A rejected row without `item` stands for a whole list, entry or file, whose contents are not
    counted one by one.

    Parameters
    ----------
    path
        File or folder, plain or gzip.
    format
        Layout of the files.
    images
        Folder of the pictures; only checked here, `image_sets` opens them.
    depth, masks
        Folders of depth maps and masks: named in the annotations (provision), or after the image's key.
        When not given, `depth_masks`, `depth`, `seg_masks` or `masks` beside the annotations, for files
        named there.
    batch
        Images per batch.
    parts
        Visual Genome only: which file lists the objects when a folder has both (default: `objects`).

    Yields
    ------
    tuple of polars.DataFrame
        Rows of READ_ANNOTATIONS (ANNOTATIONS, and `file_name`, `license`, `attribution`) with consecutive
        positions, and of REJECTED_ANNOTATIONS; `shard` and `image_set` are null.

    Raises
    ------
    InputError
        When a file is missing, broken or in another layout, or an option has an unknown value.
    """
    path = Path(path)
    _check(path, format=format, images=images, batch=batch, parts=parts)
    check_format(path, format=format)
    folders = {
        "masks": Companions(Path(masks) if masks else None, part="mask", beside=path),
        "depth": Companions(Path(depth) if depth else None, part="depth", beside=path),
    }
    sink = Sink()
    readers: dict[AnnotationFormat, Callable[[], Iterator[None]]] = {
        "visual-genome": lambda: visual_genome.read(path, sink=sink, parts=parts, **folders),
        "gqa": lambda: gqa.read(path, sink=sink, **folders),
        "coco": lambda: coco.read(path, sink=sink, **folders),
        "provision": lambda: provision.read(path, sink=sink, **folders),
    }
    return _batches(readers[format](), sink=sink, batch=batch)


def _check(path: Path, *, format: str, images: str | Path | None, batch: int, parts: str | None) -> None:
    if format not in FORMATS:
        allowed = ", ".join(f"`{name}`" for name in FORMATS)
        raise InputError(f"`format` must be one of {allowed}, got `{format}`")
    if not path.exists():
        raise InputError(f"annotations not found: `{path}`")
    if images is not None and not Path(images).is_dir():
        raise InputError(f"`images`: `{images}` is not a folder")
    if batch < 1:
        raise InputError(f"`batch` must be at least 1, got {batch}")
    if parts is not None and (format != "visual-genome" or parts not in get_args(Main)):
        raise InputError(f"`parts` must be `objects` or `scene_graphs`, with format `visual-genome`, got `{parts}`")


def _batches(images: Iterator[None], *, sink: Sink, batch: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    for _ in images:
        if sink.full(batch):
            yield build(sink.take().frames())
    if sink.raw.images or sink.raw.rejected:
        yield build(sink.take().frames())


def image_keys(annotations: pl.DataFrame) -> pl.DataFrame:
    """
    Say which pictures annotations need.

    Parameters
    ----------
    annotations
        Rows as `read_annotations` yields them.

    Returns
    -------
    polars.DataFrame
        image_key, file_name, declared_width and declared_height (px), license, attribution; one row per
        image.
    """
    return annotations.select(
        "image_key",
        "file_name",
        pl.col("width").alias("declared_width"),
        pl.col("height").alias("declared_height"),
        "license",
        "attribution",
    )


def table_columns(annotations: pl.DataFrame) -> pl.DataFrame:
    """Drop what only `image_keys` needs: the columns of the table `annotations` remain."""
    return annotations.select(list(ANNOTATIONS))


__all__ = [
    "FORMATS",
    "READ_ANNOTATIONS",
    "AnnotationFormat",
    "image_keys",
    "read_annotations",
    "table_columns",
]
