"""Words that vision-language models may use: those of a file, or those of the lexicon that can be seen in a picture."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import polars as pl

from provision_dagster.lexicon import Lexicon
from provision_dagster.scene_graphs.annotators.labels import digest_of, read_labels
from provision_dagster.scene_graphs.normalize import normalized

VISIBLE = (
    "color", "shade", "material", "size", "build", "shape", "pattern", "texture", "state", "posture", "activity",
    "expression", "age", "hair", "weather",
)  # fmt: skip
"""Categories of attributes that are asked for. Left out are judgements ("nice"), places ("on top"), numbers, times, and
what is not to be guessed from how people look: gender, skin and origin."""


class AttributeWords:
    """Attributes that are kept, and what is made of synonyms and contradictions."""

    def __init__(self, file: Path | None, *, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._file = file

    @cached_property
    def words(self) -> list[str]:
        """The vocabulary, normalized, sorted."""
        if self._file is not None:
            return _of_file(self._file)
        table = self._lexicon.tables["attributes"]
        own = table.filter((pl.col("attribute") == pl.col("canonical")) & pl.col("category").is_in(VISIBLE))
        return own["attribute"].unique().sort().to_list()

    @cached_property
    def known(self) -> frozenset[str]:
        """The vocabulary and all that the lexicon knows: what is not to be taken apart in answers."""
        return frozenset([*self.words, *self._lexicon.tables["attributes"]["attribute"]])

    @property
    def name(self) -> str:
        """Digest of the vocabulary, for provenance."""
        return digest_of(self.words)

    def kept(self, answers: Sequence[Sequence[str]], *, most: int) -> list[list[str]]:
        """
        Keep of each answer what is in the vocabulary, under its name there, and contradicts nothing else in the answer.

        Parameters
        ----------
        answers
            Attributes in lower case, of one object each.
        most
            Attributes per object at most: the first ones.

        Returns
        -------
        list of list of str
            None twice; of two that contradict each other (red, blue) neither.
        """
        known = self._known(sorted({word for answer in answers for word in answer}))
        named = [list(dict.fromkeys(known[word] for word in answer if word in known)) for answer in answers]
        pairs = self._lexicon.contradictions(sorted(set(known.values())))
        clashes = set(pairs.select("attribute", "other").iter_rows())
        return [[word for word in some if not any((word, other) in clashes for other in some)][:most] for some in named]

    def _known(self, words: list[str]) -> dict[str, str]:
        """By word: its name in the vocabulary."""
        own = frozenset(self.words)
        rows = self._lexicon.attributes([*self.words, *words]).filter("known")
        meanings = dict(rows.select("attribute", "canonical").iter_rows())
        by_meaning = {meanings[word]: word for word in reversed(self.words) if word in meanings}
        found = {word: word if word in own else by_meaning.get(meanings.get(word, word)) for word in words}
        if self._file is None:  # "bright teal" is known by its parts
            seen = rows.filter(pl.col("category").is_in(VISIBLE))
            meant = dict(seen.select("attribute", "canonical").iter_rows())
            found |= {word: meant[word] for word in words if found[word] is None and word in meant}
        return {word: name for word, name in found.items() if name is not None}


class PredicateWords:
    """Predicates that relations may have."""

    def __init__(self, file: Path | None, *, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._file = file

    @cached_property
    def words(self) -> list[str]:
        """The vocabulary, normalized, sorted."""
        if self._file is not None:
            return _of_file(self._file)
        table = self._lexicon.tables["predicates"]
        own = table.filter((pl.col("predicate") == pl.col("canonical")) & pl.col("usable"))
        return own["predicate"].unique().sort().to_list()

    @cached_property
    def known(self) -> frozenset[str]:
        """The vocabulary as a set."""
        return frozenset(self.words)

    @property
    def name(self) -> str:
        """Digest of the vocabulary, for provenance."""
        return digest_of(self.words)

    @cached_property
    def _by_meaning(self) -> dict[str, str]:
        return {meaning: word for word, meaning in reversed(self._meanings(self.words).items())}

    def exact(self, predicates: Sequence[str]) -> dict[str, str]:
        """By predicate: the same or its synonym in the vocabulary ("sits on": "sitting on"); none for the others."""
        meanings = self._meanings(predicates)
        named = {word: self._by_meaning.get(meanings[word]) for word in predicates if word in meanings}
        return {word: name for word, name in named.items() if name is not None} | {
            word: word for word in predicates if word in self.known
        }

    def inverse(self, predicates: Sequence[str]) -> dict[str, str]:
        """By predicate of the vocabulary: what it says the other way round ("under": "above"), where there is that."""
        rows = self._lexicon.predicates(predicates).drop_nulls("inverse")
        turned = dict(rows.select("predicate", "inverse").iter_rows())
        names = self.exact(sorted(set(turned.values())))
        return {word: names[other] for word, other in turned.items() if other in names}

    def _meanings(self, predicates: Sequence[str]) -> dict[str, str]:
        rows = self._lexicon.predicates(predicates).filter("known")
        return dict(rows.select("predicate", "canonical").iter_rows())


def _of_file(path: Path) -> list[str]:
    """Read a vocabulary; spellings of one word count once."""
    lines = pl.Series("word", read_labels(path)).to_frame()
    return lines.select(normalized(pl.col("word")))["word"].unique().sort().to_list()
