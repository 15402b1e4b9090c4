"""ExistsAttribute: how many objects of a label have the given attributes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Ragged, ints, member, offsets_of, packed, runs, spans
from provision_dagster.generators.graphs import Graphs, pairs_within
from provision_dagster.generators.hashing import U64
from provision_dagster.generators.options import count_options
from provision_dagster.generators.phrases import adjectives, around, set_hashes
from provision_dagster.generators.programs.attribute_options import allowed_by_others
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.programs.sizes import size_alone
from provision_dagster.generators.registry import Candidates, Draft, Generator, Mentions, Rules, register

MOST = 3
"""Attributes that a question may put before one noun and still be read."""


@dataclass(frozen=True)
class Asked:
    """Distinct (attribute set, countable label) of each image, sorted by image and label; arrays of equal length.

    `row`: of `Graphs.labels`. `sets`: the attributes. `exact`, `having`: objects with exactly the set, or with at
    least the set. `unsure`: of some other object of the label it is not certain that it lacks one. `known`: the
    lexicon knows all attributes.
    """

    row: Ints
    digest: U64
    sets: Ragged
    exact: Ragged
    having: Ragged
    unsure: Bools
    known: Bools


def asked_sets(graphs: Graphs) -> Asked:
    """List what may be asked, once per shard."""
    return graphs.once("asked_sets", lambda: _asked(graphs))


def _asked(graphs: Graphs) -> Asked:
    words, labels = graphs.words, graphs.labels
    obj, attribute = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    typed = words.category[attribute] >= 0
    obj, attribute = obj[typed], attribute[typed]
    first, size = runs(obj)
    bearer, sets = obj[first], Ragged(attribute, offsets_of(size))
    digest = set_hashes(sets, words)
    countable = labels.countable[graphs.label_row[bearer]]
    row = graphs.label_row[bearer]
    order = np.lexsort((bearer, digest, row))
    order = order[countable[order]]
    start, count = runs(row[order], digest[order].view(np.int64))
    example = order[start]
    chosen = Ragged.slices(attribute, first=sets.offsets[example], size=size[example])
    sound = words.attributes.flag("known") & (words.category != words.category_code("noun"))
    having, unsure = _matches(graphs, row[example], chosen)
    return Asked(
        row=row[example],
        digest=digest[example],
        sets=chosen,
        exact=Ragged(bearer[order], offsets_of(count)),
        having=having,
        unsure=unsure,
        known=np.logical_and.reduceat(sound[chosen.values], chosen.offsets[:-1]) if len(example) else countable[:0],
    )


def _matches(graphs: Graphs, row: Ints, sets: Ragged) -> tuple[Ragged, Bools]:
    """For each set: the objects of its label that have it all, and whether one that has not may have it in truth."""
    labels, words = graphs.labels, graphs.words
    size = labels.n[row]
    asked = np.repeat(np.arange(len(row)), size)
    obj = graphs.by_label[spans(labels.first[row], size)]
    # one line per set, object of its label and attribute of the set
    wide = sets.sizes[asked]
    line = np.repeat(np.arange(len(asked)), wide)
    wanted = sets.values[spans(sets.offsets[asked], wide)]
    has_one = member(packed(obj[line], wanted), graphs.attribute_keys)
    begin = offsets_of(wide)[:-1]
    has = np.logical_and.reduceat(has_one, begin) if len(begin) else has_one
    denied = np.zeros(len(asked), dtype=bool)
    # denied: it carries a value that excludes the asked one, and none that goes with it
    open_, value = line[~has_one], wanted[~has_one]
    at, other = words.contradictions.expand(value)
    excluded = np.zeros(len(open_), dtype=bool)
    excluded[at[member(packed(obj[open_[at]], other), graphs.attribute_keys)]] = True
    excluded &= ~allowed_by_others(graphs, obj[open_], value)
    denied[open_[excluded]] = True
    # what it has under another name, or a kind of it, is neither there nor lacking
    near, same = words.same_attribute.expand(wanted[~has_one])
    alike = np.zeros(len(asked), dtype=bool)
    kin = line[~has_one][near]
    alike[kin[member(packed(obj[kin], same), graphs.attribute_keys)]] = True
    complete = graphs.images["exhaustive_attributes"].to_numpy()[graphs.img[obj]]
    doubtful = ~has & (alike | (~denied & ~complete))
    unsure = np.zeros(len(row), dtype=bool)
    unsure[asked[doubtful]] = True
    return Ragged(obj[has], offsets_of(np.bincount(asked[has], minlength=len(row)))), unsure


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per distinct non-empty attribute set and countable label of an image; `asked`: place in `asked_sets`."""
    asked, labels = asked_sets(graphs), graphs.labels
    count = asked.having.sizes if rules == "strict" else asked.exact.sizes
    rows = table(
        img=labels.img[asked.row],
        label=labels.label[asked.row],
        digest=asked.digest.view(np.int64),
        asked=np.arange(len(asked.row)),
        n=count,
    )
    if rules == "paper":
        return Candidates(rows)
    return Candidates(
        rows,
        {reason: broken[asked.row] for reason, broken in labels.unclear.items()}
        | {
            "unknown_attribute": ~asked.known,
            "too_many_attributes": asked.sets.sizes > MOST,
            "attribute_of_other_objects_unknown": asked.unsure,
            "size_without_comparison": size_alone(graphs, asked.row, asked.sets),
            "attributes_run_together": _run_together(graphs, asked.sets),
        },
    )


def _run_together(graphs: Graphs, sets: Ragged) -> Bools:
    """Whether two attributes of a set, side by side, can be read as a third: "dark blue"."""
    one, two, row = pairs_within(sets.offsets[:-1], sets.sizes)
    found = np.zeros(len(sets.sizes), dtype=bool)
    found[row[graphs.words.running_together.has(sets.values[one], sets.values[two])]] = True
    return found


def _sets(graphs: Graphs, rows: pl.DataFrame) -> Ragged:
    sets, chosen = asked_sets(graphs).sets, ints(rows["asked"])
    return Ragged.slices(sets.values, first=sets.offsets[chosen], size=sets.sizes[chosen])


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The label, the set and the count."""
    return Mentions(
        labels=Ragged.columns(ints(rows["label"])),
        attributes=_sets(graphs, rows),
        counts=Ragged.columns(ints(rows["n"])),
    )


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Count the objects whose attributes include the set (strict) or equal it (paper)."""
    asked, chosen = asked_sets(graphs), ints(rows["asked"])
    bearers = asked.having if rules == "strict" else asked.exact
    counted = count_options(rows["h"].to_numpy(), ints(rows["n"]))
    plural = graphs.words.labels.words["plural"].gather(rows["label"])
    described = adjectives(_sets(graphs, rows), graphs.words)
    return Draft(
        slots={"attributed_plural": around(plural, before=described.before, behind=described.behind)},
        answer=counted.answer,
        objects=Ragged.slices(bearers.values, first=bearers.offsets[chosen], size=bearers.sizes[chosen]),
        choice=counted.choice,
    )


register(
    Generator(
        name="ExistsAttribute",
        family="qa_attribute",
        version="3",
        key={"label": "label", "digest": "number"},
        slots=("attributed_plural",),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
    )
)
