"""Times the split of pictures and the proof that a mix keeps to it: python benchmarks/held_out.py [--pictures 1000000]

Pictures have random perceptual hashes, of which every tenth is one of another picture with a few bits turned; four
questions are about each, every tenth about two pictures.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from provision_dagster.generators.schema import FILTERED_QA
from provision_dagster.image_sets.schema import IMAGES
from provision_dagster.mixes.held_out.config import HeldOutConfig
from provision_dagster.mixes.held_out.disjoint import overlaps, pictures_of, rows_that_show
from provision_dagster.mixes.held_out.questions import held_out_questions, without_held_out
from provision_dagster.mixes.held_out.split import held_out_pictures

T = TypeVar("T")


def pictures(count: int, *, seed: int = 0) -> pl.DataFrame:
    """Make the table of pictures."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 2**64, count, dtype=np.uint64)
    alike = random.choice(count, count // 10, replace=False)
    turned = hashes[random.integers(0, count, len(alike))] ^ (
        np.uint64(5) << random.integers(0, 60, len(alike)).astype(np.uint64)
    )
    hashes[alike] = turned
    numbers = pl.Series("n", np.arange(count))
    frame = pl.DataFrame({"n": numbers, "hash": hashes})
    made = frame.select(
        shard=pl.format("set-{}", (pl.col("n") // 500).cast(pl.String).str.zfill(5)),
        image_set=pl.lit("set"),
        image_key=pl.col("n").cast(pl.String),
        image_id=pl.col("n").hash(1).cast(pl.String).str.zfill(32),
        sha256=pl.col("n").hash(2).cast(pl.String).str.zfill(64),
        phash=pl.Series([f"{value:016x}" for value in hashes.tolist()]),
        status=pl.lit("ok"),
    )
    missing = [pl.lit(None).alias(name) for name in IMAGES if name not in made.columns]
    return made.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in IMAGES.items())


def questions(images: pl.DataFrame, *, per_picture: int = 4, seed: int = 0) -> pl.DataFrame:
    """Make the table of questions, with the columns that count."""
    random = np.random.default_rng(seed)
    rows = images.height * per_picture
    first = images["image_id"].gather(np.arange(rows) // per_picture)
    second = images["image_id"].gather(random.integers(0, images.height, rows))
    several = pl.Series(np.arange(rows) % 10 == 0)
    frame = pl.DataFrame({"first": first, "second": second, "several": several, "n": np.arange(rows)})
    made = frame.select(
        shard=pl.lit("set-00000"),
        family=pl.lit("qa_attribute"),
        id=pl.col("n").hash(3).cast(pl.String).str.zfill(32),
        generator=pl.format("Generator{}", pl.col("n") % 39),
        image_ids=pl.when("several").then(pl.concat_list("first", "second")).otherwise(pl.concat_list("first")),
        question=pl.format("What color is thing {}?", "n"),
        answer=pl.lit("brown"),
    )
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in FILTERED_QA.items() if name not in made.columns]
    return made.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in FILTERED_QA.items())


def timed(what: str, work: Callable[[], T]) -> T:
    """Do some work and print how long it took, and the memory of the process so far."""
    begin = time.perf_counter()
    done = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{what:<40} {time.perf_counter() - begin:7.1f} s   peak {peak:5.2f} GiB", flush=True)
    return done


def main() -> None:
    """Make tables, split them, build what a mix would be, and prove it disjoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    count = parser.parse_args().pictures
    config = HeldOutConfig()
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("images.parquet", "qa.parquet")]
        made = pictures(count)
        made.write_parquet(places[0])
        questions(made).write_parquet(places[1], row_group_size=100_000)
        del made
        images, qa = (pl.scan_parquet(place) for place in places)
        timed("(tables made)", lambda: None)
        held = timed(f"split of {count:,} pictures", lambda: held_out_pictures(images, config=config))
        found = timed(f"sides of {4 * count:,} questions", lambda: held_out_questions(qa, pictures=held, config=config))
        mix = without_held_out(qa, pictures=held)
        shown = timed("pictures of the mix", lambda: pictures_of(mix, images=images))
        hits = timed("overlaps", lambda: overlaps(shown, pictures=held, max_distance=config.max_phash_distance))
        broken = rows_that_show(mix, hits=hits)
    sides = found.sides.select(pl.col(pl.UInt32).sum()).row(0, named=True)
    print(f"{held.height:,} pictures held out, {sides}, {broken.height} rules broken")


if __name__ == "__main__":
    main()
