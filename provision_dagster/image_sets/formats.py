"""Which picture formats are opened, and what their first bytes say before a decoder is let near them."""

from collections.abc import Callable

from PIL import Image

Image.init()

CANDIDATES = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "AVIF", "ICO")
ALLOWED_FORMATS = tuple(name for name in CANDIDATES if name in Image.OPEN)
"""Pillow's names. MPO (a JPEG with more pictures behind it, as phones write) is read as its first picture."""

PICTURE_SUFFIXES = frozenset(
    suffix for suffix, name in Image.registered_extensions().items() if name in (*ALLOWED_FORMATS, "MPO")
)

_BMP_HEADERS = (0, 12, 40, 52, 56, 64, 108, 124)  # bytes; 0: the file ends before them

# Files that are often met under a picture's name, for the message only.
_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "PDF"),
    (b"%!PS", "PostScript"),
    (b"8BPS", "Photoshop"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML or SVG"),
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"\x7fELF", "program"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
)


def _accepts(name: str, prefix: bytes) -> bool:
    accept: Callable[[bytes], bool | str] | None = Image.OPEN[name][1]
    return accept is not None and accept(prefix) is True


def _is_text(prefix: bytes) -> bool:
    """Whether this may be plain text: Pillow takes all that begins with "Py", "P1" or "BM" for a picture."""
    if prefix.startswith(b"P"):
        return prefix[2:3] not in (b" ", b"\t", b"\r", b"\n", b"#")
    return prefix.startswith(b"BM") and int.from_bytes(prefix[14:16], "little") not in _BMP_HEADERS


def sniff(prefix: bytes) -> str | None:
    """Return the allowed format whose signature the first 16 bytes carry; null when there is none."""
    if len(prefix) < 4 or _is_text(prefix):
        return None
    return next((name for name in ALLOWED_FORMATS if _accepts(name, prefix)), None)


def stranger(prefix: bytes) -> str:
    """Say in words what a file is that no allowed format accepts."""
    start = prefix.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, name in _STRANGERS:
        if prefix.startswith(signature) or start.startswith(signature.lower()):
            return f"its first bytes look like {name}"
    if prefix[4:8] == b"ftyp":
        return f"its first bytes look like {prefix[8:12].decode('ascii', 'replace')} (HEIF or video)"
    return f"its first bytes are {prefix[:8]!r}"
