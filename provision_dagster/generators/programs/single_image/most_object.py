"""MostObject and LeastObject: which of the options occurs most or least often."""

from functools import partial

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import (
    Bools,
    Ints,
    Ragged,
    all_of,
    any_of,
    ints,
    offsets_of,
    packed,
    runs,
    spans,
)
from provision_dagster.generators.graphs import Graphs, pairs_within
from provision_dagster.generators.hashing import draw, mix
from provision_dagster.generators.options import draw_listed
from provision_dagster.generators.programs.common import table
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


def counted_labels(graphs: Graphs, rules: Rules) -> tuple[Ints, Ints]:
    """Rows of `Graphs.labels` that may be compared, and their counts.

    Strict rules: labels whose count can be proven. Paper rules: countable labels of boxes that hold no other box.
    """
    return graphs.once(("counted_labels", rules), lambda: _counted_labels(graphs, rules))


def _counted_labels(graphs: Graphs, rules: Rules) -> tuple[Ints, Ints]:
    labels = graphs.labels
    if rules == "strict":
        rows = np.flatnonzero(labels.countable & ~any_of(labels.unclear.values()))
        return rows, labels.n[rows]
    left = np.bincount(graphs.label_row[~_holding(graphs)], minlength=len(labels.n))
    rows = np.flatnonzero(labels.countable & (left > 0))
    return rows, left[rows]


def _holding(graphs: Graphs) -> Bools:
    """Objects whose box holds another box of the image (equal boxes hold each other)."""
    one, two, _ = pairs_within(ints(graphs.images["first"]), ints(graphs.images["objects"]))
    a, b = graphs.boxes[one], graphs.boxes[two]
    low, high = range(2), range(2, 4)
    outer = all_of([*(a[:, s] <= b[:, s] for s in low), *(a[:, s] >= b[:, s] for s in high)])
    inner = all_of([*(b[:, s] <= a[:, s] for s in low), *(b[:, s] >= a[:, s] for s in high)])
    holding = np.zeros(graphs.objects.height, dtype=bool)
    holding[one[outer]] = True
    holding[two[inner]] = True
    return holding


def _spread_images(graphs: Graphs, rules: Rules) -> Ints:
    """Images in which two labels that may be compared have different counts."""
    rows, n = counted_labels(graphs, rules)
    img = graphs.labels.img[rows]
    first, _ = runs(img)
    if not len(first):
        return first
    return img[first][np.maximum.reduceat(n, first) > np.minimum.reduceat(n, first)]


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per image that has two countable labels with different counts."""
    img = _spread_images(graphs, "paper")
    if rules == "paper":
        return Candidates(table(img=img))
    return Candidates(table(img=img), {"no_provable_pair": ~np.isin(img, _spread_images(graphs, "strict"))})


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """Nothing before the options are drawn: there is one candidate per image."""
    return Mentions()


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules, *, most: bool) -> Draft:
    """Take one of the extreme labels as truth, and draw the others among those with strictly different counts."""
    labels, h = graphs.labels, rows["h"].to_numpy()
    place = np.full(graphs.images.height, -1)
    place[ints(rows["img"])] = np.arange(rows.height)
    found, n = counted_labels(graphs, rules)
    row = place[labels.img[found]]
    found, n, row = found[row >= 0], n[row >= 0], row[row >= 0]
    code = labels.label[found]
    first, _ = runs(row)
    peak = (np.maximum if most else np.minimum).reduceat(n, first)[row]
    top = np.flatnonzero(n == peak)
    luck = mix(draw(h[row[top]], "extreme"), graphs.words.labels.hashes[code[top]])
    top = top[np.lexsort((luck, row[top]))]
    top = top[runs(row[top])[0]]
    false = np.full((rows.height, OPTIONS - 1), -1)
    rest = n != peak
    table_ = graphs.words.labels
    draw_listed(h, row[rest], code[rest], table_.counts[code[rest]], hashes=table_.hashes, into=false)
    codes = np.concatenate([code[top][:, None], false], axis=1)
    shown = codes >= 0
    return Draft(
        slots={},
        answer=table_.text.gather(codes[:, 0]),
        objects=_bearers(graphs, ints(rows["img"]), codes),
        choice=Choice(table_.text, codes),
        mentions=Mentions(labels=Ragged.masked(codes, shown), counts=Ragged.columns(n[top])),
    )


def _bearers(graphs: Graphs, img: Ints, codes: Ints) -> Ragged:
    """Objects that bear the labels (n, k) of each row, label by label."""
    labels = graphs.labels
    row, column = np.nonzero(codes >= 0)
    found = np.searchsorted(packed(labels.img, labels.label), packed(img[row], codes[row, column]))
    objects = graphs.by_label[spans(labels.first[found], labels.n[found])]
    sizes = np.bincount(row, weights=labels.n[found], minlength=len(codes)).astype(np.int64)
    return Ragged(objects, offsets_of(sizes))


for _name, _most in (("MostObject", True), ("LeastObject", False)):
    register(
        Generator(
            name=_name,
            family="qa_object",
            version="2",
            key={},
            slots=("candidates",),
            candidates=candidates,
            mentions=mentions,
            finish=partial(finish, most=_most),
        )
    )
