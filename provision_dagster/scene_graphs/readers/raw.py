"""Flat tables of one batch, as the files say it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from provision_dagster.scene_graphs.readers.values import as_number, as_text, shown
from provision_dagster.scene_graphs.schema import REJECTED_ANNOTATIONS, SCENE_GRAPHS

PROVENANCE = SCENE_GRAPHS["provenance"]

BOX_COLUMNS: dict[str, pl.DataType] = {name: pl.Float64() for name in ("x1", "y1", "x2", "y2")}
_SOURCE: dict[str, pl.DataType] = {"image": pl.UInt32(), "file": pl.String(), "item": pl.String()}

RAW: dict[str, dict[str, pl.DataType]] = {
    "images": {
        "image": pl.UInt32(),  # place in the batch; all other tables refer to it
        "shard": pl.String(),
        "image_set": pl.String(),
        "position": pl.UInt32(),
        "image_key": pl.String(),
        "file_name": pl.String(),
        "width": pl.Int32(),
        "height": pl.Int32(),
        "license": pl.String(),
        "attribution": pl.String(),
        "mask_uri": pl.String(),
        "depth_uri": pl.String(),
        "exhaustive_labels": pl.List(pl.String()),
        "doubtful_labels": pl.List(pl.String()),
        "exhaustive_attributes": pl.Boolean(),
        "exhaustive_relations": pl.Boolean(),
        "provenance": PROVENANCE,
        "mask_count": pl.UInt32(),  # masks in the file at `mask_uri`; null: as many as objects
    },
    "objects": {
        **_SOURCE,
        "ref": pl.String(),  # how attributes and relations of the source refer to it
        "id": pl.String(),
        "label": pl.String(),
        **BOX_COLUMNS,
        "score": pl.Float64(),
        "is_group": pl.Boolean(),
        "mask_rle": pl.String(),
        "mask_index": pl.UInt32(),  # place of its mask in the file at `mask_uri`
    },
    "aliases": {"image": pl.UInt32(), "alias": pl.String(), "ref": pl.String()},
    "lost": {"image": pl.UInt32(), "ref": pl.String()},  # objects rejected while reading
    "attributes": {**_SOURCE, "ref": pl.String(), "value": pl.String()},
    "relations": {
        **_SOURCE,
        "subject": pl.String(),
        "predicate": pl.String(),
        "object": pl.String(),
        "score": pl.Float64(),
    },
    "captions": {**_SOURCE, "caption": pl.String()},
    "regions": {**_SOURCE, "id": pl.String(), "phrase": pl.String(), **BOX_COLUMNS},
}


TABLES = {**RAW, "rejected": REJECTED_ANNOTATIONS}


class Place(NamedTuple):
    """Where something stands in the source: image, file and part of REJECTED_ANNOTATIONS."""

    image_key: str | None
    file: str
    part: str


@dataclass
class Raw:
    """Rows of one batch, as tuples in the order of the columns of RAW."""

    images: list[tuple[Any, ...]] = field(default_factory=list)
    objects: list[tuple[Any, ...]] = field(default_factory=list)
    aliases: list[tuple[Any, ...]] = field(default_factory=list)
    lost: list[tuple[Any, ...]] = field(default_factory=list)
    attributes: list[tuple[Any, ...]] = field(default_factory=list)
    relations: list[tuple[Any, ...]] = field(default_factory=list)
    captions: list[tuple[Any, ...]] = field(default_factory=list)
    regions: list[tuple[Any, ...]] = field(default_factory=list)
    rejected: list[tuple[Any, ...]] = field(default_factory=list)

    def reject(self, place: Place, *, item: str | None, field: str | None, reason: str, detail: str) -> None:
        """Note something that cannot be used; `item` None means the whole list or entry."""
        self.rejected.append((None, None, *place, item, field, reason, detail))

    def reject_file(self, path: Path, *, detail: str) -> None:
        """Note a file of the folder that is not read."""
        self.reject(Place(None, path.name, "image"), item=None, field=None, reason="ignored_file", detail=detail)

    def list_of(self, value: object, *, place: Place, field: str) -> list[Any]:
        """Return a list as it is, null as an empty one; anything else is rejected and gives an empty one."""
        if isinstance(value, list):
            return value
        if value is not None:
            detail = f"`{field}` must be a list, got {shown(value)}"
            self.reject(place, item=None, field=field, reason="not_a_list", detail=detail)
        return []

    def box_of(self, values: list[object], *, place: Place, item: str) -> tuple[float, float, float, float] | None:
        """Four numbers, or None after rejecting the item."""
        numbers = [number for value in values if (number := as_number(value)) is not None]
        if len(numbers) == len(values) == 4:
            return numbers[0], numbers[1], numbers[2], numbers[3]
        missing = len(values) < 4 or any(value is None for value in values)
        reason = "missing_field" if missing else "not_a_number"
        detail = f"the box must be four numbers, got {shown(values)}"
        self.reject(place, item=item, field="box", reason=reason, detail=detail)
        return None

    def add_object(
        self,
        image: int,
        ref: str,
        *,
        label: object,
        corner: list[object],
        number: int,
        place: Place,
        id: str | None = None,
        score: float | None = None,
        is_group: bool = False,
        mask_rle: str | None = None,
        is_size: bool = True,
    ) -> None:
        """
        Add an object, or reject it when its label is no text or its box is not four numbers.

        Parameters
        ----------
        image
            Its place in the batch.
        ref
            How attributes and relations refer to it; also its id unless `id` is given.
        corner
            x, y, width, height in pixels; with `is_size` false x1, y1, x2, y2.
        number
            Its place in the image, and in the image's mask file.
        """
        name = as_text(label)
        if name is None:
            reason = "missing_field" if label is None else "not_text"
            detail = f"label must be text, got {shown(label)}"
            self.reject(place, item=id or ref, field="label", reason=reason, detail=detail)
        box = self.box_of(corner, place=place, item=id or ref) if name is not None else None
        if box is None:
            self.lost.append((image, ref))
            return
        x1, y1, x2, y2 = (*box[:2], box[0] + box[2], box[1] + box[3]) if is_size else box
        self.objects.append(
            (
                image,
                place.file,
                id or ref,
                ref,
                id or ref,
                name,
                x1,
                y1,
                x2,
                y2,
                score,
                is_group,
                mask_rle,
                number,
            )
        )

    def add_attribute(self, image: int, ref: str | None, value: object, *, item: str, place: Place) -> None:
        """Add one attribute as written, or reject it when it is no text or names no object."""
        text = as_text(value)
        if text is None or ref is None:
            reason, field = ("not_text", "attributes") if text is None else ("bad_object_id", "object_id")
            detail = f"attribute must be text on an object with an id, got {shown(value)}"
            self.reject(place, item=item, field=field, reason=reason, detail=detail)
            return
        self.attributes.append((image, place.file, item, ref, text))

    def add_relation(
        self,
        image: int,
        subject: str | None,
        predicate: object,
        object: str | None,
        *,
        item: str,
        place: Place,
        score: float | None = None,
    ) -> None:
        """Add one relation, or reject it when its predicate is no text or an end has no id."""
        text = as_text(predicate)
        if text is None:
            detail = f"predicate must be text, got {shown(predicate)}"
            self.reject(place, item=item, field="predicate", reason="not_text", detail=detail)
        elif subject is None or object is None:
            field = "subject" if subject is None else "object"
            detail = f"`{field}` must be an object id (whole number or text)"
            self.reject(place, item=item, field=field, reason="bad_object_id", detail=detail)
        else:
            self.relations.append((image, place.file, item, subject, text, object, score))

    def add_caption(self, image: int, value: object, *, item: str, place: Place) -> None:
        """Add a caption, or reject it when it is no text."""
        text = as_text(value)
        if text is None:
            detail = f"caption must be text, got {shown(value)}"
            self.reject(place, item=item, field="caption", reason="not_text", detail=detail)
            return
        self.captions.append((image, place.file, item, text))

    def add_region(self, image: int, name: str, phrase: object, *, corner: list[object], place: Place) -> None:
        """Add a described region (`corner`: x, y, width, height), or reject what is no text or number."""
        text = as_text(phrase)
        if text is None:
            detail = f"phrase must be text, got {shown(phrase)}"
            self.reject(place, item=name, field="phrase", reason="not_text", detail=detail)
            return
        box = self.box_of(corner, place=place, item=name)
        if box is not None:
            x, y, width, height = box
            self.regions.append((image, place.file, name, name, text, x, y, x + width, y + height))

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the tables of RAW and `rejected` as polars frames."""
        return {name: self._frame(name, schema) for name, schema in TABLES.items()}

    def _frame(self, name: str, schema: dict[str, pl.DataType]) -> pl.DataFrame:
        rows: list[tuple[Any, ...]] = getattr(self, name)
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
        return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)
