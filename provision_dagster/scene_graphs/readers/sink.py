"""What readers write to: the rows of the current batch, positions and the keys seen so far."""

from pathlib import Path
from typing import Any

from provision_dagster.scene_graphs.provenance import PARTS
from provision_dagster.scene_graphs.readers.raw import Place, Raw
from provision_dagster.scene_graphs.readers.values import as_side, shown

_MANY_REJECTED = 20_000
"""A batch also ends here, so that a file without any usable entry is not gathered in memory."""


class Sink:
    """Gathers the rows of a batch; `take` hands them over and begins the next."""

    def __init__(self) -> None:
        self.raw = Raw()
        self._position = 0
        self._seen: set[str] = set()

    def full(self, batch: int) -> bool:
        """Whether the batch holds enough images, or too many rejected rows."""
        return len(self.raw.images) >= batch or len(self.raw.rejected) >= _MANY_REJECTED

    def take(self) -> Raw:
        """Return the rows of the batch and begin the next."""
        raw, self.raw = self.raw, Raw()
        return raw

    def knows(self, image_key: str) -> bool:
        """Whether an image of this key was opened before."""
        return image_key in self._seen

    def size_of(self, width: object, height: object, *, place: Place) -> tuple[int | None, int | None] | None:
        """Width and height in pixels, both None when neither is given; None after rejecting the image."""
        if width is None and height is None:
            return None, None
        sides = as_side(width), as_side(height)
        if None in sides:
            detail = f"`width` and `height` must be whole numbers from 1, got {shown(width)} and {shown(height)}"
            self.raw.reject(place, item=None, field="width", reason="bad_size", detail=detail)
            return None
        return sides

    def repeated_image(self, image_key: str, *, place: Place) -> bool:
        """Reject an image whose key was used before."""
        if not self.knows(image_key):
            return False
        detail = f"image `{image_key}` is listed more than once; its first entry is used"
        self.raw.reject(place, item=None, field="image_key", reason="duplicate_image", detail=detail)
        return True

    def open_image(
        self,
        image_key: str,
        *,
        file_name: str | None,
        size: tuple[int | None, int | None],
        provenance: dict[str, str | None],
        license: str | None = None,
        attribution: str | None = None,
        mask_uri: str | None = None,
        depth_uri: str | None = None,
        exhaustive_labels: list[str] | None = None,
        doubtful_labels: list[str] | None = None,
        exhaustive: tuple[bool, bool] = (False, False),
        mask_count: int | None = None,
    ) -> int:
        """
        Begin an image and return its place in the batch.

        Parameters
        ----------
        exhaustive
            Whether attributes and whether relations are complete.
        """
        self._seen.add(image_key)
        image = len(self.raw.images)
        made_by: dict[str, Any] = {part: provenance.get(part) for part in PARTS}
        about = (None, None, self._position, image_key, file_name, *size, license, attribution)
        parts = (mask_uri, depth_uri, exhaustive_labels or [], doubtful_labels or [], *exhaustive, made_by, mask_count)
        self.raw.images.append((image, *about, *parts))
        self._position += 1
        return image

    def reject_image(self, path: Path, *, image_key: str | None, item: str, reason: str, detail: str) -> None:
        """Note a whole image entry that cannot be used."""
        place = Place(image_key, path.name, "image")
        self.raw.reject(place, item=item, field=None, reason=reason, detail=detail)
