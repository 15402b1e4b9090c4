"""First pass over COCO files: images, categories and licences in memory, annotations by image on disk."""

from pathlib import Path
from typing import Any, NamedTuple

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers.json_stream import section_entries
from provision_dagster.scene_graphs.readers.raw import Place, Raw
from provision_dagster.scene_graphs.readers.spill import Spill
from provision_dagster.scene_graphs.readers.values import as_id, as_text, shown


class CocoImage(NamedTuple):
    """An entry of `images`; `key` is its file name without suffix."""

    id: str
    key: str
    file: str
    file_name: str
    width: object
    height: object
    license_name: str | None
    license_id: str | None
    flickr_url: str | None


class CocoIndex:
    """What the files hold, ready to be read image by image."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self.images: dict[str, CocoImage] = {}
        self.categories: dict[str, str] = {}
        self.licenses: dict[str, str] = {}
        self.annotations = Spill()
        self.has_captions = False
        self._partial = False  # LVIS searches only some categories in each picture

    @property
    def exhaustive_labels(self) -> list[str]:
        """Names of the categories, of which COCO's annotators marked every instance (80 in COCO itself)."""
        return [] if self._partial else list(self.categories.values())

    def add(self, path: Path) -> None:
        """
        Read a file.

        Raises
        ------
        InputError
            When `images` or `annotations` is missing or no list, or the file holds keypoints.
        """
        seen: set[str] = set()
        ids: set[str] = set()
        for section, place, value in section_entries(path):
            seen.add(section)
            if place is None:
                self._check_section(section, value, path=path)
            elif section == "images":
                self._add_image(place, value, file=path.name, ids=ids)
            elif section == "annotations":
                self._add_annotation(place, value, path=path)
            elif section in ("categories", "licenses"):
                self._add_name(section, place, value, file=path.name)
        missing = [name for name in ("images", "annotations") if name not in seen]
        if missing:
            got = ", ".join(f"`{name}`" for name in sorted(seen))
            raise InputError(f"`{path}`: expected a list `{missing[0]}` at the top level, got {got or 'nothing'}")

    def _check_section(self, section: str, value: Any, *, path: Path) -> None:
        if value != [] and section in ("images", "annotations", "categories"):
            raise InputError(f"`{path}`: `{section}` must be a list, got {shown(value)}")

    def _add_image(self, place: int, value: Any, *, file: str, ids: set[str]) -> None:
        id = as_id(value.get("id")) if isinstance(value, dict) else None
        name = as_text(value.get("file_name")) if isinstance(value, dict) else None
        if id is None or not name:
            detail = f"expected an image with `id` and `file_name`, got {shown(value)}"
            self._reject(Place(id, file, "image"), str(place), reason="missing_field", detail=detail)
            return
        known = self.images.get(id)
        if id in ids or (known and known.file_name != name):
            detail = f"image id {id} is listed more than once; its first entry is used"
            self._reject(Place(id, file, "image"), str(place), reason="duplicate_image", detail=detail)
            return
        ids.add(id)
        self._partial |= "neg_category_ids" in value
        self.images.setdefault(id, _image(id, name, value, file=file))

    def _add_annotation(self, place: int, value: Any, *, path: Path) -> None:
        part = "caption" if isinstance(value, dict) and "caption" in value else "object"
        if isinstance(value, dict) and "keypoints" in value:
            raise InputError(f"`{path}` holds keypoints, which are not read; give an instances*.json or captions*.json")
        key = as_id(value.get("image_id")) if isinstance(value, dict) else None
        if key is None:
            detail = f"expected an annotation with an `image_id`, got {shown(value)}"
            self._reject(Place(None, path.name, part), str(place), reason="bad_image_id", detail=detail)
            return
        self.has_captions |= part == "caption"
        self.annotations.put(key, (path.name, part, value))

    def _add_name(self, section: str, place: int, value: Any, *, file: str) -> None:
        id = as_id(value.get("id")) if isinstance(value, dict) else None
        name = as_text(value.get("name")) if isinstance(value, dict) else None
        if id is None or not name:
            detail = f"expected an entry of `{section}` with `id` and `name`, got {shown(value)}"
            self._reject(Place(None, file, "image"), str(place), reason="missing_field", detail=detail)
            return
        names = self.categories if section == "categories" else self.licenses
        if names.setdefault(id, name) != name:
            detail = f"`{section}` {id} is {names[id]!r} and {name!r}; the first is used"
            self._reject(Place(None, file, "image"), id, reason="duplicate_category", detail=detail)

    def _reject(self, place: Place, item: str, *, reason: str, detail: str) -> None:
        self._raw.reject(place, item=item, field=None, reason=reason, detail=detail)


def _image(id: str, name: str, value: dict[str, Any], *, file: str) -> CocoImage:
    stem, dot, suffix = name.rpartition(".")
    return CocoImage(
        id,
        stem if dot and "/" not in suffix and stem else name,
        file,
        name,
        value.get("width"),
        value.get("height"),
        as_text(value.get("license_name")),
        as_id(value.get("license")),
        as_text(value.get("flickr_url")) or as_text(value.get("coco_url")),
    )
