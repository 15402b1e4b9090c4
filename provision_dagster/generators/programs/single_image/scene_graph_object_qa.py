"""SceneGraphObjectQA: what the object is that a description fits."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, ints
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.programs.contained import contained
from provision_dagster.generators.programs.description_book import BLOCK, book
from provision_dagster.generators.programs.description_qa import Said, Weights, evidence, mentioned, neighbor
from provision_dagster.generators.programs.description_rules import REASONS, Faults, all_faults, faults
from provision_dagster.generators.programs.description_sampling import Decoded, Proposals, draw_sound, totals_of
from provision_dagster.generators.programs.description_text import description_texts
from provision_dagster.generators.programs.descriptions import Described, Descriptions, descriptions
from provision_dagster.generators.programs.label_options import label_choice
from provision_dagster.generators.registry import (
    Candidates,
    Draft,
    Generator,
    Mentions,
    Rules,
    Sampling,
    register,
)
from provision_dagster.generators.words import Words

OWN_REASONS = (*REASONS, "unusable_label", "answer_in_question")


def candidates(graphs: Graphs, rules: Rules) -> Iterator[Candidates]:
    """One per component and distinct description; `number` is the first description that says it."""
    space, all_ = descriptions(graphs), book(graphs)
    first = np.flatnonzero(all_.first)
    for begin in range(0, len(first), BLOCK):
        number = first[begin : begin + BLOCK]
        said = space.described(number)
        rows = _rows(space, said, number, all_.digest[number])
        yield Candidates(rows, _rules(space, said, all_faults(graphs)[number]) if rules == "strict" else {})


def _rows(space: Descriptions, said: Described, number: Ints, digest: U64) -> pl.DataFrame:
    img, root = space.graphs.img[said.obj], space.root[said.obj]
    return table(img=img, root=root, digest=digest.view(np.int64), number=number)


def _rules(space: Descriptions, said: Described, fault: Faults) -> dict[str, Bools]:
    found = _judged(space, said, fault)
    return {reason: found == place for place, reason in enumerate(OWN_REASONS, start=1)}


def _judged(space: Descriptions, said: Described, fault: Faults) -> Ints:
    """First reason against each question, as a place in `OWN_REASONS`."""
    graphs, found = space.graphs, fault.astype(np.int64)
    label = graphs.label[said.obj]
    found[(found == 0) & ~graphs.words.labels.flag("usable")[label]] = len(REASONS) + 1
    found[(found == 0) & told(graphs.words).within(space, said, label)] = len(REASONS) + 2
    return found


def told(words: Words) -> Said:
    """Labels that a description gives away: themselves, their singular or plural, or a word of theirs as neighbor."""
    return words.once("told_labels", lambda: _told(words))


def _told(words: Words) -> Said:
    known = words.labels.words
    said = Said.of(words, [words.labels.text, known["lemma"], known["plural"].fill_null("")])
    within = contained(words.labels.text, words.labels.text).turned
    return replace(said, labels=said.labels.joined(within))


def sampled(graphs: Graphs, sampling: Sampling) -> Candidates:
    """Draw descriptions by number."""
    space = descriptions(graphs)
    first = space.object_offsets[ints(graphs.images["first"])]

    def decode(drawn: Proposals) -> Decoded:
        number = drawn.number + first[drawn.img]
        said = space.described(number)
        digest = space.digests(said)

        def judge(place: Ints) -> Ints:
            if sampling.rules == "paper":
                return np.zeros(len(place), dtype=np.int64)
            some = said.some(place)
            return _judged(space, some, faults(space, some))

        return Decoded(
            mix(digest, _root_place(space, said)),
            Weights.of(space, [said]).cubes,
            judge,
            lambda place: _rows(space, said.some(place), number[place], digest[place]),
        )

    totals = totals_of(space.object_offsets, graphs)
    return draw_sound(graphs, totals, sampling, decode=decode, reasons=OWN_REASONS)


def _root_place(space: Descriptions, said: Described) -> U64:
    return ints(space.graphs.objects["place"])[space.root[said.obj]].astype(np.uint64)


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The label, the neighbor's, and what the description says."""
    space = descriptions(graphs)
    return mentioned(space, [space.described(ints(rows["number"]))])


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with the label; offer it beside labels of the same kind."""
    space = descriptions(graphs)
    said = space.described(ints(rows["number"]))
    near = neighbor(space, said)
    return Draft(
        slots={"description": description_texts(space, ints(rows["number"]))},
        answer=graphs.label_text(said.obj),
        objects=evidence(said.obj, near),
        choice=label_choice(graphs, rows["h"].to_numpy(), said.obj, near),
    )


register(
    Generator(
        name="SceneGraphObjectQA",
        family="qa_scene_graph",
        version="3",
        key={"root": "object", "digest": "number"},
        slots=("description",),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
        sampled=sampled,
    )
)
