"""Mask and depth files that go with images, found in the folders that the user names."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from provision_dagster.errors import InputError
from provision_dagster.image_sets.paths import Root, to_uri
from provision_dagster.scene_graphs.readers.raw import Place, Raw

Part = Literal["mask", "depth"]

DEFAULT_FOLDERS: dict[Part, tuple[str, ...]] = {
    "mask": ("seg_masks", "masks"),
    "depth": ("depth_masks", "depth"),
}
"""Folders beside the annotation file that are used when none is named."""

UNKNOWN = "unknown"
"""Provenance of a mask or depth file of which only the folder is known."""

SUFFIXES: dict[Part, tuple[str, ...]] = {
    "mask": (".npy", ".npz", ".pkl", ".png"),
    "depth": (".npy", ".npz", ".png", ".tif", ".tiff"),
}


class Companions:
    """The folder of one part."""

    def __init__(self, folder: Path | None, *, part: Part, beside: Path) -> None:
        self.part: Part = part
        self._named = folder is not None
        here = beside if beside.is_dir() else beside.parent
        folders = [folder] if folder else [here / name for name in DEFAULT_FOLDERS[part]]
        if folder is not None and not folder.is_dir():
            raise InputError(f"`--{'masks' if part == 'mask' else part}`: `{folder}` is not a folder")
        found = [candidate for candidate in folders if candidate.is_dir()]
        self._root = Root(found[0], field=part) if found else None

    def named(self, name: str, *, image_key: str, file: str, raw: Raw) -> str | None:
        """Find the file that annotations name; a file that cannot be used is a rejected row."""
        place = Place(image_key, file, self.part)
        if self._root is None:
            folders = " or ".join(f"`{folder}`" for folder in DEFAULT_FOLDERS[self.part])
            detail = f"`{name}` is named, but no folder was given and there is no {folders} beside the file"
            raw.reject(place, item=None, field=f"{self.part}_uri", reason="no_folder", detail=detail)
            return None
        found = self._root.locate(name)
        if found.status is None:
            return to_uri(found.path)
        raw.reject(
            place,
            item=None,
            field=f"{self.part}_uri",
            reason=found.status,
            detail=found.error or found.status,
        )
        return None

    @cached_property
    def _by_stem(self) -> dict[str, str]:
        if self._root is None or not self._named:
            return {}
        names = sorted(path.name for path in Path(self._root.folder).iterdir())
        files = [name for name in names if name.lower().endswith(SUFFIXES[self.part])]
        # Reversed: of several suffixes for one picture the first in the alphabet (.npy) counts.
        return {Path(name).stem.removesuffix(f"_{self.part}"): name for name in reversed(files)}

    def of_image(self, image_key: str, *, file: str, raw: Raw) -> str | None:
        """Find the file named after the image's key, with or without `_mask` or `_depth`."""
        name = self._by_stem.get(image_key) or self._by_stem.get(Path(image_key).name)
        return self.named(name, image_key=image_key, file=file, raw=raw) if name else None


def companion_parts(
    image_key: str, *, masks: Companions, depth: Companions, file: str, raw: Raw
) -> tuple[tuple[str | None, str | None], dict[str, str | None]]:
    """
    Find the mask and depth files of an image by its key, for layouts that name none.

    Returns
    -------
    tuple
        (mask file, depth file), and the provenance of both parts.
    """
    mask_uri = masks.of_image(image_key, file=file, raw=raw)
    depth_uri = depth.of_image(image_key, file=file, raw=raw)
    made_by = {"masks": mask_uri and UNKNOWN, "depth": depth_uri and UNKNOWN}
    return (mask_uri, depth_uri), made_by
