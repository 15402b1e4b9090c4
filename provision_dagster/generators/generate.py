"""Run generators over the scene graphs of one shard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
import polars as pl

from provision_dagster.ahead import chained
from provision_dagster.errors import InputError
from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints, list_series
from provision_dagster.generators.balance import strength_name, strengths_of
from provision_dagster.generators.graphs import Graphs, flatten
from provision_dagster.generators.hashing import U64, hex_ids, mix, text_hash
from provision_dagster.generators.options import Options, order_options
from provision_dagster.generators.registry import (
    AnyGenerator,
    Candidates,
    Draft,
    Generator,
    Mentions,
    MultiGenerator,
    Rules,
    Sampling,
    seed_of,
    select_generators,
)
from provision_dagster.generators.sampling import choose, mean_cubes
from provision_dagster.generators.schema import FUNNEL, RAW_QA
from provision_dagster.generators.templates import Filled, Template, Templates, check_slots, fill, shipped_templates
from provision_dagster.lexicon import Lexicon

Mode = Literal["sampled", "full"]


@dataclass(frozen=True)
class Generated:
    """Questions and the funnel that says what became of every candidate."""

    qa: pl.DataFrame
    funnel: pl.DataFrame


@dataclass(frozen=True)
class Settings:
    """How to generate.

    Parameters
    ----------
    rules
        "strict" drops what a truth rule rejects, "paper" keeps the candidate sets of the reference.
    mode
        "full" keeps every candidate, "sampled" draws `per_generator` for each generator and image.
    per_generator
        Candidates per generator and image in sampled mode, at least 1; of multi-image questions (in both modes) as
        many per image on average, for each number of images.
    images_per_question
        Numbers of images that a multi-image question may be about, each 2 .. 4.
    seed
        0 .. 2**63 - 1; the same seed gives the same bytes.
    """

    rules: Rules = "strict"
    mode: Mode = "sampled"
    per_generator: int = 1
    images_per_question: tuple[int, ...] = (2, 3, 4)
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values."""
        for name, value, allowed in (("rules", self.rules, get_args(Rules)), ("mode", self.mode, get_args(Mode))):
            if value not in allowed:
                raise InputError(f"`{name}` must be one of {', '.join(allowed)}, got {value!r}")
        if self.per_generator < 1:
            raise InputError(f"`per_generator` must be at least 1, got {self.per_generator}")
        if not all(2 <= n <= 4 for n in self.images_per_question):
            raise InputError(f"`images_per_question` must be numbers 2 .. 4, got {list(self.images_per_question)}")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"`seed` must be 0 .. 2**63 - 1, got {self.seed}")


def generate(
    scene_graphs: pl.DataFrame,
    *,
    vocabulary: pl.DataFrame,
    lexicon: Lexicon,
    settings: Settings | None = None,
    generators: Sequence[str] | None = None,
    templates: Templates | None = None,
    strengths: pl.DataFrame | None = None,
) -> Generated:
    """Make questions and answers from the scene graphs of one shard.

    The result depends on the seed, the rules, the graphs of each image and what is known of the whole image set
    (vocabulary, strengths) alone: not on how images are grouped into shards, nor on their order. Questions about
    several images are drawn within the shard, so they depend on which images it holds, but not on their order.

    Parameters
    ----------
    scene_graphs
        Rows of the scene-graph table, all of one shard.
    vocabulary
        Word frequencies of the whole image set (schema `VOCABULARY`).
    generators
        Names or families; default all.
    strengths
        How likely each option text is the answer where it is offered, by generator (made by
        `strengths.measure_strengths`); without it no multiple-choice form is thinned out (T4).

    Returns
    -------
    Generated
        `qa` with schema `RAW_QA`, `funnel` with schema `FUNNEL`.

    Raises
    ------
    InputError
        If a generator or a template slot is unknown.
    """
    parts = list(
        generate_blocks(
            scene_graphs,
            vocabulary=vocabulary,
            lexicon=lexicon,
            settings=settings,
            generators=generators,
            templates=templates,
            strengths=strengths,
        )
    )
    parts.append(Generated(pl.DataFrame(schema=pl.Schema(RAW_QA)), pl.DataFrame(schema=pl.Schema(FUNNEL))))
    return Generated(
        qa=pl.concat([p.qa for p in parts]),
        funnel=pl.concat([p.funnel for p in parts]).sort("family", "generator", "reason"),
    )


def generate_blocks(
    scene_graphs: pl.DataFrame,
    *,
    vocabulary: pl.DataFrame,
    lexicon: Lexicon,
    settings: Settings | None = None,
    generators: Sequence[str] | None = None,
    templates: Templates | None = None,
    strengths: pl.DataFrame | None = None,
) -> Iterator[Generated]:
    """Make what `generate` makes, in blocks of bounded size: one image alone may have 10**8 questions.

    Parameters are those of `generate`. The blocks of `qa`, laid end to end, are its `qa`; the `funnel` comes with the
    last block, the others have an empty one.
    """
    settings = settings or Settings()
    templates = templates or shipped_templates()
    chosen = select_generators(generators)
    phrasings = {generator.name: phrasings_of(generator, templates) for generator in chosen}
    stamp = pl.lit(scene_graphs["shard"][0] if scene_graphs.height else "").alias("shard")
    counts = {generator.name: Counts() for generator in chosen}
    single = [g for g in chosen if isinstance(g, Generator)]
    several = [g for g in chosen if isinstance(g, MultiGenerator)]
    work = [(single, part) for part in bounded_parts(scene_graphs) if single] + [(several, scene_graphs)] * bool(
        several
    )
    for those, part in work:
        graphs = flatten(part, lexicon=lexicon, vocabulary=vocabulary)
        runs = [Run(g, graphs, settings=settings, templates=phrasings[g.name], strengths=strengths) for g in those]
        # two at a time: numpy and polars leave the interpreter free, and what both need is made once
        for table in chained([partial(run.tables, counts[run.generator.name]) for run in runs]):
            yield Generated(table.select(stamp, pl.all()), pl.DataFrame(schema=pl.Schema(FUNNEL)))
    funnels = [funnel_of(g, counts[g.name], rules=settings.rules).select(stamp, pl.all()) for g in chosen]
    yield Generated(pl.DataFrame(schema=pl.Schema(RAW_QA)), pl.concat(funnels))


BOUND = 4_000_000
"""Triples of objects that are looked at together: some hundred MB."""


def bounded_parts(scene_graphs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Cut scene graphs into parts that generators can look at whole; an ordinary shard stays one part."""
    rows = scene_graphs.sort("image_id")
    size = rows["objects"].list.len().fill_null(0).cast(pl.Float64)
    part = ((size**3 / 6).cum_sum() / BOUND).floor().cast(pl.Int64)
    if part.is_empty() or part[-1] == 0:
        yield rows
        return
    yield from rows.with_columns(_part=part).partition_by("_part", maintain_order=True, include_key=False)


def phrasings_of(generator: AnyGenerator, templates: Templates) -> Sequence[Template]:
    """Return a generator's templates.

    Raises
    ------
    InputError
        If there is none, or one names an unknown slot.
    """
    phrasings = templates.get(generator.name)
    if not phrasings:
        raise InputError(f"no template for generator `{generator.name}`; templates exist for: {', '.join(templates)}")
    check_slots(phrasings, allowed=generator.slots)
    return phrasings


def _schema(columns: dict[str, pl.DataType]) -> pl.Schema:
    return pl.Schema({k: v for k, v in columns.items() if k != "shard"})


@dataclass(frozen=True)
class Kept:
    """Candidates that are asked: `h` (hash) and `images` (rows of `Graphs.images`, shape (n, images)) of each."""

    draft: Draft
    h: U64
    images: Ints
    mentions: Mentions


@dataclass(frozen=True)
class Run:
    """One generator at work on one shard."""

    generator: AnyGenerator
    graphs: Graphs
    settings: Settings
    templates: Sequence[Template]
    strengths: pl.DataFrame | None = None

    def tables(self, counts: "Counts") -> Iterator[pl.DataFrame]:
        """Make the questions block by block; adds to `counts`."""
        for kept in self.kept(counts):
            yield self._table(kept)

    def kept(self, counts: "Counts") -> Iterator[Kept]:
        """Draw or filter candidates and finish them, block by block; `counts` is filled."""
        if isinstance(self.generator, MultiGenerator):
            for images in self.settings.images_per_question:
                yield from self._drawn(self.generator, images, counts)
            return
        if self.settings.mode == "sampled" and self.generator.sampled is not None:
            sampling = Sampling(self.settings.per_generator, self._start(), self.settings.rules)
            yield from self._finished(self.generator, self.generator.sampled(self.graphs, sampling), counts)
            return
        found = self.generator.candidates(self.graphs, self.settings.rules)
        for block in [found] if isinstance(found, Candidates) else found:
            yield from self._finished(self.generator, block, counts)

    def _finished(self, generator: Generator, found: Candidates, counts: "Counts") -> Iterator[Kept]:
        sound = counts.drop(found)
        rows = found.rows if sound is None else found.rows.filter(pl.Series(sound))
        h = self._hashes(generator, rows)
        mentions = generator.mentions(self.graphs, rows)
        if self.settings.mode == "sampled" and generator.sampled is None:
            cubes = mean_cubes(mentions, self.graphs.words, rows=rows.height)
            chosen = choose(h, ints(rows["img"]), n=self.settings.per_generator, cubes=cubes)
            rows, h = rows.filter(pl.Series(chosen)), h[chosen]
            counts.add("sampled_out", int((~chosen).sum()))
            mentions = generator.mentions(self.graphs, rows)
        counts.add("kept", rows.height)
        if rows.is_empty():
            return
        draft = generator.finish(self.graphs, rows.with_columns(h=pl.Series(h)), self.settings.rules)
        yield Kept(draft, h, ints(rows["img"])[:, None], draft.mentions or mentions)

    def _drawn(self, generator: MultiGenerator, images: int, counts: "Counts") -> Iterator[Kept]:
        wanted = self.graphs.images.height * self.settings.per_generator
        start = int(mix(np.array([self._start()], dtype=np.uint64), images)[0])
        drawn = generator.draw(self.graphs, images, wanted, start, self.settings.rules)
        counts.add("candidate", max(wanted, drawn.rows.height) + sum(drawn.dropped.values()))
        counts.add("kept", drawn.rows.height)
        for reason, number in drawn.dropped.items():
            counts.add(reason, number)
        counts.add("not_supplied_by_shard", max(wanted - drawn.rows.height, 0))
        if drawn.rows.is_empty():
            return
        h = self._hashes_of(drawn.rows, drawn.images, generator, start=start)
        draft = generator.finish(self.graphs, drawn, h, self.settings.rules)
        yield Kept(draft, h, drawn.images, draft.mentions or Mentions())

    def _start(self) -> int:
        return text_hash(seed_of(self.generator, seed=self.settings.seed))

    def _hashes(self, generator: Generator, rows: pl.DataFrame) -> U64:
        return self._hashes_of(rows, ints(rows["img"])[:, None], generator, start=self._start())

    def _hashes_of(self, rows: pl.DataFrame, images: Ints, generator: AnyGenerator, *, start: int) -> U64:
        """Hash each candidate from seed, generator, image ids and key."""
        image_hash = self.graphs.images["image_hash"].to_numpy()
        state = np.full(rows.height, start, dtype=np.uint64)
        for column in range(images.shape[1]):
            state = mix(state, image_hash[images[:, column]])
        for name, kind in generator.key.items():
            state = mix(state, self._key_hash(ints(rows[name]), kind))
        return state

    def _key_hash(self, values: Ints, kind: str) -> U64:
        words = self.graphs.words
        match kind:
            case "object":
                return ints(self.graphs.objects["place"])[values].astype(np.uint64)
            case "label" | "attribute" | "predicate":
                return getattr(words, f"{kind}s").hashes[values]  # type: ignore[no-any-return]
            case "category":
                return words.categories["hash"].to_numpy()[values]
            case _:
                return values.astype(np.uint64)

    def _table(self, kept: Kept) -> pl.DataFrame:
        draft, rows = kept.draft, len(kept.h)
        choice = draft.choice
        options = None
        if choice is not None:
            fair = (
                None
                if self.settings.rules == "paper"
                else strengths_of(
                    self.strengths, strength_name(self.generator.name, images=kept.images.shape[1]), choice.words
                )
            )
            options = order_options(choice, kept.h, strengths=fair)
        filled = fill(self._slots(draft, options), kept.h, templates=self.templates)
        if filled.question.null_count() or draft.answer.null_count() or len(draft.answer) != rows:
            raise AssertionError(f"{self.generator.name} left a slot or an answer empty")
        return self._assembled(kept, options, filled)

    def _slots(self, draft: Draft, options: Options | None) -> dict[str, pl.Series]:
        """Add the slot `candidates` ("the car, the dog or the tree") where the generator leaves it to the options."""
        slots = dict(draft.slots)
        if "candidates" in self.generator.slots and options is not None and draft.choice is not None:
            slots["candidates"] = options.enumerated(prefix=draft.choice.prefix)
        return slots

    def _assembled(self, kept: Kept, options: Options | None, filled: Filled) -> pl.DataFrame:
        graphs, generator, draft, rows = self.graphs, self.generator, kept.draft, len(kept.h)
        words, mentions = graphs.words, kept.mentions
        columns = {
            "id": hex_ids(kept.h),
            "template": filled.template,
            "image_ids": Ragged.columns(*kept.images.T).series(graphs.images["image_id"]),
            "question": filled.question,
            "answer": draft.answer,
            "choice_question": filled.choice_question,
            "options": options.texts if options else pl.Series([[]], dtype=_TEXTS).new_from_index(0, rows),
            "answer_index": options.answer_index
            if options
            else pl.Series([None], dtype=pl.Int8).new_from_index(0, rows),
            "objects": _listed(mentions.labels, words.labels.text, rows=rows),
            "attributes": _listed(mentions.attributes, words.attributes.text, rows=rows),
            "relations": _listed(mentions.predicates, words.predicates.text, rows=rows),
            "counts": (mentions.counts or Ragged.empty(rows)).series().cast(pl.List(pl.Int32)),
            "object_ids": draft.objects.series(graphs.objects["id"]),
            "boxes": _boxes(graphs, draft.objects),
        }
        return pl.DataFrame(columns).select(
            family=pl.lit(generator.family),
            id="id",
            generator=pl.lit(generator.name),
            generator_version=pl.lit(generator.version),
            rules=pl.lit(self.settings.rules),
            seed=pl.lit(self.settings.seed, dtype=pl.UInt64),
            template="template",
            image_ids="image_ids",
            question="question",
            answer="answer",
            choice_question="choice_question",
            options="options",
            answer_index="answer_index",
            metadata=pl.struct("objects", "attributes", "relations", "counts"),
            evidence=pl.struct("object_ids", "boxes"),
        )


_TEXTS = pl.List(pl.String)


class Counts:
    """How many candidates there were, and what became of them."""

    def __init__(self) -> None:
        """Start at zero."""
        self.by_reason: dict[str, int] = {}

    def add(self, reason: str, number: int) -> None:
        """Add to the count of a reason."""
        self.by_reason[reason] = self.by_reason.get(reason, 0) + number

    def drop(self, found: Candidates) -> Bools | None:
        """Count candidates and those that each rule is the first to reject; return which are sound (None = all)."""
        self.add("candidate", found.rows.height + sum(found.unlisted.values()))
        for reason, number in found.unlisted.items():
            self.add(reason, number)
        if not found.rules:
            return None
        left = np.ones(found.rows.height, dtype=bool)
        for reason, broken in found.rules.items():
            hit = int(np.count_nonzero(left & broken))
            if hit:
                self.add(reason, hit)
                left &= ~broken
        return left


def funnel_of(generator: AnyGenerator, counts: Counts, *, rules: Rules) -> pl.DataFrame:
    """Turn the counts of a generator into rows of FUNNEL, without `shard`."""
    reasons = {"candidate": 0, "kept": 0, "sampled_out": 0, **counts.by_reason}
    return pl.DataFrame(
        {
            "family": [generator.family] * len(reasons),
            "generator": [generator.name] * len(reasons),
            "rules": [rules] * len(reasons),
            "reason": list(reasons),
            "count": list(reasons.values()),
        },
        schema=_schema(FUNNEL),
    )


def _listed(lists: Ragged | None, words: pl.Series, *, rows: int) -> pl.Series:
    return (lists or Ragged.empty(rows)).series(words)


def _boxes(graphs: Graphs, objects: Ragged) -> pl.Series:
    flat = graphs.objects.select(pl.struct("x1", "y1", "x2", "y2")).to_series().gather(objects.values)
    return list_series(flat, objects.offsets)


__all__ = ["Generated", "Mode", "Run", "Settings", "generate", "phrasings_of"]
