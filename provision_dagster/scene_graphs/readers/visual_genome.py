"""Visual Genome's layouts: scene_graphs, or objects + attributes + relationships; regions; sizes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provision_dagster.scene_graphs.readers.companions import Companions, companion_parts
from provision_dagster.scene_graphs.readers.json_stream import entries
from provision_dagster.scene_graphs.readers.raw import Place, Raw
from provision_dagster.scene_graphs.readers.sink import Sink
from provision_dagster.scene_graphs.readers.spill import KeyedEntries
from provision_dagster.scene_graphs.readers.values import as_id, as_side, shown
from provision_dagster.scene_graphs.readers.visual_genome_files import Files, Main, find_files

SOURCE = "human:visual_genome"


class _Side:
    """One of the files beside the main file, asked by image key."""

    def __init__(self, path: Path | None, *, part: str, field: str, sink: Sink) -> None:
        self.path, self.field, self._part, self._sink = path, field, part, sink
        self._entries = KeyedEntries(self._keyed(path)) if path else None

    def _keyed(self, path: Path) -> Iterator[tuple[str, Any]]:
        for number, entry in entries(path):
            key = _key(entry)
            if key is None:
                place = Place(None, path.name, self._part)
                _reject_entry(self._sink.raw, place, item=str(number), entry=entry)
            else:
                yield key, entry

    def items(self, image_key: str) -> tuple[list[Any], Place]:
        """Items of an image, and their place."""
        place = Place(image_key, self.path.name if self.path else "", self._part)
        entry = self._entries.take(image_key) if self._entries else None
        if entry is None:
            return [], place
        return self._sink.raw.list_of(entry.get(self.field), place=place, field=self.field), place

    def reject_rest(self) -> Iterator[None]:
        """Reject the entries of images that the main file does not have, or has once."""
        for key, _ in self._entries.rest() if self._entries else ():
            place = Place(key, self.path.name if self.path else "", self._part)
            twice = self._sink.knows(key)
            detail = f"image `{key}` is " + ("listed more than once" if twice else "not in the file of objects")
            reason = "duplicate_image" if twice else "unknown_image"
            self._sink.raw.reject(place, item=None, field="image_id", reason=reason, detail=detail)
            yield


def _key(entry: Any) -> str | None:
    return as_id(entry.get("image_id", entry.get("id"))) if isinstance(entry, dict) else None


def _reject_entry(raw: Raw, place: Place, *, item: str, entry: Any) -> None:
    is_object = isinstance(entry, dict)
    reason, field = ("bad_image_id", "image_id") if is_object else ("not_an_object", None)
    raw.reject(place, item=item, field=field, reason=reason, detail=f"expected an image, got {shown(entry)}")


def _sizes(path: Path | None, *, sink: Sink) -> dict[str, tuple[int | None, int | None]]:
    sizes = {}
    for number, entry in entries(path) if path else ():
        key = _key(entry)
        place = Place(key, path.name if path else "", "image")
        if key is None:
            _reject_entry(sink.raw, place, item=str(number), entry=entry)
            continue
        sides = as_side(entry.get("width")), as_side(entry.get("height"))
        if None in sides:
            detail = f"`width` and `height` must be whole numbers from 1, got {shown(entry)}"
            sink.raw.reject(place, item=None, field="width", reason="bad_size", detail=detail)
        sizes[key] = sides if None not in sides else (None, None)
    return sizes


def read(path: Path, *, sink: Sink, masks: Companions, depth: Companions, parts: Main | None = None) -> Iterator[None]:
    """
    Read Visual Genome's layouts into the sink.

    Yields
    ------
    None
        After each image.
    """
    files = find_files(path, parts=parts)
    for ignored in files.ignored:
        sink.raw.reject_file(ignored, detail=f"`{ignored.name}` is not read together with `{files.main.name}`")
    attributes = _Side(files.attributes, part="attribute", field="attributes", sink=sink)
    relations = _Side(files.relationships, part="relation", field="relationships", sink=sink)
    regions = _Side(files.regions, part="region", field="regions", sink=sink)
    sizes = _sizes(files.sizes, sink=sink)

    def read_sides(image: int, key: str) -> None:
        _read_attributes(image, *attributes.items(key), raw=sink.raw)
        _read_relations(image, *relations.items(key), raw=sink.raw)
        _read_regions(image, *regions.items(key), raw=sink.raw)

    for number, entry in entries(files.main):
        opened = _open_image(number, entry, files=files, sizes=sizes, sink=sink, masks=masks, depth=depth)
        if opened:
            _read_main(opened[0], entry, files=files, key=opened[1], raw=sink.raw)
            read_sides(*opened)
        yield
    for side in (attributes, relations, regions):
        yield from side.reject_rest()


def _open_image(
    number: int | str,
    entry: Any,
    *,
    files: Files,
    sizes: dict[str, tuple[int | None, int | None]],
    sink: Sink,
    masks: Companions,
    depth: Companions,
) -> tuple[int, str] | None:
    key = _key(entry)
    place = Place(key, files.main.name, "image")
    if key is None:
        _reject_entry(sink.raw, place, item=str(number), entry=entry)
        return None
    if sink.repeated_image(key, place=place):
        return None
    uris, made_by = companion_parts(key, masks=masks, depth=depth, file=files.main.name, raw=sink.raw)
    with_graph = files.kind == "scene_graphs"
    made_by |= {
        "objects": SOURCE,
        "attributes": SOURCE if with_graph or files.attributes else None,
        "relations": SOURCE if with_graph or files.relationships else None,
    }
    objects = entry.get("objects")
    image = sink.open_image(
        key,
        file_name=f"{key}.jpg",
        size=sizes.get(key, (None, None)),
        provenance=made_by,
        mask_uri=uris[0],
        depth_uri=uris[1],
        mask_count=len(objects) if isinstance(objects, list) else 0,
    )
    return image, key


def _read_main(image: int, entry: dict[str, Any], *, files: Files, key: str, raw: Raw) -> None:
    place = Place(key, files.main.name, "object")
    objects = raw.list_of(entry.get("objects"), place=place, field="objects")
    for number, item in enumerate(objects):
        _read_object(image, item, number=number, place=place, raw=raw)
    if files.kind == "scene_graphs":
        described = [item for item in objects if isinstance(item, dict)]
        _read_attributes(image, described, place._replace(part="attribute"), raw=raw)
        place = place._replace(part="relation")
        relations = raw.list_of(entry.get("relationships"), place=place, field="relationships")
        _read_relations(image, relations, place, raw=raw)


def _read_object(image: int, item: Any, *, number: int, place: Place, raw: Raw) -> None:
    ref = as_id(item.get("object_id")) if isinstance(item, dict) else None
    if ref is None:
        reason, field = ("bad_object_id", "object_id") if isinstance(item, dict) else ("not_an_object", None)
        detail = f"expected an object with an `object_id`, got {shown(item)}"
        raw.reject(place, item=str(number), field=field, reason=reason, detail=detail)
        return
    names = item.get("names")
    label = names[0] if isinstance(names, list) and names else item.get("name")
    corner = [item.get(side) for side in "xywh"]
    raw.add_object(image, ref, label=label, corner=corner, number=number, place=place)
    for merged in raw.list_of(item.get("merged_object_ids"), place=place, field="merged_object_ids"):
        raw.aliases.append((image, as_id(merged), ref))


def _read_attributes(image: int, items: list[Any], place: Place, *, raw: Raw) -> None:
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            detail = f"expected an object with `attributes`, got {shown(item)}"
            raw.reject(place, item=str(number), field=None, reason="not_an_object", detail=detail)
            continue
        ref = as_id(item.get("object_id"))
        for index, value in enumerate(raw.list_of(item.get("attributes"), place=place, field="attributes")):
            raw.add_attribute(image, ref, value, item=f"{ref or number}/{index}", place=place)


def _end(item: dict[str, Any], end: str) -> str | None:
    inner = item.get(end)
    return as_id(inner.get("object_id") if isinstance(inner, dict) else item.get(f"{end}_id"))


def _read_relations(image: int, items: list[Any], place: Place, *, raw: Raw) -> None:
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            detail = f"expected an object with `predicate`, got {shown(item)}"
            raw.reject(place, item=str(number), field=None, reason="not_an_object", detail=detail)
            continue
        name = as_id(item.get("relationship_id")) or str(number)
        ends = [_end(item, "subject"), _end(item, "object")]
        raw.add_relation(image, ends[0], item.get("predicate"), ends[1], item=name, place=place)


def _read_regions(image: int, items: list[Any], place: Place, *, raw: Raw) -> None:
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            detail = f"expected a region, got {shown(item)}"
            raw.reject(place, item=str(number), field=None, reason="not_an_object", detail=detail)
            continue
        name = as_id(item.get("region_id", item.get("id"))) or str(number)
        corner = [item.get(side) for side in ("x", "y", "width", "height")]
        raw.add_region(image, name, item.get("phrase"), corner=corner, place=place)
