"""COCO's layout: instances (polygons, RLE, crowds) and captions, of one file or a folder of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers.coco_index import CocoImage, CocoIndex
from provision_dagster.scene_graphs.readers.companions import Companions, companion_parts
from provision_dagster.scene_graphs.readers.raw import Place
from provision_dagster.scene_graphs.readers.sink import Sink
from provision_dagster.scene_graphs.readers.values import as_id, as_score, shown
from provision_dagster.scene_graphs.rle import check_rle, compress_counts, encode_polygons

SOURCE = "human:coco"
PREFIXES = ("instances", "captions")

Size = tuple[int | None, int | None]


def looks_like(value: Any) -> bool:
    """Whether a top-level object has this layout, by its keys."""
    return bool({"images", "annotations", "categories"} & set(value))


def find_files(path: Path) -> tuple[list[Path], list[Path]]:
    """
    Decide which files are read: `instances*.json` and `captions*.json` of a folder or its `annotations/`.

    Returns
    -------
    tuple
        Files to read, and files that are left alone (keypoints and whatever else lies there).

    Raises
    ------
    InputError
        When a folder has neither.
    """
    if not path.is_dir():
        return [path], []
    inner = path / "annotations"
    folder = inner if inner.is_dir() else path
    every = sorted(file for file in folder.iterdir() if file.name.endswith((".json", ".json.gz")))
    # Instances first: their images carry the same sizes as those of captions, and more of them.
    used = sorted((f for f in every if f.name.startswith(PREFIXES)), key=lambda f: (f.name < "instances", f.name))
    if not used:
        raise InputError(f"`{path}`: expected `instances*.json` or `captions*.json`, found {[f.name for f in every]}")
    return used, [file for file in every if file not in used]


def read(path: Path, *, sink: Sink, masks: Companions, depth: Companions) -> Iterator[None]:
    """
    Read COCO's layout into the sink; images without annotations are rows too.

    Yields
    ------
    None
        After each image.
    """
    files, ignored = find_files(path)
    for file in ignored:
        what = "keypoints are" if "keypoints" in file.name else "this file is"
        sink.raw.reject_file(file, detail=f"{what} not read; instances*.json and captions*.json are")
    index = CocoIndex(sink.raw)
    for file in files:
        index.add(file)
    for image in index.images.values():
        _read_image(image, index=index, sink=sink, masks=masks, depth=depth)
        yield
    for key, (file, part, annotation) in index.annotations.rest():
        place = Place(None, file, part)
        detail = f"`image_id` {key} is not in `images`"
        item = as_id(annotation.get("id")) or key
        sink.raw.reject(place, item=item, field="image_id", reason="unknown_image", detail=detail)
        yield


def _read_image(image: CocoImage, *, index: CocoIndex, sink: Sink, masks: Companions, depth: Companions) -> None:
    found = index.annotations.take(image.id)
    place = Place(image.key, image.file, "image")
    if sink.repeated_image(image.key, place=place):
        return
    size = sink.size_of(image.width, image.height, place=place)
    if size is None:
        return
    uris, made_by = companion_parts(image.key, masks=masks, depth=depth, file=image.file, raw=sink.raw)
    inline = any(part == "object" and entry.get("segmentation") for _, part, entry in found)
    made_by |= {
        "objects": SOURCE if index.categories else None,
        "masks": SOURCE if inline else made_by["masks"],
        "captions": SOURCE if index.has_captions else None,
    }
    number = sink.open_image(
        image.key,
        file_name=image.file_name,
        size=size,
        license=image.license_name or index.licenses.get(image.license_id or ""),
        attribution=image.flickr_url,
        provenance=made_by,
        mask_uri=None if inline else uris[0],
        depth_uri=uris[1],
        exhaustive_labels=index.exhaustive_labels,
        mask_count=sum(part == "object" for _, part, _ in found),
    )
    for place_in_image, (file, part, entry) in enumerate(found):
        place = Place(image.key, file, part)
        item = as_id(entry.get("id")) or str(place_in_image)
        if part == "caption":
            sink.raw.add_caption(number, entry.get("caption"), item=item, place=place)
        else:
            _read_instance(number, entry, item=item, at=place_in_image, place=place, size=size, index=index, sink=sink)


def _read_instance(
    image: int,
    entry: dict[str, Any],
    *,
    item: str,
    at: int,
    place: Place,
    size: Size,
    index: CocoIndex,
    sink: Sink,
) -> None:
    category = as_id(entry.get("category_id"))
    label = index.categories.get(category or "")
    if label is None:
        detail = f"`category_id` {shown(entry.get('category_id'))} is not in `categories`"
        sink.raw.reject(place, item=item, field="category_id", reason="unknown_category", detail=detail)
        return
    corner = entry.get("bbox")
    sink.raw.add_object(
        image,
        item,
        label=label,
        corner=corner if isinstance(corner, list) else [corner],
        number=at,
        place=place,
        score=as_score(entry.get("score")),
        is_group=entry.get("iscrowd") in (1, True),
        mask_rle=_mask(entry, item=item, place=place._replace(part="mask"), size=size, sink=sink),
    )


def _mask(entry: dict[str, Any], *, item: str, place: Place, size: Size, sink: Sink) -> str | None:
    shape = entry.get("segmentation")
    if shape in (None, []):
        return None
    try:
        return segmentation_rle(shape, size=size)
    except InputError as error:
        sink.raw.reject(place, item=item, field="segmentation", reason="bad_mask", detail=str(error))
        return None


def segmentation_rle(shape: object, *, size: Size) -> str:
    """
    Encode COCO's `segmentation` as a compressed RLE string.

    Parameters
    ----------
    shape
        A list of polygons, or {"size": [height, width], "counts": list or compressed string}.
    size
        Width and height of the picture in pixels.

    Raises
    ------
    InputError
        When it is of another form or does not fit the picture.
    """
    width, height = size
    if width is None or height is None:
        raise InputError("a mask needs `width` and `height` of its image")
    if isinstance(shape, list):
        return encode_polygons(shape, width=width, height=height)
    if not isinstance(shape, dict) or shape.get("size") != [height, width]:
        got = shape.get("size") if isinstance(shape, dict) else shape
        raise InputError(f"expected polygons or an RLE of `size` [{height}, {width}], got {shown(got)}")
    counts = shape.get("counts")
    if isinstance(counts, list):
        return compress_counts(counts, width=width, height=height)
    if isinstance(counts, str):
        return check_rle(counts, width=width, height=height)
    raise InputError(f"RLE `counts` must be a list or text, got {shown(counts)}")
