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
from provision_dagster.generators.registry import Sampling
from provision_dagster.generators.sampling import grouped_order, places

PROPOSALS = 48
"""Numbers drawn per image, and 16 more for each question wanted."""
ROUNDS = (8, 1 << 40)
"""Proposals per wanted question that are judged at first, and where too few of them are sound."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Proposals:
    """Numbers drawn from the index spaces of images, sorted by image; `number` counts from the image's first."""

    img: Ints
    number: Ints


def propose(graphs: Graphs, totals: Ints, sampling: Sampling) -> Proposals:
    """Draw numbers below the total of each image; all of them where they are not more than the draws."""
    most = PROPOSALS + 16 * sampling.per_image
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


@dataclass(frozen=True)
class Chosen:
    """What was drawn: places in the proposals, sorted, and what became of the others."""

    place: Ints
    unlisted: dict[str, int]


def choose_sound(
    graphs: Graphs,
    drawn: Proposals,
    sampling: Sampling,
    *,
    total: int,
    identity: U64,
    cubes: Floats,
    judge: Callable[[Ints], Ints],
    reasons: tuple[str, ...],
) -> Chosen:
    """Choose `per_image` sound candidates of each image.

    Parameters
    ----------
    total
        Size of all index spaces together.
    identity
        64-bit hash of each proposal: equal within an image where two numbers mean the same question.
    cubes
        Mean of count^3 of each proposal.
    judge
        Places in the proposals -> place of the reason against each in `reasons`, counted from 1; 0 = sound.
    """
    state = mix(np.full(len(drawn.img), sampling.start, dtype=np.uint64), image_hashes(graphs)[drawn.img])
    state = mix(state, identity)
    different = np.flatnonzero(bools(pl.Series(state).is_first_distinct()))
    img = drawn.img[different]
    order = different[grouped_order(-np.log(uniform(draw(state[different], "sample"))) * cubes[different], img)]
    rank = places(drawn.img[order])
    fault = np.full(len(order), -1)
    wanted, need = sampling.per_image, np.full(len(graphs.images), sampling.per_image)
    for most in ROUNDS:
        open_ = np.flatnonzero((fault < 0) & (rank < most * wanted) & (need[drawn.img[order]] > 0))
        if len(open_):
            fault[open_] = judge(order[open_])
            sound = drawn.img[order[open_[fault[open_] == 0]]]
            need -= np.bincount(sound, minlength=len(need))
    good = np.flatnonzero(fault == 0)
    kept = good[places(drawn.img[order[good]]) < wanted]
    found = np.bincount(fault[fault > 0], minlength=len(reasons) + 1)
    unlisted = {reason: int(n) for reason, n in zip(reasons, found[1:], strict=True) if n}
    rest = total - len(kept) - sum(unlisted.values())
    return Chosen(np.sort(order[kept]), unlisted | {"sampled_out": rest})


def totals_of(offsets: Ints, graphs: Graphs) -> Ints:
    """Size of each image's index space, from where that of each object begins, shape (objects + 1,)."""
    first = graphs.images["first"].to_numpy().astype(np.int64)
    return np.diff(np.append(offsets[first], offsets[-1]))
