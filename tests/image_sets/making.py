"""Pictures and near-pictures, made on the spot."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.spec import ImageSetSpec


def noise(width: int = 40, height: int = 30, *, seed: int = 0) -> Image.Image:
    """Random RGB pixels: they compress badly, so a cut file always lacks pixels."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image | None = None, form: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or noise()).save(buffer, form, **options)
    return buffer.getvalue()


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def frames(form: str, **options: Any) -> bytes:
    """Three different frames or pages in one file."""
    return encoded(noise(seed=1), form, save_all=True, append_images=[noise(seed=2), noise(seed=3)], **options)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, body: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG of any declared size with any compressed data, 1 bit a pixel."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(body))
    return b"\x89PNG\r\n\x1a\n" + head + extra + data + png_chunk(b"IEND", b"")


def blank_png(width: int, height: int, *, extra: bytes = b"") -> bytes:
    return png(width, height, body=bytes((1 + (width + 7) // 8) * height), extra=extra)


def icon(picture: bytes) -> bytes:
    """An ICO with one picture of whatever size, declared as 32 x 32."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 32, 32, 0, 0, 1, 32, len(picture), 22) + picture


def webp_extended(width: int, height: int) -> bytes:
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4)
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_lossless(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    body = b"WEBPVP8L" + struct.pack("<I", 8) + b"\x2f" + bits.to_bytes(4, "little") + bytes(3)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def folder_spec(path: Path, **fields: Any) -> ImageSetSpec:
    return ImageSetSpec(name="set", reader="folder", path=path, **fields)


def inspect_folder(path: Path, **options: Any) -> pl.DataFrame:
    return inspect_images(list_images(folder_spec(path)), **options)


def only_row(images: pl.DataFrame) -> dict[str, Any]:
    assert images.height == 1, images
    return images.row(0, named=True)


def by_key(images: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["image_key"]: row for row in images.iter_rows(named=True)}
