"""SceneGraphRelationQA: how two objects are related that two descriptions fit."""

import re
from collections.abc import Iterator

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import (
    Bools,
    Ints,
    Ragged,
    any_of,
    bools,
    distinct,
    ints,
    member,
    offsets_of,
    packed,
)
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix
from provision_dagster.generators.language import join_lists
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.programs.description_book import Spares, book, spares
from provision_dagster.generators.programs.description_pairs import Listed, Products, Side, side
from provision_dagster.generators.programs.description_qa import (
    Said,
    Weights,
    evidence,
    listed,
    mentioned,
    neighbor,
    predicate_column,
)
from provision_dagster.generators.programs.description_rules import REASONS, Faults, all_faults, faults
from provision_dagster.generators.programs.description_sampling import Decoded, Proposals, draw_sound, totals_of
from provision_dagster.generators.programs.description_text import description_texts, verb_forms
from provision_dagster.generators.programs.descriptions import Described, Descriptions, descriptions
from provision_dagster.generators.programs.relation_options import (
    Related,
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
from provision_dagster.generators.templates import shipped_templates
from provision_dagster.generators.words import Words

OF_PAIR = ("unusable_predicate_asked", "contradicting_predicates_asked")
DOUBLED = "doubled_word"
OF_BOTH = ("description_uses_the_relation", "answer_in_question")
OWN_REASONS = (*OF_PAIR, *REASONS, DOUBLED, *OF_BOTH)


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
    faults_ = (_subject_faults(space, all_faults(graphs)), all_faults(graphs))
    fit = Products(*(_fit(space, end, lists, extra, fault) for end, fault in zip(ends, faults_, strict=True)))
    asked = _pair_faults(related)
    unlisted = _unlisted(every, faults_, np.where(apart, asked, -1))
    for block in fit.blocks(allowed=apart & (asked == 0)):
        broken = _cross_rules(space, *block)
        yield Candidates(listed_rows(*block), dict(zip(OF_BOTH, broken, strict=True)), unlisted)
        unlisted = {}
    if unlisted:
        yield Candidates(listed_rows(*(np.zeros(0, dtype=np.int64),) * 3), {}, unlisted)


def _fit(space: Descriptions, end: tuple[Ints, Ints], lists: Listed, extra: Spares, fault: Faults) -> Side:
    """One end of each pair with sound descriptions alone."""
    sound = fault[extra.number] == 0
    kept = Spares(extra.number[sound], extra.keys[sound])
    return side(space, *end, listed=Listed.of(space, lists.number[fault[lists.number] == 0]), spares=kept)


def _subject_faults(space: Descriptions, fault: Faults) -> Faults:
    """Faults of descriptions where the subject stands: its last word must not be the next one of a template."""
    cell = space.cells_between(0, space.total)
    doubled = doubling_edges(space)[space.edge[cell]] & (space.edge[cell] >= 0) if len(space.edges.obj) else fault > 0
    return np.where((fault == 0) & doubled, len(REASONS) + 1, fault).astype(np.int8)


def doubling_edges(space: Descriptions) -> Bools:
    """Relations from a neighbor whose verb ends in a word that follows it in a template: "next to to the"."""
    return space.graphs.once("doubling_edges", lambda: _doubling(space))


def _doubling(space: Descriptions) -> Bools:
    edges, words = space.edges, space.graphs.words
    texts = [t for entry in shipped_templates()["SceneGraphRelationQA"] for t in (entry.open, entry.choice or "")]
    follow = sorted({word for text in texts for word in re.findall(r"\{subject_description\} (\w+)", text)})
    last = bools(verb_forms(words).str.split(" ").list.last().is_in(follow))
    plural = words.labels.flag("is_plural")[space.graphs.label[edges.near]]
    return np.asarray((edges.inward == 1) & last[edges.predicate + plural * words.predicates.words.height])


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


def _pair_faults(related: Related) -> Ints:
    """First reason against each pair, counted from 1."""
    return np.where(~related.usable, 1, np.where(related.contradicting, 2, 0))


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


def _cross_rules(space: Descriptions, pair: Ints, first: Ints, second: Ints) -> tuple[Bools, Bools]:
    """Whether a description may mean the relation between the two, and whether one holds the answer."""
    of_edge = _EdgeRules(space)
    uses, tells = (np.zeros(len(pair), dtype=bool) for _ in range(2))
    for number, other in ((first, 1), (second, 0)):
        edge = space.edge[space.cell_of(number)]
        rows = np.flatnonzero(edge >= 0)
        uses[rows] |= of_edge.uses(pair[rows], edge[rows], other)
        tells[rows] |= of_edge.tells(pair[rows], edge[rows])
    return uses, tells


class _EdgeRules:
    """What a relation in a description gives away of an asked pair."""

    def __init__(self, space: Descriptions) -> None:
        self.space, self.related = space, related_pairs(space.graphs)
        self.said = _told(space.graphs.words)

    def uses(self, pair: Ints, edge: Ints, other: int) -> Bools:
        """Whether the described object is so related to the other end too: then the description may mean that one."""
        space, graphs, edges = self.space, self.space.graphs, self.space.edges
        end = (self.related.subject, self.related.object)[other][pair]
        found = np.asarray(graphs.label[edges.near[edge]] == graphs.label[end])
        rows = np.flatnonzero(found)
        ways = graphs.once("ways", lambda: _ways(space))
        keys = _way(edges.obj[edge[rows]], end[rows], edges.inward[edge[rows]], edges.predicate[edge[rows]])
        found[rows] = member(keys, ways)
        return found

    def tells(self, pair: Ints, edge: Ints) -> Bools:
        """Whether a phrase of the answer stands in the verb of the description."""
        shown = self.related.shown
        lists = Ragged.slices(shown.values, first=shown.offsets[pair], size=shown.sizes[pair])
        hit = self.said.told_by_verb(self.space, edge[lists.rows], lists.values)
        found = np.zeros(len(pair), dtype=bool)
        found[lists.rows[hit]] = True
        return found


def _ways(space: Descriptions) -> Ints:
    """Every edge as a number, sorted."""
    edges = space.edges
    return distinct(_way(edges.obj, edges.near, edges.inward, edges.predicate))


def _way(obj: Ints, near: Ints, inward: Ints, predicate: Ints) -> Ints:
    """Hash an edge."""
    ends = mix(packed(obj, near).astype(np.uint64), 0)
    return mix(ends, packed(inward, predicate).astype(np.uint64)).view(np.int64)


def _told(words: Words) -> Said:
    return words.once("told_phrases", lambda: Said.of(words, [shown_phrases(words).texts]))


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
        return _judged(space, pair[at], [n[at] for n in numbers], [s.some(at) for s in said])

    def rows(at: Ints) -> pl.DataFrame:
        return _rows(space, pair[at], numbers[0][at], numbers[1][at], (digests[0][at], digests[1][at]))

    return Decoded(mix(mix(both, digests[0]), digests[1]), weights.cubes, judge, rows)


def _judged(space: Descriptions, pair: Ints, numbers: list[Ints], said: list[Described]) -> Ints:
    """First reason against each question, as a place in `OWN_REASONS`."""
    found = _pair_faults(related_pairs(space.graphs))[pair]
    for end, some in enumerate(said):
        left = np.flatnonzero(found == 0)
        fault = faults(space, some.some(left)).astype(np.int64)
        edge = some.edge[left]
        if end == 0 and len(space.edges.obj):
            fault[(fault == 0) & (edge >= 0) & doubling_edges(space)[edge]] = len(REASONS) + 1
        found[left] = np.where(fault > 0, fault + len(OF_PAIR), 0)
    left = np.flatnonzero(found == 0)
    for code, broken in enumerate(_cross_rules(space, pair[left], numbers[0][left], numbers[1][left])):
        found[left[broken & (found[left] == 0)]] = OWN_REASONS.index(OF_BOTH[code]) + 1
    return found


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
        version="1",
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
