"""GQA's scene graphs: {image id: {width, height, objects: {id: {name, x, y, w, h, attributes, ...}}}}."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers.companions import Companions, companion_parts
from provision_dagster.scene_graphs.readers.json_stream import RepeatedKeys, entries
from provision_dagster.scene_graphs.readers.raw import Place
from provision_dagster.scene_graphs.readers.sink import Sink
from provision_dagster.scene_graphs.readers.values import as_id, shown

SOURCE = "human:gqa"
PARTS = ("objects", "attributes", "relations")


def find_files(path: Path) -> list[Path]:
    """
    List the scene graph files: the file itself, or `*_sceneGraphs.json` (or .gz) in a folder.

    Raises
    ------
    InputError
        When a folder holds none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if "scenegraphs.json" in file.name.lower().replace("_", ""))
    if not found:
        names = "`train_sceneGraphs.json`, `val_sceneGraphs.json`"
        raise InputError(f"`{path}`: expected {names} (or .gz), found none of them")
    return found


def looks_like(value: Any) -> bool:
    """Whether the value of a top-level key has this layout."""
    return isinstance(value, dict) and isinstance(value.get("objects"), dict) and "annotation" not in value


def read(path: Path, *, sink: Sink, masks: Companions, depth: Companions) -> Iterator[None]:
    """
    Read GQA's layout into the sink.

    Yields
    ------
    None
        After each image.
    """
    for file in find_files(path):
        for key, entry in entries(file, repeats=True):
            _read_image(str(key), entry, file=file, sink=sink, masks=masks, depth=depth)
            yield


def _read_image(key: str, entry: Any, *, file: Path, sink: Sink, masks: Companions, depth: Companions) -> None:
    image_key = as_id(key)
    if image_key is None or not isinstance(entry, dict):
        reason, what = ("bad_image_id", key) if image_key is None else ("not_an_object", entry)
        detail = f"expected an object under an image id, got {shown(what)}"
        sink.reject_image(file, image_key=image_key, item=shown(key), reason=reason, detail=detail)
        return
    place = Place(image_key, file.name, "image")
    if sink.repeated_image(image_key, place=place):
        return
    size = sink.size_of(entry.get("width"), entry.get("height"), place=place)
    if size is None:
        return
    objects = _object_entries(entry.get("objects"), place=place._replace(part="object"), sink=sink)
    uris, made_by = companion_parts(image_key, masks=masks, depth=depth, file=file.name, raw=sink.raw)
    image = sink.open_image(
        image_key,
        file_name=f"{image_key}.jpg",
        size=size,
        provenance={**dict.fromkeys(PARTS, SOURCE), **made_by},
        mask_uri=uris[0],
        depth_uri=uris[1],
        mask_count=len(objects),
    )
    for number, (ref, value) in enumerate(objects):
        _read_object(image, ref, value, number=number, place=place, sink=sink)


def _object_entries(objects: Any, *, place: Place, sink: Sink) -> list[tuple[str, Any]]:
    if isinstance(objects, dict):
        again = objects.repeated if isinstance(objects, RepeatedKeys) else ()
        return [*objects.items(), *again]
    if objects is not None:
        detail = f"`objects` must be an object by id, got {shown(objects)}"
        sink.raw.reject(place, item=None, field="objects", reason="not_an_object", detail=detail)
    return []


def _read_object(image: int, key: str, entry: Any, *, number: int, place: Place, sink: Sink) -> None:
    raw, ref = sink.raw, as_id(key)
    place = place._replace(part="object")
    if ref is None or not isinstance(entry, dict):
        detail = f"expected an object under an object id, got {shown(entry)} under {shown(key)}"
        raw.reject(place, item=shown(key), field=None, reason="not_an_object", detail=detail)
        raw.lost.append((image, ref))
        return
    corner = [entry.get(side) for side in "xywh"]
    raw.add_object(image, ref, label=entry.get("name"), corner=corner, number=number, place=place)
    place = place._replace(part="attribute")
    for index, value in enumerate(raw.list_of(entry.get("attributes"), place=place, field="attributes")):
        raw.add_attribute(image, ref, value, item=f"{ref}/{index}", place=place)
    place = place._replace(part="relation")
    for index, value in enumerate(raw.list_of(entry.get("relations"), place=place, field="relations")):
        _read_relation(image, ref, value, item=f"{ref}/{index}", place=place, sink=sink)


def _read_relation(image: int, ref: str, value: Any, *, item: str, place: Place, sink: Sink) -> None:
    if isinstance(value, dict):
        end = as_id(value.get("object"))
        sink.raw.add_relation(image, ref, value.get("name"), end, item=item, place=place)
        return
    detail = f"expected an object with `name` and `object`, got {shown(value)}"
    sink.raw.reject(place, item=item, field=None, reason="not_an_object", detail=detail)
