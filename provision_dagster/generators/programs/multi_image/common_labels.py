"""What several images have in common, each thing named once."""

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, Ragged, bools, distinct, member, offsets_of, packed, spans
from provision_dagster.generators.graphs import DUPLICATE_IOU, Graphs, iou, pairs_within, searched
from provision_dagster.generators.registry import Rules
from provision_dagster.generators.words import Words


def sayable_labels(graphs: Graphs, rules: Rules) -> Bools:
    """Labels that may be named as things that images show."""
    table = graphs.words.labels.words
    return bools(table["usable"] & (table["kind"] != "abstract")) | (rules == "paper")


def common_labels(graphs: Graphs, images: Ints, rules: Rules) -> Ragged:
    """Labels that all images of each row (m, n) show, sorted."""
    labels = graphs.labels
    first, size = labels.of_image[images[:, 0]], np.diff(labels.of_image)[images[:, 0]]
    row, label = np.repeat(np.arange(len(images)), size), labels.label[spans(first, size)]
    named = sayable_labels(graphs, rules)[label]
    row, label = row[named], label[named]
    keys = packed(labels.img, labels.label)
    for column in images.T[1:]:
        there = member(packed(column[row], label), keys)
        row, label = row[there], label[there]
    return Ragged(label, offsets_of(np.bincount(row, minlength=len(images))))


def named_once(lists: Ragged, words: Words) -> Ragged:
    """Leave out what another label of the list says too: of spellings and numbers the rarer, of kinds the wider."""
    one, two, _ = pairs_within(lists.offsets[:-1], lists.sizes)
    a, b = lists.values[one], lists.values[two]
    forth, back = words.implied_labels.has(a, b), words.implied_labels.has(b, a)
    counts = words.labels.counts
    first_stays = np.where(forth & back, counts[a] >= counts[b], forth)
    kept = np.ones(len(lists.values), dtype=bool)
    kept[two[forth & first_stays]] = False
    kept[one[back & ~first_stays]] = False
    return Ragged(lists.values[kept], offsets_of(np.bincount(lists.rows[kept], minlength=len(lists.sizes))))


def named_apart(graphs: Graphs, images: Ints) -> Bools:
    """Whether what images (m, n) have in common are different things, as far as can be told.

    Two words for one kind of thing ("couch", "sofa") name it twice. Words that are mixed up ("table", "desk") name
    two things unless their boxes coincide in some image.
    """
    words = graphs.words
    lists = named_once(common_labels(graphs, images, "strict"), words)
    one, two, row = pairs_within(lists.offsets[:-1], lists.sizes)
    a, b = lists.values[one], lists.values[two]
    twice = words.synonym_labels.has(a, b)
    open_ = np.flatnonzero(words.related_labels.has(a, b) & ~twice)
    for column in images.T:
        twice[open_] |= coincide(graphs, column[row[open_]], a[open_], b[open_])
    return np.asarray(np.bincount(row[twice], minlength=len(images)) == 0)


def surely_listed(graphs: Graphs, images: Ints) -> Bools:
    """Whether nothing else can be common to images (m, n): no label that some show is only doubtful in the others."""
    doubts, labels = graphs.doubts.labels, graphs.labels
    marked = packed(labels.img, labels.label)
    maybe = distinct(np.concatenate([marked, doubts]))
    first, last = (np.searchsorted(maybe >> 32, images[:, 0], side=side) for side in ("left", "right"))
    size = last - first
    row, label = np.repeat(np.arange(len(images)), size), maybe[spans(first, size)] & 0xFFFFFFFF
    named = sayable_labels(graphs, "strict")[label]
    row, label = row[named], label[named]
    every, some, possible = (np.full(len(row), start) for start in (True, False, True))
    for column in images.T:
        key = packed(column[row], label)
        there = member(key, marked)
        every &= there
        some |= there
        possible &= there | (member(key, doubts) & ~searched(graphs, column[row], label))
    return np.asarray(np.bincount(row[possible & some & ~every], minlength=len(images)) == 0)


def coincide(graphs: Graphs, img: Ints, label: Ints, other: Ints) -> Bools:
    """Whether a box of one label covers nearly the same place as one of another, both of which the image has."""
    labels = graphs.labels
    keys = packed(labels.img, labels.label)
    a, b = np.searchsorted(keys, packed(img, label)), np.searchsorted(keys, packed(img, other))
    one = spans(labels.first[a], labels.n[a])
    line = np.repeat(np.arange(len(img)), labels.n[a])
    size = labels.n[b][line]
    first, second = graphs.by_label[np.repeat(one, size)], graphs.by_label[spans(labels.first[b][line], size)]
    met = iou(graphs.boxes[first], graphs.boxes[second]) > DUPLICATE_IOU
    return np.asarray(np.bincount(np.repeat(line, size)[met], minlength=len(img)) > 0)
