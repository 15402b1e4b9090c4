"""What a caption says: the objects, attributes and relations of a picture that can be said truly and grammatically."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, bools, ints, member, offsets_of, packed, runs
from provision_dagster.generators.graphs import Graphs, iou, pairs_within
from provision_dagster.generators.programs.caption_repetition import said_by_relations, sayable_relations
from provision_dagster.generators.programs.description_rules import (
    alike,
    attributes_in_labels,
    clashing,
    edge_faults,
    unfit_attributes,
)
from provision_dagster.generators.programs.description_text import verb_forms
from provision_dagster.generators.programs.descriptions import descriptions
from provision_dagster.generators.registry import Rules

TWIN_IOU = 0.6
"""Of two boxes of one label that overlap this much, the later one may mark the same thing again and is left out."""


@dataclass(frozen=True)
class Facts:
    """What is said of a shard.

    Parameters
    ----------
    shown
        Whether an object is mentioned.
    held
        Attributes of each object.
    subject, verb, predicate, object
        Relations, sorted by component, subject, verb and object; `verb` numbers the verb phrases.
    bound
        Whether an object has a relation.
    doubtful
        Whether there may be more things of an object's label than are marked: they are not counted.
    """

    shown: Bools
    held: Ragged
    subject: Ints
    verb: Ints
    predicate: Ints
    object: Ints
    bound: Bools
    doubtful: Bools


def caption_facts(graphs: Graphs, rules: Rules) -> Facts:
    """Choose what to say, once per shard; under paper rules everything but repetitions."""
    return graphs.once(("caption_facts", rules), lambda: _facts(graphs, rules))


def _facts(graphs: Graphs, rules: Rules) -> Facts:
    strict = rules == "strict"
    shown = ~_twins(graphs)
    if strict:
        # one box round several books: how many there are is not known
        shown &= graphs.words.labels.flag("usable")[graphs.label] & ~graphs.labels.group[graphs.label_row]
    space = descriptions(graphs)
    edges = space.edges
    rows = np.flatnonzero((edges.inward == 0) & shown[edges.obj] & shown[edges.near])
    if strict and len(rows):
        rows = rows[edge_faults(space)[rows] == 0]
    if strict:
        rows = rows[sayable_relations(graphs, edges.obj[rows], edges.predicate[rows], edges.near[rows])]
    subject, predicate, object_ = edges.obj[rows], edges.predicate[rows], edges.near[rows]
    verb = _verbs(graphs)[predicate]
    order = np.lexsort((object_, verb, subject, space.root[subject]))
    order = order[~_said_in_turn(graphs, subject, predicate, object_)[order]]
    subject, verb, predicate, object_ = subject[order], verb[order], predicate[order], object_[order]
    once, _ = runs(subject, verb, object_)
    bound = np.zeros(len(shown), dtype=bool)
    bound[subject] = bound[object_] = True
    repeated = said_by_relations(graphs, subject[once], predicate[once]) if strict else subject[:0]
    return Facts(
        shown,
        _attributes(graphs, shown, repeated, strict=strict),
        subject[once],
        verb[once],
        predicate[once],
        object_[once],
        bound,
        graphs.doubtful & strict,
    )


def _verbs(graphs: Graphs) -> Ints:
    """Number of each predicate's verb phrase: "wears" and "wearing" share one."""
    forms = verb_forms(graphs.words).head(graphs.words.predicates.words.height)
    return ints(forms.rank("dense").cast(pl.Int64))


def _said_in_turn(graphs: Graphs, subject: Ints, predicate: Ints, object_: Ints) -> Bools:
    """Relations of a later to an earlier object that say what is said from the other side: "behind", "in front of"."""
    words = graphs.words.predicates.words
    names = pl.concat([words["canonical"], words["inverse"].drop_nulls()]).unique().sort()
    codes = words.select(pl.col("canonical", "inverse").cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(-1))
    canonical, inverse = (ints(codes[name])[predicate] for name in ("canonical", "inverse"))
    said = pl.DataFrame({"s": subject, "p": canonical, "o": object_})
    turned = pl.DataFrame({"s": object_, "p": inverse, "o": subject})
    known = turned.join(said.unique().with_columns(known=True), on=["s", "p", "o"], how="left", maintain_order="left")
    return np.asarray(bools(known["known"].fill_null(False)) & (subject > object_))


def _twins(graphs: Graphs) -> Bools:
    """Objects that may be an earlier one of the same label, marked again."""
    labels, order = graphs.labels, graphs.by_label
    several = np.flatnonzero(labels.doubled)
    one, two, _ = pairs_within(labels.first[several], labels.n[several])
    over = iou(graphs.boxes[order[one]], graphs.boxes[order[two]]) > TWIN_IOU
    found = np.zeros(len(graphs.img), dtype=bool)
    found[order[two[over]]] = True
    return found


def _attributes(graphs: Graphs, shown: Bools, repeated: Ints, *, strict: bool) -> Ragged:
    """Attributes that are said of each object; of two that exclude each other neither is.

    `repeated`: (object, attribute) that relations say already, sorted.
    """
    obj, attribute = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    fit = shown[obj] & ~member(packed(obj, attribute), repeated)
    if strict:
        words = graphs.words
        fit &= ~unfit_attributes(words)[attribute]
        fit &= ~attributes_in_labels(words).has(attribute, graphs.label[obj])
        first, size = runs(obj)
        one, two, _ = pairs_within(first, size)
        clash = clashing(words).has(attribute[one], attribute[two])
        fit[one[clash]] = fit[two[clash]] = False
        again = alike(words).has(attribute[one], attribute[two]) & fit[one]
        fit[two[again]] = False
    return Ragged(attribute[fit], offsets_of(np.bincount(obj[fit], minlength=len(shown))))


def left_and_right(graphs: Graphs, facts: Facts, *, margin: float = 0.05) -> Ints:
    """1 for the left and 2 for the right one of two objects of a label, where that is beyond doubt (T6); else 0."""
    labels, order = graphs.labels, graphs.by_label
    pairs = np.flatnonzero(labels.n == 2)
    pairs = pairs[~facts.doubtful[order[labels.first[pairs]]]]
    a, b = order[labels.first[pairs]], order[labels.first[pairs] + 1]
    box, width = graphs.boxes, graphs.sides[graphs.img, 0]
    middle = (box[:, 0] + box[:, 2]) / 2
    apart = (box[a, 2] <= box[b, 0]) | (box[b, 2] <= box[a, 0])
    clear = apart & (np.abs(middle[a] - middle[b]) >= margin * width[a]) & facts.bound[a] & facts.bound[b]
    a, b = a[clear], b[clear]
    found = np.zeros(len(graphs.img), dtype=np.int64)
    found[np.where(middle[a] < middle[b], a, b)] = 1
    found[np.where(middle[a] < middle[b], b, a)] = 2
    return found
