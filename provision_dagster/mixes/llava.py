"""LLaVA's JSON: a list of conversations, or one a line."""

from pathlib import Path

import polars as pl

from provision_dagster.mixes.batches import Frame, batches
from provision_dagster.mixes.lines import LinesWriter
from provision_dagster.mixes.turns import with_turns


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
    with LinesWriter(Path(path), lines=llava_lines, listed=True) as out:
        for batch in batches(mix):
            out.write(with_turns(batch, image_root=image_root))
    return Path(path)


def llava_lines(batch: pl.DataFrame) -> pl.Series:
    """Return one JSON text per row of `with_turns`: `{id, image, conversations}`.

    `image` is one path, a list of paths for several pictures, and left out where there is none. Where an image set has
    no pixels, the path is the image's key in its set.
    """
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
