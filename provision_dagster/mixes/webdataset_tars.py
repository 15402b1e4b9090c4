"""WebDataset: tars with the pictures of each example and a JSON, equal bytes for equal rows."""

import tarfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import polars as pl

from provision_dagster.mixes.atomic import AtomicShards
from provision_dagster.mixes.picture_files import PictureFiles

SHARD_BYTES = 1_000_000_000
"""A tar is closed when it holds so many bytes."""

_BLOCK = tarfile.BLOCKSIZE
_TEXTS = ("id", "generator", "family", "origin", "form", "license", "question", "answer", "options")


class WebDatasetWriter:
    """Writes `train-*.tar`: of each example `KEY.json`, and `KEY.jpg` or `KEY.0.jpg`, `KEY.1.jpg`, ...

    The key is the example's place in the mix, ten digits. The JSON holds `conversations` with an `<image>` per
    picture, and what is known of the row. Headers hold no time, no user and no rights but 0644.

    Parameters
    ----------
    folder
        Folder of the tars.
    """

    def __init__(self, folder: Path) -> None:
        self._shards = AtomicShards(folder, stem="train-", suffix=".tar")
        self._pictures = PictureFiles()
        self._out: BinaryIO | None = None
        self._counts: list[int] = []
        self._bytes = 0  # in the open tar

    @property
    def files(self) -> dict[Path, int]:
        """Tars and their examples."""
        return dict(zip(self._shards.paths, self._counts, strict=True))

    def __enter__(self) -> "WebDatasetWriter":
        """Open the first tar: a mix without rows has one too."""
        self._next_tar()
        return self

    def write(self, batch: pl.DataFrame) -> None:
        """Write rows as they come from `with_turns`."""
        said = pl.struct(*_TEXTS, pl.col("turns").alias("conversations")).struct.json_encode()
        rows = batch.select(said, "position", "image_uris")
        for text, position, uris in rows.iter_rows():
            if self._bytes >= SHARD_BYTES:
                self._next_tar()
            self._example(f"{position:010d}", text.encode(), [self._pictures.read(uri) for uri in uris])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the tars, and after an error leave what was there before."""
        self._shards.close(kind, error, trace, end=self._end_tar)

    def _example(self, key: str, text: bytes, pictures: list[tuple[bytes, str]]) -> None:
        alone = len(pictures) == 1
        parts = [
            member(f"{key}.{suffix}" if alone else f"{key}.{number}.{suffix}", data)
            for number, (data, suffix) in enumerate(pictures)
        ]
        whole = b"".join([*parts, member(f"{key}.json", text)])
        assert self._out is not None
        self._out.write(whole)
        self._bytes += len(whole)
        self._counts[-1] += 1

    def _next_tar(self) -> None:
        self._end_tar()
        self._out = self._shards.next().open("wb")
        self._counts.append(0)
        self._bytes = 0

    def _end_tar(self) -> None:
        if self._out is not None:
            self._out.write(bytes(2 * _BLOCK))
            self._out.close()
            self._out = None


def member(name: str, data: bytes) -> bytes:
    """Return a file of a tar: header (ustar) and content, to whole blocks.

    The header is written here: `tarfile` takes ten times as long for names as short as these.
    """
    head = bytearray(_BLOCK)
    head[: len(name)] = name.encode("ascii")
    head[100:156] = b"0000644\x000000000\x000000000\x00%011o\x0000000000000\x00        " % len(data)
    head[156:157] = b"0"
    head[257:265] = b"ustar\x0000"
    head[148:156] = b"%06o\x00 " % sum(head)
    return bytes(head) + data + bytes(-len(data) % _BLOCK)
