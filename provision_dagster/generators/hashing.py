"""Stable hashes: every random choice is a pure function of seed, generator, image and candidate.

The mixer is SplitMix64's finalizer (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
It is
written in numpy on whole columns, so it gives the same bits on every machine, for any number of workers and shards.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh
import pyarrow as pa

U64 = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = (np.uint64(s) for s in (30, 27, 31, 11))


def mix(state: U64, value: U64 | int) -> U64:
    """Mix a value into a 64-bit state, element by element."""
    with np.errstate(over="ignore"):
        z = (state ^ np.asarray(value, dtype=np.uint64)) * _M1 + _GOLDEN
        z = (z ^ (z >> _S30)) * _M1
        z = (z ^ (z >> _S27)) * _M2
        return np.asarray(z ^ (z >> _S31), dtype=np.uint64)


@lru_cache(maxsize=4096)
def text_hash(text: str) -> int:
    """Hash one string to 64 bits (xxHash64, as `column_hash` does for columns)."""
    return int(column_hash(pl.Series([text]))[0])


def column_hash(values: pl.Series) -> U64:
    """Hash a column of strings or integers to 64 bits; nulls count as the empty string and as 0."""
    if values.dtype == pl.String:
        expr = plh.col(values.name).fill_null("").nchash.xxhash64()  # type: ignore[attr-defined]
        return values.to_frame().select(expr).to_series().to_numpy().astype(np.uint64)
    return values.fill_null(0).cast(pl.UInt64).to_numpy().astype(np.uint64)


def candidate_hash(frame: pl.DataFrame, *, start: int, image_hash: pl.Series, key: Sequence[str]) -> U64:
    """Hash each candidate.

    Parameters
    ----------
    frame
        Candidates, n rows.
    start
        Hash of what all rows share (seed and generator).
    image_hash
        64-bit hash of the image, n rows.
    key
        Columns that tell candidates of one image apart.
    """
    state = mix(np.full(frame.height, start, dtype=np.uint64), image_hash.to_numpy())
    for column in key:
        state = mix(state, column_hash(frame[column]))
    return state


def draw(state: U64, stream: str) -> U64:
    """Derive an independent 64-bit number per row for a named purpose ("template", "order", ...)."""
    return mix(state, text_hash(stream))


def uniform(numbers: U64) -> npt.NDArray[np.float64]:
    """Map 64-bit numbers to the open interval (0, 1), with 53 bits."""
    return (np.asarray(numbers >> _S11, dtype=np.float64) + 0.5) * 2.0**-53


def below(numbers: U64, bound: npt.NDArray[np.uint64] | int) -> npt.NDArray[np.uint64]:
    """Map 64-bit numbers to 0 .. bound-1 (modulo: the bias is under 2**-50 for the small bounds used here)."""
    return np.asarray(numbers % np.asarray(bound, dtype=np.uint64), dtype=np.uint64)


def hex_ids(state: U64) -> pl.Series:
    """Turn 64-bit candidate hashes into ids of 32 hex digits (two independent draws)."""
    words = np.stack([draw(state, "id high"), draw(state, "id low")], axis=1).astype(">u8")
    buffers = [None, pa.py_buffer(words.tobytes())]
    binary = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(state), buffers).cast(pa.binary())
    ids = pl.from_arrow(pa.chunked_array([binary]))
    assert isinstance(ids, pl.Series)
    return ids.bin.encode("hex").rename("id")
