"""Pictures that are alike, in groups: what is like what is like a third is one group with it."""

import numpy as np
import polars as pl

from provision_dagster.filters.contamination.pictures import MIN_BITS
from provision_dagster.filters.duplicates.hamming import BITS, near_hashes
from provision_dagster.filters.duplicates.pairs import I64
from provision_dagster.filters.duplicates.pictures import HEX_DIGITS, hash_numbers


def alike_groups(pictures: pl.DataFrame, *, alike: pl.DataFrame, max_distance: int) -> I64:
    """Number the groups of pictures that are alike, directly or by way of others.

    Parameters
    ----------
    pictures
        Distinct `image_id`, n rows, with `phash` (null without pixels). Hashes of plain colours, which are the same
        for every colour, say nothing and are not compared.
    alike
        Pairs `id`, `of` of image ids that are known to be alike; those that are no pictures here are passed over.
    max_distance
        Bits by which the perceptual hashes of two pictures that are alike differ at most.

    Returns
    -------
    numpy.ndarray
        Shape (n,): the same number for pictures of one group.
    """
    # what this needs takes a fifth of a second to import: not at the start of every command
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    told, seen = _told(pictures, alike), _seen(pictures, max_distance)
    first, second = (np.concatenate(ends) for ends in zip(told, seen, strict=True))
    n = pictures.height
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _told(pictures: pl.DataFrame, alike: pl.DataFrame) -> tuple[I64, I64]:
    """Rows of pairs that a table says are alike."""
    rows = pictures.select("image_id", row=pl.int_range(pl.len(), dtype=pl.Int64))
    pairs = alike.select(pl.col("id", "of").cast(pl.String)).join(rows, left_on="id", right_on="image_id")
    pairs = pairs.join(rows, left_on="of", right_on="image_id", suffix="_of")
    return pairs["row"].to_numpy(), pairs["row_of"].to_numpy()


def _seen(pictures: pl.DataFrame, max_distance: int) -> tuple[I64, I64]:
    """Rows of pairs whose perceptual hashes are near."""
    known = np.flatnonzero((pictures["phash"].str.len_chars() == HEX_DIGITS).fill_null(False).to_numpy())
    numbers = hash_numbers(pictures["phash"].gather(known))
    bits = np.bitwise_count(numbers)
    telling = (bits >= MIN_BITS) & (bits <= BITS - MIN_BITS)
    known, numbers = known[telling], numbers[telling]
    distinct, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    near = near_hashes(distinct, max_distance=max_distance)
    # pictures of one hash hang on the first of them
    stands = known[first]
    return np.concatenate([known, stands[near.first]]), np.concatenate([stands[which], stands[near.second]])
