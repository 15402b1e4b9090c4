"""Files that are no usable picture: each is a row with status and reason; its good neighbour stays usable."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from provision_dagster.errors import InputError
from provision_dagster.image_sets.decode import PictureError, open_image
from tests.image_sets.making import (
    blank_png,
    by_key,
    encoded,
    flipped,
    frames,
    half,
    icon,
    inspect_folder,
    noise,
    png,
    png_chunk,
    webp_extended,
    webp_lossless,
)

JPEG, PNG, WEBP = encoded(form="JPEG"), encoded(form="PNG"), encoded(form="WEBP", lossless=True)
TIFF, GIF, AVIF = encoded(form="TIFF"), encoded(form="GIF"), encoded(form="AVIF")
ALLOWED = "is not a picture; allowed: JPEG, PNG, WEBP, BMP, TIFF, GIF, PPM, AVIF, ICO; "
FLOATS = Image.fromarray(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4))
DEEP = Image.fromarray(np.array([[-5, 70_000]], dtype=np.int32))
BMP_HUGE = encoded(form="BMP")[:18] + struct.pack("<II", 60_000, 60_000) + encoded(form="BMP")[26:]
GIF_HUGE = GIF[:6] + struct.pack("<HH", 65_535, 65_535) + GIF[10:]
SIZE_OF_JPEG = JPEG.index(b"\xff\xc0") + 5
JPEG_HUGE = JPEG[:SIZE_OF_JPEG] + struct.pack(">HH", 65_500, 65_500) + JPEG[SIZE_OF_JPEG + 4 :]
TEXT_BOMB = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000)))

# name of the file, its bytes, status, part of the message
CASES = [
    ("empty.jpg", b"", "empty_file", "has 0 bytes"),
    ("one-byte.jpg", b"\xff", "not_an_image", ALLOWED),
    ("three-bytes.jpg", JPEG[:3], "not_an_image", ALLOWED),
    ("text.jpg", b"this is no picture\n" * 9, "not_an_image", ALLOWED + "its first bytes are b'this is '"),
    ("zeros.png", bytes(5000), "not_an_image", "its first bytes are b'\\x00"),
    ("error-page.jpg", b"<!DOCTYPE html><html><h1>404</h1>", "not_an_image", "look like HTML"),
    ("report.pdf", b"%PDF-1.7\n" + bytes(999), "not_an_image", "look like PDF"),
    ("figure.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "not_an_image", "look like PostScript"),
    ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_an_image", "look like SVG"),
    ("drawing2.svg", b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "not_an_image", "look like XML or SVG"),
    ("layers.psd", b"8BPS\0\1" + bytes(99), "not_an_image", "look like Photoshop"),
    ("phone.heic", b"\0\0\0\x18ftypheic" + bytes(99), "not_an_image", "look like heic (HEIF or video)"),
    ("movie.mp4", b"\0\0\0\x18ftypisom" + bytes(99), "not_an_image", "look like isom (HEIF or video)"),
    ("archive.jpg", b"PK\x03\x04" + bytes(99), "not_an_image", "look like ZIP"),
    ("packed.jpg", b"\x1f\x8b\x08" + bytes(99), "not_an_image", "look like gzip"),
    ("new.jxl", b"\xff\x0a" + bytes(99), "not_an_image", "look like JPEG XL"),
    ("wavelet.jp2", encoded(form="JPEG2000"), "not_an_image", "look like JPEG 2000"),
    ("old.tga", encoded(form="TGA"), "not_an_image", ALLOWED),
    ("python.ppm", b"Python is a language", "not_an_image", ALLOWED + "its first bytes are b'Python i'"),
    ("car.bmp", b"BMW built this car, and another", "not_an_image", ALLOWED),
    ("cut.jpg", half(JPEG), "truncated", "is truncated: its JPEG data has no end mark"),
    ("cut-progressive.jpg", half(encoded(progressive=True)), "truncated", "is truncated"),
    ("no-end.jpg", JPEG[:-2], "truncated", "is truncated"),
    ("cut-in-header.jpg", JPEG[:60], "truncated", "is truncated: truncated file read"),
    ("only-start.jpg", JPEG[:20], "unreadable", "starts like JPEG, but has a damaged header"),
    ("zero-tail.jpg", half(JPEG) + bytes(len(JPEG) // 2), "truncated", "its JPEG data has no end mark"),
    ("cut.png", half(PNG), "truncated", "is truncated"),
    ("cut-in-header.png", PNG[:20], "truncated", "is truncated: truncated file read"),
    ("broken.png", flipped(PNG, len(PNG) // 2), "unreadable", "cannot be decoded: "),
    ("bad-checksum.png", flipped(PNG, 20), "unreadable", "cannot be decoded: "),
    ("text-bomb.png", blank_png(8, 8, extra=TEXT_BOMB), "unreadable", "decompressed data too large"),
    ("no-pixels.png", png(0, 0), "unreadable", "starts like PNG, but has a damaged header"),
    (
        "bomb.png",
        png(60_000, 60_000),
        "too_large",
        "has 60000 x 60000 = 3600000000 pixels; allowed: 178956970",
    ),
    ("wide-bomb.png", png(2**31 - 1, 2), "too_large", "has 2147483647 x 2 = 4294967294 pixels"),
    ("bomb.jpg", JPEG_HUGE, "too_large", "has 65500 x 65500 = 4290250000 pixels"),
    ("cut.gif", half(GIF), "truncated", "is truncated"),
    ("header.gif", GIF[:20], "unreadable", "cannot be decoded: no more images in gif file"),
    ("bomb.gif", GIF_HUGE, "too_large", "has 65535 x 65535 = 4294836225 pixels"),
    ("moving.gif", frames("GIF"), "animated", "holds several GIF frames or pages; allowed: one"),
    ("moving.png", frames("PNG"), "animated", "holds several PNG frames or pages"),
    ("moving.webp", frames("WEBP"), "animated", "holds several WEBP frames or pages"),
    ("moving.avif", frames("AVIF"), "animated", "holds several AVIF frames or pages"),
    ("pages.tif", frames("TIFF"), "animated", "holds several TIFF frames or pages"),
    ("cut.webp", half(WEBP), "truncated", "is truncated: its WEBP header tells of more than its"),
    ("broken.webp", WEBP[:25] + bytes(len(WEBP) - 25), "unreadable", "cannot be decoded: "),
    ("bomb.webp", webp_extended(16_384, 16_384), "too_large", "has 16384 x 16384 = 268435456 pixels"),
    ("bomb2.webp", webp_lossless(16_384, 16_384), "too_large", "has 16384 x 16384 = 268435456 pixels"),
    ("cut.bmp", half(encoded(form="BMP")), "truncated", "is truncated"),
    ("bomb.bmp", BMP_HUGE, "too_large", "has 60000 x 60000 = 3600000000 pixels"),
    ("cut.tif", half(TIFF), "truncated", "is truncated"),
    ("cut-lzw.tif", half(encoded(form="TIFF", compression="tiff_lzw")), "truncated", "its TIFF header tells"),
    ("float.tif", encoded(FLOATS, "TIFF"), "unreadable", "has 32-bit float pixels, which have no white"),
    ("deep.tif", encoded(DEEP, "TIFF"), "unreadable", "has pixel values -5 .. 70000; allowed: 0 .. 65535"),
    ("float.pfm", encoded(FLOATS, "PPM"), "unreadable", "has 32-bit float pixels"),
    ("cut.ppm", half(encoded(form="PPM")), "truncated", "is truncated"),
    ("bomb.ppm", b"P6\n50000 50000\n255\n", "too_large", "has 50000 x 50000 = 2500000000 pixels"),
    ("header.ppm", b"P6 8", "truncated", "is truncated: reached eof while reading header"),
    ("cut.avif", half(AVIF), "truncated", "is truncated"),
    ("broken.avif", AVIF[:40] + bytes(len(AVIF) - 40), "unreadable", "cannot be decoded: "),
    ("cut.ico", half(encoded(form="ICO")), "truncated", "is truncated"),
    ("bomb.ico", icon(png(60_000, 60_000)), "too_large", "has 60000 x 60000 = 3600000000 pixels"),
    ("empty.ico", struct.pack("<HHH", 0, 1, 0) + bytes(16), "unreadable", "cannot be decoded: "),
]


@pytest.mark.parametrize(("name", "data", "status", "message"), CASES, ids=[case[0] for case in CASES])
def test_bad_file_is_a_row_with_a_reason(tmp_path: Path, name: str, data: bytes, status: str, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "good.jpg").write_bytes(JPEG)
    rows = by_key(inspect_folder(tmp_path))
    assert rows["good.jpg"]["status"] == "ok"
    row = rows[name]
    assert row["status"] == status, row["error"]
    assert row["error"].startswith(f"`{tmp_path / name}` ")
    assert message.lower() in row["error"].lower()
    assert "\n" not in row["error"]
    assert (row["image_id"], row["phash"]) == (None, None)
    assert row["bytes"] == len(data)
    with pytest.raises(PictureError) as caught:
        open_image(str(tmp_path / name))
    assert (caught.value.status, str(caught.value)) == (status, row["error"])


def sparse(path: Path, start: bytes, size: int) -> None:
    """A file that claims many bytes but occupies few."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(size)


def test_huge_files_are_not_read(tmp_path: Path) -> None:
    sparse(tmp_path / "huge.txt", b"a long text ", 2**33)
    sparse(tmp_path / "huge.jpg", JPEG, 2**30 + 1)
    sparse(tmp_path / "huge.webp", WEBP[:4] + b"\xff" * 4 + WEBP[8:], 2**31)
    rows = by_key(inspect_folder(tmp_path))
    assert (rows["huge.txt"]["status"], rows["huge.txt"]["bytes"]) == ("not_an_image", 2**33)
    for name, size in (("huge.jpg", 2**30 + 1), ("huge.webp", 2**31)):
        assert rows[name]["status"] == "too_large"
        assert f"has {size} bytes; allowed: {2**30}" in rows[name]["error"]


def test_pixel_limit_is_the_callers(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(noise(40, 30), "PNG"))
    row = by_key(inspect_folder(tmp_path, max_pixels=1199))["a.png"]
    assert (row["status"], row["width"], row["height"], row["format"]) == ("too_large", 40, 30, "PNG")
    assert "has 40 x 30 = 1200 pixels; allowed: 1199" in row["error"]
    assert by_key(inspect_folder(tmp_path, max_pixels=1200))["a.png"]["status"] == "ok"
    with pytest.raises(InputError, match="allowed: 1199"):
        open_image(str(tmp_path / "a.png"), max_pixels=1199)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"workers": 0}, "`workers` must be at least 1, got 0"), ({"max_pixels": -1}, "`max_pixels` must be")],
)
def test_bad_parameter(tmp_path: Path, options: dict[str, int], message: str) -> None:
    (tmp_path / "a.jpg").write_bytes(JPEG)
    with pytest.raises(InputError, match=message):
        inspect_folder(tmp_path, **options)
