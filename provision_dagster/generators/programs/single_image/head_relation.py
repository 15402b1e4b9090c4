"""HeadRelation: which of the options stands in a relation to a thing ("Which of these is on the table?")."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import (
    Bools,
    Ints,
    Ragged,
    distinct,
    ints,
    member,
    offsets_of,
    packed,
    runs,
    spans,
)
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.options import draw_listed
from provision_dagster.generators.programs.common import name_rules, table
from provision_dagster.generators.programs.relation_options import part_of_each_other
from provision_dagster.generators.registry import (
    OPTIONS,
    Candidates,
    Choice,
    Draft,
    Generator,
    Mentions,
    Rules,
    register,
)
from provision_dagster.generators.words import Words

TOUCH = 0.02
"""Boxes closer than this share of the picture's longer side may still touch (annotators draw boxes by hand)."""


@dataclass(frozen=True)
class Asked:
    """What is asked about, sorted: each (image, target label, predicate), and the heads of each.

    `img`, `target`, `predicate`: of each ask. `ask` (place in these), `head`: each candidate (head: label
    code). `relation`: rows of `Graphs.relations` sorted by candidate, cut by `evidence`.
    """

    img: Ints
    target: Ints
    predicate: Ints
    ask: Ints
    head: Ints
    relation: Ints
    evidence: Ints


def asked_heads(graphs: Graphs) -> Asked:
    """Group relations by image, target label and predicate, where a label is left as distractor."""
    return graphs.once("asked_heads", lambda: _asked(graphs))


def _asked(graphs: Graphs) -> Asked:
    subject, predicate, object_ = (ints(graphs.relations[c]) for c in ("subject", "predicate", "object"))
    img, target, head = graphs.img[object_], graphs.label[object_], graphs.label[subject]
    order = np.lexsort((subject, head, predicate, target, img))
    img, target, predicate, head = img[order], target[order], predicate[order], head[order]
    start, size = runs(img, target, predicate, head)
    ask_start, ask_size = runs(img[start], target[start], predicate[start])
    ask = np.repeat(np.arange(len(ask_start)), ask_size)
    own = np.zeros(len(ask_start), dtype=np.int64)
    np.add.at(own, ask, head[start] == target[start])
    at = start[ask_start]
    labels = np.diff(graphs.labels.of_image)[img[at]]
    # distinct labels that are heads or the target
    used = ask_size + 1 - np.minimum(own, 1)
    open_ = used < labels
    keep = open_[ask]
    number = np.cumsum(open_) - 1
    return Asked(
        img=img[at[open_]],
        target=target[at[open_]],
        predicate=predicate[at[open_]],
        ask=number[ask[keep]],
        head=head[start[keep]],
        relation=order[spans(start[keep], size[keep])],
        evidence=offsets_of(size[keep]),
    )


@dataclass(frozen=True)
class FalseHeads:
    """Labels that certainly have no object in the relation to the (one) target, by candidate; sorted."""

    candidate: Ints
    label: Ints


def _targets(graphs: Graphs, asked: Asked) -> Ints:
    """The target object of each ask, -1 where its label does not point at one thing."""
    labels = graphs.labels
    keys = packed(labels.img, labels.label)
    row = np.searchsorted(keys, packed(asked.img, asked.target))
    return np.where(labels.n[row] == 1, graphs.by_label[labels.first[row]], -1)


def false_labels(graphs: Graphs) -> FalseHeads:
    """Find provable distractors, once per shard.

    An object is ruled out when the relation needs contact and the boxes lie apart, when an annotated relation of the
    object to the target excludes the asked one, or when the picture lists every relation; a label, when all its objects
    are and there is no doubt that these are all.
    """
    return graphs.once("false_heads", lambda: _false_labels(graphs))


def _false_labels(graphs: Graphs) -> FalseHeads:
    asked = asked_heads(graphs)
    target = _targets(graphs, asked)
    asks = np.flatnonzero((target >= 0) & graphs.nameable[np.maximum(target, 0)])
    size = ints(graphs.images["objects"])[asked.img[asks]]
    ask = np.repeat(asks, size)
    # objects of an image are a run of `by_label` too, ordered by label
    obj = graphs.by_label[spans(ints(graphs.images["first"])[asked.img[asks]], size)]
    out = _apart(graphs, asked, target[ask], ask, obj) | _excluded(graphs, asked, target[ask], ask, obj)
    out |= graphs.images["exhaustive_relations"].to_numpy()[asked.img[ask]]
    out &= ~graphs.doubtful[obj]
    start, _ = runs(ask, graphs.label[obj])
    clear = np.logical_and.reduceat(out, start) if len(start) else out
    ask, label = ask[start][clear], graphs.label[obj[start]][clear]
    unlike = (label != asked.target[ask]) & ~member(packed(ask, label), _blocked(graphs, asked))
    return _by_candidate(graphs.words, asked, ask[unlike], label[unlike])


def _apart(graphs: Graphs, asked: Asked, target: Ints, ask: Ints, obj: Ints) -> Bools:
    a, b = graphs.boxes[target], graphs.boxes[obj]
    gap = np.maximum.reduce([a[:, 0] - b[:, 2], b[:, 0] - a[:, 2], a[:, 1] - b[:, 3], b[:, 1] - a[:, 3]])
    near = TOUCH * graphs.sides.max(axis=1)[asked.img[ask]]
    return np.asarray(graphs.words.predicates.flag("requires_contact")[asked.predicate[ask]] & (gap > near))


def _excluded(graphs: Graphs, asked: Asked, target: Ints, ask: Ints, obj: Ints) -> Bools:
    """Whether what is said of (object, target) excludes the asked predicate."""
    subject, predicate, object_ = (ints(graphs.relations[c]) for c in ("subject", "predicate", "object"))
    words = graphs.words
    at, other = words.exclusive.expand(predicate)
    # between a thing and its part, heights prove nothing
    joined = part_of_each_other(graphs, subject, object_)[at] & words.of_height[predicate[at]] & words.of_height[other]
    at, other = at[~joined], other[~joined]
    pairs, numbers = np.unique(packed(subject, object_), return_inverse=True)
    ruled = distinct(packed(numbers[at], other))
    wanted = packed(obj, target)
    place = np.minimum(np.searchsorted(pairs, wanted), max(len(pairs) - 1, 0))
    there = pairs[place] == wanted
    return np.asarray(there & member(packed(place, asked.predicate[ask]), ruled))


def _blocked(graphs: Graphs, asked: Asked) -> Ints:
    """(ask, label) where the label is a head of the same question, or of one that may hold with it; sorted."""
    subject, predicate, object_ = (ints(graphs.relations[c]) for c in ("subject", "predicate", "object"))
    # what is said of (target, head) says its inverse of (head, target)
    back, turned = graphs.words.turned.expand(predicate)
    subject, object_ = np.concatenate([subject, object_[back]]), np.concatenate([object_, subject[back]])
    predicate = np.concatenate([predicate, turned])
    img, target, head = graphs.img[object_], graphs.label[object_], graphs.label[subject]
    at, other = graphs.words.compatible.expand(predicate)
    at, said = np.concatenate([np.arange(len(predicate)), at]), np.concatenate([predicate, other])
    labels = graphs.labels
    keys = packed(labels.img, labels.label)
    row = np.searchsorted(keys, packed(img, target))
    asks = packed(np.searchsorted(keys, packed(asked.img, asked.target)), asked.predicate)
    wanted = packed(row[at], said)
    place = np.minimum(np.searchsorted(asks, wanted), max(len(asks) - 1, 0))
    there = asks[place] == wanted if len(asks) else np.zeros(len(wanted), dtype=bool)
    return distinct(packed(place[there], head[at[there]]))


def _by_candidate(words: Words, asked: Asked, ask: Ints, label: Ints) -> FalseHeads:
    """Give each candidate the labels of its ask that cannot mean its head."""
    offsets = offsets_of(np.bincount(ask, minlength=len(asked.img)))
    size = np.diff(offsets)[asked.ask]
    candidate = np.repeat(np.arange(len(asked.ask)), size)
    option = label[spans(offsets[asked.ask], size)]
    unlike = ~words.related_labels.has(asked.head[candidate], option) & (asked.head[candidate] != option)
    return FalseHeads(candidate[unlike], option[unlike])


def _merely_unsaid(graphs: Graphs) -> FalseHeads:
    """Labels that are not annotated with the relation (paper rules)."""
    asked = asked_heads(graphs)
    labels = graphs.labels
    size = np.diff(labels.of_image)[asked.img]
    ask = np.repeat(np.arange(len(asked.img)), size)
    label = labels.label[spans(labels.of_image[asked.img], size)]
    heads = np.sort(packed(asked.ask, asked.head))
    free = (label != asked.target[ask]) & ~member(packed(ask, label), heads)
    return _by_candidate(graphs.words, asked, ask[free], label[free])


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per target label, predicate and head label, where some label of the image is neither."""
    asked = asked_heads(graphs)
    rows = table(
        img=asked.img[asked.ask],
        target=asked.target[asked.ask],
        predicate=asked.predicate[asked.ask],
        head=asked.head,
        candidate=np.arange(len(asked.ask)),
    )
    if rules == "paper":
        return Candidates(rows)
    target = _targets(graphs, asked)[asked.ask]
    provable = np.zeros(rows.height, dtype=bool)
    provable[false_labels(graphs).candidate] = True
    return Candidates(
        rows,
        {
            "target_not_unique": target < 0,
            **name_rules(graphs, np.maximum(target, 0)),
            "head_is_target": asked.head == asked.target[asked.ask],
            "unusable_predicate": ~graphs.words.predicates.flag("usable")[asked.predicate[asked.ask]],
            "unusable_label": ~graphs.words.labels.flag("usable")[asked.head],
            "answer_in_question": _told(graphs.words, asked.head, asked.target[asked.ask]),
            "no_provable_distractor": ~provable,
        },
    )


def _told(words: Words, head: Ints, target: Ints) -> Bools:
    """Whether one label is part of the other ("table" of "coffee table")."""
    pairs, place = np.unique(packed(head, target), return_inverse=True)
    text = words.labels.text
    names = pl.DataFrame({"h": text.gather(pairs >> 32), "t": text.gather(pairs & 0xFFFFFFFF)})
    h, t = (" " + pl.col("h") + " "), (" " + pl.col("t") + " ")
    told = names.select(h.str.contains(t, literal=True) | t.str.contains(h, literal=True)).to_series()
    return np.asarray(told.to_numpy()[place])


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """Head, target and predicate."""
    return Mentions(
        labels=Ragged.columns(ints(rows["head"]), ints(rows["target"])),
        predicates=Ragged.columns(ints(rows["predicate"])),
    )


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Offer the head beside labels of the image that are ruled out (paper rules: that merely lack the relation)."""
    asked, candidate = asked_heads(graphs), ints(rows["candidate"])
    labels = graphs.words.labels
    false = false_labels(graphs) if rules == "strict" else _merely_unsaid(graphs)
    place = np.full(len(asked.ask), -1)
    place[candidate] = np.arange(len(candidate))
    row = place[false.candidate]
    row, option = row[row >= 0], false.label[row >= 0]
    drawn = np.full((rows.height, OPTIONS - 1), -1)
    draw_listed(rows["h"].to_numpy(), row, option, labels.counts[option], hashes=labels.hashes, into=drawn)
    said = Ragged.slices(
        asked.relation, first=asked.evidence[candidate], size=asked.evidence[candidate + 1] - asked.evidence[candidate]
    )
    return Draft(
        slots={
            "verb": _verbs(graphs.words).gather(rows["predicate"]),
            "object_label": labels.text.gather(rows["target"]),
        },
        answer=labels.text.gather(rows["head"]),
        objects=_objects(graphs, said),
        choice=Choice(labels.text, np.concatenate([ints(rows["head"])[:, None], drawn], axis=1)),
    )


def _verbs(words: Words) -> pl.Series:
    """ "is on", "wears" by predicate."""
    form = pl.when(pl.col("is_form") == "").then("is " + pl.col("predicate")).otherwise("is_form")
    return words.predicates.words.select(form).to_series()


def _objects(graphs: Graphs, said: Ragged) -> Ragged:
    """Distinct subjects and objects of the relations of each row, sorted."""
    ends = [ints(graphs.relations[c])[said.values] for c in ("subject", "object")]
    keys = distinct(packed(np.tile(said.rows, 2), np.concatenate(ends)))
    return Ragged(keys & 0xFFFFFFFF, offsets_of(np.bincount(keys >> 32, minlength=len(said.sizes))))


register(
    Generator(
        name="HeadRelation",
        family="qa_relation",
        version="2",
        key={"target": "label", "predicate": "predicate", "head": "label"},
        slots=("verb", "object_label", "candidates"),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
    )
)
