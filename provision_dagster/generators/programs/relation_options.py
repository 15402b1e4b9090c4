"""Related pairs, and true and false options for questions about their relation."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import (
    Bools,
    Ints,
    Pairs,
    Ragged,
    distinct,
    ints,
    member,
    offsets_of,
    packed,
    runs,
    spans,
)
from provision_dagster.generators.graphs import Graphs, pairs_within
from provision_dagster.generators.hashing import U64, column_hash
from provision_dagster.generators.language import join_lists
from provision_dagster.generators.options import Source, Weighted, draw_false
from provision_dagster.generators.programs.attribute_options import pick
from provision_dagster.generators.registry import Choice, Draft, Mentions
from provision_dagster.generators.words import Words


@dataclass(frozen=True)
class Related:
    """Each ordered pair of objects that is related, sorted; arrays of equal length.

    `every`: predicates as annotated. `shown`: codes (of `Shown.texts`) of the phrases that an answer gives; "on" is
    left out beside "sitting on". `usable`: all can stand in a sentence. `contradicting`: two of them exclude each
    other.
    """

    subject: Ints
    object: Ints
    every: Ragged
    shown: Ragged
    usable: Bools
    contradicting: Bools


@dataclass(frozen=True)
class Shown:
    """Phrases that stand for predicates in answers and options: texts, and the phrase of each predicate."""

    texts: pl.Series
    of: Ints
    longer: Pairs
    """(phrase, phrase that ends in it: "sitting on" of "on")."""


def shown_phrases(words: Words) -> Shown:
    """Number the phrases of an image set."""
    return words.once("shown_phrases", lambda: _shown(words))


def _shown(words: Words) -> Shown:
    option = words.predicates.words["option"]
    texts = option.unique().sort()
    of = ints(option.cast(pl.Enum(texts)).to_physical())
    tails = pl.DataFrame({"long": np.arange(len(texts)), "text": texts}).with_columns(
        tail=pl.col("text").str.split(" ").map_elements(_tails, return_dtype=pl.List(pl.String))
    )
    pairs = (
        tails.explode("tail")
        .drop_nulls("tail")
        .join(pl.DataFrame({"short": np.arange(len(texts)), "tail": texts}), on="tail")
    )
    return Shown(texts, of, Pairs.of(ints(pairs["short"]), ints(pairs["long"]), codes=len(texts)))


def _tails(parts: pl.Series) -> list[str]:
    """Ends of a phrase: "on top of" -> "top of", "of"; a few hundred phrases per image set."""
    return [" ".join(parts[i:]) for i in range(1, len(parts))]


def related_pairs(graphs: Graphs) -> Related:
    """List related pairs, once per shard."""
    return graphs.once("related_pairs", lambda: _related(graphs))


def _related(graphs: Graphs) -> Related:
    words, shown = graphs.words, shown_phrases(graphs.words)
    subject, predicate, object_ = (ints(graphs.relations[c]) for c in ("subject", "predicate", "object"))
    order = np.lexsort((predicate, object_, subject))
    subject, predicate, object_ = subject[order], predicate[order], object_[order]
    first, size = runs(subject, object_)
    pair = np.repeat(np.arange(len(first)), size)
    one, two, row = pairs_within(first, size)
    clash = words.maybe_exclusive.has(predicate[one], predicate[two])
    contradicting = np.zeros(len(first), dtype=bool)
    contradicting[row[clash]] = True
    usable = words.predicates.flag("usable")[predicate]
    return Related(
        subject=subject[first],
        object=object_[first],
        every=Ragged(predicate, offsets_of(size)),
        shown=_spoken(shown, pair, shown.of[predicate], pairs=len(first)),
        usable=np.logical_and.reduceat(usable, first) if len(first) else usable,
        contradicting=contradicting,
    )


def _spoken(shown: Shown, pair: Ints, phrase: Ints, *, pairs: int) -> Ragged:
    """Distinct phrases of each pair, without those that another one ends in."""
    keys = distinct(packed(pair, phrase))
    pair, phrase = keys >> 32, keys & 0xFFFFFFFF
    at, longer = shown.longer.expand(phrase)
    covered = np.zeros(len(keys), dtype=bool)
    covered[at[member(packed(pair[at], longer), keys)]] = True
    return Ragged(phrase[~covered], offsets_of(np.bincount(pair[~covered], minlength=pairs)))


def relation_mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """Both labels and the predicates as annotated."""
    related, pair = related_pairs(graphs), ints(rows["pair"])
    every = Ragged.slices(related.every.values, first=related.every.offsets[pair], size=related.every.sizes[pair])
    return Mentions(
        labels=Ragged.columns(graphs.label[related.subject[pair]], graphs.label[related.object[pair]]),
        predicates=every,
    )


def finish_relation(graphs: Graphs, rows: pl.DataFrame, slots: dict[str, pl.Series]) -> Draft:
    """Answer with all predicates of a pair (column `pair`: place in `related_pairs`); offer one of them."""
    related, pair = related_pairs(graphs), ints(rows["pair"])
    phrases = Ragged.slices(related.shown.values, first=related.shown.offsets[pair], size=related.shown.sizes[pair])
    return Draft(
        slots=slots,
        answer=join_lists(phrases, shown_phrases(graphs.words).texts),
        objects=Ragged.columns(related.subject[pair], related.object[pair]),
        choice=relation_choice(graphs, rows["h"].to_numpy(), pair),
    )


@dataclass(frozen=True)
class Excluding:
    """For each predicate those that it excludes, with their frequency, and the labels for which that fails."""

    table: Weighted
    unless: Ints
    """(place in the table, lemma of a label), packed and sorted: there the exclusion does not hold."""


def excluding(words: Words) -> Excluding:
    """List exclusions, once per image set; the inverse of a predicate is never offered beside it."""
    return words.once("excluding", lambda: _excluding(words))


def _excluding(words: Words) -> Excluding:
    table = words.predicates
    pairs = words.conditional
    truth, other = ints(pairs["predicate"]), ints(pairs["other"])
    canonical, inverse = table.words["canonical"], table.words["inverse"]
    turned = (canonical.gather(other) == inverse.gather(truth)).fill_null(False).to_numpy()
    good = table.flag("usable")[other] & ~turned
    pairs, truth, other = pairs.filter(pl.Series(good)), truth[good], other[good]
    lemmas = words.labels.words.select("lemma", code=pl.Series(words.lemma)).unique()
    named = (
        pairs.select("unless")
        .with_row_index("place")
        .explode("unless")
        .join(lemmas, left_on="unless", right_on="lemma")
    )
    return Excluding(
        Weighted.of(truth, other, table.counts[other], truths=table.words.height),
        np.sort(packed(ints(named["place"]), ints(named["code"]))),
    )


def relation_choice(graphs: Graphs, h: U64, pair: Ints) -> Choice:
    """Offer one true phrase per row beside predicates that certainly do not hold (T2).

    False ones are excluded by the true one, are not its inverse, and are neither said of the pair nor compatible
    with anything that is.
    """
    related, words = related_pairs(graphs), graphs.words
    lists = Ragged.slices(related.every.values, first=related.every.offsets[pair], size=related.every.sizes[pair])
    ruled, phrases = excluding(words), shown_phrases(words)
    spoken = _is_spoken(related, phrases, pair, lists)
    said = Ragged(lists.values[spoken], offsets_of(np.bincount(lists.rows[spoken], minlength=len(pair))))
    truth = pick(h, said, hashes=words.predicates.hashes, fit=ruled.table.options.sizes > 0)
    may_hold = graphs.once("may_hold", lambda: _true_keys(graphs))
    lemma = words.lemma[graphs.label]
    joined = part_of_each_other(graphs, related.subject, related.object)[pair]

    def blocked(row: Ints, at: Ints) -> Bools:
        other = ruled.table.options.values[at]
        near = may_hold.has(pair[row], other)
        near |= joined[row] & words.of_height[other] & words.of_height[truth[row]]
        for end in (related.subject, related.object):
            near |= member(packed(at, lemma[end[pair[row]]]), ruled.unless)
        return near

    hashes = words.once("phrase_hashes", lambda: column_hash(phrases.texts))
    source = Source(ruled.table, phrases.of, hashes, words.maybe_exclusive)
    false = draw_false(h, truth, source=source, blocked=blocked)
    true = np.where(truth >= 0, phrases.of[np.maximum(truth, 0)], -1)
    return Choice(phrases.texts, np.concatenate([true[:, None], false], axis=1))


def _is_spoken(related: Related, phrases: Shown, pair: Ints, lists: Ragged) -> Bools:
    """Whether the phrase of a predicate is among those that the answer gives."""
    keys = packed(related.shown.rows, related.shown.values)
    return member(packed(pair[lists.rows], phrases.of[lists.values]), keys)


@dataclass(frozen=True)
class _MayHold:
    """Which predicates may hold of which pairs: (pair, predicate), packed and sorted; a table where that is small."""

    keys: Ints
    table: Bools | None

    def has(self, pair: Ints, predicate: Ints) -> Bools:
        if self.table is not None:
            return np.asarray(self.table[pair, predicate])
        return member(packed(pair, predicate), self.keys)


SMALL = 1 << 24
"""Bytes up to which a table is made."""


def _true_keys(graphs: Graphs) -> _MayHold:
    """List (pair, predicate) for all that is said of a pair, in either order, or may hold beside it."""
    related, words = related_pairs(graphs), graphs.words
    # what is said of (B, A) says its inverse of (A, B)
    keys, wanted = packed(related.subject, related.object), packed(related.object, related.subject)
    back = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    there = np.flatnonzero(keys[back] == wanted) if len(keys) else back
    size = related.every.sizes[back[there]]
    reverse = related.every.values[spans(related.every.offsets[back[there]], size)]
    at, turned = words.turned.expand(reverse)
    pair = np.concatenate([related.every.rows, np.repeat(there, size)[at]])
    predicate = np.concatenate([related.every.values, turned])
    beside, other = words.compatible.expand(predicate)
    found = distinct(np.concatenate([packed(pair, predicate), packed(pair[beside], other)]))
    shape = (len(keys), words.predicates.words.height)
    if shape[0] * shape[1] > SMALL:
        return _MayHold(found, None)
    table = np.zeros(shape, dtype=bool)
    table[found >> 32, found & 0xFFFFFFFF] = True
    return _MayHold(found, table)


def part_of_each_other(graphs: Graphs, a: Ints, b: Ints) -> Bools:
    """Whether objects are such that one may be a part of the other ("window", "building")."""
    parts, one, two = graphs.words.part_labels, graphs.label[a], graphs.label[b]
    return parts.has(one, two) | parts.has(two, one)
