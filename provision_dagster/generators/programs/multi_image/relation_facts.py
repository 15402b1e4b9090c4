"""What is certain about the relation between two things: which predicates hold, and which certainly do not (T2, T5)."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import (
    Bools,
    Ints,
    Pairs,
    Ragged,
    ints,
    member,
    offsets_of,
    packed,
    runs,
    spans,
)
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.relation_options import part_of_each_other, related_pairs
from provision_dagster.generators.programs.single_image.head_relation import TOUCH
from provision_dagster.generators.registry import Rules
from provision_dagster.generators.words import Words


@dataclass(frozen=True)
class Linked:
    """Related pairs that may be asked about, by image and labels; strict rules: both labels point at one thing.

    `subject`, `object`: an example of each (strict rules: the only one). `said`: canonical predicates of each, sorted
    and distinct; `literal`: the same as they are annotated (one word for each).
    """

    img: Ints
    subject_label: Ints
    object_label: Ints
    subject: Ints
    object: Ints
    said: Ragged
    literal: Ragged


def linked(graphs: Graphs, rules: Rules) -> Linked:
    """Collect related pairs, once per shard."""
    return graphs.once(("linked", rules), lambda: _linked(graphs, rules))


def _linked(graphs: Graphs, rules: Rules) -> Linked:
    subject, predicate, object_ = (ints(graphs.relations[c]) for c in ("subject", "predicate", "object"))
    fit = subject != object_
    if rules == "strict":
        fit &= graphs.nameable[subject] & graphs.nameable[object_]
    subject, predicate, object_ = subject[fit], predicate[fit], object_[fit]
    img, one, two = graphs.img[subject], graphs.label[subject], graphs.label[object_]
    plain = canonical_predicate(graphs.words)[predicate]
    order = np.lexsort((object_, subject, predicate, plain, two, one, img))
    subject, object_, predicate, plain = subject[order], object_[order], predicate[order], plain[order]
    img, one, two = img[order], one[order], two[order]
    first, _ = runs(img, one, two, plain)
    pair, size = runs(img[first], one[first], two[first])
    at = first[pair]
    ends = offsets_of(size)
    return Linked(
        img[at],
        one[at],
        two[at],
        subject[at],
        object_[at],
        Ragged(plain[first], ends),
        Ragged(predicate[first], ends),
    )


def canonical_predicate(words: Words) -> Ints:
    """Number of each predicate's plain form: "sits on" and "sitting on" have one."""
    return words.once(
        "canonical_predicate", lambda: ints(words.predicates.words["canonical"].rank("dense").cast(pl.Int64))
    )


def plain_predicate(words: Words) -> Ints:
    """One predicate of each plain form, by its number."""
    plain = canonical_predicate(words)
    chosen = np.zeros(int(plain.max(initial=0)) + 1, dtype=np.int64)
    chosen[plain[::-1]] = np.arange(len(plain))[::-1]
    return chosen


def certainly_unrelated(graphs: Graphs, pair: Ints, predicate: Ints, rules: Rules) -> Bools:
    """Tell whether predicates certainly do not hold of pairs (rows of `Linked`).

    Strict rules: it is neither said, nor the inverse of what is said the other way round, nor may go with either; and
    it needs contact while the boxes lie apart, or is excluded by what is said, or all relations are listed. Paper
    rules: it is not said.
    """
    found, plain = linked(graphs, rules), canonical_predicate(graphs.words)
    said = Ragged.slices(found.said.values, first=found.said.offsets[pair], size=found.said.sizes[pair])
    stated = _any(said.rows, said.values == plain[predicate[said.rows]], len(pair))
    if rules == "paper":
        return ~stated
    words, subject, object_ = graphs.words, found.subject[pair], found.object[pair]
    forward, back = _annotated(graphs, subject, object_), _annotated(graphs, object_, subject)
    near = _any(forward.rows, words.compatible.has(forward.values, predicate[forward.rows]), len(pair))
    near |= _any(back.rows, _turned(words).has(back.values, predicate[back.rows]), len(pair))
    joined = part_of_each_other(graphs, subject, object_)
    asked = predicate[forward.rows]
    labels = found.subject_label[pair][forward.rows], found.object_label[pair][forward.rows]
    excluded = exclusions(words).hold(forward.values, asked, labels)
    excluded &= ~(joined[forward.rows] & words.of_height[forward.values] & words.of_height[asked])
    listed = (
        graphs.images["exhaustive_relations"].to_numpy()[found.img[pair]] & words.predicates.flag("known")[predicate]
    )
    denied = _any(forward.rows, excluded, len(pair)) | _apart(graphs, subject, object_, predicate) | listed
    return ~stated & ~near & denied


@dataclass(frozen=True)
class Exclusions:
    """Pairs of predicates of which one excludes the other, and the labels for which that fails.

    `keys`: (predicate, other), packed and sorted. `unless`: number of the list of labels of each. `listed`: (number,
    concept), packed and sorted. `concept`: of each label, 0 without one.
    """

    keys: Ints
    unless: Ints
    listed: Ints
    concept: Ints

    def hold(self, predicate: Ints, other: Ints, labels: tuple[Ints, Ints]) -> Bools:
        """Tell whether a predicate excludes another between things of two labels."""
        wanted = packed(predicate, other)
        if not len(self.keys):
            return np.zeros(len(wanted), dtype=bool)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        found = self.keys[at] == wanted
        for label in labels:
            found &= ~member(packed(self.unless[at], self.concept[label]), self.listed)
        return np.asarray(found)


def exclusions(words: Words) -> Exclusions:
    """Collect exclusions, once per image set; few lists of labels stand in many pairs."""
    return words.once("exclusions", lambda: _exclusions(words))


def _exclusions(words: Words) -> Exclusions:
    pairs = words.conditional
    concepts = words.labels.words.select(
        pl.col("concept").fill_null(""), n=pl.col("concept").rank("dense").fill_null(0)
    )
    _, example, unless = np.unique(pairs["unless"].hash().to_numpy(), return_index=True, return_inverse=True)
    lists = pairs["unless"].gather(example).alias("concept").to_frame().with_row_index("list").explode("concept")
    named = lists.join(concepts.unique(), on="concept")
    keys = packed(ints(pairs["predicate"]), ints(pairs["other"]))
    order = np.argsort(keys)
    return Exclusions(
        keys[order],
        np.asarray(unless[order], dtype=np.int64),
        np.sort(packed(ints(named["list"]), ints(named["n"]))),
        ints(concepts["n"]),
    )


def _any(line: Ints, true: Bools, size: int) -> Bools:
    return np.bincount(line[true], minlength=size) > 0


def _annotated(graphs: Graphs, subject: Ints, object_: Ints) -> Ragged:
    """Predicates that are annotated of ordered pairs of objects."""
    related = related_pairs(graphs)
    keys = graphs.once("related_keys", lambda: packed(related.subject, related.object))
    wanted = packed(subject, object_)
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    there = keys[at] == wanted if len(keys) else np.zeros(len(wanted), dtype=bool)
    size = np.where(there, related.every.sizes[at] if len(keys) else 0, 0)
    first = np.where(there, related.every.offsets[at], 0)
    return Ragged(related.every.values[spans(first, size)], offsets_of(size))


def _turned(words: Words) -> Pairs:
    """(predicate, what may hold of the pair in the other order): its inverse, and all that may go with that."""
    return words.once("turned_compatible", lambda: _turned_compatible(words))


def _turned_compatible(words: Words) -> Pairs:
    table = words.predicates
    inverses = table.words.select("inverse", code=pl.int_range(pl.len())).drop_nulls("inverse")
    every = pl.concat([table.text.alias("p"), inverses["inverse"].alias("p")]).unique().sort()
    pairs = words.lexicon.compatible_predicates(every)
    own = pl.DataFrame({"predicate": every, "other": every})
    named = pl.concat([pairs, own]).join(inverses, left_on="predicate", right_on="inverse")
    named = named.join(table.words.select(other="predicate", to=pl.int_range(pl.len())), on="other")
    return Pairs.of(ints(named["code"]), ints(named["to"]), codes=table.words.height)


def _apart(graphs: Graphs, subject: Ints, object_: Ints, predicate: Ints) -> Bools:
    """Whether a predicate needs contact and the boxes lie apart."""
    a, b = graphs.boxes[subject], graphs.boxes[object_]
    gap = np.maximum.reduce([a[:, 0] - b[:, 2], b[:, 0] - a[:, 2], a[:, 1] - b[:, 3], b[:, 1] - a[:, 3]])
    near = TOUCH * graphs.sides.max(axis=1)[graphs.img[subject]]
    return np.asarray(graphs.words.predicates.flag("requires_contact")[predicate] & (gap > near))
