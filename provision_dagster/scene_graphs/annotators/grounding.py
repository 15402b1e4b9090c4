"""Predicates that models say, brought to those of a vocabulary by what they mean (sentence embeddings).

Reimers and Gurevych, arXiv 1908.10084: the mean of a text's token vectors, compared by cosine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provision_dagster.scene_graphs.annotators.hub import (
    device_of,
    from_pretrained,
    load_pretrained,
    told,
    torch_module,
    transformers_module,
)
from provision_dagster.scene_graphs.annotators.vlm_configs import GroundingConfig
from provision_dagster.scene_graphs.annotators.vlm_words import PredicateWords

OPPOSITES = (
    ("left", "right"), ("above", "below"), ("over", "under"), ("over", "below"), ("above", "under"),
    ("front", "behind"), ("front", "back"), ("inside", "outside"), ("in", "out"), ("into", "out"), ("up", "down"),
    ("on", "off"), ("on", "under"), ("on", "below"), ("with", "without"), ("top", "bottom"),
    ("near", "far"), ("towards", "away"), ("toward", "away"),
)  # fmt: skip
"""Words that occur in like sentences, so that their embeddings are near each other, and that mean the opposite."""


@dataclass(frozen=True)
class Grounded:
    """A predicate of the vocabulary and how like it is to what was said, 0 .. 1."""

    predicate: str
    score: float


class SentenceEncoder:
    """A text encoder of transformers with the mean of its last layer, of length one."""

    def __init__(self, config: GroundingConfig) -> None:
        self.config = config
        self._network: Any = None

    @property
    def model(self) -> str:
        """Model and revision."""
        self.load()
        return told(self.config, self._network)

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When they are missing, or are no text encoder.
        """
        if self._network is not None:
            return
        library = transformers_module()
        self._device = device_of(self.config)
        network = load_pretrained(library.AutoModel, self.config, device=self._device)
        self._tokenizer = from_pretrained(library.AutoTokenizer, self.config)
        self._network = network

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, shape (texts, size), each of length one."""
        self.load()
        parts = [texts[at : at + self.config.batch] for at in range(0, len(texts), self.config.batch)]
        return np.concatenate([self._encoded(list(part)) for part in parts])

    def _encoded(self, texts: list[str]) -> NDArray[np.float32]:
        torch = torch_module()
        inputs = self._tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            tokens = self._network(**inputs).last_hidden_state.float()
        real = inputs["attention_mask"].unsqueeze(-1).float()
        mean = (tokens * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)
        return torch.nn.functional.normalize(mean, dim=1).cpu().numpy()  # type: ignore[no-any-return]


class Grounder:
    """Finds predicates in a vocabulary; each distinct one is looked up once, the vocabulary is embedded once.

    Parameters
    ----------
    encoder
        Null: only the vocabulary's own predicates and their synonyms are found.
    floor
        Similarity below which nothing is found.
    """

    def __init__(self, words: PredicateWords, *, encoder: SentenceEncoder | None, floor: float) -> None:
        self._words = words
        self._encoder = encoder
        self._floor = floor
        self._known: dict[str, Grounded | None] = {}
        self._vectors: NDArray[np.float32] | None = None

    def ground(self, predicates: Sequence[str]) -> dict[str, Grounded | None]:
        """
        Find for each predicate the one of the vocabulary that means most nearly the same.

        Parameters
        ----------
        predicates
            In lower case, without names and articles.

        Returns
        -------
        dict of str to Grounded or None
            Score 1 for the vocabulary's own words and their synonyms; null below the floor.
        """
        fresh = sorted(set(predicates) - self._known.keys())
        exact = self._words.exact(fresh)
        self._known |= {word: Grounded(name, 1.0) for word, name in exact.items()}
        rest = [word for word in fresh if word not in exact]
        self._known |= zip(rest, self._nearest(rest), strict=True)
        return {word: self._known[word] for word in predicates}

    def _nearest(self, predicates: list[str]) -> list[Grounded | None]:
        if not predicates or self._encoder is None:
            return [None] * len(predicates)
        if self._vectors is None:
            self._vectors = self._encoder.encode(self._words.words)
        alike = self._encoder.encode(predicates) @ self._vectors.T
        alike[opposed(predicates, self._words.words)] = -1
        best = alike.argmax(axis=1)
        scores = np.clip(alike[np.arange(len(best)), best], 0, 1).astype(float)
        return [
            Grounded(self._words.words[place], round(float(score), 4)) if score >= self._floor else None
            for place, score in zip(best, scores, strict=True)
        ]


def opposed(predicates: Sequence[str], words: Sequence[str]) -> NDArray[np.bool_]:
    """Which predicates have a word whose opposite is in a word of the vocabulary; shape (predicates, words)."""
    against = np.zeros((len(predicates), len(words)), dtype=bool)
    for pair in OPPOSITES:
        for one, other in (pair, pair[::-1]):
            against |= np.outer(_has(predicates, one) & ~_has(predicates, other), _has(words, other))
    return against


def _has(texts: Sequence[str], word: str) -> NDArray[np.bool_]:
    return np.array([word in text.split() for text in texts], dtype=bool)
