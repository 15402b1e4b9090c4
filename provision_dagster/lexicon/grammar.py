"""Number and article of English noun phrases."""

import re
from functools import cache

import polars as pl

from provision_dagster.english import inflect_engine

_AN = r"^(?:[aeiou]|hour|honest|heir|honor|x-ray|suv\b|mp3|hdtv|lcd|led\b|8|11\b|18\b)"
# written with a vowel, spoken with a consonant
_A = r"^(?:uni(?:[^nm]|$)|us[aeiu]|usb|ute|uti|uri|ur[ei]|ubi|eu|ewe|one\b|once|u-|ukulele|ufo|ups\b)"


def indefinite_article(phrase: pl.Expr) -> pl.Expr:
    """ "a" or "an" for lower-case English phrases, by the sound of the first word."""
    text = phrase.str.to_lowercase()
    vowel = text.str.contains(_AN) & ~text.str.contains(_A)
    return pl.when(vowel).then(pl.lit("an")).otherwise(pl.lit("a"))


@cache
def singular_of(word: str) -> str | None:
    """Singular of a plural noun, null when the word is not a plural by the rules of English."""
    if len(word) < 4 or not word.endswith(("s", "men", "children", "people", "teeth", "feet")) or word.endswith("ss"):
        return None
    found = inflect_engine().singular_noun(word)
    return str(found) if found else None


@cache
def plural_of(phrase: str) -> str:
    """Plural of a noun phrase: of the noun before "of", "on", "with", ... or else of its last word."""
    parts = re.split(r"( (?:of|on|in|with|at|for|by|to|from) )", phrase, maxsplit=1)
    words = parts[0].split(" ")
    found = inflect_engine().plural_noun(words[-1]) if words[-1] else ""
    return " ".join([*words[:-1], str(found) if found else words[-1]]) + "".join(parts[1:])
