"""Sampled mode without listing: candidates are drawn by number, weighed, and judged until enough are sound.

The wanted probability, proportional to 1 / mean(count^3) of what a question mentions, does not factor over the parts
of a description. So it is drawn in two steps (sampling-importance-resampling; Rubin, 1988): some numbers are drawn
evenly from the index space of an image, or all of them if they are few, and of these the questions come in the order of
Efraimidis and Spirakis (2006) for the wanted weights, until enough are sound. Where all numbers are taken, the
probabilities are exactly those of a full list.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import Ints, bools, spans
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.hashing import U64, below, draw, mix, uniform
from provision_dagster.generators.registry import Candidates, Sampling
from provision_dagster.generators.sampling import grouped_order, places

PROPOSALS = 48
"""Numbers drawn per image, and 16 more for each question wanted."""
AGAIN = 16
"""Times as many are drawn where that was not enough; an image of which hardly anything is sound may yield too few."""
JUDGED = (8, 1 << 40)
"""Proposals per wanted question that are judged at first, and where too few of them are sound."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Proposals:
    """Numbers drawn from the index spaces of images, sorted by image; `number` counts from the image's first."""

    img: Ints
    number: Ints


@dataclass(frozen=True)
class Decoded:
    """What proposals mean.

    Parameters
    ----------
    identity
        64-bit hash of each: equal within an image where two numbers mean the same question.
    cubes
        Mean of count^3 over what each mentions.
    judge
        Places in the proposals -> place of the reason against each, counted from 1; 0 = sound.
    rows
        Places in the proposals -> candidates.
    """

    identity: U64
    cubes: Floats
    judge: Callable[[Ints], Ints]
    rows: Callable[[Ints], pl.DataFrame]


def draw_sound(
    graphs: Graphs,
    totals: Ints,
    sampling: Sampling,
    *,
    decode: Callable[[Proposals], Decoded],
    reasons: tuple[str, ...],
) -> Candidates:
    """Draw `per_image` sound candidates of each image.

    Parameters
    ----------
    totals
        Size of each image's index space.
    reasons
        What `judge` may find, in order.
    """
    first = PROPOSALS + 16 * sampling.per_image
    open_ = np.ones(len(totals), dtype=bool)
    tables, faults = [], np.zeros(len(reasons) + 1, dtype=np.int64)
    for most in (first, AGAIN * first):
        drawn = propose(graphs, np.where(open_, totals, 0), sampling, most=most)
        means = decode(drawn)
        place, order, fault = _chosen(graphs, drawn, means, sampling)
        enough = np.bincount(drawn.img[place], minlength=len(totals)) >= sampling.per_image
        done = open_ & (enough | (totals <= most) | (most > first))
        tables.append(means.rows(place[done[drawn.img[place]]]))
        judged = (fault > 0) & done[drawn.img[order]]
        faults += np.bincount(fault[judged], minlength=len(faults))
        open_ &= ~done
        if not open_.any():
            break
    rows = pl.concat(tables).sort("img", maintain_order=True)
    unlisted = {reason: int(n) for reason, n in zip(reasons, faults[1:], strict=True) if n}
    rest = int(totals.sum()) - rows.height - sum(unlisted.values())
    return Candidates(rows, unlisted=unlisted | {"sampled_out": rest})


def propose(graphs: Graphs, totals: Ints, sampling: Sampling, *, most: int) -> Proposals:
    """Draw `most` numbers below the total of each image; all of them where they are not more."""
    size = np.minimum(totals, most)
    img = np.repeat(np.arange(len(totals)), size)
    number = spans(np.zeros(len(size), dtype=np.int64), size)
    many = totals[img] > most
    state = mix(np.full(int(many.sum()), sampling.start, dtype=np.uint64), image_hashes(graphs)[img[many]])
    luck = draw(mix(state, number[many].astype(np.uint64)), "proposal")
    number[many] = below(luck, totals[img[many]].astype(np.uint64)).astype(np.int64)
    return Proposals(img, number)


def image_hashes(graphs: Graphs) -> U64:
    """64-bit hash of each image."""
    return graphs.images["image_hash"].to_numpy()


def _chosen(graphs: Graphs, drawn: Proposals, means: Decoded, sampling: Sampling) -> tuple[Ints, Ints, Ints]:
    """Choose sound proposals: (places of these, sorted; places in the order of luck, and the fault of each there)."""
    state = mix(np.full(len(drawn.img), sampling.start, dtype=np.uint64), image_hashes(graphs)[drawn.img])
    state = mix(state, means.identity)
    different = np.flatnonzero(bools(pl.Series(state).is_first_distinct()))
    luck = -np.log(uniform(draw(state[different], "sample"))) * means.cubes[different]
    order = different[grouped_order(luck, drawn.img[different])]
    img = drawn.img[order]
    rank, fault = places(img), np.full(len(order), -1)
    wanted, need = sampling.per_image, np.full(len(graphs.images), sampling.per_image)
    for most in JUDGED:
        open_ = np.flatnonzero((fault < 0) & (rank < most * wanted) & (need[img] > 0))
        if len(open_):
            fault[open_] = means.judge(order[open_])
            need -= np.bincount(img[open_[fault[open_] == 0]], minlength=len(need))
    good = np.flatnonzero(fault == 0)
    kept = good[places(img[good]) < wanted]
    return np.sort(order[kept]), order, fault


def totals_of(offsets: Ints, graphs: Graphs) -> Ints:
    """Size of each image's index space, from where that of each object begins, shape (objects + 1,)."""
    first = graphs.images["first"].to_numpy().astype(np.int64)
    return np.diff(np.append(offsets[first], offsets[-1]))
