"""Region-text similarity against open_clip alone: regions per second from files to table, and of bare `encode_image`.

    python benchmarks/region_text.py                                # ViT-B-32 at its real size, random weights
    python benchmarks/region_text.py --model ViT-L-14 --device cuda:0 --pictures 2000

Bare: `encode_image` on batches of regions that are prepared and, on a GPU, moved beforehand, with as many threads as
there are cores. Each scored run stands between two bare ones, and is compared with their mean: what else the machine
does meanwhile slows down both. On a processor the share of processor seconds says the same without the clock.
"""

import argparse
import shlex
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from bench_pictures import SIZE, images_of, make_pictures
from bench_report import Table, machine, show, write
from rich.console import Console

from provision_dagster.filters.region_text import TABLE, Scored, score_shards
from provision_dagster.filters.region_text_config import RegionTextConfig
from provision_dagster.filters.region_text_model import Regions, RegionTextModel
from provision_dagster.generators.schema import RAW_QA
from provision_dagster.scene_graphs.annotators.feeding import Work
from provision_dagster.scene_graphs.annotators.working import cores
from provision_dagster.storage.store import Store

SHARED = Path(__file__).resolve().parents[2] / "shared"
SHARD = "bench-00000"
PACKAGES = ("torch", "open_clip_torch", "torchvision", "pillow", "polars", "numpy")
COLORS = ("red", "blue", "green", "white", "black", "wooden", "large", "small")
SIDES = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class Run:
    """A scored run between two bare ones."""

    bare: float  # regions per second
    rate: float
    bare_processor: float  # processor seconds per region
    processor: float
    scored: Scored
    work: Work


def main() -> None:
    """Measure and print."""
    given = _parser().parse_args()
    console = Console(width=max(160, Console().width) if not sys.stdout.isatty() else None)
    with tempfile.TemporaryDirectory() as scratch:
        source = make_pictures(Path(scratch) / "pictures", photographs=given.photographs)
        about = machine(source, shlex.join(["python", "benchmarks/region_text.py", *sys.argv[1:]]), packages=PACKAGES)
        store = _store(Path(scratch), given.pictures, given.regions)
        config = _saved_model(given, Path(scratch) / given.model)
        model = RegionTextModel(config)
        model.load()
        _use_threads(given.threads)
        batches = _prepared(store, model)
        runs = [_run(store, config, model, batches) for _ in range(given.repeat + 1)][1:]
    table = _table(given, runs)
    show(console, table)
    if given.write:
        write(given.write, [table], about=about)


def _store(folder: Path, pictures: int, regions: int) -> Store:
    """A shard of pictures, each with so many boxes of different sizes and two questions per box."""
    rng = np.random.default_rng(7)
    files = images_of(folder / "pictures")
    images = pl.concat([files] * -(-pictures // files.height)).head(pictures)
    images = images.with_columns(
        shard=pl.lit(SHARD),
        image_key=pl.int_range(pl.len()).cast(pl.String),
        image_id=pl.format("i{}", pl.int_range(pl.len())),
        position=pl.int_range(pl.len(), dtype=pl.UInt32),
    )
    number = pictures * regions
    low = rng.uniform(0, 0.5, (number, 2)) * SIZE
    high = low + rng.uniform(0.15, 0.5, (number, 2)) * SIZE
    boxes = pl.DataFrame(np.hstack([low, high]), schema=list(SIDES)).select(pl.struct(SIDES)).to_series()
    rows = pl.DataFrame({"box": boxes, "picture": np.repeat(np.arange(pictures), regions)})
    asked = pl.concat([rows.with_columns(said=pl.int_range(pl.len()) % 4 + 4 * way) for way in range(2)])
    colors = pl.col("said").replace_strict(dict(enumerate(COLORS)))
    qa = asked.select(
        shard=pl.lit(SHARD),
        family=pl.lit("qa_attribute"),
        id=pl.format("{}", pl.int_range(pl.len())),
        generator=pl.lit("AttributeBBox"),
        image_ids=pl.concat_list(pl.format("i{}", "picture")),
        question=pl.lit("?"),
        answer=colors,
        metadata=pl.struct(
            objects=pl.concat_list(pl.lit("thing")),
            attributes=pl.concat_list(colors),
            relations=pl.lit([], dtype=pl.List(pl.String)),
            counts=pl.lit([], dtype=pl.List(pl.Int32)),
        ),
        evidence=pl.struct(object_ids=pl.concat_list(pl.lit("0")), boxes=pl.concat_list("box")),
    )
    whole = pl.concat([pl.DataFrame(schema=RAW_QA), qa], how="diagonal_relaxed").select(list(RAW_QA)).cast(RAW_QA)  # type: ignore[arg-type]
    store = Store(folder / "tables")
    store.create_all()
    store.write_partition("images", images, key=SHARD)
    store.write_partition("qa_attribute", whole, key=SHARD)
    return store


def _saved_model(given: argparse.Namespace, folder: Path) -> RegionTextConfig:
    """An open_clip model of its published size with random weights, as a file."""
    import open_clip
    import torch

    torch.manual_seed(3)
    folder.mkdir()
    torch.save(open_clip.create_model(given.model).state_dict(), folder / "weights.pt")
    return RegionTextConfig(
        model=given.model,
        pretrained=str(folder / "weights.pt"),
        device=given.device,
        dtype=given.dtype,
        batch=given.batch,
        min_side_px=0,
    )


def _prepared(store: Store, model: RegionTextModel) -> list[Any]:
    """All regions in the model's form, in batches on its device."""
    import torch

    from provision_dagster.image_sets.decode import open_image

    qa = store.scan("qa_attribute", partitions=SHARD).collect()
    first = qa.head(qa.height // 2)
    boxes = first.select(pl.col("evidence").struct.field("boxes").list.first()).unnest("boxes").to_numpy()
    pictures = first["image_ids"].list.first().to_list()
    uris = dict(store.scan("images", partitions=SHARD).select("image_id", "uri").collect().iter_rows())
    crops = [
        model.prepare(Regions(np.array(open_image(uris[picture], None)), box[None]))[0]
        for picture, box in zip(pictures, boxes, strict=True)
    ]
    return [part.to(model.config.device) for part in torch.cat(crops).split(model.config.batch)]


def _use_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _bare(model: RegionTextModel, batches: list[Any]) -> tuple[float, float]:
    """Encode batches that are ready; seconds by the clock and of the processor."""
    import torch

    start, spent = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        for batch in batches:
            model._network.encode_image(batch)
    if model.config.device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start, time.process_time() - spent


def _run(store: Store, config: RegionTextConfig, model: RegionTextModel, batches: list[Any]) -> Run:
    regions = sum(map(len, batches))
    before = _bare(model, batches)
    store.write_partition(TABLE, store.scan(TABLE, partitions=SHARD).collect().clear(), key=SHARD)
    model._texts.clear()
    spent = time.process_time()
    (scored,), work = score_shards([SHARD], config=config, store=store, model=model)
    processor = (time.process_time() - spent) / regions
    after = _bare(model, batches)
    assert (scored.regions, scored.failed) == (regions, 0)
    rate = regions / scored.seconds
    run = Run(2 * regions / (before[0] + after[0]), rate, (before[1] + after[1]) / 2 / regions, processor, scored, work)
    print(
        f"bare {regions / before[0]:.1f} and {regions / after[0]:.1f} /s, scored {rate:.1f} /s: {rate / run.bare:.1%}; "
        f"processor {run.bare_processor / processor:.1%}; "
        f"at the model {work.model_seconds:.1f} of {scored.seconds:.1f} s",
        flush=True,
    )
    return run


def _table(given: argparse.Namespace, runs: list[Run]) -> Table:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    shares = sorted(run.rate / run.bare for run in runs)
    share = median(shares)
    processor = median([run.bare_processor / run.processor for run in runs])
    at_model = median([run.work.model_seconds / run.scored.seconds for run in runs])
    row = [
        given.model, given.device,
        *(f"{number:,}" for number in (given.pictures, runs[0].scored.regions, runs[0].scored.questions)),
        f"{median([run.bare for run in runs]):,.1f}", f"{median([run.rate for run in runs]):,.1f}",
        f"{share:.0%} ({shares[0]:.0%} - {shares[-1]:.0%})", f"{processor:.0%}" if given.device == "cpu" else "",
        f"{at_model:.0%}", ">= 90 %", "met" if share >= 0.9 else "not met",
    ]  # fmt: skip
    columns = (
        "<model", "<device", "pictures", "regions", "questions", "bare regions /s", "scored regions /s", "share",
        "of processor seconds", "at the model", "<to reach", "<met",
    )  # fmt: skip
    notes = (
        "Bare: `encode_image` on batches prepared beforehand. Scored: from QA and picture files to committed scores. "
        f"Medians of {given.repeat} runs after one to warm up, each between two bare ones; with least and most. "
        "At the model: share of the time that its calls took, whatever else ran beside them.",
    )
    return Table("Region-text similarity", columns, notes, [row])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="ViT-B-32", help="name in open_clip")
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0, ...")
    parser.add_argument("--dtype", default="auto", help="auto, float32, bfloat16, float16")
    parser.add_argument("--batch", type=int, default=64, help="regions per call")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--regions", type=int, default=8, help="per picture")
    parser.add_argument("--threads", type=int, default=cores(), help="threads of torch; default: all cores")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each kind")
    parser.add_argument("--photographs", type=Path, default=SHARED / "data" / "coco" / "images", help="JPEG files")
    parser.add_argument("--write", type=Path, help="Markdown file whose sections are replaced")
    return parser


if __name__ == "__main__":
    main()
