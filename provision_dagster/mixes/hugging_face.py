"""A folder that `datasets.load_dataset` reads: Parquet shards with features."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from provision_dagster.mixes.atomic import AtomicShards
from provision_dagster.mixes.batches import BATCH
from provision_dagster.mixes.picture_files import PictureFiles, place_of
from provision_dagster.mixes.turns import parts_of

SHARD_ROWS = 5 * BATCH
"""Rows after which the next file begins."""

SHARD_BYTES = 500_000_000
"""Bytes of pictures after which the next file begins."""

GROUP_BYTES = 64_000_000
"""Bytes of pictures of a row group: so much is held in memory."""

_TEXTS = ("generator", "family", "origin", "form", "license", "question", "answer")

_CONTENT = pa.struct([("type", pa.string()), ("text", pa.string())])
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def _value(dtype: str = "string") -> dict[str, Any]:
    return {"dtype": dtype, "_type": "Value"}


def _list(feature: Any) -> dict[str, Any]:
    return {"feature": feature, "_type": "List"}


FEATURES: dict[str, Any] = {
    "id": _value(),
    "images": _list({"_type": "Image"}),
    "messages": _list({"role": _value(), "content": _list({"type": _value(), "text": _value()})}),
    **{name: _value() for name in _TEXTS},
    "options": _list(_value()),
}
"""Features as the `datasets` library stores them in a Parquet file."""

Pictures = list[tuple[bytes | None, str]]
"""Of one row: bytes (null: not held) and path of each picture."""

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("images", pa.list_(_IMAGE)),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(_CONTENT))]))),
        *((name, pa.string()) for name in _TEXTS),
        ("options", pa.list_(pa.string())),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": FEATURES}})},
)


class HuggingFaceWriter:
    """Writes `data/train-*.parquet`: `id`, `images`, `messages` and what is known of each row.

    Parameters
    ----------
    folder
        Folder of the data set.
    embedded
        Pictures are held as bytes; else as paths, which `datasets` opens when a row is looked at.
    """

    def __init__(self, folder: Path, *, embedded: bool = False) -> None:
        self._shards = AtomicShards(folder / "data", stem="train-", suffix=".parquet")
        self._pictures = PictureFiles() if embedded else None
        self._out: pq.ParquetWriter | None = None
        self._counts: list[int] = []
        self._bytes = 0  # of pictures, in the open file

    @property
    def files(self) -> dict[Path, int]:
        """Files and their rows."""
        return dict(zip(self._shards.paths, self._counts, strict=True))

    def __enter__(self) -> "HuggingFaceWriter":
        """Open the first file: a data set without rows has one too."""
        self._next_file()
        return self

    def write(self, batch: pl.DataFrame) -> None:
        """Write rows as they come from `with_turns`."""
        rows = batch.select("id", *_TEXTS, "options", messages_of(batch))
        if self._pictures is None:
            # whole paths: `datasets` opens them from whatever folder one works in
            self._add(rows, _images([[(None, uri) for uri in uris] for uris in batch["image_uris"].to_list()]), size=0)
            return
        start = 0
        for found, size in _groups(batch["image_uris"].to_list(), pictures=self._pictures):
            self._add(rows.slice(start, len(found)), _images(found), size=size)
            start += len(found)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files, and after an error leave what was there before."""
        self._shards.close(kind, error, trace, end=self._end_file)

    def _add(self, rows: pl.DataFrame, images: pa.Array, *, size: int) -> None:
        if self._counts[-1] >= SHARD_ROWS or self._bytes >= SHARD_BYTES:
            self._next_file()
        # in one piece: pages are cut where pieces end, and these depend on how the mix was read
        table = rows.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        columns = [images if name == "images" else table[name].cast(SCHEMA.field(name).type) for name in SCHEMA.names]
        assert self._out is not None
        self._out.write_table(pa.table(columns, schema=SCHEMA), row_group_size=max(1, len(rows)))
        self._counts[-1] += len(rows)
        self._bytes += size

    def _next_file(self) -> None:
        self._end_file()
        self._out = pq.ParquetWriter(self._shards.next(), SCHEMA, compression="zstd")
        self._counts.append(0)
        self._bytes = 0

    def _end_file(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None


def messages_of(batch: pl.DataFrame) -> pl.Series:
    """Return `messages` of the rows of `with_turns`: lists of {role, content: list of {type, text}}."""
    part = pl.struct("type", "text")
    by_row = (
        parts_of(batch)
        .lazy()
        .group_by("row", "turn", "role", maintain_order=True)
        .agg(content=part)
        .group_by("row", maintain_order=True)
        .agg(messages=pl.struct("role", "content"))
    )
    every = batch.lazy().select(row=pl.int_range(pl.len()))
    joined = every.join(by_row, on="row", how="left", maintain_order="left").select("messages").collect()
    return joined.to_series()


def _groups(uris: list[list[str]], *, pictures: PictureFiles) -> Iterator[tuple[list[Pictures], int]]:
    """Yield the pictures of consecutive rows, `GROUP_BYTES` at a time, and their bytes."""
    found: list[Pictures] = []
    size = 0
    for row in uris:
        shown: Pictures = [(pictures.read(uri)[0], PurePosixPath(_inner(uri)).name) for uri in row]
        found.append(shown)
        size += sum(len(data or b"") for data, _ in shown)
        if size >= GROUP_BYTES:
            yield found, size
            found, size = [], 0
    if found:
        yield found, size


def _inner(uri: str) -> str:
    path, member = place_of(uri)
    return path if member is None else member


def _images(rows: list[Pictures]) -> pa.Array:
    """Lists of images as `datasets` stores them."""
    flat = [image for row in rows for image in row]
    data, paths = pa.array([d for d, _ in flat], pa.binary()), pa.array([p for _, p in flat], pa.string())
    offsets = pa.array([0, *pl.Series([len(row) for row in rows], dtype=pl.Int32).cum_sum()], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays([data, paths], fields=list(_IMAGE)))
