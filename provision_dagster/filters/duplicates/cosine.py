"""All pairs of vectors that point the same way, block by block: exact, and no more memory than two blocks need."""

import numpy as np
import numpy.typing as npt

from provision_dagster.filters.duplicates.pairs import F64, I64

BLOCK = 2048
"""Vectors compared with each other at a time: 16 MB of cosines."""


def near_vectors(vectors: npt.NDArray[np.float32], *, min_cosine: float) -> tuple[I64, I64, F64]:
    """Find all pairs of vectors whose cosine reaches a bound.

    Parameters
    ----------
    vectors
        (n, d), of any length; a vector of zeros is like none.
    min_cosine
        0 .. 1.

    Returns
    -------
    tuple of numpy.ndarray
        first, second (first < second) and their cosine, sorted by first and second.
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    found: list[tuple[I64, I64, F64]] = []
    for top in range(0, len(unit), BLOCK):
        for left in range(top, len(unit), BLOCK):
            cosines = unit[top : top + BLOCK] @ unit[left : left + BLOCK].T
            i, j = np.nonzero(cosines >= min_cosine)
            later = i + top < j + left
            i, j = i[later], j[later]
            found.append((i + top, j + left, cosines[i, j].astype(np.float64)))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    first, second, cosine = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((second, first))
    return first[order], second[order], cosine[order]
