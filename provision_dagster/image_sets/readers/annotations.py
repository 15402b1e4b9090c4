"""Reader of pictures that annotations name: finds each in the folder of pictures, if there is one."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePosixPath

import polars as pl

from provision_dagster.image_sets.paths import Place, Root, shown
from provision_dagster.image_sets.readers.folder import is_picture_name, walk
from provision_dagster.image_sets.sources import Found, found_at, sources_frame
from provision_dagster.image_sets.spec import ImageSetSpec
from provision_dagster.image_sets.tables import check_columns

KEYS: dict[str, pl.DataType] = {
    "image_key": pl.String(),
    "file_name": pl.String(),  # as the annotations say; null when they name no file
    "declared_width": pl.Int32(),
    "declared_height": pl.Int32(),
    "license": pl.String(),
    "attribution": pl.String(),
}


class PictureFolder:
    """A folder in which pictures are found by path, by file name or by key."""

    def __init__(self, root: Root) -> None:
        self.root = root

    @cached_property
    def _pictures(self) -> list[str]:
        return sorted(key for key, place in walk(self.root) if place.status is None and is_picture_name(key))

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = defaultdict(list)
        for path in self._pictures:
            names[path.rpartition("/")[2]].append(path)
        return names

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = defaultdict(list)
        for path in self._pictures:
            stems[PurePosixPath(path).stem].append(path)
        return stems

    def find(self, key: str, *, file_name: str | None) -> Place:
        """Find a picture by `file_name`, there or in any subfolder; without one by `key` and any suffix."""
        if file_name is not None:
            place = self.root.locate(file_name)
            if place.status != "missing":
                return place
            matches = self._by_name.get(file_name.rpartition("/")[2], [])
        else:
            matches = self._by_stem.get(key.rpartition("/")[2], [])
        if len(matches) == 1:
            return self.root.locate(matches[0])
        wanted = file_name or f"{key}.*"
        what = f"{len(matches)} pictures match" if matches else "no picture matches"
        where = f"`{shown(wanted)}` in `{self.root.folder}`"
        some = ": " + ", ".join(f"`{shown(path)}`" for path in matches[:3]) if matches else ""
        return Place(f"{self.root.folder}/{wanted}", "missing", f"image `{shown(key)}`: {what} {where}{some}")


def images_of_annotations(keys: pl.DataFrame, *, spec: ImageSetSpec) -> pl.DataFrame:
    """
    List the pictures that annotations name, in the order of `keys`.

    Parameters
    ----------
    keys
        One row an image with the columns of KEYS; sizes in pixels.
    spec
        Its `images` is the folder of the pictures; null: the set has no pictures and lives on declared sizes.

    Returns
    -------
    polars.DataFrame
        Schema IMAGE_SOURCES. Status `missing`: not in the folder, or no folder and no declared size.

    Raises
    ------
    SchemaError
        When `keys` lacks a column or has one of the wrong type.
    InputError
        When the folder does not exist or there are no keys.
    """
    table = check_columns(keys, schema=KEYS, table="keys")
    folder = PictureFolder(Root(spec.images, field="images")) if spec.images else None
    return sources_frame(_rows(table, folder=folder), spec=spec)


def _rows(keys: pl.DataFrame, *, folder: PictureFolder | None) -> Iterator[Found]:
    for number, row in enumerate(keys.iter_rows(), start=1):
        key, file_name, width, height, license, attribution = row
        if not key:
            yield Found(f"row-{number}", status="missing", error=f"image {number} of the annotations has no key")
            continue
        if folder is not None:
            found = found_at(folder.find(key, file_name=file_name or None), image_key=key)
        elif (width or 0) < 1 or (height or 0) < 1:
            size = f"{width} x {height}"
            reason = f"image `{shown(key)}` has no picture and no declared size: expected pixels, got {size}"
            found = Found(key, status="missing", error=reason)
        else:
            found = Found(key)
        yield found._replace(declared_width=width, declared_height=height, license=license, attribution=attribution)
