"""Small pieces of English, read back: numbers, lists, choices of names."""

import re
from collections.abc import Collection, Sequence

# fmt: off
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on


def _spelled(n: int) -> str:
    if n < 20:
        return _ONES[n]
    if n < 100:
        return _TENS[n // 10 - 2] + (f"-{_ONES[n % 10]}" if n % 10 else "")
    return f"{_ONES[n // 100]} hundred" + (f" and {_spelled(n % 100)}" if n % 100 else "")


_NUMBERS = {_spelled(n): n for n in range(1000)}


def number(text: str) -> int | None:
    """Read a count in digits or words; null when it is none."""
    return int(text) if text.isascii() and text.isdigit() else _NUMBERS.get(text.lower())


def candidates_of(text: str) -> list[str]:
    """Read a choice of names or points: "the car, the dog or the trees" -> car, dog, trees."""
    if text.startswith("("):
        return re.split(r"(?:, | or )(?=\()", text)
    return [name.removeprefix("the ") for name in re.split(r"(?:, | or )(?=the )", text)]


def items_of(text: str, *, known: Collection[str]) -> list[str]:
    """Read "a, b and c" as its items; a known phrase that holds a comma or "and" stays whole."""
    if text in known:
        return [text]
    pieces = re.split(r"(, and |, | and )", text)
    items, seams = pieces[::2], pieces[1::2]
    found: list[str] = []
    while items:
        size = next((n for n in range(len(items), 1, -1) if _whole(items, seams, n) in known), 1)
        found.append(_whole(items, seams, size))
        items, seams = items[size:], seams[size:]
    return found


def _whole(items: Sequence[str], seams: Sequence[str], size: int) -> str:
    return items[0] + "".join(seams[i] + items[i + 1] for i in range(size - 1))


def contains_phrase(text: str, phrase: str) -> bool:
    """Whether a phrase stands in a text as whole words."""
    return phrase in text and f" {phrase} " in f" {_bare(text)} "


def _bare(text: str) -> str:
    return text.replace(",", " ").replace(".", " ").replace("?", " ").replace("  ", " ")
