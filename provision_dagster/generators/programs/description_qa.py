"""What the three scene-graph questions share: words in the question, mentions, weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, offsets_of
from provision_dagster.generators.programs.contained import Contained, contained
from provision_dagster.generators.programs.description_readings import Seams
from provision_dagster.generators.programs.description_sampling import Floats
from provision_dagster.generators.programs.description_text import verb_forms
from provision_dagster.generators.programs.descriptions import Described, Descriptions
from provision_dagster.generators.registry import Mentions
from provision_dagster.generators.words import Table, Words

FRAME = pl.Series(["object that"])
"""Words that every description holds."""


@dataclass(frozen=True)
class Said:
    """Which names of an answer stand in what a description may say (T3): pairs (answer, label / attribute / verb form).

    `seams`: names that arise where two of these meet. `framed`: the answer is a word of every description.
    """

    labels: Contained
    attributes: Contained
    verbs: Contained
    seams: Seams
    framed: Bools

    @staticmethod
    def of(words: Words, names: Sequence[pl.Series]) -> "Said":
        """Look up the names of each answer: series of equal length."""
        labels, attributes, verbs, frame = (
            _any([contained(n, text) for n in names])
            for text in (words.labels.text, words.attributes.text, verb_forms(words), FRAME)
        )
        framed = np.zeros(len(names[0]), dtype=bool)
        framed[frame.keys >> 32] = True
        first, *more = (Seams.of(n, words) for n in names)
        return Said(labels, attributes, verbs, first.joined(*more), framed)

    def within(self, space: Descriptions, said: Described, answer: Ints) -> Bools:
        """Tell which descriptions hold their answer."""
        found = self.framed[answer] | self.attributes.has(answer, said.a) | self.attributes.has(answer, said.b)
        three, rows = np.flatnonzero(said.c >= 0), np.flatnonzero(said.edge >= 0)
        found[three] |= self.attributes.has(answer[three], said.c[three])
        found |= self._at_seams(space, said, answer)
        edge, answer = said.edge[rows], answer[rows]
        edges = space.edges
        found[rows] |= self.labels.has(answer, space.graphs.label[edges.near[edge]])
        found[rows] |= self.told_by_verb(space, edge, answer)
        return found

    def _at_seams(self, space: Descriptions, said: Described, answer: Ints) -> Bools:
        """Tell which descriptions hold their answer where two of their phrases meet."""
        a, b, c, seams = said.a, said.b, said.c, self.seams
        if not len(seams.ends.keys):
            return np.zeros(len(answer), dtype=bool)
        found = np.asarray((said.a_near == said.b_near) & seams.between(answer, a, b))
        three, near = np.flatnonzero(c >= 0), neighbor(space, said)
        for one in (a, b):
            found[three] |= seams.between(answer[three], one[three], c[three])
        for one, of_near in ((a, said.a_near), (b, said.b_near)):
            rows = np.flatnonzero(of_near)
            found[rows] |= seams.at_label(answer[rows], one[rows], space.graphs.label[near[rows]])
        return found

    def told_by_verb(self, space: Descriptions, edge: Ints, answer: Ints) -> Bools:
        """Tell which relations hold the answer in their verb."""
        words, edges = space.graphs.words, space.edges
        plural = words.labels.flag("is_plural")[space.graphs.label[edges.near[edge]]]
        form = edges.predicate[edge] + (edges.inward[edge] * plural) * words.predicates.words.height
        return self.verbs.has(answer, form)


def _any(pairs: Sequence[Contained]) -> Contained:
    return pairs[0].joined(*pairs[1:])


def neighbor(space: Descriptions, said: Described) -> Ints:
    """Neighbor that each description names, -1 where there is none."""
    if not len(space.edges.obj):
        return np.full(len(said.cell), -1)
    return np.where(said.edge >= 0, space.edges.near[said.edge], -1)


def attribute_columns(said: Described) -> list[Ints]:
    """Attributes of descriptions, -1 = none."""
    return [said.a, said.b, said.c]


def label_columns(space: Descriptions, said: Described) -> list[Ints]:
    """Labels of the described objects, and of the neighbors that descriptions name."""
    near = neighbor(space, said)
    return [space.graphs.label[said.obj], np.where(near >= 0, space.graphs.label[near], -1)]


def predicate_column(space: Descriptions, said: Described) -> Ints:
    """Predicates of descriptions, -1 = none."""
    if not len(space.edges.obj):
        return np.full(len(said.cell), -1)
    return np.where(said.edge >= 0, space.edges.predicate[said.edge], -1)


def listed(columns: Sequence[Ints], more: Ragged | None = None) -> Ragged:
    """Join columns (-1 = none) to lists, and lists before them."""
    table = np.stack(columns, axis=1)
    if more is None:
        return Ragged.masked(table, table >= 0)
    there = table >= 0
    size = more.sizes + there.sum(axis=1)
    offsets = offsets_of(size)
    values = np.empty(offsets[-1], dtype=np.int64)
    head = np.arange(len(more.values)) + np.repeat(offsets[:-1] - more.offsets[:-1], more.sizes)
    rest = np.ones(len(values), dtype=bool)
    rest[head] = False
    values[head], values[rest] = more.values, table[there]
    return Ragged(values, offsets)


def mentioned(space: Descriptions, described: Sequence[Described], attributes: Ragged | None = None) -> Mentions:
    """Words of descriptions; `attributes` of the answer come first."""
    return Mentions(
        labels=listed([c for said in described for c in label_columns(space, said)]),
        attributes=listed([c for said in described for c in attribute_columns(said)], attributes),
        predicates=listed([predicate_column(space, said) for said in described]),
    )


@dataclass
class Weights:
    """Adds up count^3 over what candidates mention."""

    total: Floats
    size: Ints

    @staticmethod
    def of(space: Descriptions, described: Sequence[Described]) -> "Weights":
        """Count the words of descriptions."""
        words, rows = space.graphs.words, len(described[0].cell)
        sums = Weights(np.zeros(rows), np.zeros(rows, dtype=np.int64))
        for said in described:
            for column in label_columns(space, said):
                sums.add(words.labels, column)
            for column in attribute_columns(said):
                sums.add(words.attributes, column)
            sums.add(words.predicates, predicate_column(space, said))
        return sums

    def add(self, table: Table, codes: Ints) -> None:
        """Count one more word per row (-1 = none)."""
        there = codes >= 0
        self.total += np.where(there, table.counts[codes] ** 3, 0)
        self.size += there

    def add_lists(self, table: Table, lists: Ragged, of_row: Ints) -> None:
        """Count the words of a list per row."""
        sums = np.bincount(lists.rows, weights=table.counts[lists.values] ** 3, minlength=len(lists.sizes))
        self.total += sums[of_row]
        self.size += lists.sizes[of_row]

    @property
    def cubes(self) -> Floats:
        """Mean of count^3."""
        return self.total / np.maximum(self.size, 1)


def evidence(*columns: Ints) -> Ragged:
    """Objects that prove an answer, without those named before (-1 = none)."""
    table = np.stack(columns, axis=1)
    there = table >= 0
    for place in range(1, table.shape[1]):
        there[:, place] &= ~(table[:, :place] == table[:, place : place + 1]).any(axis=1)
    return Ragged.masked(table, there)
