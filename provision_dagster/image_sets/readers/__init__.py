"""Readers of image sets, one file each; `list_images` calls the one that a set names."""

from collections.abc import Callable, Iterator

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.image_sets.readers.annotations import images_of_annotations
from provision_dagster.image_sets.readers.file_list import list_files
from provision_dagster.image_sets.readers.folder import list_folder
from provision_dagster.image_sets.readers.webdataset import list_webdataset
from provision_dagster.image_sets.sources import Found, sources_frame
from provision_dagster.image_sets.spec import ImageSetSpec

__all__ = ["images_of_annotations", "list_images"]

_READERS: dict[str, Callable[[ImageSetSpec], Iterator[Found]]] = {
    "folder": list_folder,
    "file_list": list_files,
    "webdataset": list_webdataset,
}


def list_images(spec: ImageSetSpec, keys: pl.DataFrame | None = None) -> pl.DataFrame:
    """
    List the pictures of an image set without opening them.

    Parameters
    ----------
    spec
        The image set.
    keys
        For reader `annotations` only: its images, see `images_of_annotations`.

    Returns
    -------
    polars.DataFrame
        Schema IMAGE_SOURCES in a deterministic order. What cannot be used already has a status and an error.

    Raises
    ------
    InputError
        When the set itself cannot be read, or holds nothing.
    """
    if spec.reader == "annotations":
        if keys is None:
            raise InputError(f"image set `{spec.name}`: reader `annotations` needs `keys`, the images annotated")
        return images_of_annotations(keys, spec=spec)
    if keys is not None:
        raise InputError(f"image set `{spec.name}`: `keys` is for reader `annotations`, got `{spec.reader}`")
    return sources_frame(_READERS[spec.reader](spec), spec=spec)
