"""TSV for VLMEvalKit: a line per question, options in columns A, B, ..., pictures as base64."""

import base64
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.filters.config import LETTERS
from provision_dagster.mixes.atomic import atomic_file
from provision_dagster.mixes.held_out.examples import with_bytes
from provision_dagster.mixes.held_out.tasks import TYPES

FEWEST_LETTERS = 4

MISSING = (
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null", ""),
)
"""Texts that pandas takes for no value when it reads a table: an option of these would silently be none."""


def export_vlmevalkit(rows: pl.DataFrame, folder: Path, *, name: str) -> tuple[list[Path], int]:
    """Write one TSV per type: NAME_2d.tsv, NAME_3d.tsv and NAME_multi.tsv, as far as there are questions.

    Parameters
    ----------
    rows
        As from `examples`.
    folder
        Gets `vlmevalkit/`, which is to be VLMEvalKit's data folder (`LMUData`).
    name
        How the data sets are called, without type.

    Returns
    -------
    tuple of list of Path and int
        The files, and the number of questions that are left out because pandas, which VLMEvalKit reads with, would
        change an option.

    Raises
    ------
    PictureError
        If a picture cannot be opened any more.
    """
    files, lost = [], 0
    for kind in TYPES:
        every = rows.filter(type=kind)
        part = readable(every)
        lost += every.height - part.height
        if part.height:
            files.append(_write(part, folder / "vlmevalkit" / f"{name}_{kind.lower()}.tsv"))
    return files, lost


def readable(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out questions whose options pandas would read as something else.

    Some texts count as no value. And a column that is all numbers with gaps becomes one of floats, 3 becoming 3.0: of
    such a table only the questions with most options stay, which leave no gap.
    """
    kept = rows.filter(~pl.col("options").list.eval(pl.element().is_in(list(MISSING))).list.any())
    if kept.is_empty():
        return kept
    sizes = kept["options"].list.len()
    fewest, most = int(sizes.min() or 0), int(sizes.max() or 0)  # type: ignore[arg-type]
    gapped = [kept["options"].list.get(place, null_on_oob=True).drop_nulls() for place in range(fewest, most)]
    if any(column.cast(pl.Float64, strict=False).null_count() == 0 for column in gapped):
        return kept.filter(pl.col("options").list.len() == most)
    return kept


def _write(rows: pl.DataFrame, file: Path) -> Path:
    most = max(FEWEST_LETTERS, int(rows["options"].list.len().max()))  # type: ignore[arg-type]
    letters = LETTERS[:most]
    several = rows["type"][0] == "multi"
    pictures = ["image", "image_path"] if several else ["image"]
    header = ["index", *pictures, "question", *letters, "answer", "category", "l2-category", "split"]
    extra = ["generator", "id", "license"]
    with atomic_file(file) as part, part.open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, [*header, *extra], delimiter="\t", lineterminator="\n", restval="")
        table.writeheader()
        for line in _lines(rows, letters=letters, several=several):
            table.writerow(line)
    return file


def _lines(rows: pl.DataFrame, *, letters: str, several: bool) -> Iterator[dict[str, Any]]:
    first: dict[str, int] = {}
    for row, files in with_bytes(rows):
        coded = [base64.b64encode(data).decode("ascii") for data in files]
        if several:
            shown = {"image": str(coded), "image_path": str([f"{one}.png" for one in row["image_ids"]])}
        else:
            # a picture stands in the first line that shows it; others give the index of that line
            before = first.setdefault(row["image_ids"][0], row["index"])
            shown = {"image": coded[0] if before == row["index"] else str(before)}
        yield {
            "index": row["index"],
            **shown,
            "question": row["stem"],
            **dict(zip(letters, row["options"], strict=False)),
            "answer": row["letter"],
            "category": row["task"],
            "l2-category": row["type"],
            "split": "test",
            **{name: row[name] for name in ("generator", "id", "license")},
        }
