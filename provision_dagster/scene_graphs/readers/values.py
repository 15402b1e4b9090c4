"""Checks of single JSON values."""

import math


def shown(value: object) -> str:
    """Value as it appears in a message: at most 60 characters, one line, valid Unicode."""
    text = repr(value)
    return ascii(text[:57])[1:-1] + "..." if len(text) > 60 or not text.isprintable() else text


def as_text(value: object) -> str | None:
    """Text that a table can hold, or None."""
    if not isinstance(value, str):
        return None
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return None
    return value


def as_id(value: object) -> str | None:
    """Identifier: a whole number or text that is not empty; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if -(10**30) < value < 10**30 else None
    text = as_text(value)
    return text.strip() or None if text is not None else None


def as_number(value: object) -> float | None:
    """Number, or None; too large a whole number is infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def as_side(value: object) -> int | None:
    """Width or height in pixels: a whole number from 1 to 2**31 - 1, or None."""
    number = as_number(value)
    if number is None or not number.is_integer() or not 1 <= number < 2**31:
        return None
    return int(number)


def as_score(value: object) -> float | None:
    """Confidence, None when there is none; what is no number becomes NaN, which the rules reject."""
    if value is None:
        return None
    number = as_number(value)
    return math.nan if number is None else number
