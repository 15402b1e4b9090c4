"""Faults of English that can be seen in a finished text (T7)."""

import re
from functools import lru_cache

import inflect

_ENGINE = inflect.engine()
_SPACING = re.compile(r"[{}\n\t]|  |^ | $| [?.,;:!]|[,;:]{2}|[,;:][?.]|\?\?|\.\.(?!\.)|\?\.|\.\?|\( | \)|None|null")
_DOUBLED = re.compile(r"\b([a-z]+) \1\b", re.IGNORECASE)
_ARTICLE = re.compile(r"\b([Aa]n?) ([\w'-]+)")
_TWO_VERBS = re.compile(
    r"\b(?:is|are|was|were) (?:has|have|is|are|was|were|does|do|wears?|holds|covers|contains|carries|rides|eats|shows"
    r"|belongs|hangs|sits|stands|lies|leans|touches|surrounds|supports|watches|wants|uses|plays|throws|hits|pulls)\b"
)
_ASKS = frozenset(("what", "which", "who", "whose", "how", "where", "when", "why"))
# fmt: off
_TELLS = frozenset((
    "name", "count", "tell", "state", "report", "determine", "give", "pick", "choose", "select", "find", "identify",
    "decide", "say", "list", "describe", "specify", "sort", "order", "rank", "compare", "mark", "indicate",
))
# fmt: on
_MAY_DOUBLE = frozenset(("that", "had"))


def text_faults(text: str) -> list[str]:
    """Name the faults of a question or instruction."""
    found = []
    if text[-1:] not in ("?", "."):
        found.append("no_end_mark")
    if not (text[:1].isupper() or text[:1] in "\"'(0123456789"):
        found.append("no_capital")
    if _SPACING.search(text):
        found.append("spacing")
    if _doubled(text):
        found.append("doubled_word")
    if _TWO_VERBS.search(text):
        found.append("two_verbs")
    if not all(_fits(a.lower(), word) for a, word in _ARTICLE.findall(text)):
        found.append("article")
    return found


def _doubled(text: str) -> bool:
    match = _DOUBLED.search(text)
    return match is not None and match.group(1).lower() not in _MAY_DOUBLE


@lru_cache(maxsize=100_000)
def _fits(article: str, word: str) -> bool:
    return str(_ENGINE.a(word)).split(" ", 1)[0] == article


@lru_cache(maxsize=100_000)
def template_faults(text: str) -> tuple[str, ...]:
    """Name the faults of a template that its slots have no part in: the end mark of its last sentence."""
    last = re.split(r"[?.!] (?=[A-Z])", text)[-1]
    first = re.match(r"[\"'(]?(\w+)", last)
    word = first.group(1).lower() if first else ""
    if word in _TELLS and text.endswith("?") and not re.search(r": .*(what|which|who|how|is it) ", last.lower()):
        return ("instruction_with_question_mark",)
    return ("question_with_full_stop",) if word in _ASKS and text.endswith(".") else ()
