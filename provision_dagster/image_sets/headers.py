"""What a picture's header says of its size and length, read before a decoder is let near the file."""

import struct
from typing import IO

MAX_BOXES = 1000
"""More boxes of an AVIF file are not looked at: real ones have about five."""


def declared_size(stream: IO[bytes], *, name: str) -> tuple[int, int] | None:
    """
    Size in the header of the formats for which Pillow decodes or allocates while opening.

    Returns
    -------
    tuple[int, int] | None
        Width and height in pixels; null for the other formats, whose size Pillow reads without decoding.
    """
    stream.seek(0)
    if name == "WEBP":
        return _webp_size(stream.read(30))
    return _ico_size(stream) if name == "ICO" else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind != b"VP8 " or len(head) < 30:
        return None
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


def _ico_size(stream: IO[bytes]) -> tuple[int, int] | None:
    """Largest of the pictures in an icon: a PNG or a bitmap of double height each."""
    head = stream.read(6)
    entries = stream.read(16 * int.from_bytes(head[4:6], "little"))
    sizes = []
    for place in range(0, len(entries) - 15, 16):
        stream.seek(int.from_bytes(entries[place + 12 : place + 16], "little"))
        start = stream.read(24)
        if start.startswith(b"\x89PNG") and len(start) == 24:
            sizes.append(struct.unpack(">II", start[16:24]))
        elif len(start) == 24:
            width, height = struct.unpack("<II", start[4:12])
            sizes.append((width, height // 2))
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def cut_reason(stream: IO[bytes], *, name: str, size: int) -> str | None:
    """
    Say how a file shows that it was longer, for formats whose decoder does not tell cut from damaged.

    Parameters
    ----------
    stream
        Seekable binary stream.
    name
        Format as Pillow names it.
    size
        Length of the stream in bytes.

    Returns
    -------
    str | None
        Null when nothing shows it.
    """
    stream.seek(0)
    if name == "JPEG":
        return None if _jpeg_ends(stream, size=size) else "its JPEG data has no end mark"
    checks = {"WEBP": _webp_length, "TIFF": _tiff_length, "AVIF": _avif_length}
    if name in checks and checks[name](stream, size=size) > size:
        return f"its {name} header tells of more than its {size} bytes"
    return None


def _jpeg_ends(stream: IO[bytes], *, size: int) -> bool:
    """Whether the end mark FFD9 follows the last scan FFDA: a decoder takes zeros behind a cut for pixels."""
    stream.seek(max(0, size - 2))
    if stream.read() == b"\xff\xd9":
        return True
    stream.seek(0)
    data = stream.read()
    return data.rfind(b"\xff\xd9") >= data.rfind(b"\xff\xda")


def _webp_length(stream: IO[bytes], *, size: int) -> int:
    return int.from_bytes(stream.read(8)[4:], "little") + 8


def _tiff_length(stream: IO[bytes], *, size: int) -> int:
    """End of the first directory; libtiff writes it behind the pixels."""
    head = stream.read(8)
    if head[:4] not in (b"II*\0", b"MM\0*") or len(head) < 8:
        return size
    order = "<" if head[:2] == b"II" else ">"
    (directory,) = struct.unpack(order + "I", head[4:])
    stream.seek(directory)
    count = stream.read(2)
    entries = struct.unpack(order + "H", count)[0] if len(count) == 2 else 1
    return int(directory + 6 + 12 * entries)


def _avif_length(stream: IO[bytes], *, size: int) -> int:
    """End of the last box; one of length 0 reaches to the end of the file (ISO/IEC 14496-12, section 4.2)."""
    end = 0
    for _ in range(MAX_BOXES):
        if end >= size:
            break
        stream.seek(end)
        head = stream.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length < 8:
            return size
        end += length
    return end
