"""ProVision's files: which are read, and the entries of one image in several files merged into one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers.json_stream import entries
from provision_dagster.scene_graphs.readers.provision_entry import EXTRA_FIELDS, FIELDS
from provision_dagster.scene_graphs.readers.raw import Place
from provision_dagster.scene_graphs.readers.sink import Sink
from provision_dagster.scene_graphs.readers.spill import KeyedEntries
from provision_dagster.scene_graphs.readers.values import as_id, shown

_LOOK_AT = 20
_OBJECT_FIELDS = ("labels", "bboxes", "object_ids")
_SHARED_FIELDS = ("width", "height", "data_path", "source")


def _fields_of(path: Path) -> set[str]:
    """Names in the annotations of the first entries."""
    found: set[str] = set()
    for number, (_, value) in enumerate(entries(path)):
        annotation = value.get("annotation") if isinstance(value, dict) else None
        found |= set(annotation) if isinstance(annotation, dict) else set()
        if number + 1 >= _LOOK_AT:
            break
    return found


def find_files(path: Path) -> tuple[list[Path], list[Path]]:
    """
    Decide which files are read; in a folder that with the detector's objects comes first.

    Returns
    -------
    tuple
        Files to merge, and files without a known field, such as the raw answers of a relation model.

    Raises
    ------
    InputError
        When a folder holds nothing to read.
    """
    if not path.is_dir():
        return [path], []
    every = sorted(file for file in path.iterdir() if file.name.endswith((".json", ".json.gz")))
    known = {file: _fields_of(file) & {*FIELDS, *EXTRA_FIELDS} - {*_SHARED_FIELDS} for file in every}
    used = [file for file in every if known[file]]
    if not used:
        raise InputError(f"`{path}`: expected .json files in ProVision's layout, found {[f.name for f in every]}")
    used.sort(key=lambda file: ("labels" not in known[file], "det_scores" not in known[file], file.name))
    return used, [file for file in every if file not in used]


class MergedImage(NamedTuple):
    """All that the files say of one image, in one dict."""

    key: str
    entry: dict[str, Any]
    place: Place


class Merged:
    """The images of several files in the order of the first; those that only a later file has follow."""

    def __init__(self, files: list[Path], *, sink: Sink) -> None:
        self._sink = sink
        self._files = [(file, KeyedEntries(self._entries(file))) for file in files]

    def _entries(self, file: Path) -> Iterator[tuple[str, Any]]:
        for key, value in entries(file):
            image_key = as_id(key)
            if image_key is None or not isinstance(value, dict) or not isinstance(value.get("annotation"), dict):
                reason = "bad_image_id" if image_key is None else "not_an_object"
                detail = f"expected an object with an object `annotation`, got {shown(value)}"
                self._sink.reject_image(file, image_key=image_key, item=shown(key), reason=reason, detail=detail)
            else:
                about = {name: value[name] for name in value if name != "annotation"}
                yield image_key, {**value["annotation"], **about}

    def images(self) -> Iterator[MergedImage]:
        """Step through the images; a second entry of an image in the same file is rejected."""
        emitted: set[str] = set()
        for number, (file, source) in enumerate(self._files):
            for key, entry in source.rest():
                place = Place(key, file.name, "image")
                if key in emitted:
                    detail = f"image `{key}` is listed more than once in `{file.name}`; its first entry is used"
                    self._sink.raw.reject(place, item=None, field=None, reason="duplicate_image", detail=detail)
                    continue
                emitted.add(key)
                for other, later in self._files[number + 1 :]:
                    more = later.take(key)
                    if more is not None:
                        self._merge(entry, more, place=place._replace(file=other.name))
                yield MergedImage(key, entry, place)

    def _merge(self, entry: dict[str, Any], more: dict[str, Any], *, place: Place) -> None:
        same = {*_OBJECT_FIELDS, "width", "height"}
        disagree = [name for name in more if name in same and name in entry and entry[name] != more[name]]
        if disagree:
            detail = f"`{disagree[0]}` differs from that of the other files; this file is left out for the image"
            self._sink.raw.reject(place, item=None, field=disagree[0], reason="files_disagree", detail=detail)
            return
        for name, value in more.items():
            if entry.get(name) is None:
                entry[name] = value
