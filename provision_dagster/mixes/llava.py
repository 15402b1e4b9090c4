"""LLaVA's JSON: a list of conversations, or one a line."""

from pathlib import Path
from types import TracebackType

import polars as pl

from provision_dagster.mixes.atomic import AtomicText
from provision_dagster.mixes.batches import Frame, batches
from provision_dagster.mixes.turns import with_turns


class LlavaWriter:
    """Writes a list of `{id, image, conversations}`, one element a line.

    `image` is one path, a list of paths for several pictures, and left out where there is none. Where an image set has
    no pixels, the path is the image's key in its set.

    Parameters
    ----------
    path
        File; replaced whole.
    lines
        JSON lines in place of a JSON list.
    """

    def __init__(self, path: Path, *, lines: bool = False) -> None:
        self.files = {path: 0}
        self._path = path
        self._lines = lines
        self._out = AtomicText(path)

    def __enter__(self) -> "LlavaWriter":
        """Open the file."""
        self._out.__enter__()
        if not self._lines:
            self._out.write("[")
        return self

    def write(self, batch: pl.DataFrame) -> None:
        """Write rows as they come from `with_turns`."""
        found = llava_lines(batch).to_list()
        if self._lines:
            self._out.write("".join(f"{line}\n" for line in found))
        else:
            first = "\n" if self.files[self._path] == 0 else ",\n"
            self._out.write(first + ",\n".join(found))
        self.files[self._path] += len(batch)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file, and after an error leave what was there before."""
        if kind is None and not self._lines:
            self._out.write("\n]\n")
        self._out.__exit__(kind, error, trace)


def export_llava(mix: Frame, path: str | Path, *, image_root: str | Path | None = None) -> Path:
    """Write a mix as LLaVA's JSON.

    Parameters
    ----------
    mix
        Schema MIX.
    path
        JSON file; replaced whole.
    image_root
        LLaVA's image folder: paths below it are written relative to it. None: paths as they are.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If a prompt or response holds `<image>` itself.
    """
    with LlavaWriter(Path(path)) as out:
        for batch in batches(mix):
            out.write(with_turns(batch, image_root=image_root))
    return Path(path)


def llava_lines(batch: pl.DataFrame) -> pl.Series:
    """Return one JSON text per row of `with_turns`."""
    paths, said = pl.col("paths"), pl.col("turns").alias("conversations")
    number = paths.list.len()
    forms = {
        0: pl.struct("id", said),
        1: pl.struct("id", paths.list.first().alias("image"), said),
        2: pl.struct("id", paths.alias("image"), said),
    }
    counts = batch.select(number.clip(0, 2).unique()).to_series()
    if len(counts) == 1:
        return batch.select(forms[counts[0]].struct.json_encode()).to_series()
    none, single, several = (form.struct.json_encode() for form in forms.values())
    return batch.select(pl.when(number == 0).then(none).when(number == 1).then(single).otherwise(several)).to_series()
