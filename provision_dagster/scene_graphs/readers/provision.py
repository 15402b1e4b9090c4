"""ProVision's own layout: {image id: {data_path, annotation, source}}, one file or several merged by id."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provision_dagster.scene_graphs.provenance import PARTS
from provision_dagster.scene_graphs.readers.companions import UNKNOWN, Companions
from provision_dagster.scene_graphs.readers.provision_entry import EXTRA_FIELDS, FIELDS, Entry
from provision_dagster.scene_graphs.readers.provision_files import Merged, find_files
from provision_dagster.scene_graphs.readers.raw import Place
from provision_dagster.scene_graphs.readers.sink import Sink
from provision_dagster.scene_graphs.readers.values import as_id, as_text, shown

_ANNOTATED = {
    "objects": "labels",
    "attributes": "attributes",
    "relations": "relations",
    "masks": "mask_rle",
    "captions": "captions",
}


def looks_like(value: Any) -> bool:
    """Whether the value of a top-level key has this layout."""
    return isinstance(value, dict) and isinstance(value.get("annotation"), dict)


def read(path: Path, *, sink: Sink, masks: Companions, depth: Companions) -> Iterator[None]:
    """
    Read ProVision's layout into the sink.

    Lists whose lengths disagree and files of one image that disagree on its objects are rejected as a
    whole. Keys of our own in `annotation` beside ProVision's: `exhaustive_labels`, `doubtful_labels`,
    `exhaustive_attributes`, `exhaustive_relations`, `captions`, `license`, `attribution`, `provenance`, `object_ids`,
    `is_group`, `mask_rle`.

    Yields
    ------
    None
        After each image.
    """
    files, ignored = find_files(path)
    for file in ignored:
        sink.raw.reject_file(file, detail=f"no entry has any of {', '.join(f'`{name}`' for name in FIELDS)}")
    for merged in Merged(files, sink=sink).images():
        _read_image(merged.key, merged.entry, place=merged.place, sink=sink, masks=masks, depth=depth)
        yield


def _read_image(
    key: str, fields: dict[str, Any], *, place: Place, sink: Sink, masks: Companions, depth: Companions
) -> None:
    size = sink.size_of(fields.get("width"), fields.get("height"), place=place)
    if size is None:
        return
    _reject_unknown(fields, place=place, sink=sink)
    entry = Entry(fields, place=place, raw=sink.raw)
    files = {
        part: _companion(fields.get(name), folder, key=key, place=place, sink=sink)
        for part, name, folder in (("masks", "seg_mask_id", masks), ("depth", "depth_mask_id", depth))
    }
    number = sink.open_image(
        key,
        file_name=_file_name(fields.get("data_path")),
        size=size,
        license=as_text(fields.get("license")),
        attribution=as_text(fields.get("attribution")),
        provenance=_provenance(fields, files=files, place=place, sink=sink),
        mask_uri=None if entry.has_inline_masks else files["masks"],
        depth_uri=files["depth"],
        exhaustive_labels=entry.names("exhaustive_labels"),
        doubtful_labels=entry.names("doubtful_labels"),
        exhaustive=(entry.flag("exhaustive_attributes"), entry.flag("exhaustive_relations")),
        mask_count=len(entry.labels),
    )
    entry.add_objects(number, size=size)
    entry.add_attributes(number)
    entry.add_relations(number)
    entry.add_captions(number)


def _reject_unknown(fields: dict[str, Any], *, place: Place, sink: Sink) -> None:
    for name in fields:
        if name not in FIELDS and name not in EXTRA_FIELDS:
            allowed = ", ".join(f"`{field}`" for field in (*FIELDS, *EXTRA_FIELDS[:-2]))
            detail = f"`{shown(name)[1:-1]}` is not read; known: {allowed}"
            sink.raw.reject(place, item=None, field=name[:60], reason="unknown_field", detail=detail)


def _companion(name: Any, folder: Companions, *, key: str, place: Place, sink: Sink) -> str | None:
    if name is None:
        return folder.of_image(key, file=place.file, raw=sink.raw)
    text = as_text(name)
    if text:
        return folder.named(text, image_key=key, file=place.file, raw=sink.raw)
    place = place._replace(part=folder.part)
    detail = f"expected a file name, got {shown(name)}"
    sink.raw.reject(place, item=None, field=f"{folder.part}_uri", reason="not_text", detail=detail)
    return None


def _file_name(data_path: Any) -> str | None:
    text = as_text(data_path)
    return text.replace("\\", "/").rpartition("/")[2] or None if text else None


def _provenance(
    fields: dict[str, Any], *, files: dict[str, str | None], place: Place, sink: Sink
) -> dict[str, str | None]:
    """Who made each part: `provenance`, else `source`, else unknown; None where a part is missing."""
    source = as_id(fields.get("source")) or UNKNOWN
    made_by = {part: source if fields.get(name) is not None else None for part, name in _ANNOTATED.items()}
    made_by |= {part: source for part, uri in files.items() if uri}
    given = fields.get("provenance")
    if given is None:
        return made_by
    wrong = not isinstance(given, dict) or not all(n in PARTS and as_text(v) for n, v in given.items() if v is not None)
    if wrong:
        allowed = ", ".join(f"`{part}`" for part in PARTS)
        detail = f"`provenance` must name makers of {allowed}, got {shown(given)}"
        sink.raw.reject(place, item=None, field="provenance", reason="bad_provenance", detail=detail)
        return made_by
    return {part: given.get(part) or maker if maker else None for part, maker in made_by.items()}
