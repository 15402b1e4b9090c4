"""Text of answers: without thoughts and marks, in lower case; and words of denial and doubt."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

_THOUGHT = re.compile(r"^.*</think>", re.DOTALL)
_FENCE = re.compile(r"```\w*")
BULLET = re.compile(r"^\s*(?:[-*•–+]|\(?\d{1,2}[.):]|\(?[a-z][.)])\s+")
MARKUP = re.compile(r"[*_`\"“”„«»]+")
NAMED = re.compile(r"^[^:,]{1,40}:\s*")
DENIED = re.compile(
    r"\b(?:not|no|never|without|neither|nor|none|nothing|cannot|\w+n['’]t|sorry|unable|unclear|unknown|unsure|uncertain"
    r"|null|unrelated|undetermined|unspecified|n/a|maybe|perhaps|might|may|could|would|possibly|probably|whether|or|if)\b"
)
_SPACES = re.compile(r"\s+")
_GREY = re.compile(r"\bgrey(ish|s|er|est)?\b")


def plain_text(text: str) -> str:
    """Without what a model thought before it answered, and without marks of code."""
    return _FENCE.sub(" ", _THOUGHT.sub("", unicodedata.normalize("NFC", text))).strip()


def strings_of(value: Any) -> list[str]:
    """Strings of JSON in their order: of an object its values, and the keys that are true."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in value for text in strings_of(one)]
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in ([key] if one is True else strings_of(one))]
    return []


def words_of(text: str) -> str:
    """Lower case, single spaces, no punctuation at the ends, gray for grey."""
    plain = _SPACES.sub(" ", unicodedata.normalize("NFC", text.lower()))
    return _GREY.sub(r"gray\1", plain.strip(" .,;:!?()[]{}<>'’‘\"-–—_*"))


def first_words(texts: Sequence[str], *, most: int = 500) -> list[str]:
    """Answers as they are kept: on one line, with `most` characters at most."""
    return [_SPACES.sub(" ", text).strip()[:most] for text in texts]
