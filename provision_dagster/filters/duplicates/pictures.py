"""Pictures that are alike, in all shards and image sets: by pixels, by perceptual hash, by embedding."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.filters.duplicate_config import DuplicatesConfig
from provision_dagster.filters.duplicates.cosine import near_vectors
from provision_dagster.filters.duplicates.hamming import BITS, near_hashes
from provision_dagster.filters.duplicates.keeping import keep_first
from provision_dagster.filters.duplicates.pairs import I64
from provision_dagster.filters.schema import DUPLICATES
from provision_dagster.generators.hashing import U64
from provision_dagster.image_sets.schema import USABLE_STATUSES

HEX_DIGITS = BITS // 4


def duplicate_pictures(
    images: pl.LazyFrame, *, repeated: pl.LazyFrame | None = None, config: DuplicatesConfig | None = None
) -> pl.DataFrame:
    """Find usable pictures that are like an earlier one.

    Parameters
    ----------
    images
        Schema IMAGES, all shards of all image sets.
    repeated
        Schema REPEATED_PICTURES: pictures that their image set holds twice, which nobody asks about anyway.
    config
        Bounds; the defaults when None.

    Returns
    -------
    pl.DataFrame
        Schema DUPLICATES, a row per picture that goes. The first by image set and position stays. `exact`: pixels
        of another image set; `phash`: differing bits; `embedding`: 1 - cosine.

    Raises
    ------
    InputError
        If the file of embeddings is unusable.
    """
    config = config or DuplicatesConfig()
    if not config.pictures:
        return pl.DataFrame(schema=DUPLICATES)
    pictures = _usable(images, repeated)
    distinct = pictures.unique("image_id", keep="first", maintain_order=True).with_row_index("number")
    found = _like_earlier(distinct, config)
    judged = pictures.join(
        distinct.select("image_id", "number", first_shard="shard", first_key="image_key"),
        on="image_id",
        how="left",
        maintain_order="left",
    )
    again = (pl.col("shard") != pl.col("first_shard")) | (pl.col("image_key") != pl.col("first_key"))
    judged = judged.join(found, on="number", how="left", maintain_order="left").filter(
        again | pl.col("method").is_not_null()
    )
    return judged.select(
        pl.lit("picture").alias("kind"),
        "shard",
        pl.col("image_id").alias("id"),
        pl.coalesce("of", "image_id").alias("of"),
        pl.coalesce("of_shard", "first_shard").alias("of_shard"),
        pl.coalesce("method", pl.lit("exact")).alias("method"),
        pl.col("distance").fill_null(0.0),
    ).select(pl.col(name).cast(dtype) for name, dtype in DUPLICATES.items())


def hash_numbers(hashes: pl.Series) -> U64:
    """Read perceptual hashes of 16 hex digits as numbers."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), dtype=">u8").astype(np.uint64)


def _usable(images: pl.LazyFrame, repeated: pl.LazyFrame | None) -> pl.DataFrame:
    """Pictures with pixels or annotations, in order of preference."""
    key = ["image_set", "image_key"]
    usable = images.filter(pl.col("status").is_in(list(USABLE_STATUSES)) & pl.col("image_id").is_not_null())
    if repeated is not None:
        usable = usable.join(repeated.select(key), on=key, how="anti")
    columns = ("shard", *key, "position", "image_id", "phash")
    return usable.select(columns).sort("image_set", "position", "image_key").collect()


def _like_earlier(pictures: pl.DataFrame, config: DuplicatesConfig) -> pl.DataFrame:
    """Pictures that go, by row number: in favour of which, found how and how far away."""
    of, distance = _by_hash(pictures["phash"], config)
    rows = np.arange(pictures.height)
    method = np.full(len(rows), "phash", dtype=object)
    if config.embeddings is not None:
        left = np.flatnonzero(of == rows)
        instead, far = _by_embedding(pictures["image_id"].gather(left), config.embeddings, config.min_cosine)
        goes = instead != np.arange(len(left))
        of[left[goes]], distance[left[goes]], method[left[goes]] = left[instead[goes]], far[goes], "embedding"
        of = of[of]  # what was kept instead of a picture may itself have gone
    gone = np.flatnonzero(of != rows)
    return pl.DataFrame(
        {
            "number": gone.astype(np.uint32),
            "of": pictures["image_id"].gather(of[gone]),
            "of_shard": pictures["shard"].gather(of[gone]),
            "method": pl.Series(method[gone].tolist(), dtype=pl.String),
            "distance": distance[gone],
        }
    )


def _by_hash(hashes: pl.Series, config: DuplicatesConfig) -> tuple[I64, npt.NDArray[np.float64]]:
    of, distance = np.arange(len(hashes)), np.zeros(len(hashes))
    known = np.flatnonzero((hashes.str.len_chars() == HEX_DIGITS).fill_null(False).to_numpy())
    numbers = hash_numbers(hashes.gather(known))
    bits = np.bitwise_count(numbers)
    telling = (bits >= config.min_phash_bits) & (bits <= BITS - config.min_phash_bits)
    known, numbers = known[telling], numbers[telling]
    # pictures of one hash share their neighbours: the first stands for all
    distinct, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    near = near_hashes(distinct[order], max_distance=config.max_phash_distance)
    instead, far = keep_first(len(order), first=near.first, second=near.second, distance=near.distance)
    mine = place[which]
    of[known], distance[known] = known[first[order][instead[mine]]], far[mine]
    return of, distance


def _by_embedding(image_ids: pl.Series, path: Path, min_cosine: float) -> tuple[I64, npt.NDArray[np.float64]]:
    of, distance = np.arange(len(image_ids)), np.zeros(len(image_ids))
    table = _embeddings(path)
    wanted = pl.DataFrame({"image_id": image_ids}).with_row_index("row")
    found = wanted.join(table.unique("image_id", keep="first", maintain_order=True), on="image_id").sort("row")
    if found.is_empty():
        return of, distance
    vectors = np.ascontiguousarray(found["embedding"].to_numpy(), dtype=np.float32)
    first, second, cosine = near_vectors(vectors, min_cosine=min_cosine)
    instead, far = keep_first(len(vectors), first=first, second=second, distance=np.maximum(0.0, 1.0 - cosine))
    rows = found["row"].to_numpy().astype(np.int64)
    of[rows], distance[rows] = rows[instead], far
    return of, distance


def _embeddings(path: Path) -> pl.DataFrame:
    """Read vectors of one length."""
    where = f"`{path}` (field `duplicates.embeddings`)"
    try:
        table = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{where} is not a readable Parquet file: {error}") from error
    if not {"image_id", "embedding"} <= set(table.columns):
        raise InputError(f"{where} must have the columns `image_id` and `embedding`, got {table.columns}")
    kind = table.schema["embedding"]
    inner = kind.inner if isinstance(kind, pl.List | pl.Array) else None
    if inner is None or not inner.is_float() or table.schema["image_id"] != pl.String():
        raise InputError(f"{where}: `image_id` must be text and `embedding` a list of floats, got {table.schema}")
    vectors = table["embedding"].cast(pl.List(inner))
    lengths = vectors.list.len().unique().sort().to_list()
    if len(lengths) > 1 or None in lengths or 0 in lengths or vectors.explode().null_count():
        raise InputError(f"{where}: all embeddings must have one length and no gaps, got lengths {lengths}")
    width = lengths[0] if lengths else 1
    return table.select("image_id", vectors.cast(pl.Array(pl.Float32(), width)))
