"""LLaVA's JSON: one conversation of two turns per example."""

from pathlib import Path

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.mixes.atomic import atomic_file
from provision_dagster.mixes.batches import Frame, batches

IMAGE_TOKEN = "<image>"
"""LLaVA's placeholder for a picture in a conversation."""


def export_llava(mix: Frame, path: str | Path, *, image_root: str | Path | None = None) -> Path:
    """Write a mix as LLaVA's JSON: a list of `{id, image, conversations}`.

    `image` is one path, or a list of paths for several pictures; the human's turn begins with one `<image>`
    line per picture. Where an image set has no pixels, the path is the image's key in its set.

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
    file = Path(path)
    with atomic_file(file) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.write("[")
        separator = "\n"
        for batch in batches(mix):
            for line in _conversations(batch, image_root=image_root):
                out.write(separator + line)
                separator = ",\n"
        out.write("\n]\n")
    return file


def _conversations(batch: pl.DataFrame, *, image_root: str | Path | None) -> list[str]:
    broken = batch.filter(pl.any_horizontal(pl.col("prompt", "response").str.contains(IMAGE_TOKEN, literal=True)))
    if len(broken):
        raise InputError(f"QA `{broken['id'][0]}`: `{IMAGE_TOKEN}` must not be in a prompt or response")
    paths = pl.col("image_uris")
    if image_root is not None:
        prefix = str(Path(image_root).expanduser().absolute()).rstrip("/") + "/"
        paths = paths.list.eval(pl.element().str.strip_prefix(prefix))
    tokens = paths.list.eval(pl.lit(f"{IMAGE_TOKEN}\n")).list.join("")
    said = pl.concat_list(
        pl.struct(pl.lit("human").alias("from"), pl.concat_str(tokens, "prompt").alias("value")),
        pl.struct(pl.lit("gpt").alias("from"), pl.col("response").alias("value")),
    ).alias("conversations")
    single = pl.struct("id", paths.list.first().alias("image"), said).struct.json_encode()
    several = pl.struct("id", paths.alias("image"), said).struct.json_encode()
    line = pl.when(pl.col("image_uris").list.len() == 1).then(single).otherwise(several)
    return batch.select(line.alias("line"))["line"].to_list()
