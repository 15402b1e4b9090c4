"""Decode check and fingerprints: from the table of sources to the table of images."""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

import imagehash
import polars as pl
from PIL import Image, ImageFile

from provision_dagster.errors import InputError
from provision_dagster.image_sets.decode import (
    MAX_PIXELS,
    check_pixels,
    check_single,
    decode,
    explain,
    location,
    open_header,
    open_stream,
    refuse_lenient_decoding,
)
from provision_dagster.image_sets.duplicates import mark_duplicates
from provision_dagster.image_sets.schema import IMAGE_SOURCES, IMAGES
from provision_dagster.image_sets.tables import check_columns

HASH_STRIP_PIXELS = 4 * 2**20
"""Pixels are hashed in strips of this many, so that no second copy of a large picture is made."""

_INT32_MAX = 2**31 - 1


@dataclass
class Facts:
    """What was found out about one picture; fields are columns of IMAGES."""

    image_id: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    mode: str | None = None
    exif_orientation: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    phash: str | None = None
    status: str = "ok"
    error: str | None = None


def inspect_images(
    sources: pl.DataFrame,
    *,
    max_pixels: int = MAX_PIXELS,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """
    Open, decode and fingerprint pictures.

    Parameters
    ----------
    sources
        Schema IMAGE_SOURCES; rows with a status are passed on unopened.
    max_pixels
        Pictures with more pixels are `too_large`, decided before they are decoded.
    workers
        Threads; each holds one decoded picture at a time.
    progress
        Called after each picture with the number done and the number of all.

    Returns
    -------
    polars.DataFrame
        Schema IMAGES, rows in the order of `sources`. A picture that cannot be used has status and error;
        one with the pixels of an earlier one of its set is a `duplicate`.

    Raises
    ------
    InputError
        When a parameter is out of range.
    SchemaError
        When `sources` lacks a column.
    """
    for name, value in (("max_pixels", max_pixels), ("workers", workers)):
        if value < 1:
            raise InputError(f"`{name}` must be at least 1, got {value}")
    refuse_lenient_decoding()
    sources = check_columns(sources, schema=IMAGE_SOURCES, table="image_sources")
    facts: list[dict[str, Any]] = []
    with _quiet_pillow(), _pool(workers) as pool:
        rows = sources.iter_rows(named=True)
        for done, found in enumerate(pool.map(lambda row: _inspect(row, max_pixels=max_pixels), rows), start=1):
            facts.append(asdict(found))
            if progress is not None:
                progress(done, sources.height)
    found_schema = {name: dtype for name, dtype in IMAGES.items() if name in Facts.__dataclass_fields__}
    found_frame = pl.DataFrame(facts, schema=found_schema)
    images = sources.drop("status", "error").hstack(found_frame).select(list(IMAGES))
    return mark_duplicates(images)


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that stop after the picture at hand when the caller is interrupted."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="inspect")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Keep Pillow's warnings off the screen: what they say decides a picture's status, or does not matter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def _inspect(source: dict[str, Any], *, max_pixels: int) -> Facts:
    uri, member = source["uri"], source["member"]
    if source["status"] is not None:
        return Facts(status=source["status"], error=source["error"])
    if uri is None:
        return _without_pixels(source)
    facts = Facts()
    try:
        _read(uri, member, facts=facts, max_pixels=max_pixels)
    except Exception as error:
        # A decoder may raise anything on a hostile file; whatever it was becomes the row's reason.
        found = explain(error)
        facts.status, facts.error = found.status, f"{location(uri, member)} {found}"
    return facts


def _without_pixels(source: dict[str, Any]) -> Facts:
    key = f"{source['image_set']}\0{source['image_key']}"
    return Facts(
        image_id=hashlib.sha256(key.encode()).hexdigest()[:32],
        width=source["declared_width"],
        height=source["declared_height"],
        status="annotations_only",
    )


def _read(uri: str, member: str | None, *, facts: Facts, max_pixels: int) -> None:
    """Fill in facts as far as they can be found; raises at the first reason against the picture."""
    with open_stream(uri, member=member) as (stream, size):
        facts.bytes = size
        image = open_header(stream, size=size, max_pixels=max_pixels)
        _note_header(image, facts=facts)
        check_pixels(image.size, max_pixels=max_pixels)
        stream.seek(0)
        facts.sha256 = _file_hash(stream)
        check_single(image)
        rgb, facts.exif_orientation = decode(image)
    facts.width, facts.height = rgb.size
    facts.image_id = pixel_hash(rgb)
    facts.phash = str(imagehash.phash(rgb))


def _note_header(image: ImageFile.ImageFile, *, facts: Facts) -> None:
    facts.format, facts.mode = image.format, image.mode
    facts.width, facts.height = (side if side <= _INT32_MAX else None for side in image.size)


def _file_hash(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := stream.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def pixel_hash(rgb: Image.Image) -> str:
    """First 32 hex digits of SHA-256 over width, height and the RGB bytes, row by row."""
    width, height = rgb.size
    digest = hashlib.sha256(f"{width}x{height} RGB\n".encode())
    rows = max(1, HASH_STRIP_PIXELS // width)
    columns = min(width, HASH_STRIP_PIXELS)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            strip = (left, top, min(left + columns, width), min(top + rows, height))
            digest.update(rgb.crop(strip).tobytes())
    return digest.hexdigest()[:32]
