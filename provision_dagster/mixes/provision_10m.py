"""ProVision-10M's Parquet: one file of short answers, one of multiple choice."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from provision_dagster.errors import InputError
from provision_dagster.mixes.atomic import atomic_file
from provision_dagster.mixes.batches import BATCH, Frame, Portions, batches
from provision_dagster.mixes.render import pictures, render

PROVISION_10M = pa.schema(
    [
        ("data_path", pa.list_(pa.string())),
        ("generator", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("options", pa.list_(pa.string())),
        ("metadata", pa.string()),
    ]
)
"""Columns of the published data set (arXiv 2412.07012, data card of ProVision-10M)."""

FORM_FILES = {"open": "provision_sa.parquet", "choice": "provision_mc.parquet"}
"""ProVision-10M's splits: short answer and multiple choice."""


class ProvisionWriter:
    """Writes both files; rows of a base set are in neither, being no questions of generators.

    Parameters
    ----------
    folder
        Folder of the two files; each is replaced whole, and written even without rows.
    """

    def __init__(self, folder: Path) -> None:
        self.by_form = {form: folder / name for form, name in FORM_FILES.items()}
        self.files = dict.fromkeys(self.by_form.values(), 0)
        self._portions = {form: Portions(BATCH) for form in FORM_FILES}
        self._outs: dict[str, pq.ParquetWriter] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "ProvisionWriter":
        """Open the files."""
        for form, path in self.by_form.items():
            part = self._stack.enter_context(atomic_file(path))
            writer = pq.ParquetWriter(part, PROVISION_10M, compression="zstd")
            self._outs[form] = self._stack.enter_context(writer)
        return self

    def write(self, batch: pl.DataFrame) -> None:
        """Write rows of a mix."""
        named = batch.filter(pl.col("origin") == "generated").rename({"image_uris": "data_path"})
        for form in FORM_FILES:
            rows = named.filter(pl.col("form") == form).select(PROVISION_10M.names)
            for portion in self._portions[form].add(rows):
                self._put(form, portion)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files, and after an error leave what was there before."""
        if kind is None:
            self._stack.callback(self._put_rest)
        self._stack.__exit__(kind, error, trace)

    def _put_rest(self) -> None:
        for form, portions in self._portions.items():
            for portion in portions.rest():
                self._put(form, portion)

    def _put(self, form: str, rows: pl.DataFrame) -> None:
        # in one piece: pages are cut where pieces end, and these depend on how the mix was read
        table = rows.rechunk().to_arrow().cast(PROVISION_10M)
        self._outs[form].write_table(table, row_group_size=BATCH)
        self.files[self.by_form[form]] += len(rows)


def export_provision_parquet(rows: Frame, folder: str | Path, *, images: Frame | None = None) -> dict[str, Path]:
    """Write QA as ProVision-10M's Parquet: `provision_sa.parquet` (open form) and `provision_mc.parquet`.

    `data_path` holds the pictures' paths (the image's key where a set has no pixels), `answer` is in words in
    both files, `options` is empty in the open form, `metadata` is JSON: id, image_ids, template, objects,
    attributes, relations, counts.

    Parameters
    ----------
    rows
        Schema MIX: each row goes to the file of its form. Or schema FILTERED_QA: each row goes to the first
        file, and to the second too if it has options.
    folder
        Folder of the two files; each is replaced whole, and written even without rows.
    images
        Schema IMAGES, needed for FILTERED_QA.

    Returns
    -------
    dict of str to Path
        The files by form (`open`, `choice`).

    Raises
    ------
    InputError
        If FILTERED_QA comes without images.
    """
    frame = rows.lazy()
    if "form" not in frame.collect_schema():
        if images is None:
            raise InputError("`images` must be given to export filtered_qa: it says where the pictures are")
        frame = _both_forms(frame, images=images).lazy()
    with ProvisionWriter(Path(folder)) as out:
        for batch in batches(frame):
            out.write(batch)
    return out.by_form


def _both_forms(filtered: pl.LazyFrame, *, images: Frame) -> pl.DataFrame:
    rows = filtered.sort("id").with_columns(source=pl.lit(0)).collect()
    options = rows.filter(pl.col("options").list.len() > 0)
    forms = [rows.with_columns(form=pl.lit("open")), options.with_columns(form=pl.lit("choice"))]
    return render(pl.concat(forms).with_row_index("position"), recipe="", pictures=pictures(images))
