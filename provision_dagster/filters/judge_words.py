"""Yes or No: which tokens say it, and how sure their logits make a judge (Genixer, arXiv 2312.06731, eq. 3).

Genixer writes P(Yes) = exp(l_yes) / (exp(l_yes) + exp(l_no)) for one token each. Tokenizers have several for a word
("Yes", " Yes", "yes", ...), and it depends on the tokenizer and on what stands before the answer which of them a model
says. So exp(l) is summed over the tokens of a word: that is the probability that the first token of the answer says
Yes, given that it says Yes or No. With one token each it is eq. 3; to choose one instead would, for some models,
compare two tokens that they never say. A form counts only where both words have it: neither has more ways to be said.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.found import Floats

YES, NO = "yes", "no"

CERTAIN = 1e-3
"""A word that a server does not list counts as never said, if the least likely token that it lists is so much less
likely than the other word."""

_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_SPACES = str.maketrans("▁ĠĊ", "   ")


@dataclass(frozen=True)
class Judged:
    """How sure a judge is of one question.

    Attributes
    ----------
    p_yes
        0 .. 1; null where there is an error.
    mass
        Probability that the answer begins with Yes or No at all: where it is low, `p_yes` says little.
    error
        Why there is no score.
    """

    p_yes: float | None
    mass: float | None
    error: str | None = None


def answer_tokens(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Find the tokens of a vocabulary that say Yes and No, in any case, with a space before them or without.

    Parameters
    ----------
    tokenizer
        Of transformers. Where it has no such words, as one that spells has not, the first tokens of "Yes" and "No".

    Returns
    -------
    tuple of list of int
        Token ids of Yes and of No, none in both.

    Raises
    ------
    InputError
        If both words begin with the same token.
    """
    forms: dict[str, dict[str, int]] = {YES: {}, NO: {}}
    for token, number in tokenizer.get_vocab().items():
        found = _WORD.search(token)
        if found is None or (word := found[0].lower()) not in forms:
            continue
        if tokenizer.decode([number]).strip().lower() == word:
            forms[word][_form(token, found)] = number
    shared = sorted(set(forms[YES]) & set(forms[NO]))
    if shared:
        return [forms[YES][form] for form in shared], [forms[NO][form] for form in shared]
    firsts = [tokenizer.encode(word, add_special_tokens=False)[:1] for word in ("Yes", "No")]
    if not all(firsts) or firsts[0] == firsts[1]:
        raise InputError("the model's vocabulary has no tokens that tell Yes from No; use another model")
    return firsts[0], firsts[1]


def _form(token: str, found: re.Match[str]) -> str:
    """What stands before and after a word, and its case."""
    word = found[0]
    case = "lower" if word.islower() else "upper" if word.isupper() else "title" if word.istitle() else word
    return f"{token[: found.start()]}|{case}|{token[found.end() :]}"


def p_yes(yes: Floats, no: Floats) -> Floats:
    """Turn logits into the probability of Yes against No.

    Parameters
    ----------
    yes, no
        Logits of the tokens of each word, shapes (n, tokens of Yes) and (n, tokens of No).

    Returns
    -------
    numpy.ndarray
        Shape (n,), 0 .. 1; P(No) is 1 minus it.
    """
    difference = _summed(yes) - _summed(no)
    # exp of what is never positive does not overflow
    small = np.exp(-np.abs(difference))
    found: Floats = np.where(difference >= 0, 1.0, small) / (1.0 + small)
    return found


def _summed(logits: Floats) -> Floats:
    """Logarithm of the sum of exp, by row."""
    found: Floats = np.logaddexp.reduce(np.asarray(logits, dtype=np.float64), axis=1)
    return found


def judged(yes: Floats, no: Floats, whole: Floats) -> list[Judged]:
    """Turn the logits of a batch into verdicts.

    Parameters
    ----------
    yes, no
        As for `p_yes`.
    whole
        Logarithm of the sum of exp over the whole vocabulary, shape (n,).
    """
    with np.errstate(invalid="ignore"):  # what is not finite is told below
        sure = p_yes(yes, no)
        mass = np.exp(np.logaddexp(_summed(yes), _summed(no)) - whole).clip(0.0, 1.0)
    fine = np.isfinite(sure) & np.isfinite(mass)
    bad = Judged(None, None, "the model gave logits that are not finite")
    return [Judged(float(p), float(m)) if ok else bad for p, m, ok in zip(sure, mass, fine, strict=True)]


def judged_by_list(listed: Mapping[str, float]) -> Judged:
    """Turn the likeliest first tokens of an answer, as a server lists them, into a verdict.

    Parameters
    ----------
    listed
        Logarithm of the probability, by token.
    """
    shares = {token: float(np.exp(value)) for token, value in listed.items()}
    words = {token: token.translate(_SPACES).strip().lower() for token in shares}
    found = {word: sum(share for token, share in shares.items() if words[token] == word) for word in (YES, NO)}
    missing = [word.title() for word in (YES, NO) if not found[word]]
    if missing and not min(shares.values(), default=1.0) <= CERTAIN * max(found.values()):
        said = ", ".join(repr(token) for token in sorted(shares, key=lambda token: -shares[token])[:5]) or "none"
        return Judged(None, None, f"no token of {' or '.join(missing)} among the {len(shares)} likeliest: {said}, ...")
    return Judged(found[YES] / sum(found.values()), min(1.0, sum(found.values())))
