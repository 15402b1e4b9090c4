"""Names of what a mix is written as, and of the notations of boxes in its texts."""

from typing import Literal, get_args

Format = Literal[
    "llava",
    "llava_lines",
    "provision",
    "messages",
    "hugging_face",
    "hugging_face_embedded",
    "webdataset",
    "refcoco",
    "shikra",
]
"""What `formats` of a recipe may name."""

FORMATS: tuple[Format, ...] = get_args(Format)

DEFAULT_FORMATS: tuple[Format, ...] = ("llava", "provision")

WITH_PIXELS: frozenset[Format] = frozenset({"hugging_face_embedded", "webdataset"})
"""Formats that hold the pictures themselves; the others hold their paths."""

Notation = Literal["ratio", "thousand", "pixels"]
"""How boxes are written in texts, x1, y1, x2, y2: shares of width and height with two decimals; whole numbers 0 .. 999
of a thousand parts of width and height; whole pixels."""

NOTATIONS: tuple[Notation, ...] = get_args(Notation)
