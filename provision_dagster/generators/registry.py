"""Generators are registered by being defined: one small module each under `programs/`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.generators.graphs import Graphs

Rules = Literal["strict", "paper"]
Family = Literal["qa_object", "qa_attribute", "qa_relation"]

OPTIONS = 4
"""K of the paper: options of a multiple-choice question."""


@dataclass(frozen=True)
class Draft:
    """What a generator makes of kept candidates.

    Parameters
    ----------
    rows
        One row per candidate with `row`, `img`, `h` (64-bit hash), the template slots, `answer` (open form), `truth`
        (the true
        option, null when there is no multiple-choice form), `objs` (list of object places: the evidence) and the
        columns
        named by the generator's `mentions`. Rows that bring their own `options` and `answer_index` need no `truth`.
    pool
        False options: `row`, `option`, `weight`; of these up to K-1 are drawn per row, heavier ones likelier. Null =
        none.
    """

    rows: pl.DataFrame
    pool: pl.DataFrame | None = None


@dataclass(frozen=True)
class Mentions:
    """Columns (strings or lists of strings) that say what a candidate mentions; they become the QA's metadata."""

    objects: Sequence[str] = ()
    attributes: Sequence[str] = ()
    relations: Sequence[str] = ()
    counts: Sequence[str] = ()


Candidates = Callable[[Graphs], pl.DataFrame]
Finish = Callable[[Graphs, pl.DataFrame, Rules], Draft]


@dataclass(frozen=True)
class Generator:
    """One instruction generator of ProVision (arXiv 2412.07012, section 3).

    Parameters
    ----------
    candidates
        Lists every candidate of the paper's rules with the columns of `key`, `img` and `drop`: null, or the first
        truth rule
        that rejects it under strict rules.
    finish
        Fills slots, answer and false options for kept candidates.
    key
        Columns that tell candidates of one image apart; they alone, with seed and image id, decide every random choice.
    slots
        Columns of the draft that a template may name in braces.
    """

    name: str
    family: Family
    version: str
    key: Sequence[str]
    candidates: Candidates
    finish: Finish
    slots: Sequence[str]
    mentions: Mentions = field(default_factory=Mentions)


_REGISTRY: dict[str, Generator] = {}


def register(generator: Generator) -> Generator:
    """Add a generator to the registry; two of one name are a programming error."""
    if generator.name in _REGISTRY:
        raise ValueError(f"generator `{generator.name}` is defined twice")
    _REGISTRY[generator.name] = generator
    return generator


def all_generators() -> Mapping[str, Generator]:
    """Return every generator by name, in the order of definition."""
    from provision_dagster.generators import programs  # noqa: F401  (importing defines them)

    return dict(_REGISTRY)


def select_generators(names: Sequence[str] | None = None) -> list[Generator]:
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


def seed_of(generator: Generator, *, seed: int) -> str:
    """Text whose hash starts every choice of one generator under one seed."""
    return f"{generator.name}/{generator.version}/{seed}"
