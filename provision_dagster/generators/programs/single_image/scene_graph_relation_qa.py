"""SceneGraphRelationQA: how two objects are related that two descriptions fit."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import (
    Ints,
    Ragged,
    any_of,
    ints,
    offsets_of,
    packed,
)
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.language import join_lists
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.programs.description_book import Spares, book, spares
from provision_dagster.generators.programs.description_pair_rules import (
    DOUBLED,
    OF_BOTH,
    OF_PAIR,
    OWN_REASONS,
    cross_rules,
    judged_pairs,
    pair_faults,
    subject_faults,
)
from provision_dagster.generators.programs.description_pairs import Listed, Products, Side, side
from provision_dagster.generators.programs.description_qa import (
    Weights,
    evidence,
    listed,
    mentioned,
    neighbor,
    predicate_column,
)
from provision_dagster.generators.programs.description_rules import REASONS, Faults, all_faults
from provision_dagster.generators.programs.description_sampling import Decoded, Proposals, draw_sound, totals_of
from provision_dagster.generators.programs.description_text import description_texts
from provision_dagster.generators.programs.descriptions import Descriptions, descriptions
from provision_dagster.generators.programs.relation_options import (
    related_pairs,
    relation_choice,
    shown_phrases,
)
from provision_dagster.generators.registry import (
    Candidates,
    Choice,
    Draft,
    Generator,
    Mentions,
    Rules,
    Sampling,
    register,
)
from provision_dagster.generators.words import Words


def candidates(graphs: Graphs, rules: Rules) -> Iterator[Candidates]:
    """Every description of the subject with every one of the object that no other object of the component has.

    Under strict rules, descriptions that are unfit by themselves are counted, not listed.
    """
    space, all_, related = descriptions(graphs), book(graphs), related_pairs(graphs)
    lists, extra = Listed.of(space, np.flatnonzero(all_.own_first & all_.sole)), spares(graphs)
    apart = related.subject != related.object
    ends = ((related.subject, related.object), (related.object, related.subject))
    every = Products(*(side(space, *end, listed=lists, spares=extra) for end in ends))

    def listed_rows(pair: Ints, first: Ints, second: Ints) -> pl.DataFrame:
        return _rows(space, pair, first, second, (all_.digest[first], all_.digest[second]))

    if rules == "paper":
        yield from (Candidates(listed_rows(*block)) for block in every.blocks(allowed=apart))
        return
    faults_ = (subject_faults(space, all_faults(graphs)), all_faults(graphs))
    fit = Products(*(_fit(space, end, lists, extra, fault) for end, fault in zip(ends, faults_, strict=True)))
    asked = pair_faults(related)
    unlisted = _unlisted(every, faults_, np.where(apart, asked, -1))
    for block in fit.blocks(allowed=apart & (asked == 0)):
        broken = cross_rules(space, *block)
        yield Candidates(listed_rows(*block), dict(zip(OF_BOTH, broken, strict=True)), unlisted)
        unlisted = {}
    if unlisted:
        yield Candidates(listed_rows(*(np.zeros(0, dtype=np.int64),) * 3), {}, unlisted)


def _fit(space: Descriptions, end: tuple[Ints, Ints], lists: Listed, extra: Spares, fault: Faults) -> Side:
    """One end of each pair with sound descriptions alone."""
    sound = fault[extra.number] == 0
    kept = Spares(extra.number[sound], extra.keys[sound])
    return side(space, *end, listed=Listed.of(space, lists.number[fault[lists.number] == 0]), spares=kept)


def _rows(space: Descriptions, pair: Ints, first: Ints, second: Ints, digests: tuple[U64, U64]) -> pl.DataFrame:
    related = related_pairs(space.graphs)
    subject = related.subject[pair]
    return table(
        img=space.graphs.img[subject],
        subject=subject,
        object=related.object[pair],
        subject_digest=digests[0].view(np.int64),
        object_digest=digests[1].view(np.int64),
        pair=pair,
        first=first,
        second=second,
    )


def _unlisted(every: Products, fault: tuple[Faults, Faults], asked: Ints) -> dict[str, int]:
    """Count the products that are ruled out by the pair or by one description alone; `asked` -1 = no candidates."""
    found = {reason: int(every.sizes[asked == code].sum()) for code, reason in enumerate(OF_PAIR, start=1)}
    pairs = np.flatnonzero(asked == 0)
    of_subject, of_object = (_by_fault(s, pairs, f) for s, f in zip((every.subject, every.object), fault, strict=True))
    for code, reason in enumerate((*REASONS, DOUBLED), start=1):
        # the subject's fault comes first
        number = (of_subject[code] * every.object.size[pairs]).sum() + (of_subject[0] * of_object[code]).sum()
        found[reason] = int(number)
    return {reason: number for reason, number in found.items() if number}


def _by_fault(end: Side, pairs: Ints, fault: Faults) -> list[Ints]:
    """How many descriptions of one end of each pair have each fault."""
    assert end.listed is not None
    assert end.spares is not None
    of_list, of_spare = fault[end.listed.number], fault[end.spares.number]
    return [
        end.count(pairs, offsets_of(of_list == code), offsets_of(of_spare == code)) for code in range(len(REASONS) + 2)
    ]


def sampled(graphs: Graphs, sampling: Sampling) -> Candidates:
    """Draw (pair, description, description) by number."""
    space, related = descriptions(graphs), related_pairs(graphs)
    paper = sampling.rules == "paper"
    lists = extra = None
    if paper:
        all_, extra = book(graphs), spares(graphs)
        lists = Listed.of(space, np.flatnonzero(all_.own_first & all_.sole))
    ends = ((related.subject, related.object), (related.object, related.subject))
    every = Products(*(side(space, *end, listed=lists, spares=extra) for end in ends))
    offsets = offsets_of(np.where(related.subject != related.object, every.sizes, 0))
    by_object = offsets[np.searchsorted(related.subject, np.arange(graphs.objects.height + 1))]
    first = by_object[ints(graphs.images["first"])]

    def decode(drawn: Proposals) -> Decoded:
        index = drawn.number + first[drawn.img]
        pair = np.searchsorted(offsets, index, side="right") - 1
        return _decoded(space, pair, every.at(pair, index - offsets[pair]), paper=paper)

    return draw_sound(graphs, totals_of(by_object, graphs), sampling, decode=decode, reasons=OWN_REASONS)


def _decoded(space: Descriptions, pair: Ints, numbers: tuple[Ints, Ints], *, paper: bool) -> Decoded:
    graphs, related = space.graphs, related_pairs(space.graphs)
    said = [space.described(n) for n in numbers]
    digests = [space.digests(s) for s in said]
    weights = Weights.of(space, said)
    weights.add_lists(graphs.words.predicates, related.every, pair)
    place = ints(graphs.objects["place"])
    both = packed(place[related.subject[pair]], place[related.object[pair]]).astype(np.uint64)

    def judge(at: Ints) -> Ints:
        if paper:
            return np.zeros(len(at), dtype=np.int64)
        return judged_pairs(space, pair[at], [n[at] for n in numbers], [s.some(at) for s in said])

    def rows(at: Ints) -> pl.DataFrame:
        return _rows(space, pair[at], numbers[0][at], numbers[1][at], (digests[0][at], digests[1][at]))

    return Decoded(mix(mix(both, digests[0]), digests[1]), weights.cubes, judge, rows)


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """Both labels, what the descriptions say, and the predicates as annotated."""
    space, related, pair = descriptions(graphs), related_pairs(graphs), ints(rows["pair"])
    said = mentioned(space, [space.described(ints(rows[name])) for name in ("first", "second")])
    every = Ragged.slices(related.every.values, first=related.every.offsets[pair], size=related.every.sizes[pair])
    both = [predicate_column(space, space.described(ints(rows[name]))) for name in ("first", "second")]
    return Mentions(said.labels, said.attributes, listed(both, every))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with all predicates of the pair; offer one beside such that it excludes."""
    space, related, pair = descriptions(graphs), related_pairs(graphs), ints(rows["pair"])
    phrases = Ragged.slices(related.shown.values, first=related.shown.offsets[pair], size=related.shown.sizes[pair])
    texts = description_texts(space, np.concatenate([ints(rows["first"]), ints(rows["second"])]))
    said = [space.described(ints(rows[name])) for name in ("first", "second")]
    nears = [neighbor(space, s) for s in said]
    choice = relation_choice(graphs, rows["h"].to_numpy(), pair)
    return Draft(
        slots={
            "subject_description": texts.head(rows.height),
            "object_description": texts.tail(rows.height),
        },
        answer=join_lists(phrases, shown_phrases(graphs.words).texts),
        objects=evidence(said[0].obj, nears[0], said[1].obj, nears[1]),
        choice=_without_said(graphs.words, choice, [predicate_column(space, s) for s in said]),
    )


def _without_said(words: Words, choice: Choice, predicates: list[Ints]) -> Choice:
    """Leave out false options that a description says of something: the true one is never said either."""
    codes, of = choice.codes.copy(), shown_phrases(words).of
    said = [np.where(p >= 0, of[p], -2) for p in predicates]
    for option in codes.T[1:]:
        option[any_of([option == phrase for phrase in said])] = -1
    return Choice(choice.words, codes, choice.balanced, choice.prefix)


register(
    Generator(
        name="SceneGraphRelationQA",
        family="qa_scene_graph",
        version="3",
        key={
            "subject": "object",
            "object": "object",
            "subject_digest": "number",
            "object_digest": "number",
        },
        slots=("subject_description", "object_description"),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
        sampled=sampled,
    )
)
