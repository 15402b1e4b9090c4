"""Open one picture safely: size limit before decoding, every pixel decoded, upright 8-bit RGB."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

import numpy as np
from PIL import Image, ImageFile

from provision_dagster.errors import InputError, ProvisionError
from provision_dagster.image_sets.formats import ALLOWED_FORMATS, sniff, stranger
from provision_dagster.image_sets.headers import cut_reason, declared_size
from provision_dagster.image_sets.paths import from_uri, kind_of, shown
from provision_dagster.image_sets.tars import open_member

MAX_PIXELS = 178_956_970
"""Pictures with more pixels are refused before decoding: Pillow's own limit for a decompression bomb."""

MAX_FILE_BYTES = 2**30
"""Larger files are refused unread: some decoders take the whole file into memory."""

ORIENTATION = 274
"""EXIF tag; its values 2 .. 8 say how to turn the stored picture upright (EXIF 2.32, section 4.6.4 A)."""

_CUT = ("truncated", "unexpected end", "reached eof", "requires a buffer")
"""What the messages of Pillow, tarfile and struct hold when a file ends too early."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(InputError):
    """A picture cannot be used; `status` is one of IMAGE_STATUSES."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def refuse_lenient_decoding() -> None:
    """Raise when this process told Pillow to pass truncated pictures: none could be found out."""
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise ProvisionError("`PIL.ImageFile.LOAD_TRUNCATED_IMAGES` is set: truncated pictures would pass as whole")


@contextmanager
def open_stream(uri: str, *, member: str | None) -> Iterator[tuple[IO[bytes], int]]:
    """
    Open a plain file or a member of a tar for reading; yields the stream and its length in bytes.

    Raises
    ------
    PictureError
        When it is not a regular file.
    OSError, tarfile.TarError, KeyError
        When it cannot be opened.
    """
    path = from_uri(uri)
    mode = os.stat(path).st_mode  # noqa: PTH116 - one call a file
    if not stat.S_ISREG(mode):
        raise PictureError("not_an_image", f"is a {kind_of(mode)}, not a regular file")
    if member is not None:
        with open_member(path, member=member) as (stream, size):
            yield stream, size
        return
    # Should a FIFO take the file's place meanwhile, opening it must not wait for a writer.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123
        yield file, os.fstat(file.fileno()).st_size


def open_header(stream: IO[bytes], *, size: int, max_pixels: int) -> ImageFile.ImageFile:
    """
    Identify a picture and read its header, without decoding.

    Parameters
    ----------
    stream
        Seekable binary stream.
    size
        Its length in bytes.
    max_pixels
        Width times height that is still allowed.

    Raises
    ------
    PictureError
        When it is empty, not a picture of an allowed format, cut, or larger than allowed.
    """
    if size == 0:
        raise PictureError("empty_file", "has 0 bytes")
    prefix = stream.read(16)
    name = sniff(prefix)
    if name is None:
        allowed = ", ".join(ALLOWED_FORMATS)
        raise PictureError("not_an_image", f"is not a picture; allowed: {allowed}; {stranger(prefix)}")
    if size > MAX_FILE_BYTES:
        raise PictureError("too_large", f"has {size} bytes; allowed: {MAX_FILE_BYTES}")
    cut = cut_reason(stream, name=name, size=size)
    if cut is not None:
        raise PictureError("truncated", f"is truncated: {cut}")
    check_pixels(declared_size(stream, name=name), max_pixels=max_pixels)
    stream.seek(0)
    try:
        # Image.open() would do the same, but hold pictures against a limit that is global to the process.
        return Image.OPEN[name][0](stream, "")
    except SyntaxError as error:
        if "not identified" not in str(error):
            raise
        raise PictureError("unreadable", f"starts like {name}, but has a damaged header") from error


def check_pixels(size: tuple[int, int] | None, *, max_pixels: int) -> None:
    """Raise when a picture of `size` (width, height) has too many pixels or none."""
    if size is None:
        return
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            "too_large",
            f"has {width} x {height} = {width * height} pixels; allowed: {max_pixels}",
        )
    if width < 1 or height < 1:
        raise PictureError("unreadable", f"has {width} x {height} pixels")


def check_single(image: ImageFile.ImageFile) -> None:
    """Raise when a file holds several frames or pages; those behind an MPO's first are by-products."""
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise PictureError("animated", f"holds several {image.format} frames or pages; allowed: one")


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation 1 .. 8; 1 when absent or unusable."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:
        # Damaged EXIF data raises whatever the parser stumbles over; the pixels are whole and shown unturned.
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def decode(image: ImageFile.ImageFile) -> tuple[Image.Image, int]:
    """Decode every pixel; returns upright 8-bit RGB and the EXIF orientation that was applied."""
    # Pillow turns a TIFF while loading and forgets the tag; a PNG may carry its EXIF data behind the pixels.
    turned = orientation_of(image) if image.format == "TIFF" else None
    image.load()
    orientation = orientation_of(image) if turned is None else turned
    rgb = _rgb(image)
    if turned is None and orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    return rgb, orientation


def _rgb(image: Image.Image) -> Image.Image:
    """8-bit RGB: 16 bits keep their high byte, transparent pixels lie on white."""
    if image.mode == "F":
        raise PictureError("unreadable", "has 32-bit float pixels, which have no white; allowed: 8 or 16 bits")
    if image.mode.startswith("I"):
        image = _high_byte(image)
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image if image.mode == "RGB" else image.convert("RGB")


def _high_byte(image: Image.Image) -> Image.Image:
    low, high = cast("tuple[int, int]", image.getextrema())
    if low < 0 or high > 0xFFFF:
        raise PictureError("unreadable", f"has pixel values {low} .. {high}; allowed: 0 .. 65535")
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))


def explain(error: Exception) -> PictureError:
    """Status and reason of whatever went wrong while a picture was opened and decoded."""
    if isinstance(error, PictureError):
        return error
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return PictureError("missing", "does not exist")
    if isinstance(error, MemoryError | Image.DecompressionBombError):
        return PictureError("too_large", f"needs too much memory: {error or 'allocation failed'}")
    if isinstance(error, InputError):
        return PictureError("unreadable", f"cannot be read: {error}")
    if isinstance(error, OSError) and error.strerror:
        return PictureError("unreadable", f"cannot be read: {error.strerror.lower()}")
    reason = " ".join(str(error).split())
    if not reason or isinstance(error, LookupError):
        reason = f"{type(error).__name__} {reason}".strip()
    if isinstance(error, EOFError) or any(sign in reason.lower() for sign in _CUT):
        return PictureError("truncated", f"is truncated: {shown(reason)}")
    return PictureError("unreadable", f"cannot be decoded: {shown(reason)}")


def location(uri: str, member: str | None) -> str:
    """Name a file in a message."""
    return f"`{shown(uri)}`" if member is None else f"`{shown(uri)}` member `{shown(member)}`"


def open_image(uri: str, member: str | None = None, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """
    Open a picture as upright 8-bit RGB.

    Parameters
    ----------
    uri
        Absolute path or `file://` URI.
    member
        Name in the tar at `uri`; null for a plain file.
    max_pixels
        Width times height that is still allowed.

    Raises
    ------
    PictureError
        When the picture cannot be used; a subclass of `InputError` that carries the status.
    """
    refuse_lenient_decoding()
    try:
        with open_stream(uri, member=member) as (stream, size):
            image = open_header(stream, size=size, max_pixels=max_pixels)
            check_pixels(image.size, max_pixels=max_pixels)
            check_single(image)
            return decode(image)[0]
    except Exception as error:
        found = explain(error)
        raise PictureError(found.status, f"{location(uri, member)} {found}") from error
