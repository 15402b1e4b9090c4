"""Faults of English that can be seen in a finished text (T7)."""

import re
from functools import lru_cache
from itertools import pairwise

from provision_dagster.english import inflect_engine

_BE = frozenset(("is", "are", "was", "were"))
# fmt: off
_FINITE = frozenset((
    "is", "are", "was", "were", "has", "have", "does", "do", "wear", "wears", "holds", "covers", "contains", "carries",
    "rides", "eats", "shows", "belongs", "hangs", "sits", "stands", "lies", "leans", "touches", "surrounds",
    "supports", "watches", "wants", "uses", "plays", "throws", "hits", "pulls",
))
_SPACING = (
    "{", "}", "\n", "\t", "  ", " ?", " .", " ,", " ;", " :", " !", ",,", ",.", ",?", ";.", ";?", ":.", ":?", "??",
    "?.", ".?", "( ", " )",
)
# fmt: on
_ASKS = frozenset(("what", "which", "who", "whose", "how", "where", "when", "why"))
# fmt: off
_TELLS = frozenset((
    "name", "count", "tell", "state", "report", "determine", "give", "pick", "choose", "select", "find", "identify",
    "decide", "say", "list", "describe", "specify", "sort", "order", "rank", "compare", "mark", "indicate",
))
# fmt: on
_SPELLED_OUT = frozenset(
    ("suv", "lcd", "led", "mp3", "hdtv", "rv", "mri", "fm", "hd", "ny", "s", "x", "r", "m", "n", "l", "f", "h")
)
_MAY_DOUBLE = frozenset(("that", "had", "can"))  # "the trash can can be seen"


def text_faults(text: str) -> list[str]:
    """Name the faults of a question, instruction or statement."""
    found = []
    if text[-1:] not in ("?", "."):
        found.append("no_end_mark")
    if not (text[:1].isupper() or text[:1] in "\"'(0123456789"):
        found.append("no_capital")
    if text[:1] == " " or any(bad in text for bad in _SPACING):
        found.append("spacing")
    words = text.lower().split(" ")
    for one, two in pairwise(words):
        if one == two and one.isalpha() and one not in _MAY_DOUBLE:
            found.append("doubled_word")
        elif one in _BE and two in _FINITE:
            found.append("two_verbs")
        elif one in ("a", "an") and not _fits(one, two):
            found.append("article")
    return found


@lru_cache(maxsize=100_000)
def _fits(article: str, word: str) -> bool:
    word = word.strip("\"'(),.:;?")
    if word in _SPELLED_OUT:
        return article == "an"
    return not word or str(inflect_engine().a(word)).split(" ", 1)[0] == article


@lru_cache(maxsize=100_000)
def template_faults(text: str) -> tuple[str, ...]:
    """Name the faults of a template that its slots have no part in: the end mark of its last sentence."""
    last = re.split(r"[?.!] (?=[A-Z])", text)[-1]
    first = re.match(r"[\"'(]?(\w+)", last)
    word = first.group(1).lower() if first else ""
    if word in _TELLS and text.endswith("?") and not re.search(r": .*(what|which|who|how|is it) ", last.lower()):
        return ("instruction_with_question_mark",)
    return ("question_with_full_stop",) if word in _ASKS and text.endswith(".") else ()
