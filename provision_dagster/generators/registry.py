"""Generators are registered by being defined: one small module each under `programs/`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.generators.arrays import Bools, Ints, Ragged
from provision_dagster.generators.graphs import Graphs

Rules = Literal["strict", "paper"]
Family = Literal[
    "qa_object",
    "qa_attribute",
    "qa_relation",
    "qa_scene_graph",
    "qa_segmentation",
    "qa_depth",
    "qa_object_depth",
    "qa_multi_aggregate",
    "qa_multi_select",
    "qa_multi_compare",
]
Key = Literal["object", "label", "attribute", "predicate", "category", "number"]
"""What a key column's numbers stand for; they are hashed as places in the image, as words, or as they are."""

OPTIONS = 4
"""K of the paper: options of a multiple-choice question."""


@dataclass(frozen=True)
class Mentions:
    """Codes of the words that a question mentions: they weigh it in sampling and become its metadata."""

    labels: Ragged | None = None
    attributes: Ragged | None = None
    predicates: Ragged | None = None
    counts: Ragged | None = None


@dataclass(frozen=True)
class Choice:
    """Options of multiple choice, before they are put in random order.

    Parameters
    ----------
    words
        Text of each option, by code.
    codes
        Shape (n, k): the true option first, then false ones; -1 = none. A row without a true or without any false
        option has no multiple-choice form.
    balanced
        Thin out the rows whose answer a blind solver would guess from the option texts (T4).
    prefix
        What stands before an option where a question enumerates them (slot `candidates`).
    """

    words: pl.Series
    codes: Ints
    balanced: bool = True
    prefix: str = "the "


@dataclass(frozen=True)
class Draft:
    """What a generator makes of n kept candidates.

    Parameters
    ----------
    slots
        Texts for the slots of the templates, each of length n.
    answer
        Of the open form.
    objects
        Rows of `Graphs.objects` that prove each answer, in the order in which the question names them.
    choice
        None: there is no multiple-choice form.
    mentions
        Where it is known only now; else the generator's own `mentions`.
    """

    slots: Mapping[str, pl.Series]
    answer: pl.Series
    objects: Ragged
    choice: Choice | None = None
    mentions: Mentions | None = None


@dataclass(frozen=True)
class Candidates:
    """Every candidate of the paper's rules, sorted by image and key, and what rejects some of them under strict rules.

    Parameters
    ----------
    rows
        Integer columns (int64) `img`, those of the generator's key, and what `finish` needs.
    rules
        By reason, in the order in which they are tried: true where the candidate breaks the rule, shape (n,).
    unlisted
        Candidates beside `rows` that were counted without being listed, by the reason that rules them out.
    """

    rows: pl.DataFrame
    rules: Mapping[str, Bools] = field(default_factory=dict)
    unlisted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sampling:
    """What a generator that draws in index space needs to know.

    Parameters
    ----------
    per_image
        Candidates wanted per image.
    start
        64-bit state that starts every choice.
    """

    per_image: int
    start: int
    rules: Rules


@dataclass(frozen=True)
class Generator:
    """One single-image generator of ProVision (arXiv 2412.07012, section 3).

    Parameters
    ----------
    key
        Columns of the candidates that tell those of one image apart, and what they hold; they alone, with seed and
        image id, decide every random choice.
    slots
        Names that a template may use in braces.
    candidates
        Lists candidates, at once or in blocks of bounded size; under "paper" rules no `rules` are needed.
    mentions
        Words that candidates mention.
    finish
        Fills slots, answer and options of kept candidates, which have got the column `h` (64-bit hash).
    sampled
        Draws the candidates of sampled mode without listing the others (their number is
        `unlisted["sampled_out"]`); None: they are drawn from the list.
    """

    name: str
    family: Family
    version: str
    key: Mapping[str, Key]
    slots: Sequence[str]
    candidates: Callable[[Graphs, Rules], Candidates | Iterable[Candidates]]
    mentions: Callable[[Graphs, pl.DataFrame], Mentions]
    finish: Callable[[Graphs, pl.DataFrame, Rules], Draft]
    sampled: Callable[[Graphs, Sampling], Candidates] | None = None


@dataclass(frozen=True)
class Drawn:
    """Questions about several images, drawn from a shard.

    Parameters
    ----------
    images
        Rows of `Graphs.images` in the order of the question, shape (n, images).
    rows
        Integer columns that tell the question apart from others about the same images, and what `finish` needs; n rows.
    available
        How many there are in all where they could be counted, else None.
    dropped
        By reason: combinations that were looked at and make no sound question.
    """

    images: Ints
    rows: pl.DataFrame
    available: int | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MultiGenerator:
    """One multi-image generator (arXiv 2412.07012, section 3): draws its images within a shard.

    Parameters
    ----------
    draw
        (graphs, images per question, questions wanted, 64-bit state that starts every choice, rules) -> different
        draws, the same for any order of the input.
    """

    name: str
    family: Family
    version: str
    key: Mapping[str, Key]
    slots: Sequence[str]
    draw: Callable[[Graphs, int, int, int, Rules], Drawn]
    finish: Callable[[Graphs, Drawn, npt.NDArray[np.uint64], Rules], Draft]


AnyGenerator = Generator | MultiGenerator

_REGISTRY: dict[str, AnyGenerator] = {}


def register(generator: AnyGenerator) -> AnyGenerator:
    """Add a generator to the registry; two of one name are a programming error."""
    if generator.name in _REGISTRY:
        raise ValueError(f"generator `{generator.name}` is defined twice")
    _REGISTRY[generator.name] = generator
    return generator


def all_generators() -> Mapping[str, AnyGenerator]:
    """Return every generator by name, in the order of definition."""
    from provision_dagster.generators import programs  # noqa: F401  (importing defines them)

    return dict(_REGISTRY)


def select_generators(names: Sequence[str] | None = None) -> list[AnyGenerator]:
    """Look generators up by name or family.

    Raises
    ------
    InputError
        If a name is unknown; the message lists the allowed ones.
    """
    known = all_generators()
    if not names:
        return list(known.values())
    families = {g.family for g in known.values()}
    unknown = sorted(set(names) - set(known) - families)
    if unknown:
        allowed = ", ".join([*known, *sorted(families)])
        raise InputError(f"unknown generator {', '.join(f'`{n}`' for n in unknown)}; allowed: {allowed}")
    return [g for g in known.values() if g.name in names or g.family in names]


def seed_of(generator: AnyGenerator, *, seed: int) -> str:
    """Text whose hash starts every choice of one generator under one seed."""
    return f"{generator.name}/{generator.version}/{seed}"
