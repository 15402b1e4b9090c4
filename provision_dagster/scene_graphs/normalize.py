"""Normal form of labels, attributes, predicates and phrases, as polars expressions."""

import polars as pl

SEPARATOR = "\x1f"
"""Stands between the parts of an attribute while it is split; none is left of the input by then."""


def one_line(text: pl.Expr) -> pl.Expr:
    """
    Write text with single spaces and none at the ends; its case is kept.

    Parameters
    ----------
    text
        Column of strings. Control characters count as spaces, invisible format characters are removed.

    Returns
    -------
    polars.Expr
        Column of strings in Unicode's NFC form; null stays null.
    """
    visible = text.str.replace_all(r"\p{Cf}", "").str.replace_all(r"[\s\p{Cc}]+", " ")
    return visible.str.strip_chars().str.normalize("NFC")


def normalized(text: pl.Expr) -> pl.Expr:
    """
    Write labels and predicates in lower case, with single spaces, `gray` for `grey` and no full stop at the end.

    Parameters
    ----------
    text
        Column of strings, such as `"Light  Grey "`.

    Returns
    -------
    polars.Expr
        Column of strings, such as `"light gray"`; `greyhound` is left alone. Empty text stays empty.
    """
    # Twice: lower case can undo NFC ("İ"), and NFC can bring back an upper-case letter (the Kelvin sign).
    lower = one_line(text.str.to_lowercase()).str.to_lowercase()
    gray = lower.str.normalize("NFC").str.replace_all(r"\bgrey(ish|s|er|est)?\b", "gray$1")
    return gray.str.strip_chars(" .,;:")


def attribute_parts(text: pl.Expr) -> pl.Expr:
    """
    Split written attributes into single ones: at the word `and`, at commas and at slashes.

    A comma or slash between two digits (`1,000`, `24/7`) does not split, nor does a hyphen
    (`black-and-white`).

    Parameters
    ----------
    text
        Column of strings, such as `"Black and white"` or `"red, grey/blue"`.

    Returns
    -------
    polars.Expr
        Column of lists, normalized, sorted, without repeats: `["black", "white"]`, `["blue", "gray", "red"]`.
        A text without any word, such as `" , "`, gives an empty list.
    """
    whole = normalized(text)
    for mark, stand_in in ((",", "\x1d"), ("/", "\x1e")):
        between_digits = whole.str.replace_all(rf"(\d){mark}(\d)", f"${{1}}{stand_in}${{2}}")
        whole = between_digits.str.replace_all(rf"(\d){mark}(\d)", f"${{1}}{stand_in}${{2}}")
    # The ends get a space each, so that "and" at an end is found like one in the middle.
    padded = pl.concat_str(pl.lit(" "), whole, pl.lit(" ")).str.replace_all("[,/]", f" {SEPARATOR} ")
    split = padded.str.replace_all(" and ", f" {SEPARATOR} ").str.replace_all(" and ", f" {SEPARATOR} ")
    restored = split.str.replace_all("\x1d", ",").str.replace_all("\x1e", "/")
    part = pl.element().str.strip_chars()
    return restored.str.split(SEPARATOR).list.eval(part.filter(part != "")).list.unique().list.sort()
