"""CommonObject: what all images show."""

from functools import partial

import numpy as np
import numpy.typing as npt

from provision_dagster.generators.arrays import (
    Bools,
    Ints,
    Ragged,
    distinct,
    member,
    offsets_of,
    packed,
    runs,
    spans,
)
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, mix, uniform
from provision_dagster.generators.hashing import draw as luck_of
from provision_dagster.generators.language import join_lists
from provision_dagster.generators.programs.attribute_options import pick
from provision_dagster.generators.programs.multi_image.absence import absent
from provision_dagster.generators.programs.multi_image.common_labels import (
    common_labels,
    named_apart,
    named_once,
    sayable_labels,
    surely_listed,
)
from provision_dagster.generators.programs.multi_image.drawing import Concepts, draw_questions, members_identity
from provision_dagster.generators.programs.multi_image.label_pools import LabelRows, label_rows
from provision_dagster.generators.programs.multi_image.questions import arranged, images_text
from provision_dagster.generators.programs.multi_image.spaces import Split
from provision_dagster.generators.registry import (
    OPTIONS,
    Choice,
    Draft,
    Drawn,
    Mentions,
    MultiGenerator,
    Rules,
    register,
)
from provision_dagster.generators.sampling import grouped_order, places

TRIED = 2 * OPTIONS
"""Labels that are tried as false options of one question."""


def visible_rows(graphs: Graphs, rules: Rules) -> LabelRows:
    """Labels that may be named, and their images."""
    return graphs.once(
        ("visible_rows", rules), lambda: label_rows(graphs, sayable_labels(graphs, rules)[graphs.labels.label])
    )


def draw(graphs: Graphs, n: int, wanted: int, start: int, rules: Rules) -> Drawn:
    """Draw images that have a label in common; whatever label led to them, the question is the same."""
    found = visible_rows(graphs, rules)
    image_hash = graphs.images["image_hash"].to_numpy()[graphs.labels.img]
    drawing = draw_questions(
        Split(n, (np.full(len(found.label), n),), (found.pool.cut(n, image_hash),)),
        Concepts(found.hashes, found.cubes),
        wanted=wanted,
        start=start,
        identity=members_identity(np.zeros(len(found.label), dtype=np.uint64), image_hash),
        check=None if rules == "paper" else partial(_all_told, graphs),
    )
    images = graphs.labels.img[drawing.members]
    return arranged(graphs, drawing, images, single={}, each={"row": drawing.members}, reason="one_thing_two_names")


def _all_told(graphs: Graphs, concept: Ints, members: Ints) -> Bools:
    images = graphs.labels.img[members]
    apart = named_apart(graphs, images)
    return apart & surely_listed(graphs, images) if len(graphs.doubts.labels) else apart


def finish(graphs: Graphs, drawn: Drawn, h: npt.NDArray[np.uint64], rules: Rules) -> Draft:
    """Name all that is common, each thing once; offer one beside what some image lacks."""
    words, images = graphs.words, drawn.images
    every = common_labels(graphs, images, rules)
    said = every if rules == "paper" else named_once(every, words)
    truth = pick(h, said, hashes=words.labels.hashes, fit=np.ones(words.labels.words.height, dtype=bool))
    false = _false(graphs, h, images, every, rules)
    return Draft(
        slots={"images": images_text(images.shape[1], len(images))},
        answer=join_lists(said, words.labels.text),
        objects=_evidence(graphs, images, said),
        choice=Choice(words.labels.text, np.concatenate([truth[:, None], false], axis=1)),
        mentions=Mentions(labels=said),
    )


def _false(graphs: Graphs, h: U64, images: Ints, every: Ragged, rules: Rules) -> Ints:
    """Draw labels that some of the images show and one at least certainly lacks, unlike all that is common."""
    row, label = _tried(graphs, h, images, every, rules)
    lacking = np.zeros(len(row), dtype=bool)
    for column in images.T:
        open_ = np.flatnonzero(~lacking)  # one image that lacks it is enough
        lacking[open_] = absent(graphs, column[row[open_]], label[open_], rules)
    row, label = row[lacking], label[lacking]
    if rules == "strict":
        # not what may mean a common thing
        size = every.sizes[row]
        line = np.repeat(np.arange(len(row)), size)
        near = graphs.words.related_labels.has(label[line], every.values[spans(every.offsets[row], size)])
        fit = np.bincount(line[near], minlength=len(row)) == 0
        row, label = row[fit], label[fit]
    chosen = np.full((len(images), OPTIONS - 1), -1, dtype=np.int64)
    for place in range(OPTIONS - 1):
        best, size = runs(row)
        chosen[row[best], place] = label[best]
        leader = np.repeat(label[best], size)
        apart = (leader != label) & ~graphs.words.related_labels.has(leader, label)
        row, label = row[apart], label[apart]
    return chosen


def _tried(graphs: Graphs, h: U64, images: Ints, every: Ragged, rules: Rules) -> tuple[Ints, Ints]:
    """Choose a few labels of the images that are not common, frequent ones likelier: (row, label) by luck."""
    labels, table = graphs.labels, graphs.words.labels
    flat = images.reshape(-1)
    first, size = labels.of_image[flat], np.diff(labels.of_image)[flat]
    row = np.repeat(np.repeat(np.arange(len(images)), images.shape[1]), size)
    label = labels.label[spans(first, size)]
    named = sayable_labels(graphs, rules)[label]
    keys = distinct(packed(row[named], label[named]))
    keys = keys[~member(keys, packed(every.rows, every.values))]
    row, label = keys >> 32, keys & 0xFFFFFFFF
    luck = uniform(mix(luck_of(h, "false label")[row], table.hashes[label]))
    order = grouped_order(-np.log(luck) / table.counts[label], row)
    order = order[places(row[order]) < TRIED]
    return row[order], label[order]


def _evidence(graphs: Graphs, images: Ints, said: Ragged) -> Ragged:
    """Objects of all common labels, image by image."""
    labels, n = graphs.labels, images.shape[1]
    size = np.repeat(said.sizes, n)
    label = said.values[spans(np.repeat(said.offsets[:-1], n), size)]
    img = np.repeat(images.reshape(-1), size)
    row = np.searchsorted(packed(labels.img, labels.label), packed(img, label))
    objects = graphs.by_label[spans(labels.first[row], labels.n[row])]
    number = np.bincount(
        np.repeat(np.arange(len(images)), said.sizes * n), weights=labels.n[row], minlength=len(images)
    )
    return Ragged(objects, offsets_of(number.astype(np.int64)))


register(
    MultiGenerator(
        name="CommonObject",
        family="qa_multi_aggregate",
        version="3",
        key={},
        slots=("images",),
        draw=draw,
        finish=finish,
    )
)
