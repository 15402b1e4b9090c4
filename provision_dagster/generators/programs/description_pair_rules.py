"""What makes a question about the relation of two described objects unfit under strict rules (T1, T3, T7)."""

import re

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, Ragged, bools, distinct, member, packed
from provision_dagster.generators.hashing import mix
from provision_dagster.generators.programs.description_qa import Said
from provision_dagster.generators.programs.description_rules import REASONS, Faults, faults
from provision_dagster.generators.programs.description_text import verb_forms
from provision_dagster.generators.programs.descriptions import Described, Descriptions
from provision_dagster.generators.programs.relation_options import Related, related_pairs, shown_phrases
from provision_dagster.generators.templates import shipped_templates
from provision_dagster.generators.words import Words

OF_PAIR = ("unusable_predicate_asked", "contradicting_predicates_asked")
DOUBLED = "doubled_word"
OF_BOTH = ("description_uses_the_relation", "answer_in_question")
OWN_REASONS = (*OF_PAIR, *REASONS, DOUBLED, *OF_BOTH)


def subject_faults(space: Descriptions, fault: Faults) -> Faults:
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


def pair_faults(related: Related) -> Ints:
    """First reason against each pair, counted from 1."""
    return np.where(~related.usable, 1, np.where(related.contradicting, 2, 0))


def judged_pairs(space: Descriptions, pair: Ints, numbers: list[Ints], said: list[Described]) -> Ints:
    """First reason against each question, as a place in `OWN_REASONS`."""
    found = pair_faults(related_pairs(space.graphs))[pair]
    for end, some in enumerate(said):
        left = np.flatnonzero(found == 0)
        fault = faults(space, some.some(left)).astype(np.int64)
        edge = some.edge[left]
        if end == 0 and len(space.edges.obj):
            fault[(fault == 0) & (edge >= 0) & doubling_edges(space)[edge]] = len(REASONS) + 1
        found[left] = np.where(fault > 0, fault + len(OF_PAIR), 0)
    left = np.flatnonzero(found == 0)
    for code, broken in enumerate(cross_rules(space, pair[left], numbers[0][left], numbers[1][left])):
        found[left[broken & (found[left] == 0)]] = OWN_REASONS.index(OF_BOTH[code]) + 1
    return found


def cross_rules(space: Descriptions, pair: Ints, first: Ints, second: Ints) -> tuple[Bools, Bools]:
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
