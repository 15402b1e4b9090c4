"""What benchmarks hold: a row per picture and question, read from their files once for all shards."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from provision_dagster.errors import InputError
from provision_dagster.filters.contamination.questions_file import read_questions
from provision_dagster.filters.duplicate_config import BenchmarkConfig
from provision_dagster.filters.schema import BENCHMARK_ITEMS
from provision_dagster.image_sets.inspect import inspect_images
from provision_dagster.image_sets.readers import list_images
from provision_dagster.image_sets.readers.folder import is_picture_name
from provision_dagster.image_sets.readers.tables import SUFFIXES, read_rows
from provision_dagster.image_sets.spec import ImageSetSpec

_HASHES = {"sha256": re.compile("[0-9a-f]{64}"), "phash": re.compile("[0-9a-f]{16}")}


def benchmark_items(benchmarks: Sequence[BenchmarkConfig]) -> pl.DataFrame:
    """Read the pictures and questions of benchmarks.

    Parameters
    ----------
    benchmarks
        What to read; names must differ.

    Returns
    -------
    pl.DataFrame
        Schema BENCHMARK_ITEMS. A damaged picture or row has an `error` and nothing to be found by.

    Raises
    ------
    InputError
        If a file or folder is unusable, or two benchmarks have one name.
    """
    names = [one.name for one in benchmarks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"field `benchmarks`: each `name` may occur once, got {twice} more often")
    return pl.concat([pl.DataFrame(schema=BENCHMARK_ITEMS), *(_read(one) for one in benchmarks)])


def _read(benchmark: BenchmarkConfig) -> pl.DataFrame:
    try:
        parts = [_questions(benchmark.questions, benchmark.column)] if benchmark.questions else []
        parts += [_pictures(benchmark.images)] if benchmark.images else []
    except InputError as error:
        # not `from error`: of a failed run the innermost message is shown, which does not name the benchmark
        raise InputError(f"benchmark `{benchmark.name}`: {error}") from None
    found = pl.concat(parts).with_columns(benchmark=pl.lit(benchmark.name))
    return found.select(pl.col(name).cast(dtype) for name, dtype in BENCHMARK_ITEMS.items())


def _questions(path: Path, column: str) -> pl.DataFrame:
    rows = [
        {"kind": "question", "item": item, "text": text, "error": error and f"`{path.name}` row {item}: {error}"}
        for item, text, error in read_questions(path, column=column)
    ]
    return pl.DataFrame(rows, schema=BENCHMARK_ITEMS)


def _pictures(path: Path) -> pl.DataFrame:
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise InputError(f"field `images`: expected a folder of pictures or a table of hashes at `{path}`, got nothing")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"field `images`: `{path}` must be a folder or end in {', '.join(SUFFIXES)}, got `{path.suffix}`"
        )
    return pl.DataFrame(list(_hash_rows(path)), schema=BENCHMARK_ITEMS)


def _folder(path: Path) -> pl.DataFrame:
    listed = list_images(ImageSetSpec(name="benchmark", reader="folder", path=path))
    pictures = listed.filter([is_picture_name(key) for key in listed["image_key"]])
    if pictures.is_empty():
        raise InputError(f"field `images`: no picture in `{path}`")
    seen = inspect_images(pictures)
    # a picture that the benchmark holds twice is found by its first
    told = pl.when(pl.col("status").is_in(["ok", "duplicate"])).then(None).otherwise("error")
    found = seen.select(
        pl.lit("picture").alias("kind"),
        pl.col("image_key").alias("item"),
        "sha256",
        pl.when(told.is_null()).then("phash").alias("phash"),
        told.alias("error"),
    )
    return pl.concat([pl.DataFrame(schema=BENCHMARK_ITEMS), found], how="diagonal").select(list(BENCHMARK_ITEMS))


def _hash_rows(path: Path) -> Iterator[dict[str, Any]]:
    wanted = frozenset([*_HASHES, "name"])
    for row in read_rows(path, wanted=wanted, one_of=("sha256", "phash")):
        name = row.values.get("name")
        found: dict[str, Any] = {"kind": "picture", "item": f"{row.number}: {name}" if name else str(row.number)}
        error = row.error
        for column, pattern in _HASHES.items():
            value = row.values.get(column)
            text = value.strip().lower() if isinstance(value, str) else None
            if text and pattern.fullmatch(text):
                found[column] = text
            elif value:
                digits = 64 if column == "sha256" else 16
                error = f"field `{column}` must be {digits} hex digits, got {str(value)[:80]!r}"
        if error is None and not set(found) & set(_HASHES):
            error = "fields `sha256` and `phash` are empty"
        yield found | {"error": error and f"`{path.name}` row {row.number}: {error}"}
