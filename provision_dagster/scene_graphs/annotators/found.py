"""What annotators take and give, picture by picture."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
"""Upright RGB picture, shape (height, width, 3)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tag:
    """A label that fits a picture, and its cosine similarity to it, -1 .. 1."""

    label: str
    score: float


@dataclass(frozen=True)
class Detections:
    """Objects found in one picture, best first.

    Attributes
    ----------
    boxes
        x1, y1, x2, y2 in pixels of the picture, shape (n, 4); 0 <= x1 < x2 <= width, 0 <= y1 < y2 <= height.
    labels
        One per box.
    scores
        0 .. 1, shape (n,).
    weak
        What the model is not sure of, and no object therefore; None where it was not looked for.
    tags
        Labels that were searched for, best first; None where no tagger chose them.
    """

    boxes: Floats
    labels: list[str]
    scores: Floats
    weak: "Detections | None" = None
    tags: list[Tag] | None = None


class Detector(Protocol):
    """Finds objects."""

    @property
    def model(self) -> str:
        """Model and revision, as kept in a scene graph's provenance."""
        ...

    def load(self) -> None:
        """Read the weights; done once, before the first batch.

        Raises
        ------
        InputError
            When weights are missing or are not of such a model.
        """
        ...

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """Pictures of equal value go together in a batch."""
        ...

    def annotate(self, batch: list[Pixels]) -> list[Detections]:
        """Find the objects of each picture; what is found in one does not depend on the others."""
        ...


class DepthEstimator(Protocol):
    """Estimates depth from one picture."""

    @property
    def model(self) -> str:
        """Model and revision, as kept in a scene graph's provenance."""
        ...

    def load(self) -> None:
        """Read the weights; done once, before the first batch."""
        ...

    def bucket(self, picture: Pixels) -> tuple[int, ...]:
        """Pictures of equal value go together in a batch."""
        ...

    def annotate(self, batch: list[Pixels]) -> list[NDArray[np.uint16]]:
        """Map each picture to closeness, larger = closer, at the model's own resolution: see `sixteen_bits`."""
        ...


@dataclass(frozen=True)
class Prompted:
    """A picture and the boxes whose objects are to be cut out, in pixels, shape (n, 4)."""

    picture: Pixels
    boxes: Floats


@dataclass(frozen=True)
class Masks:
    """One mask per box, in their order: shapes (n, height, width) and (n,).

    `scores` are the overlaps with the true masks that the model expects, 0 .. 1.
    """

    masks: NDArray[np.bool_]
    scores: Floats


class MaskMaker(Protocol):
    """Cuts out the objects that boxes enclose."""

    @property
    def model(self) -> str:
        """Model and revision, as kept in a scene graph's provenance."""
        ...

    @property
    def least(self) -> float:
        """Expected overlap below which masks are left out."""
        ...

    def load(self) -> None:
        """Read the weights; done once, before the first batch."""
        ...

    def annotate(self, batch: list[Prompted]) -> list[Masks]:
        """Cut out the objects of each picture."""
        ...


@dataclass(frozen=True)
class Asked:
    """A picture and the objects that are asked about.

    Attributes
    ----------
    boxes
        x1, y1, x2, y2 in pixels of the picture, shape (n, 4).
    labels
        One per box.
    pairs
        Places (subject, object) in `boxes`; of relations alone.
    """

    picture: Pixels
    boxes: Floats
    labels: list[str]
    pairs: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Answer:
    """What a model says of one object or pair.

    Attributes
    ----------
    values
        Attributes, normalized, none of which contradicts another; or at most one predicate of the vocabulary.
    said
        What the model said, before it was understood.
    score
        Similarity of the predicate to what was said, 0 .. 1; null for attributes, and where there is no predicate.
    """

    values: list[str]
    said: str
    score: float | None = None


class AttributeModel(Protocol):
    """Says what objects are like."""

    @property
    def model(self) -> str:
        """Model, revision and vocabulary, as kept in a scene graph's provenance."""
        ...

    def load(self) -> None:
        """Read the weights, or see whether the server is there; done once, before the first batch.

        Raises
        ------
        InputError
            When the model cannot be had.
        """
        ...

    def annotate(self, batch: list[Asked]) -> list[list[Answer]]:
        """Describe the objects of each picture: one answer per object, in their order."""
        ...


class RelationModel(Protocol):
    """Says how objects are related."""

    @property
    def model(self) -> str:
        """Model, revision and vocabulary, as kept in a scene graph's provenance."""
        ...

    def load(self) -> None:
        """Read the weights, or see whether the server is there; done once, before the first batch.

        Raises
        ------
        InputError
            When the model cannot be had.
        """
        ...

    def annotate(self, batch: list[Asked]) -> list[list[Answer]]:
        """Relate the objects of each picture: one answer per pair, in their order."""
        ...


def sixteen_bits(closeness: NDArray[Any]) -> NDArray[np.uint16]:
    """Spread relative closeness over 0 (farthest) .. 65,535 (closest); a map of one value is 0 throughout.

    Raises
    ------
    ValueError
        When a value is not finite.
    """
    values = np.asarray(closeness, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("the model gave a depth that is not finite")
    low, high = float(values.min()), float(values.max())
    if high == low:
        return np.zeros(values.shape, dtype=np.uint16)
    return np.round((values - low) / (high - low) * 65_535).astype(np.uint16)


def at_size(closeness: NDArray[np.uint16], *, width: int, height: int) -> NDArray[np.float32]:
    """Bring a map that covers the whole picture to the picture's size, between its values linearly."""
    image = Image.fromarray(closeness.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def to_png(closeness: NDArray[np.uint16]) -> bytes:
    """Encode a map as a 16-bit grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(closeness).save(buffer, format="PNG", optimize=False, compress_level=6)
    return buffer.getvalue()


def from_png(data: bytes) -> NDArray[np.uint16]:
    """Decode what `to_png` made."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.asarray(image).astype(np.uint16)
