"""What a mix costs: a million rows built, exported in every format and verified, in seconds and memory.

    python benchmarks/mixes.py                       # 1 million rows about 20,000 pictures
    python benchmarks/mixes.py --rows 100000 --again # and built again from its tables, byte for byte

Questions are synthetic: one in four points at a box, one in ten shows two pictures, two in three have options. Pictures
are JPEGs of 96 x 72 pixels (1.3 KB): what exports hold of real ones is larger, and written at the speed of the disk.
Making questions and pictures is not counted. Each step runs in a process of its own; memory is its highest resident
memory, and for each process that it starts the highest of any of these (Linux).
"""

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image
from rich.console import Console
from rich.table import Table

from provision_dagster.generators.schema import FILTERED_QA
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.mixes.boxes import box_text
from provision_dagster.mixes.card.exported import write_exported_card
from provision_dagster.mixes.export import export_mix
from provision_dagster.mixes.formats import FORMATS
from provision_dagster.mixes.rebuild import rebuilt_blocks, source_versions
from provision_dagster.mixes.recipe import Recipe, parse_recipe
from provision_dagster.mixes.verify import verify_export, verify_rebuild
from provision_dagster.storage.store import Store

SHARD = 100_000
"""Questions per shard."""

SIZE = (96, 72)

READERS = 2
"""Processes that verify."""

RECIPE: Recipe = parse_recipe({"name": "million", "sources": [{}], "formats": list(FORMATS)})


def write_pictures(folder: Path, count: int) -> None:
    """Save pictures of noise that is the same each time."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = random.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(SIZE).save(folder / f"{number:06d}.jpg", quality=80)


def images_of(folder: Path, *, shard: str, numbers: range) -> pl.DataFrame:
    """Rows of IMAGES of a shard's pictures."""
    known = pl.DataFrame({"number": numbers}).with_columns(name=pl.col("number").cast(pl.String).str.zfill(6))
    told = known.select(
        shard=pl.lit(shard), image_set=pl.lit("made"), position="number", image_key="name",
        image_id=pl.col("name").str.zfill(32), uri=pl.format("{}/{}.jpg", pl.lit(str(folder)), "name"),
        width=pl.lit(SIZE[0]), height=pl.lit(SIZE[1]), license=pl.lit("CC BY 4.0"),
        attribution=pl.format("Author {}", pl.col("number") % 1000), status=pl.lit("ok"),
    )  # fmt: skip
    return _typed(told, IMAGES)


def questions_of(*, shard: str, start: int, rows: int, numbers: range) -> pl.DataFrame:
    """Questions about a shard's pictures."""
    made = pl.DataFrame({"n": range(start, start + rows)}).with_columns(
        word=pl.col("n").hash(1) % 5000, x=pl.col("n").hash(2) % 40, y=pl.col("n").hash(3) % 30,
        first=pl.col("n").hash(4) % len(numbers) + numbers.start,
        second=pl.col("n").hash(5) % len(numbers) + numbers.start,
    )  # fmt: skip
    corners = {"x1": pl.col("x"), "y1": pl.col("y"), "x2": pl.col("x") + 37.5, "y2": pl.col("y") + 31.25}
    sized = made.with_columns(
        **{name: value.cast(pl.Float64) for name, value in corners.items()},
        width=pl.lit(SIZE[0]), height=pl.lit(SIZE[1]),
    ).with_columns(box=box_text("ratio"))  # fmt: skip
    pointing = pl.col("n") % 4 == 0
    several = (pl.col("n") % 10 == 9) & ~pointing
    ids = [pl.col(name).cast(pl.String).str.zfill(32) for name in ("first", "second")]
    thing = pl.format("thing {}", "word")
    options = pl.concat_list(*(pl.format("answer {}", pl.col("word") + step) for step in (0, 11, 222, 3333)))
    with_options = pl.col("n") % 3 < 2
    none = pl.lit([], pl.List(pl.String))
    told = sized.select(
        shard=pl.lit(shard),
        family=pl.when(pointing).then(pl.lit("qa_attribute")).otherwise(pl.lit("qa_object")),
        id=pl.concat_str(
            pl.col("n").hash(6).cast(pl.String).str.zfill(20), pl.col("n").cast(pl.String).str.zfill(12)
        ),
        generator=pl.when(pointing).then(pl.lit("AttributeBBox")).otherwise(pl.lit("MostObject")),
        template=pl.format("t{}", pl.col("n") % 20),
        image_ids=pl.when(several).then(pl.concat_list(*ids)).otherwise(pl.concat_list(ids[0])),
        question=pl.when(pointing)
        .then(pl.format("What attributes does the {} in the box {} have?", thing, "box"))
        .otherwise(pl.format("Which thing in the picture is the {} that one sees most often in such places?", thing)),
        answer=pl.format("answer {}", "word"),
        options=pl.when(with_options).then(options).otherwise(none),
        answer_index=pl.when(with_options).then(pl.lit(0)),
        metadata=pl.struct(
            objects=pl.concat_list(thing), attributes=none, relations=none, counts=pl.lit([], pl.List(pl.Int32))
        ),
        evidence=pl.struct(
            object_ids=pl.concat_list(pl.lit("0")), boxes=pl.concat_list(pl.struct("x1", "y1", "x2", "y2"))
        ),
    )  # fmt: skip
    return _typed(told, FILTERED_QA)


def _typed(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return frame.select(
        pl.col(n).cast(dtype) if n in frame.columns else pl.lit(None, dtype).alias(n) for n, dtype in schema.items()
    )


def prepare(folder: Path, rows: int, pictures: int) -> str:
    """Write pictures and tables."""
    write_pictures(folder / "pictures", pictures)
    store = Store(folder / "tables")
    store.create_all()
    shards = max(1, -(-rows // SHARD))
    each = -(-pictures // shards)
    for number in range(shards):
        shard = f"made-{number:05d}"
        numbers = range(number * each, min(pictures, (number + 1) * each))
        start = number * SHARD
        asked = questions_of(shard=shard, start=start, rows=min(SHARD, rows - start), numbers=numbers)
        store.write_partition("images", images_of(folder / "pictures", shard=shard, numbers=numbers), key=shard)
        store.write_partition("filtered_qa", asked, key=shard)
    return f"{rows:,} questions, {pictures:,} pictures"


def build(folder: Path) -> str:
    """Build the mix and store it."""
    store = Store(folder / "tables")
    rows = 0
    with store.partition_writer("mixes", key=RECIPE.name) as writer:
        for block in rebuilt_blocks(RECIPE, store=store, versions=source_versions(store)):
            writer.write(block)
            rows += len(block)
    return f"{rows:,} rows"


def export(folder: Path) -> str:
    """Write every format."""
    store = Store(folder / "tables")
    versions = source_versions(store) | {"mixes": store.version("mixes")}
    export_mix(
        store.scan("mixes", partitions=RECIPE.name), folder / "exports" / RECIPE.name, recipe=RECIPE,
        table_versions=versions, images=store.scan("images"),
    )  # fmt: skip
    files = [path for path in (folder / "exports").rglob("*") if path.is_file()]
    return f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e9:.2f} GB"


def verify(folder: Path) -> str:
    """Check what was exported."""
    found = verify_export(folder / "exports" / RECIPE.name, workers=READERS)
    if not found.passed:
        raise AssertionError(found)
    return f"{sum(file.rows or 0 for file in found.files):,} rows in {len(found.files)} files"


def card(folder: Path) -> str:
    """Write card and gallery."""
    files = write_exported_card(folder / "exports" / RECIPE.name, store=Store(folder / "tables"))
    return f"{sum(path.stat().st_size for path in files.values()) / 1e6:.1f} MB"


def again(folder: Path) -> str:
    """Build everything again and compare."""
    differences = verify_rebuild(folder / "exports" / RECIPE.name, store=Store(folder / "tables"))
    if differences:
        raise AssertionError(differences)
    return "every byte is the same"


def timed(step: Callable[..., str], *arguments: object) -> tuple[float, float, float, str]:
    """Run a step; seconds, processor seconds, GiB at most, and what it says."""
    began = time.perf_counter()
    told = step(*arguments)
    seconds = time.perf_counter() - began
    own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    worked = own.ru_utime + own.ru_stime + child.ru_utime + child.ru_stime
    return seconds, worked, (own.ru_maxrss + READERS * child.ru_maxrss) / 2**20, told


def alone(step: Callable[..., str], *arguments: object) -> tuple[float, float, float, str]:
    """Run a step in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(timed, step, *arguments).result()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--again", action="store_true", help="build everything again, and compare every byte")
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder, removed at the end")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="mixes-"))
    table = Table("step", "seconds", "CPU s", "rows/s", "GiB at most", "")
    figures: dict[str, dict[str, object]] = {}
    try:
        alone(prepare, folder, chosen.rows, chosen.pictures)
        for step in (build, export, verify, card, *([again] if chosen.again else [])):
            seconds, worked, peak, told = alone(step, folder)
            cpu = round(worked, 1)
            figures[step.__name__] = {"seconds": round(seconds, 1), "cpu": cpu, "gib": round(peak, 2), "told": told}
            table.add_row(
                step.__name__, f"{seconds:.1f}", f"{cpu}", f"{chosen.rows / seconds:,.0f}", f"{peak:.2f}", told
            )
    finally:
        if chosen.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    total, cpu = (
        sum(float(str(figures[name][what])) for name in ("build", "export", "verify")) for what in ("seconds", "cpu")
    )
    table.add_row("all three", f"{total:.1f}", f"{cpu:.1f}", f"{chosen.rows / total:,.0f}", "", "")
    console = Console()
    console.print(table)
    console.print(f"{chosen.rows:,} rows, {os.cpu_count()} cores, polars {pl.__version__}")
    if chosen.out:
        chosen.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
