"""Everything that is written of a mix, in one pass: training files, and a manifest with their checksums."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.mixes.batches import Frame, Rows, batches
from provision_dagster.mixes.card_header import write_hub_card
from provision_dagster.mixes.formats import FORMATS, Format
from provision_dagster.mixes.hugging_face import HuggingFaceWriter
from provision_dagster.mixes.lines import LinesWriter
from provision_dagster.mixes.llava import export_llava, llava_lines
from provision_dagster.mixes.manifest import MANIFEST, Ledger, write_manifest
from provision_dagster.mixes.messages import message_lines
from provision_dagster.mixes.provision_10m import ProvisionWriter, export_provision_parquet
from provision_dagster.mixes.recipe import Recipe
from provision_dagster.mixes.referring import referring_lines
from provision_dagster.mixes.turns import with_turns
from provision_dagster.mixes.webdataset_tars import WebDatasetWriter

__all__ = ["PLACES", "export_llava", "export_mix", "export_provision_parquet"]

PLACES: dict[Format, tuple[str, ...]] = {
    "llava": ("llava.json",),
    "llava_lines": ("llava.jsonl",),
    "provision": ("provision_sa.parquet", "provision_mc.parquet"),
    "messages": ("messages.jsonl",),
    "hugging_face": ("hugging_face",),
    "hugging_face_embedded": ("hugging_face_embedded",),
    "webdataset": ("webdataset",),
    "refcoco": ("refcoco.jsonl",),
    "shikra": ("shikra.jsonl",),
}
"""Files and folders of each format, in the folder of the mix."""

_WRITERS = 2
"""Formats that are written at once."""


class Writer(Protocol):
    """Writes one format: rows in turn, files in their places when the `with` block ends without an error.

    Attributes
    ----------
    files
        Files and how many rows each holds.
    """

    @property
    def files(self) -> Mapping[Path, int]:
        """Files and how many rows each holds."""

    def __enter__(self) -> Self:
        """Open the files."""

    def write(self, batch: pl.DataFrame) -> None:
        """Write rows as they come from `with_turns`."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files, and after an error leave what was there before."""


def export_mix(
    mix: Rows,
    folder: str | Path,
    *,
    recipe: Recipe,
    formats: Sequence[Format] | None = None,
    table_versions: Mapping[str, int] | None = None,
    image_root: str | Path | None = None,
    images: Frame | None = None,
) -> dict[str, Path]:
    """Write every export of a mix into one folder, the manifest last: where it is, the other files are whole.

    The mix is read once, `BATCH` rows at a time, whatever the formats. Files of formats that are not asked for any
    more are removed.

    Parameters
    ----------
    mix
        Schema MIX; or blocks of it, by position.
    folder
        Folder of the exports.
    recipe
        The mix's recipe; says formats and notation of boxes.
    formats
        Formats in place of the recipe's.
    table_versions
        Versions of the Delta tables that the mix was built from, for the manifest.
    image_root
        Image folder of the trainer: paths below it are written relative to it, but for Hugging Face folders, which
        need whole paths. None: paths as they are.
    images
        Schema IMAGES, for licences and attribution of single pictures in the manifest.

    Returns
    -------
    dict of str to Path
        Files and folders by name: `llava`, `provision_sa`, `provision_mc`, `manifest`, and those of other formats.

    Raises
    ------
    InputError
        If a format is not known, a text holds `<image>`, or a picture that is to be held cannot be read. What is in
        the folder then has no manifest.
    """
    target = Path(folder)
    chosen = tuple(recipe.formats if formats is None else formats)
    unknown = sorted(set(chosen) - set(FORMATS))
    if unknown:
        raise InputError(f"`formats` must be of {', '.join(FORMATS)}, got {', '.join(unknown)}")
    recipe = recipe.model_copy(update={"formats": chosen})  # as the manifest is to say
    (target / MANIFEST).unlink(missing_ok=True)
    _remove(target, set(FORMATS) - set(chosen))
    writers = {name: _writer(name, target, recipe=recipe) for name in chosen}
    ledger = _write(mix, list(writers.values()), image_root=image_root)
    licenses = ledger.licenses(images)
    files: dict[Path, int | None] = {}
    for name, writer in writers.items():
        files |= writer.files
        if name.startswith("hugging_face"):
            files[write_hub_card(target / name, recipe=recipe, files=writer.files, licenses=licenses)] = None
    manifest = write_manifest(
        target / MANIFEST,
        recipe=recipe,
        counts=ledger.counts(),
        licenses=licenses,
        files=files,
        table_versions=table_versions,
    )
    return {
        **{Path(p).stem if n == "provision" else n: target / p for n in chosen for p in PLACES[n]},
        "manifest": manifest,
    }


def _writer(name: Format, folder: Path, *, recipe: Recipe) -> Writer:
    path = folder / PLACES[name][0]
    if name in ("llava", "llava_lines"):
        return LinesWriter(path, lines=llava_lines, listed=name == "llava")
    if name == "provision":
        return ProvisionWriter(folder)
    if name == "messages":
        return LinesWriter(path, lines=message_lines)
    if name == "webdataset":
        return WebDatasetWriter(path)
    if name == "refcoco" or name == "shikra":
        return LinesWriter(path, lines=partial(referring_lines, layout=name, notation=recipe.box_format))
    return HuggingFaceWriter(path, embedded=name == "hugging_face_embedded")


def _write(mix: Rows, writers: list[Writer], *, image_root: str | Path | None) -> Ledger:
    """Give every batch to every writer; what one of them finds wrong undoes all."""
    ledger = Ledger()
    with ExitStack() as stack, ThreadPoolExecutor(_WRITERS) as pool:
        for writer in writers:
            stack.enter_context(writer)
        for batch in batches(mix):
            told = with_turns(batch, image_root=image_root)
            written = [pool.submit(writer.write, told) for writer in writers]
            ledger.add(batch)
            for one in written:
                one.result()
    return ledger


def _remove(folder: Path, formats: Iterable[Format]) -> None:
    """Remove what an earlier export wrote in other formats."""
    for name in formats:
        for place in PLACES[name]:
            path = folder / place
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
