"""What is certain about the attributes of things: which they have, and which they certainly lack (T5)."""

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
    packed,
    runs,
)
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64
from provision_dagster.generators.programs.multi_image.label_pools import provable_counts
from provision_dagster.generators.programs.multi_image.questions import concept_hash, unlike
from provision_dagster.generators.programs.multi_image.spaces import Floats, Pool
from provision_dagster.generators.programs.sizes import relative
from provision_dagster.generators.registry import Rules
from provision_dagster.generators.words import Words


@dataclass(frozen=True)
class Bearers:
    """Pairs (label, attribute) that may be asked about, and the images in which things of the label have it or not.

    `having`, `several`: rows of `Graphs.labels` of which some objects, or more than one, have the attribute.
    `lacking`: rows of which all objects may lack it; `certainly_lacking` tells whether they do.
    """

    label: Ints
    attribute: Ints
    having: Pool
    several: Pool
    lacking: Pool
    hashes: U64
    cubes: Floats


def bearers(graphs: Graphs, rules: Rules, *, counted: bool = False) -> Bearers:
    """Collect pairs, once per shard; `counted`: only where the number of things of the label is certain."""
    return graphs.once(("bearers", rules, counted), lambda: _bearers(graphs, rules, counted=counted))


def _bearers(graphs: Graphs, rules: Rules, *, counted: bool) -> Bearers:
    words, labels = graphs.words, graphs.labels
    keep = _rows(graphs, rules, counted=counted)
    row, attribute, number = _held(graphs, rules, keep)
    if counted:
        row, attribute, number = _certain(graphs, row, attribute, rules)
    order = np.lexsort((row, attribute, labels.label[row]))
    row, attribute, number = row[order], attribute[order], number[order]
    first, size = runs(labels.label[row], attribute)
    concept = np.repeat(np.arange(len(first)), size)
    label, attribute = labels.label[row[first]], attribute[first]
    several = Pool.of(row[number > 1], concept[number > 1], concepts=len(first))
    having = Pool(row, first, size)
    if rules == "strict":
        fit = np.flatnonzero(read_one_way(words, label, attribute))
        label, attribute, having, several = label[fit], attribute[fit], having.at(fit), several.at(fit)
    return Bearers(
        label=label,
        attribute=attribute,
        having=having,
        several=several,
        lacking=_lacking(graphs, label, attribute, rules, keep),
        hashes=concept_hash(words.labels.hashes[label], words.attributes.hashes[attribute]),
        cubes=(words.labels.counts[label] ** 3 + words.attributes.counts[attribute] ** 3) / 2,
    )


def _rows(graphs: Graphs, rules: Rules, *, counted: bool) -> Bools:
    """Rows of `Graphs.labels` that may be asked about."""
    labels = graphs.labels
    if counted:
        return labels.countable if rules == "paper" else provable_counts(graphs)
    return labels.usable if rules == "strict" else np.ones(len(labels.img), dtype=bool)


def _held(graphs: Graphs, rules: Rules, keep: Bools) -> tuple[Ints, Ints, Ints]:
    """Distinct (row of `Graphs.labels`, attribute) that may be asked about, and how many objects have it."""
    obj, attribute = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    fit = (graphs.words.category[attribute] >= 0) & keep[graphs.label_row[obj]]
    if rules == "strict":
        fit &= sayable(graphs.words)[attribute]
    keys = np.sort(packed(graphs.label_row[obj[fit]], attribute[fit]))
    first, size = runs(keys)
    return keys[first] >> 32, keys[first] & 0xFFFFFFFF, size


def _certain(graphs: Graphs, row: Ints, attribute: Ints, rules: Rules) -> tuple[Ints, Ints, Ints]:
    """Keep those of which every object certainly has or lacks the attribute, and count those that have it."""
    objects, truth = objects_told(graphs, row, attribute, rules)
    sure = np.bincount(objects.rows[~truth.has & ~truth.lacks], minlength=len(row)) == 0
    number = np.bincount(objects.rows[truth.has], minlength=len(row))
    return row[sure], attribute[sure], number[sure]


def sayable(words: Words) -> Bools:
    """Attributes that the lexicon knows, that are no nouns such as a brand and no sizes.

    A size compares a thing with others of its kind in its image: it cannot be seen in an image that shows one, and
    those of several images are not to one scale.
    """
    known = words.attributes.flag("known") & (words.category >= 0) & (words.category != words.category_code("noun"))
    return np.asarray(known & ~relative(words))


def read_one_way(words: Words, label: Ints, attribute: Ints) -> Bools:
    """Whether "dark blue box" can only be a thing of the label with the attribute.

    Neither may the attribute be two ("dark" and "blue"), nor the label be one with another attribute ("blue box"),
    nor part of the attribute and the label be a longer label; and neither holds the other ("wooden", "wooden table").
    """
    known = words.once("phrases_cut", lambda: _cut_in_two(words))
    fit = unlike((words.labels.text, words.attributes.text), label, attribute)
    fit &= ~known.attribute[attribute] & ~known.label[label]
    names = pl.DataFrame({"l": words.labels.text.gather(label), "a": words.attributes.text.gather(attribute)})
    ends = names.with_row_index("row").select("row", "l", w=pl.col("a").str.split(" ").list.reverse())
    longest = int(ends["w"].list.len().max() or 0)  # type: ignore[arg-type]
    for size in range(1, longest + 1):
        longer = ends.filter(pl.col("w").list.len() >= size).select(
            "row", name=pl.col("w").list.head(size).list.reverse().list.join(" ") + " " + pl.col("l")
        )
        fit[longer.filter(pl.col("name").is_in(words.labels.text.implode()))["row"].to_numpy()] = False
    return fit


@dataclass(frozen=True)
class _Cut:
    """By code: whether an attribute is two attributes, and whether a label is an attribute and a label."""

    attribute: Bools
    label: Bools


def _cut_in_two(words: Words) -> _Cut:
    attributes, labels = words.attributes.text, words.labels.text
    return _Cut(_made_of(attributes, attributes, attributes), _made_of(labels, attributes, labels))


def _made_of(texts: pl.Series, heads: pl.Series, tails: pl.Series) -> Bools:
    """Whether a phrase is one of `heads` followed by one of `tails`."""
    parts = texts.alias("t").to_frame().with_row_index("code").with_columns(w=pl.col("t").str.split(" "))
    made = np.zeros(len(texts), dtype=bool)
    for size in range(1, int(parts["w"].list.len().max() or 0)):  # type: ignore[arg-type]
        cut = parts.filter(pl.col("w").list.len() > size).select(
            "code",
            head=pl.col("w").list.head(size).list.join(" "),
            tail=pl.col("w").list.slice(size).list.join(" "),
        )
        both = pl.col("head").is_in(heads.implode()) & pl.col("tail").is_in(tails.implode())
        made[cut.filter(both)["code"].to_numpy()] = True
    return made


def _lacking(graphs: Graphs, label: Ints, attribute: Ints, rules: Rules, keep: Bools) -> Pool:
    """List for each pair the rows whose objects may all lack the attribute: the others are never certain.

    A thing certainly lacks an attribute only if it has one that contradicts it, or all its attributes are listed.
    """
    labels, words = graphs.labels, graphs.words
    if rules == "paper":
        row = np.flatnonzero(keep)
        return _keyed(row, labels.label[row], label)
    complete = graphs.images["exhaustive_attributes"].to_numpy()[labels.img]
    keep = keep & ~labels.ambiguous & ~labels.group & ~labels.doubtful
    row, value, _ = _held(graphs, rules, keep)
    hopeful = ~complete[row] & _covered(graphs, row, words.exclusive_group[value])
    row, value = row[hopeful], value[hopeful]
    listed = np.flatnonzero(keep & complete)
    # a value after the last one stands for complete lists
    row, value = np.append(row, listed), np.append(value, np.full(len(listed), words.attributes.words.height))
    held = distinct(packed(labels.label[row], value))
    parts = _keyed(row, packed(labels.label[row], value), held)
    at, other = words.contradictions.expand(attribute)
    at = np.append(at, np.arange(len(label)))
    denying = packed(label[at], np.append(other, np.full(len(label), words.attributes.words.height)))
    there = member(denying, held)
    order = np.argsort(at[there], kind="stable")
    part = np.searchsorted(held, denying[there][order])
    return Pool.spliced(parts, at[there][order], part, concepts=len(label))


def _covered(graphs: Graphs, row: Ints, group: Ints) -> Bools:
    """Whether every object of rows of `Graphs.labels` has an attribute of an exclusive group."""
    obj, attribute = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    held = graphs.words.exclusive_group[attribute] + 1
    grouped = distinct(packed(obj, held))
    pairs = np.sort(packed(graphs.label_row[grouped >> 32], grouped & 0xFFFFFFFF))
    first, size = runs(pairs)
    whole = pairs[first][size == graphs.labels.n[pairs[first] >> 32]]
    return member(packed(row, group + 1), whole)


def _keyed(row: Ints, key: Ints, wanted: Ints) -> Pool:
    """List the rows of each wanted key."""
    order = np.argsort(key, kind="stable")
    first = np.searchsorted(key[order], wanted, side="left")
    return Pool(row[order], first, np.searchsorted(key[order], wanted, side="right") - first)


def canonical(words: Words) -> Ints:
    """Number of each attribute's plain form: "metal" and "metallic" have one."""
    return words.once(
        "canonical_attribute", lambda: ints(words.attributes.words["canonical"].rank("dense").cast(pl.Int64))
    )


def held_by(graphs: Graphs, obj: Ints) -> Ragged:
    """Attributes of objects, in order."""
    ends = graphs.once(
        "attribute_ends", lambda: np.searchsorted(ints(graphs.attributes["obj"]), np.arange(graphs.objects.height + 1))
    )
    return Ragged.slices(ints(graphs.attributes["attribute"]), first=ends[obj], size=ends[obj + 1] - ends[obj])


@dataclass(frozen=True)
class Told:
    """Whether things certainly have an attribute, and whether they certainly lack it."""

    has: Bools
    lacks: Bools


def told(graphs: Graphs, obj: Ints, attribute: Ints, rules: Rules) -> Told:
    """Tell whether objects have or lack attributes.

    Strict rules: a thing lacks what contradicts all it has of the same exclusive group, or what a complete list does
    not hold; of a synonym or a kind of what it has, nothing is certain. Paper rules: it lacks what is not annotated.
    """
    words, held = graphs.words, held_by(graphs, obj)
    line, value = held.rows, held.values
    wanted = attribute[line]
    if rules == "paper":
        has = _any(line, value == wanted, len(obj))
        return Told(has, ~has)
    has = _any(line, canonical(words)[value] == canonical(words)[wanted], len(obj))
    near = _any(line, words.same_attribute.has(wanted, value), len(obj))
    clash = words.contradictions.has(value, wanted)
    alike = words.exclusive_group[value] == words.exclusive_group[wanted]
    denied = _any(line, clash, len(obj)) & ~_any(line, alike & ~clash, len(obj))
    complete = graphs.images["exhaustive_attributes"].to_numpy()[graphs.img[obj]]
    listed = complete & words.attributes.flag("known")[attribute]
    return Told(has, ~has & ~near & (denied | listed))


def _any(line: Ints, true: Bools, size: int) -> Bools:
    return np.asarray(np.bincount(line[true], minlength=size) > 0)


def objects_told(graphs: Graphs, row: Ints, attribute: Ints, rules: Rules) -> tuple[Ragged, Told]:
    """Objects of rows of `Graphs.labels`, and what is certain of each about the attribute of its row."""
    labels = graphs.labels
    objects = Ragged.slices(graphs.by_label, first=labels.first[row], size=labels.n[row])
    return objects, told(graphs, objects.values, attribute[objects.rows], rules)


def certainly_lacking(graphs: Graphs, row: Ints, attribute: Ints, rules: Rules) -> Bools:
    """Whether no object of rows of `Graphs.labels`, nor anything else that the label may mean, has the attribute."""
    objects, truth = objects_told(graphs, row, attribute, rules)
    lacking = np.bincount(objects.rows[~truth.lacks], minlength=len(row)) == 0
    if rules == "strict":
        lacking &= ~graphs.labels.ambiguous[row] & ~graphs.labels.group[row] & ~graphs.labels.doubtful[row]
    return np.asarray(lacking)
