"""One entry of ProVision's layout: lists that run parallel to `labels`."""

from typing import Any

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.readers.raw import Place, Raw
from provision_dagster.scene_graphs.readers.values import as_id, as_score, as_text, shown
from provision_dagster.scene_graphs.rle import check_rle

FIELDS = (
    "width",
    "height",
    "labels",
    "bboxes",
    "attributes",
    "relations",
    "det_scores",
    "depth_mask_id",
    "seg_mask_id",
)
"""ProVision's own fields."""

EXTRA_FIELDS = (
    "exhaustive_labels",
    "doubtful_labels",
    "exhaustive_attributes",
    "exhaustive_relations",
    "captions",
    "license",
    "attribution",
    "provenance",
    "object_ids",
    "is_group",
    "mask_rle",
    "camera",
    "data_path",
    "source",
)
"""Fields that this package adds: `camera` (of rendered scenes) is not used; the last two stand beside
`annotation`, where `license` and `attribution` may stand too."""


class Entry:
    """The annotation of one image; what is wrong in it goes to the rejected rows."""

    def __init__(self, fields: dict[str, Any], *, place: Place, raw: Raw) -> None:
        self._fields, self._place, self._raw = fields, place, raw
        self.labels = self._list("labels", part="object")
        boxes = self._parallel("bboxes", part="object")
        if boxes is None and self.labels and fields.get("bboxes") is None:
            detail = f"`labels` has {len(self.labels)} items, `bboxes` is missing"
            self._reject("object", field="bboxes", reason="length_mismatch", detail=detail)
        self._boxes = boxes

    @property
    def has_inline_masks(self) -> bool:
        """Whether masks are in the entry itself, not in a file."""
        return self._fields.get("mask_rle") is not None

    def _reject(self, part: str, *, field: str, reason: str, detail: str, item: str | None = None) -> None:
        self._raw.reject(self._place._replace(part=part), item=item, field=field, reason=reason, detail=detail)

    def _list(self, name: str, *, part: str) -> list[Any]:
        return self._raw.list_of(self._fields.get(name), place=self._place._replace(part=part), field=name)

    def _parallel(self, name: str, *, part: str) -> list[Any] | None:
        """A list as long as `labels`; None when it is missing or was rejected."""
        values = self._list(name, part=part)
        if not isinstance(self._fields.get(name), list):
            return None
        if len(values) == len(self.labels):
            return values
        detail = f"`{name}` has {len(values)} items, `labels` has {len(self.labels)}; it is left out"
        self._reject(part, field=name, reason="length_mismatch", detail=detail)
        return None

    def names(self, name: str) -> list[str]:
        """A list of texts; others in it are rejected."""
        values = self._list(name, part="image")
        for place, value in enumerate(values):
            if as_text(value) is None:
                detail = f"`{name}` must hold texts, got {shown(value)}"
                self._reject("image", field=name, reason="not_text", detail=detail, item=str(place))
        return [text for value in values if (text := as_text(value)) is not None]

    def flag(self, name: str) -> bool:
        """A boolean; false when it is missing or something else, which is rejected."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            detail = f"`{name}` must be true or false, got {shown(value)}"
            self._reject("image", field=name, reason="not_a_boolean", detail=detail)
        return value is True

    def _groups(self) -> list[Any]:
        groups = self._parallel("is_group", part="object")
        if groups is not None and not all(isinstance(value, bool) for value in groups):
            detail = f"`is_group` must hold true or false, got {shown(groups)}; it is left out"
            self._reject("object", field="is_group", reason="not_a_boolean", detail=detail)
            groups = None
        return groups or [False] * len(self.labels)

    def add_objects(self, image: int, *, size: tuple[int | None, int | None]) -> None:
        """Add the objects; their references are their places in `labels`."""
        nothing: list[Any] = [None] * len(self.labels)
        if self._boxes is None:
            self._raw.lost.extend((image, str(number)) for number in range(len(self.labels)))
            return
        ids = self._parallel("object_ids", part="object") or range(len(self.labels))
        scores = self._parallel("det_scores", part="object") or nothing
        masks, groups = self._parallel("mask_rle", part="mask") or nothing, self._groups()
        rows = zip(self.labels, self._boxes, ids, scores, masks, groups, strict=True)
        for number, (label, box, name, score, mask, group) in enumerate(rows):
            item = as_id(name)
            if item is None:
                detail = f"object id must be a whole number or text, got {shown(name)}"
                self._reject("object", field="object_ids", reason="bad_object_id", detail=detail, item=str(number))
                self._raw.lost.append((image, str(number)))
                continue
            self._raw.add_object(
                image,
                str(number),
                label=label,
                corner=box if isinstance(box, list) else [box],
                number=number,
                place=self._place._replace(part="object"),
                id=item,
                score=as_score(score),
                is_group=group,
                mask_rle=self._mask(mask, item=item, size=size),
                is_size=False,
            )

    def _mask(self, mask: object, *, item: str, size: tuple[int | None, int | None]) -> str | None:
        if mask is None:
            return None
        width, height = size
        try:
            if width is None or height is None or not isinstance(mask, str):
                got = shown(mask)
                raise InputError(f"expected RLE text and `width`, `height` of the image, got {got}, {width}, {height}")
            return check_rle(mask, width=width, height=height)
        except InputError as error:
            self._reject("mask", field="mask_rle", reason="bad_mask", detail=str(error), item=item)
            return None

    def add_attributes(self, image: int) -> None:
        """Add the attributes, a list for each object."""
        place = self._place._replace(part="attribute")
        for number, values in enumerate(self._parallel("attributes", part="attribute") or []):
            for index, value in enumerate(self._raw.list_of(values, place=place, field=f"attributes[{number}]")):
                self._raw.add_attribute(image, str(number), value, item=f"{number}/{index}", place=place)

    def add_relations(self, image: int) -> None:
        """Add the relations: place of the subject, predicate, place of the object."""
        place = self._place._replace(part="relation")
        for number, value in enumerate(self._list("relations", part="relation")):
            if not isinstance(value, list) or len(value) != 3:
                detail = f"expected [subject, predicate, object], got {shown(value)}"
                self._reject("relation", field="relations", reason="not_a_relation", detail=detail, item=str(number))
                continue
            subject, predicate, target = value
            self._raw.add_relation(image, as_id(subject), predicate, as_id(target), item=str(number), place=place)

    def add_captions(self, image: int) -> None:
        """Add the captions."""
        place = self._place._replace(part="caption")
        for number, value in enumerate(self._list("captions", part="caption")):
            self._raw.add_caption(image, value, item=str(number), place=place)
