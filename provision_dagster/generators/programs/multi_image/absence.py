"""Of which labels an image certainly shows nothing (T5)."""

from collections.abc import Callable

import numpy as np

from provision_dagster.generators.arrays import Bools, Ints, Pairs, Ragged, bools, member, offsets_of, packed, spans
from provision_dagster.generators.graphs import Graphs, searched
from provision_dagster.generators.programs.multi_image.spaces import Pool
from provision_dagster.generators.registry import Rules
from provision_dagster.generators.words import Words

KINDS = ("thing", "part", "clothing")
"""Kinds of label that annotators mark where they see them; sky, walls and streets are often passed over in silence."""

CELLS = 4_000_000
"""A table of labels by images of not more cells than this is filled once; above, pairs are looked up one by one."""

DENSE = 4_096
"""Up to so many labels, a table says which pairs name overlapping things."""


def absent(graphs: Graphs, img: Ints, label: Ints, rules: Rules) -> Bools:
    """Tell which images certainly show nothing of a label.

    Strict rules: neither the label is annotated or doubtful, nor what may name the same thing, contains such a part or
    wears such a thing; and either the image was searched for it, or it is of a kind that annotators mark and something
    is marked in the image at all. Paper rules: the label is not annotated.
    """
    table = absence_table(graphs, rules)
    if table is not None:
        return np.asarray(table[label, img])
    if rules == "paper":
        return ~member(packed(img, label), _marked(graphs))
    labels = graphs.labels
    first, size = labels.of_image[img], np.diff(labels.of_image)[img]
    line = np.repeat(np.arange(len(img)), size)
    row = spans(first, size)
    found = searched(graphs, img, label)
    hit = _denying(graphs, label[line], row, found[line])
    told = _annotated(graphs)[img] & ~(graphs.words.worn[label] & _dressed(graphs)[img])
    gone = found | (provable(graphs.words)[label] & told & ~member(packed(img, label), graphs.doubts.hidden))
    gone[line[hit]] = False
    return gone


def _annotated(graphs: Graphs) -> Bools:
    """Images in which something is marked: of the others nobody can tell whether they were looked at."""
    return np.diff(graphs.labels.of_image) > 0


def _dressed(graphs: Graphs) -> Bools:
    """Images that show people, or may, who may wear what is not annotated."""
    labels = graphs.labels
    wearers = np.append(labels.img[graphs.words.wearers[labels.label]], graphs.doubts.dressed)
    return np.bincount(wearers, minlength=graphs.images.height) > 0


def provable(words: Words) -> Bools:
    """Labels whose absence can be told without a search for them."""
    table = words.labels.words
    return bools(table["known"] & table["usable"] & table["kind"].is_in(KINDS))


def absence_table(graphs: Graphs, rules: Rules) -> Bools | None:
    """Of small shards, the answers of `absent` for all labels and images, shape (labels, images)."""
    if graphs.words.labels.words.height * graphs.images.height > CELLS:
        return None
    return graphs.once(("absence", rules), lambda: _table(graphs, rules))


def _table(graphs: Graphs, rules: Rules) -> Bools:
    words, labels = graphs.words, graphs.labels
    shape = words.labels.words.height, graphs.images.height
    if rules == "paper":
        gone = np.ones(shape, dtype=bool)
        gone[labels.label, labels.img] = False
        return gone
    near = words.once("near_labels", lambda: _near(words))
    told = _annotated(graphs)[None, :] & ~(words.worn[:, None] & _dressed(graphs)[None, :])
    gone = provable(words)[:, None] & told
    gone[graphs.doubts.hidden & 0xFFFFFFFF, graphs.doubts.hidden >> 32] = False
    if graphs.images["exhaustive_labels"].list.len().sum():
        asked, img = (axis.reshape(-1) for axis in np.indices(shape))
        gone |= searched(graphs, img, asked).reshape(shape)
    row, asked = near.expand(labels.label)
    hit = _denying(graphs, asked, row, searched(graphs, labels.img[row], asked))
    gone[asked[hit], labels.img[row[hit]]] = False
    return gone


def _denying(graphs: Graphs, asked: Ints, row: Ints, found: Bools) -> Bools:
    """Whether a label of an image (row of `Graphs.labels`) leaves open that the asked label is there.

    Two labels that were both searched for are told apart by the annotation itself. `found`: the image was searched
    for the asked one.
    """
    labels = graphs.labels
    related, whole = _nearness(graphs.words)(asked, labels.label[row])
    own = labels.label[row] == asked
    return np.asarray(own | (related & ~(found & labels.exhaustive[row])) | (whole & ~found))


def _near(words: Words) -> Pairs:
    """(label, label that it puts in doubt): itself, related ones, its parts."""
    own = np.arange(words.labels.words.height)
    related = words.related_labels.keys
    part, whole = words.part_labels.keys >> 32, words.part_labels.keys & 0xFFFFFFFF
    return Pairs.of(
        np.concatenate([own, related >> 32, whole]),
        np.concatenate([own, related & 0xFFFFFFFF, part]),
        codes=words.labels.words.height,
    )


def _nearness(words: Words) -> Callable[[Ints, Ints], tuple[Bools, Bools]]:
    """(labels, others) -> whether they are related, and whether the other is a whole of the label."""
    if words.labels.words.height > DENSE:
        return lambda a, b: (words.related_labels.has(a, b), words.part_labels.has(a, b))
    related = words.once("related_table", lambda: _dense(words.related_labels))
    wholes = words.once("wholes_table", lambda: _dense(words.part_labels))
    return lambda a, b: (related[a, b], wholes[a, b])


def _dense(pairs: Pairs) -> Bools:
    codes = len(pairs.partners.offsets) - 1
    table = np.zeros((codes, codes), dtype=bool)
    table[pairs.keys >> 32, pairs.keys & 0xFFFFFFFF] = True
    return table


def _marked(graphs: Graphs) -> Ints:
    return graphs.once("marked_labels", lambda: packed(graphs.labels.img, graphs.labels.label))


def images_without(graphs: Graphs, label: Ints, rules: Rules) -> tuple[Pool, bool]:
    """List for each label the images that certainly lack it; large shards list all images.

    Returns
    -------
    tuple
        The lists, and whether members must still be tried with `absent`.
    """
    table = absence_table(graphs, rules)
    if table is None:
        return Pool.shared(np.arange(graphs.images.height), concepts=len(label)), True
    made = graphs.once(("images_without", rules), lambda: _lists(table))
    return Pool(made.values, made.offsets[label], made.sizes[label]), False


def _lists(table: Bools) -> Ragged:
    _, img = np.nonzero(table)
    return Ragged(img, offsets_of(np.count_nonzero(table, axis=1)))
