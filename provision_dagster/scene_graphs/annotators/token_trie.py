"""Answers that can be nothing but words of a vocabulary: which tokens may come next in a list "red, shiny".

The words are spelt in tokens, and the spellings make a tree. After a whole word the list may end or go on with a comma
and a word that was not said before (De Cao et al., arXiv 2010.00904, section 3.2, for lists).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.chat import NONE, Choices

SEPARATOR = ", "
_ANCHOR = "x"


@dataclass
class _Node:
    """A place in a tree of spellings.

    Attributes
    ----------
    below
        Numbers of the words that are spelt from here on.
    ends
        Number of the word that is whole here.
    """

    next: dict[int, "_Node"] = field(default_factory=dict)
    below: set[int] = field(default_factory=set)
    ends: int | None = None


@dataclass(frozen=True)
class _Place:
    """Where in a list an answer may be: a node, and the words that are whole already."""

    node: _Node
    said: frozenset[int] = frozenset()


class TokenTrie:
    """The lists that may be said.

    Parameters
    ----------
    tokenizer
        Of transformers.
    choices
        Words, and how many of them a list may have.
    ends
        Tokens that end an answer.

    Raises
    ------
    InputError
        When the tokenizer can spell none of the words.
    """

    def __init__(self, tokenizer: Any, choices: Choices, *, ends: Sequence[int]) -> None:
        self._ends = list(ends)
        self._most = choices.most
        self._none = len(choices.words)
        self._first, self._later = _Node(), _Node()
        self._grow(tokenizer, choices.words)
        if not self._later.below:
            raise InputError(f"the model can spell none of the {len(choices.words):,} words of the vocabulary")

    def _grow(self, tokenizer: Any, words: Sequence[str]) -> None:
        """Spell the words, first in a list and after a comma, but for those whose letters the tokenizer lacks."""
        for number, word in enumerate([*words, NONE]):
            # with and without a space before it: templates end with or without one
            for spelling in (_spelt(tokenizer, word), _continued(tokenizer, " " + word)):
                _add(self._first, spelling, number, reads=_reads(tokenizer, spelling, word))
            if number != self._none:
                spelling = _continued(tokenizer, SEPARATOR + word)
                _add(self._later, spelling, number, reads=_reads(tokenizer, spelling, SEPARATOR + word))

    def allowed(self, said: Iterable[int]) -> list[int]:
        """Tokens that may follow what was said; after an end, or what no list begins with, only an end."""
        places = [_Place(self._first)]
        for token in said:
            if token in self._ends:
                return self._ends
            places = [after for place in places for after in self._after(place, token)]
        found = {token for place in places for token in self._tokens(place)}
        return sorted(found) or self._ends

    def _after(self, place: _Place, token: int) -> list[_Place]:
        """Where a token leads: on in the word, or on to the next one."""
        found = []
        if (inside := place.node.next.get(token)) is not None:
            found.append(_Place(inside, place.said))
        whole = self._whole(place)
        if whole is not None and (after := self._later.next.get(token)) is not None:
            found.append(_Place(after, whole))
        return found

    def _tokens(self, place: _Place) -> Iterable[int]:
        yield from (token for token, node in place.node.next.items() if not node.below <= place.said)
        whole = self._whole(place)
        if place.node.ends is not None and place.node.ends not in place.said:
            yield from self._ends
        if whole is not None:
            yield from (token for token, node in self._later.next.items() if not node.below <= whole)

    def _whole(self, place: _Place) -> frozenset[int] | None:
        """The words said, where one is whole and another may follow."""
        word = place.node.ends
        if word is None or word == self._none or word in place.said or len(place.said) + 1 >= self._most:
            return None
        return place.said | {word}

    def beside(self, length: int) -> Callable[[int, Any], list[int]]:
        """Make the function that `generate` of transformers asks for allowed tokens, for prompts of `length` tokens."""
        return lambda _, tokens: self.allowed(tokens[length:].tolist())


def _add(root: _Node, spelling: Sequence[int], word: int, *, reads: bool) -> None:
    if not reads:
        return
    node = root
    node.below.add(word)
    for token in spelling:
        node = node.next.setdefault(token, _Node())
        node.below.add(word)
    node.ends = word


def _reads(tokenizer: Any, spelling: Sequence[int], text: str) -> bool:
    """Whether tokens say a text, spaces aside: unknown letters do not come back."""
    return "".join(tokenizer.decode(spelling).split()) == "".join(text.split())


def _spelt(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))


def _continued(tokenizer: Any, text: str) -> list[int]:
    """Spell what stands within a text: many tokenizers put a space before what begins one."""
    before, both = _spelt(tokenizer, _ANCHOR), _spelt(tokenizer, _ANCHOR + text)
    return both[len(before) :] if both[: len(before)] == before else _spelt(tokenizer, text)
